"""Asking for one source of one project: which requests, and what their answers change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import Deployment
from exporter.domain.equity import EquityCurve
from exporter.errors import ApiError, Malformed
from exporter.polling.state import Instant, ProjectState, Reading, Source
from exporter.quantconnect.client import Client

EQUITY_CHART = "Strategy Equity"
EQUITY_SERIES = "Equity"
POINTS_PER_REQUEST = 1000
MOST_REQUESTS_FOR_HISTORY = 20

_OVERLAP = 3600.0
"""Seconds asked for again, because the latest candles are still being filled."""
_AHEAD = 60
"""Seconds asked for beyond our clock, in case the API's is ahead."""

Change = Callable[[ProjectState], ProjectState]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an answer changes; with ``error``, the part of it that did not come."""

    change: Change
    error: ApiError | None = None


def fetch(
    source: Source, client: Client, state: ProjectState, deployment: Deployment, clock: Clock
) -> Fetched:
    """Ask for one source of a running project; raises ApiError when nothing of it came."""
    return _FETCHERS[source](client, state, deployment, clock)


def read_clock(clock: Clock) -> Instant:
    """Return both clocks' readings now."""
    return Instant(clock.wall(), clock.monotonic())


def _portfolio(client: Client, state: ProjectState, _: Deployment, clock: Clock) -> Fetched:
    portfolio = client.live_portfolio(state.project_id)
    now = read_clock(clock)
    return Fetched(lambda previous: previous.with_portfolio(portfolio, now))


def _equity(client: Client, state: ProjectState, deployment: Deployment, clock: Clock) -> Fetched:
    launched = deployment.launched or 0.0
    curve = state.equity.value if state.equity else EquityCurve(launched)
    start = max(launched, curve.latest.time - _OVERLAP) if curve.latest else launched
    points = [point for page in _history(client, state.project_id, start, clock.wall()) for point in page]
    now = read_clock(clock)
    extended = curve.extended(points, now.wall)
    return Fetched(lambda previous: previous._replace(equity=Reading(extended, now)))


def _history(client: Client, project_id: int, start: float, now: float) -> Iterator[tuple[ChartPoint, ...]]:
    """Yield the equity points from ``start`` on, newest page first.

    How QuantConnect shortens a long history is not known; so a full page makes us ask for what came
    before its first point, until nothing is missing.
    """
    end = max(now, start) + _AHEAD
    for _ in range(MOST_REQUESTS_FOR_HISTORY):
        chart = client.live_chart(project_id, EQUITY_CHART, start, end, POINTS_PER_REQUEST, EQUITY_SERIES)
        points = chart.series[EQUITY_SERIES]
        yield points
        if len(points) < POINTS_PER_REQUEST or points[0].time - 1 <= start:
            return
        end = points[0].time - 1
    raise Malformed(
        f"chart.series: {EQUITY_SERIES!r} does not end within {MOST_REQUESTS_FOR_HISTORY} requests"
    )


def _statistics(client: Client, state: ProjectState, _: Deployment, clock: Clock) -> Fetched:
    statistics = client.live_statistics(state.project_id, state.settings.cardinality.runtime_statistics)
    now = read_clock(clock)
    return Fetched(lambda previous: previous._replace(statistics=Reading(statistics, now)))


def _charts(client: Client, state: ProjectState, deployment: Deployment, clock: Clock) -> Fetched:
    """Ask for each configured chart; one that fails costs only itself."""
    launched = deployment.launched or 0.0
    readings = {
        name: reading
        for name, reading in state.charts.items()
        if clock.monotonic() - reading.read_at.monotonic < state.settings.polling.stale_after
    }
    failure: ApiError | None = None
    for name in state.settings.charts:
        previous = readings[name].value if name in readings else {}
        start = max((point.time - _OVERLAP for point in previous.values()), default=launched)
        try:
            chart = client.live_chart(
                state.project_id, name, max(launched, start), clock.wall() + _AHEAD, POINTS_PER_REQUEST
            )
        except ApiError as error:
            failure = failure or error
        else:
            readings[name] = Reading(chart.latest(launched, previous), read_clock(clock))
    return Fetched(lambda previous: previous._replace(charts=readings), failure)


_FETCHERS: dict[Source, Callable[[Client, ProjectState, Deployment, Clock], Fetched]] = {
    Source.PORTFOLIO: _portfolio,
    Source.EQUITY: _equity,
    Source.STATISTICS: _statistics,
    Source.CHARTS: _charts,
}
