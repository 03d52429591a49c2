"""A clock that is set by hand, an exporter that is polled by hand, and its page as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter.config.model import Account, Config, NamedProject, Polling, ProjectSettings
from exporter.config.secret import Secret
from exporter.demo.scenario import Scenario, demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.metrics.exposition import Format
from exporter.quantconnect.client import Client
from exporter.service import Exporter, make_client_of

START = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC, a Monday."""

Labels = frozenset[tuple[str, str]]


@dataclass
class FakeClock:
    """Both clocks, moved by the test alone."""

    now: float = START
    elapsed: float = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.elapsed += seconds


@dataclass
class Samples:
    """The samples of a page, found by name and some of their labels."""

    by_series: Mapping[tuple[str, Labels], float]

    def all(self, name: str, **labels: str) -> list[float]:
        wanted = set(labels.items())
        return [value for (each, own), value in self.by_series.items() if each == name and wanted <= own]

    def one(self, name: str, **labels: str) -> float:
        values = self.all(name, **labels)
        assert len(values) == 1, f"{name} {labels}: {len(values)} samples"
        return values[0]

    def labels(self, name: str, **labels: str) -> list[dict[str, str]]:
        wanted = set(labels.items())
        return [dict(own) for each, own in self.by_series if each == name and wanted <= own]

    def names(self, **labels: str) -> set[str]:
        wanted = set(labels.items())
        return {each for each, own in self.by_series if wanted <= own}


def parse_page(page: str) -> Samples:
    """Read a page in the text format with Prometheus' own client, and fail when a series occurs twice."""
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"duplicate series {key}"
            found[key] = sample.value
    return Samples(found)


@cache
def _series(text: str) -> tuple[str, Labels]:
    """Return the name and the labels of a series."""
    (family,) = text_string_to_metric_families(f"{text} 0")
    (sample,) = family.samples
    return sample.name, frozenset(sample.labels.items())


def parse_quickly(page: str) -> Samples:
    """Read a page as ``parse_page`` does, each series once for all pages: some tests look at a hundred of them."""
    found: dict[tuple[str, Labels], float] = {}
    for line in page.split("\n"):
        if line and not line.startswith("#"):
            text, _, value = line.rpartition(" ")
            key = _series(text)
            assert key not in found, f"duplicate series {key}"
            found[key] = float(value)
    return Samples(found)


SETTINGS = ProjectSettings(polling=Polling(orders=None))
"""What is polled unless a test says otherwise: orders are nine tenths of what is sent."""

ABSENT_SAMPLE = "is not beside the repository"
"""Why a test that reads a genuine file is skipped: the files are not ours to publish."""

PAIR = ("US Equities/Long Short Momentum", "Coins")


@dataclass
class Bench:
    """An exporter on a simulated QuantConnect, with one clock for both, polled by the test's own thread."""

    api: SimulatedQuantConnect
    clock: FakeClock
    config: Config
    exporter: Exporter = field(init=False)

    def __post_init__(self) -> None:
        self.exporter = Exporter(self.config, self.clock)
        self._connect()

    def reconfigure(self, config: Config) -> None:
        self.close()
        self.exporter.reconfigure(config)
        self._connect()

    def _connect(self) -> None:
        self._clients = [
            make_client_of(
                workers.poller.account,
                self.config.defaults.polling.timeout,
                self.clock,
                workers.log,
                lambda: None,
            )
            for workers in self.exporter.poller.accounts
        ]

    def client(self) -> Client:
        return self._clients[0]

    def poll(self) -> None:
        """Run everything that is due."""
        for workers, client in zip(self.exporter.poller.accounts, self._clients, strict=True):
            while workers.poller.poll_once(client):
                pass

    def advance(self, seconds: float, step: float | None = None) -> None:
        """Let time pass and run what falls due, at its end or every ``step`` seconds."""
        left = seconds
        while left > 0:
            self.clock.advance(min(left, step or seconds))
            left -= step or seconds
            self.poll()

    def page(self, page_format: Format = Format.TEXT) -> str:
        return bytes(self.exporter.page.plain(page_format)).decode()

    def samples(self) -> Samples:
        return parse_quickly(self.page())

    def close(self) -> None:
        for client in self._clients:
            client.close()


@cache
def _past(start: float) -> Scenario:
    """Return the simulated accounts with all that happened before a start: half a second's arithmetic."""
    scenario = demo_scenario(start)
    for project in scenario.projects.values():
        project.state(start)
    return scenario


def scenario_at(start: float) -> Scenario:
    """Return the simulated accounts as they are at a start, with the past worked out once for all tests."""
    scenario = demo_scenario(start)
    for project_id, before in _past(start).projects.items():
        project = scenario.projects[project_id]
        project._candles.update({deploy_id: dict(each) for deploy_id, each in before._candles.items()})
        for run, past in zip(project.deployments, before.deployments, strict=True):
            run.orders._orders[:] = past.orders._orders
            run.ledger._events[:] = past.ledger._events
            run.ledger._books[:] = past.ledger._books
            run._plans.update(past._plans)
    return scenario


def project_named(api: SimulatedQuantConnect, name: str) -> int:
    """Return the id of the simulated project with a name."""
    return next(project_id for project_id, project in api.projects.items() if project.name == name)


def config_of(
    api: SimulatedQuantConnect,
    settings: ProjectSettings | None = None,
    *,
    named: Mapping[int, ProjectSettings] | None = None,
    discover: bool = True,
    **account: Any,
) -> Config:
    """Return a configuration for all accounts of a simulated QuantConnect."""
    return Config(
        accounts=tuple(
            replace(
                Account(each.name, each.user_id, Secret(each.api_token), api.base_url),
                **{"requests_per_minute": 6000, "discover": discover, **account},
            )
            for each in api.accounts
        ),
        projects=tuple(
            NamedProject(project_id, api.projects[project_id].account, each)
            for project_id, each in (named or {}).items()
        ),
        defaults=settings or SETTINGS,
    )


def pair_of(api: SimulatedQuantConnect, settings: ProjectSettings | None = None, **account: Any) -> Config:
    """Return a configuration for two projects of one account, one with stocks and one with crypto."""
    named = dict.fromkeys([project_named(api, name) for name in PAIR], settings or SETTINGS)
    return config_of(api, settings, named=named, discover=False, **account)
