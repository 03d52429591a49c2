"""Reloading a running exporter: by signal and by request, all or nothing."""

import re
import signal

import pytest
import requests

from exporter.clock import SystemClock
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.programs import exporter_process, wait_until, write_config
from tests.support import parse_page, project_named

POLLING = {
    "status": "1s",
    "portfolio": "1s",
    "equity": "1s",
    "statistics": "1s",
    "charts": "1s",
    "stale_after": "60s",
}

KEPT = "CFD Indices"
"""The project of the second account that every configuration names."""


@pytest.fixture(scope="module")
def api():
    """A simulated QuantConnect on the real clock."""
    clock = SystemClock()
    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock) as simulated:
        yield simulated


@pytest.fixture
def running(api, tmp_path):
    """An exporter process with two named projects, and how to write its configuration anew."""
    path = tmp_path / "config.yml"

    def configure(*names: str, **sections: object) -> None:
        names = (*names, KEPT)
        projects = [
            {"id": project_named(api, name), "account": api.projects[project_named(api, name)].account}
            for name in names
        ]
        write_config(path, api, polling=POLLING, projects=projects, **sections)

    configure("Coins", "FX Carry")
    log = tmp_path / "exporter.log"
    with exporter_process(f"--config.file={path}", "--web.enable-lifecycle", log=log) as exporter:
        yield exporter, configure, path, log


def shown(exporter) -> set[str]:
    projects = {each["project"] for each in parse_page(exporter.page()).labels("quantconnect_equity")}
    assert KEPT in projects
    return projects - {KEPT}


def test_hangup_takes_the_new_configuration(running):
    """After SIGHUP the project that was taken out is gone, the new one comes, and the kept one never left."""
    exporter, configure, _, log = running
    assert shown(exporter) == {"Coins", "FX Carry"}
    configure("FX Carry", "Single Stock")
    exporter.process.send_signal(signal.SIGHUP)
    seen = []

    def complete() -> bool:
        seen.append(shown(exporter))
        return seen[-1] == {"FX Carry", "Single Stock"}

    wait_until(complete)
    assert all("FX Carry" in each for each in seen)
    assert "configuration reloaded" in log.read_text()


def test_request_takes_the_new_configuration(running):
    """POST and PUT reload like the signal, and answer when the new configuration is in force."""
    exporter, configure, _, _ = running
    configure("Coins")
    for method in ("POST", "PUT"):
        answer = requests.request(method, f"{exporter.url}/-/reload", timeout=5)
        assert (answer.status_code, answer.text) == (200, "configuration reloaded\n")
    assert shown(exporter) == {"Coins"}
    assert requests.get(f"{exporter.url}/-/reload", timeout=5).status_code == 405


def test_bad_configuration_changes_nothing(running):
    """A broken file is answered with 500 and every problem; values, projects and polling go on as before."""
    exporter, _, path, log = running
    path.write_text(path.read_text().replace("portfolio: 1s", "portfolio: often").replace("id: ", "idd: ", 1))
    answer = requests.post(f"{exporter.url}/-/reload", timeout=5)
    page = parse_page(exporter.page())

    assert answer.status_code == 500
    assert len(answer.text.splitlines()) >= 2
    assert all(re.match(rf"{re.escape(str(path))}:\d+: ", line) for line in answer.text.splitlines())
    assert page.one("quantconnect_exporter_config_last_reload_successful") == 0
    assert shown(exporter) == {"Coins", "FX Carry"}
    polls = sum(page.all("quantconnect_polls_total"))
    wait_until(lambda: sum(parse_page(exporter.page()).all("quantconnect_polls_total")) > polls)
    assert log.read_text().count("configuration refused") == len(answer.text.splitlines())


def test_new_token_is_masked_after_a_reload(running, api):
    """A token that came with a reload is as secret as the first: the log holds neither."""
    exporter, _, path, log = running
    path.write_text(path.read_text().replace(api.accounts[0].api_token, "another-token-of-the-account"))
    assert requests.post(f"{exporter.url}/-/reload", timeout=5).ok
    wait_until(lambda: 0 in parse_page(exporter.page()).all("quantconnect_up"), what="the refusal")

    assert "another-token" not in log.read_text() + exporter.page()
    assert api.accounts[0].api_token not in log.read_text()


def test_reload_by_request_is_off_by_default(api, tmp_path):
    """Without the flag there is no such page."""
    path = write_config(tmp_path / "config.yml", api, polling=POLLING)
    with exporter_process(f"--config.file={path}", log=tmp_path / "exporter.log") as exporter:
        assert requests.post(f"{exporter.url}/-/reload", timeout=5).status_code == 404
