"""Clocks that stand still until moved, a simulator on loopback, a client that signs, and a desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from exporter.demo.activity import Desk
from exporter.demo.api import SimulatedAccount
from exporter.demo.ledger import Ledger
from exporter.demo.market import Market, Quotes
from exporter.demo.orders import OrderLog
from exporter.demo.scenario import demo_scenario
from exporter.demo.securities import CONVERSIONS
from exporter.demo.server import SimulatedQuantConnect, sign
from tests.demo.world import START


@dataclass
class HandClock:
    time: float = START

    def wall(self) -> float:
        """Return the time set by hand."""
        return self.time

    def monotonic(self) -> float:
        """Return the same time."""
        return self.time


@dataclass
class Client:
    api: SimulatedQuantConnect
    clock: HandClock
    session: requests.Session

    def account_of(self, project_id: int) -> SimulatedAccount:
        """Return the account a project belongs to."""
        name = self.api.projects[project_id].account
        return next(account for account in self.api.accounts if account.name == name)

    def post(
        self, endpoint: str, account: SimulatedAccount | None = None, timeout: float = 5, **parameters: Any
    ) -> requests.Response:
        """Send a request, signed by the account of its project or else the first."""
        if account is None:
            project_id = parameters.get("projectId")
            account = self.account_of(project_id) if project_id in self.api.projects else self.api.accounts[0]
        return self.session.post(
            self.api.base_url + endpoint,
            json=parameters,
            headers=sign(account, int(self.clock.time)),
            timeout=timeout,
        )

    def ask(
        self, endpoint: str, account: SimulatedAccount | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Return the body of an answer that came with HTTP 200."""
        response = self.post(endpoint, account, **parameters)
        assert response.status_code == 200
        body: dict[str, Any] = response.json()
        return body

    def chart(self, project_id: int, name: str = "Strategy Equity", count: int = 10_000) -> dict[str, Any]:
        """Return the series of a chart, all its points by default."""
        body = self.ask(
            "live/chart/read", projectId=project_id, name=name, count=count, start=0, end=4_000_000_000
        )
        assert body["success"], body
        series: dict[str, Any] = body["chart"]["series"]
        return series


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def api(clock: HandClock) -> Iterator[SimulatedQuantConnect]:
    with SimulatedQuantConnect(demo_scenario(START), clock=clock) as simulator:
        yield simulator


@pytest.fixture
def client(api: SimulatedQuantConnect, clock: HandClock) -> Iterator[Client]:
    with requests.Session() as session:
        session.trust_env = False
        yield Client(api, clock, session)


@pytest.fixture
def ids(api: SimulatedQuantConnect) -> dict[str, int]:
    return {project.name: project.project_id for project in api.projects.values()}


@pytest.fixture
def desk() -> Desk:
    """What places orders for a deployment of nothing but $100,000."""
    return Desk(Ledger({"USD": 100_000.0}, "USD"), OrderLog(), Quotes(Market(7, CONVERSIONS)))
