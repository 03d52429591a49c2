"""Fixtures that all tests share."""

import gc
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from exporter.config.model import Config
from exporter.config.shard import Shard
from exporter.demo.server import SimulatedQuantConnect
from exporter.process import collect_garbage_rarely
from exporter.signals import Signals
from tests.support import ABSENT_SAMPLE, Bench, FakeClock, config_of, pair_of, scenario_at

_CHANGES_RESULTS = re.compile(
    r"QUANTCONNECT_.*|PYTHON(?!PATH$).*|(HTTPS?|ALL|NO)_PROXY|(REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_.*|NO_COLOR"
)

# Tests and the processes they start begin alike, whoever runs them.
for _name in [name for name in os.environ if _CHANGES_RESULTS.fullmatch(name.upper())]:
    del os.environ[_name]
os.umask(0o022)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("everyday", max_examples=40, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("everyday")

LONGEST_FIRST = (
    "deploy/test_rules.py",
    "deploy/test_end_to_end.py",
    "test_prometheus.py",
    "test_orders_end_to_end.py",
    "packaging/test_compose.py",
    "grafana/test_live.py",
    "packaging/test_chart.py",
    "web/test_prometheus_over_tls.py",
    "packaging/test_distributions.py",
    "test_faults.py",
)
"""Files that take long, most of them waiting for other programs: begun last, they would run alone."""


NEEDED = {
    "deploy": "promql_parser",
    "grafana": "promql_parser",
    "packaging": "check_jsonschema",
    "test_docs.py": "promql_parser",
    "test_orders_end_to_end.py": "promql_parser",
    "web/test_browser.py": "selenium",
}
"""Tests that need what the extra ``unit`` leaves out."""

collect_ignore = [name for name, library in NEEDED.items() if find_spec(library) is None]


def pytest_report_header() -> list[str]:
    """Say which tests are left out."""
    left_out = [f"tests/{name} (needs {NEEDED[name]})" for name in collect_ignore]
    return [f"left out: {', '.join(left_out)}"] if left_out else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave the others in their order."""
    folder = Path(__file__).parent
    place = {folder / name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """Search for garbage as rarely as the command does, and not in what collecting made: all of that stays."""
    gc.collect()
    collect_garbage_rarely()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites what is generated from the table of families."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write tests/golden/metrics.txt and the tables of docs/metrics.md anew",
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[SimulatedQuantConnect]:
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock) as simulated:
        yield simulated


@pytest.fixture
def make_bench(api: SimulatedQuantConnect, clock: FakeClock) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(config: Config | None = None, shard: Shard | None = None) -> Bench:
        made.append(Bench(api, clock, (shard or Shard()).apply(config or config_of(api))))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """An exporter that has polled everything once."""
    made = make_bench()
    made.poll()
    return made


@pytest.fixture
def pair(make_bench: Callable[..., Bench], api: SimulatedQuantConnect) -> Bench:
    """An exporter that has polled two projects of one account once: quicker than all of both accounts."""
    made = make_bench(pair_of(api))
    made.poll()
    return made


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Signals taken as the process does, and afterwards as before."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield Signals()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _find_program(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """Return the path of a program, or skip the test without it."""
    return _find_program


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let no test be skipped in CI but for an absent sample: what it would have shown would be missing without a word.

    A new machine can install every program, but not the genuine files.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    missed = [*collect_ignore, *(each for each in skipped if ABSENT_SAMPLE not in str(each.longrepr))]
    if os.environ.get("CI") and missed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
