"""Minutes or hours of faults, reloads and scrapes: ``pytest -m soak``, as long as SOAK_SECONDS says.

Every name is new at each poll, and so are the symbols of one project. Every page must parse; every
equity on it must be one that the simulated account held within ``stale_after``; after a third of the
time memory and open files must stay flat.
"""

import os
import random
import signal
import statistics
import threading
from collections.abc import Sequence

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.programs import exporter_process, write_config
from tests.support import parse_page
from tests.web.attackers import memory_mib, open_files

SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
RELOAD_EVERY = 5
SNAPSHOT_SECONDS = 5
STALE_AFTER = 15
MOST_GROWTH_MIB = 8
MOST_MORE_FILES = 6
NEW_SYMBOLS = 100
TURNING_OVER = "Single Stock"
"""The project whose symbols are new at each poll."""

POLLING = {
    "status": "1s",
    "portfolio": "1s",
    "equity": "1s",
    "statistics": "2s",
    "charts": "2s",
    "timeout": "1s",
    "stale_after": f"{STALE_AFTER}s",
}
ENDPOINTS = ("live/list", "live/read", "live/portfolio/read", "live/chart/read", "projects/read")
TROUBLE = (
    {"status": 500},
    {"status": 502, "body": b"<html>bad gateway</html>"},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"body": b'{"success": true, "portf'},
    {"body": {"success": True}},
    {"body": {"success": False, "errors": ["Invalid argument"]}},
    {"effect": "reset"},
    {"effect": "reset_midway"},
    {"effect": "stall"},
    {"effect": "drip"},
    {"delay": 0.5},
)


def held(api: SimulatedQuantConnect, project_id: int, now: float) -> set[float]:
    """Return every equity the account held, as the API rounds it, that a page may still show at ``now``."""
    newest = now // SNAPSHOT_SECONDS * SNAPSHOT_SECONDS
    ages = range(0, STALE_AFTER + 2 * SNAPSHOT_SECONDS, SNAPSHOT_SECONDS)
    states = (api.projects[project_id].state(newest - age) for age in ages)
    return {round(state.shown_equity, 4) for state in states}


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_soak(tmp_path, capsys):
    """Through faults, new names and symbols and a reload every five seconds, no page shows what was not so."""
    clock, chance = SystemClock(), random.Random(7)  # noqa: S311 - a seed, not a secret
    pause = threading.Event()
    counted = {"scrapes": 0, "equities": 0, "reloads": 0, "faults": 0}
    memory: list[float] = []
    files: list[int] = []
    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock, snapshot_seconds=SNAPSHOT_SECONDS) as api:
        config = write_config(tmp_path / "config.yml", api, polling=POLLING)
        with exporter_process(f"--config.file={config}", log=tmp_path / "exporter.log") as exporter:
            pid = exporter.process.pid
            started = clock.monotonic()
            turned_over = None
            while (elapsed := clock.monotonic() - started) < SECONDS:
                _cause_trouble(api, chance)
                counted["faults"] += 1
                turned_over = _rename_everything(api, counted["scrapes"], turned_over)
                if int(elapsed) // RELOAD_EVERY > counted["reloads"]:
                    exporter.process.send_signal(signal.SIGHUP)
                    counted["reloads"] += 1
                counted["equities"] += _check_page(api, exporter.url, clock)
                counted["scrapes"] += 1
                if elapsed > SECONDS / 3:
                    memory.append(memory_mib(pid))
                    files.append(open_files(pid))
                pause.wait(max(0.0, counted["scrapes"] - elapsed))
            assert exporter.process.poll() is None
    (early, late), (files_early, files_late) = _early_and_late(memory), _early_and_late(files)
    with capsys.disabled():
        print(  # noqa: T201 - its figures are what a soak is for
            f"\nsoak: {SECONDS} s, {counted}, after a third of them memory {early:.1f} -> {late:.1f} MiB "
            f"(most {max(memory):.1f}), open files {files_early:.0f} -> {files_late:.0f} (most {max(files)})"
        )
    assert counted["equities"] > SECONDS
    assert late < early + MOST_GROWTH_MIB
    assert files_late < files_early + MOST_MORE_FILES
    assert "an error in the exporter" not in (tmp_path / "exporter.log").read_text()


def _early_and_late(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last fifth."""
    part = len(values) // 5
    return statistics.median(values[:part]), statistics.median(values[-part:])


def _rename_everything(api: SimulatedQuantConnect, number: int, before: int | None) -> int:
    """Give every project a new name and one of them new symbols, until the next time; return what to end then."""
    for project in api.projects.values():
        project.rename(f"{project.name.partition(' no. ')[0]} no. {number}")
    if before is not None:
        api.faults.remove(before)
    holdings = {
        f"S{number}X{each} 2T": {"a": 1, "q": 1, "p": 5, "v": 5, "u": 4} for each in range(NEW_SYMBOLS)
    }
    body = {"success": True, "portfolio": {"holdings": holdings, "cash": []}}
    turning_over = next(each for each in api.projects.values() if each.name.startswith(TURNING_OVER))
    return api.faults.add(
        Fault(endpoint="live/portfolio/read", project_id=turning_over.project_id, body=body)
    )


def _cause_trouble(api: SimulatedQuantConnect, chance: random.Random) -> None:
    project_id = chance.choice([None, *api.projects])
    trouble = chance.choice(TROUBLE)
    api.faults.add(
        Fault(endpoint=chance.choice(ENDPOINTS), project_id=project_id, times=chance.randint(1, 3), **trouble)
    )


def _check_page(api: SimulatedQuantConnect, url: str, clock: SystemClock) -> int:
    """Check one page, and return how many equities were on it."""
    text = requests.get(f"{url}/metrics", timeout=5).text
    now = clock.wall()
    headers = {"Accept": "application/openmetrics-text"}
    assert list(parse_openmetrics(requests.get(f"{url}/metrics", headers=headers, timeout=5).text))
    page = parse_page(text)
    labels = page.labels("quantconnect_equity")
    for each in labels:
        project_id = int(each["project_id"])
        shown = page.one("quantconnect_equity", project_id=each["project_id"])
        assert round(shown, 4) in held(api, project_id, now), each
    return len(labels)
