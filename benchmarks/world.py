"""Projects to measure with: their states, how they change, and the API's answers about them."""

from collections.abc import Iterator
from typing import Any

from exporter.config.model import ProjectSettings
from exporter.demo import wire
from exporter.demo.phpjson import encode
from exporter.demo.scenario import demo_scenario
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment, ServerStatistics, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.polling.state import Instant, ProjectState, Reading, Source, new_project
from exporter.polling.store import Store
from exporter.quantconnect.wire.portfolio import decode

FIRST_PROJECT = 20_000_000
USER_ID = 100_001
TOKEN = "benchmark-token-opens-nothing"  # noqa: S105
LAUNCHED = 1_790_000_000.0

_SOURCES = (Source.STATUS, Source.PORTFOLIO, Source.EQUITY, Source.STATISTICS)
_PRICE = 101.5
_PRICES = 100


def project_ids(projects: int) -> range:
    """Return the ids of that many projects."""
    return range(FIRST_PROJECT, FIRST_PROJECT + projects)


def states(projects: int, holdings: int, now: Instant) -> Iterator[ProjectState]:
    """Yield running projects of which every source has been read once."""
    intervals = dict.fromkeys(Source, 60.0)
    for project_id in project_ids(projects):
        state = new_project(project_id, "main", ProjectSettings(name=f"Strategy {project_id}"))
        deployment = Deployment(
            f"L-{project_id:032x}", AlgorithmStatus.RUNNING, LAUNCHED, brokerage="PaperBrokerage"
        )
        state = state.with_deployment(deployment, now)
        state = state.with_portfolio(portfolio(holdings, project_id), now)
        points = [ChartPoint(LAUNCHED + 600 * step, 100_000.0 + step, 100_001.0 + step) for step in range(3)]
        statistics = Statistics(
            1234.5, 67.8, 1e6, 0.1, 0.9, (("Exposure", 0.5),), 0, ServerStatistics(0.1, 4e8, 1e9, 1e5)
        )
        state = state._replace(
            equity=Reading(EquityCurve(LAUNCHED).extended(points, now.wall), now),
            statistics=Reading(statistics, now),
        )
        for source in _SOURCES:
            state = state.with_success(source, now)
        yield state.with_intervals(intervals)


def portfolio(holdings: int, seed: int) -> Portfolio:
    """Return a portfolio whose prices differ from seed to seed."""
    move = seed % _PRICES / 8
    return Portfolio(
        tuple(_holding(number, _PRICE + move + number / 7) for number in range(holdings)),
        (CashBalance("USD", 12_345.5 + move, 1.0, 12_345.5 + move),),
    )


def _holding(number: int, price: float) -> Holding:
    security = decode(f"T{number} R735QTJ8XC9X")
    quantity = float(number + 1)
    value, profit = round(quantity * price, 2), round(quantity * (price - _PRICE), 2)
    return Holding(security, quantity, _PRICE, price, 1.0, value, profit)


def move_prices(store: Store[Any], project_id: int, read: Portfolio, now: Instant) -> None:
    """Publish what one poll of a portfolio changes."""
    store.update(
        project_id, lambda known: known.with_portfolio(read, now).with_success(Source.PORTFOLIO, now)
    )


class Answers:
    """The bodies of a simulated QuantConnect for any number of like projects, encoded once."""

    def __init__(self, projects: int, holdings: int, now: float) -> None:
        scenario = demo_scenario(now)
        project = next(each for each in scenario.projects.values() if each.account == "main")
        state = project.state(now)
        run = project.deployment(now)
        if run is None:
            raise LookupError("the simulated project has no deployment")
        row = {**wire.live_row(project, run, now), "status": "Running", "stopped": None}
        named = wire.project_row(project, now)
        self.listing = _success(
            live=[
                {**row, "projectId": project_id, "deployId": f"L-{project_id:032x}"}
                for project_id in project_ids(projects)
            ]
        )
        self.names = _success(
            projects=[
                {**named, "projectId": project_id, "name": f"Strategy {project_id}"}
                for project_id in project_ids(projects)
            ]
        )
        self.status = _success(**wire.live_read(state, project))
        cash = wire.portfolio(state, project)["cash"]
        self.portfolios = tuple(
            _success(portfolio={"holdings": _wire_holdings(holdings, seed), "cash": cash})
            for seed in range(8)
        )
        values = [[int(now) - 600 * step, 1e5, 1e5 + step, 1e5 - step, 1e5 + step / 2] for step in range(40)]
        self.chart = _success(
            chart={
                "name": "Strategy Equity",
                "series": {"Equity": {"name": "Equity", "unit": "$", "values": values[::-1]}},
            }
        )


def _wire_holdings(holdings: int, seed: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for number in range(holdings):
        held = _holding(number, round(_PRICE + seed / 8 + number / 7, 2))
        found[held.security.symbol_id] = {
            "a": _PRICE,
            "q": held.quantity or 0.0,
            "p": held.market_price or 0.0,
            "v": held.market_value or 0.0,
            "u": held.unrealized_pnl or 0.0,
            "up": 1.25,
        }
    return found


def _success(**members: Any) -> bytes:
    return encode({**members, "success": True}).encode()
