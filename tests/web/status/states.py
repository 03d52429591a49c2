"""States of projects and accounts for the tests of the status page."""

from exporter.config.model import Polling, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment, ServerStatistics, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.errors import Reason
from exporter.polling.state import Instant, ProjectState, Reading, Source, SourceHealth, new_project
from exporter.web.status.problems import AccountStatus

NOW = Instant(wall=1_790_000_000.0, monotonic=50.0)
SETTINGS = ProjectSettings(polling=Polling(stale_after=100))


def running(
    project_id: int = 7, name: str = "Momentum", equity: float = 75_000.0, now: float = NOW.wall, **settings
) -> ProjectState:
    """Return a project that runs and was read: equity 75,000 after a peak of 100,000, 1,234.50 in cash."""
    points = (ChartPoint(1.0, 100_000.0, 100_000.0), ChartPoint(2.0, equity, equity))
    curve = EquityCurve(0.0).extended(points, now)
    state = (
        new_project(project_id, "main", ProjectSettings(polling=SETTINGS.polling, **settings))
        .with_name(name)
        .with_deployment(Deployment("L-1", AlgorithmStatus.RUNNING, 0.0, brokerage="PaperBrokerage"), NOW)
        .with_portfolio(Portfolio(cash=(CashBalance("USD", 1234.5, 1.0, 1234.5),)), NOW)
    )
    for source in (Source.STATUS, Source.PORTFOLIO, Source.EQUITY):
        state = state.with_success(source, NOW)
    return state._replace(equity=Reading(curve, NOW))


def holding(market_value: float | None, unrealized: float | None = 0.0) -> Holding:
    security = Security("SPY R735QTJ8XC9X", "SPY", SecurityType.EQUITY, "usa")
    return Holding(security, 1.0, 1.0, 1.0, 1.0, market_value, unrealized)


def with_memory(state: ProjectState, used: float, whole: float) -> ProjectState:
    server = ServerStatistics(memory_used_bytes=used, memory_total_bytes=whole)
    return state._replace(statistics=Reading(Statistics(server=server), NOW))


def ended(
    state: ProjectState, status: AlgorithmStatus, stopped: float | None = NOW.wall - 60
) -> ProjectState:
    return state.with_deployment(Deployment("L-1", status, 0.0, stopped), NOW)


def failing(state: ProjectState, source: Source, reason: Reason = Reason.TIMEOUT) -> ProjectState:
    return state.with_failure(source, reason)


LISTINGS = {
    "signed in": (SourceHealth(up=True, last_success=NOW.wall - 5), None),
    "signing in": (SourceHealth(), None),
    "refused": (SourceHealth(up=True, last_success=NOW.wall - 3600), NOW.wall - 1680),
    "rate limited": (
        SourceHealth(up=False, last_success=NOW.wall - 600, last_failure=Reason.RATE_LIMITED),
        None,
    ),
    "unreachable": (
        SourceHealth(up=False, last_success=NOW.wall - 600, last_failure=Reason.UNAVAILABLE),
        None,
    ),
}


def account(state: str = "signed in", name: str = "main") -> AccountStatus:
    listing, refused_since = LISTINGS[state]
    return AccountStatus(name, listing, refused_since, 12, 30)
