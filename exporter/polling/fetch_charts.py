"""Asking for charts: the equity with its history, and the configured ones."""

from collections.abc import Mapping

from exporter.domain.chart import Chart
from exporter.domain.equity import EquityCurve, midnight_before
from exporter.domain.gaps import Gap
from exporter.errors import ApiError, NotReady
from exporter.polling.fetched import Change, Fetched, Poll
from exporter.polling.state import Instant, ProjectState, Reading, Source

EQUITY_CHART = "Strategy Equity"
EQUITY_SERIES = "Equity"
POINTS_PER_REQUEST = 1000

_OVERLAP = 3600.0
"""Seconds asked for again, because the latest points are still being filled."""
_AHEAD = 60.0
"""Seconds asked for beyond our clock, in case the API's is ahead."""
_SHORTEST_SPAN = 10.0
"""Shortest time between start and end, in seconds: QuantConnect may refuse a shorter one."""
_LOADING_PATIENCE = 600.0
"""Seconds for which a chart that is loading is asked for with the same start and end."""


def fetch_equity(poll: Poll) -> Fetched:
    """Ask for the newest equity points, and for what is still missing of the history.

    How QuantConnect shortens an answer is not known, so each page only speaks for the time between
    its first and its last point, and the rest is asked for until a page adds nothing. What has come
    is kept when a later page fails.
    """
    launched = _launch_of(poll)
    curve = _curve_so_far(poll, launched)
    asked: Gap | None = _loading(poll, EQUITY_CHART) or curve.window(poll.now.wall + _AHEAD)
    read_at: Instant | None = None
    failure: ApiError | None = None
    requests = 0
    while asked is not None and requests < poll.most_requests:
        requests += 1
        try:
            points = _read(poll, EQUITY_CHART, asked, EQUITY_SERIES).series[EQUITY_SERIES]
        except NotReady as error:
            if read_at is None:
                return Fetched(_with_loading({EQUITY_CHART: asked}), error)
            failure = error
            break
        except ApiError as error:
            if read_at is None:
                raise
            failure = error
            break
        read_at = read_at or poll.now
        curve = curve.extended(points, read_at.wall, asked)
        asked = curve.missing(read_at.wall)
    reading = Reading(curve, read_at or poll.now)
    return Fetched(
        lambda previous: previous.without_loading(EQUITY_CHART)._replace(equity=reading),
        failure,
        next_cost=requests if curve.gaps else 1,
    )


def fetch_charts(poll: Poll) -> Fetched:
    """Ask for each configured chart; one that fails costs only itself."""
    launched = _launch_of(poll)
    shown_for = poll.state.shown_for(Source.CHARTS)
    readings = {
        name: reading
        for name, reading in poll.state.charts.items()
        if poll.now.monotonic - reading.read_at.monotonic < shown_for
    }
    failure: ApiError | None = None
    loading: dict[str, Gap] = {}
    for name in poll.state.settings.charts:
        previous = readings[name].value if name in readings else {}
        start = max((point.time - _OVERLAP for point in previous.values()), default=launched)
        asked = _loading(poll, name) or Gap(max(launched, start), poll.now.wall + _AHEAD)
        try:
            chart = _read(poll, name, asked)
        except ApiError as error:
            failure = failure or error
            if isinstance(error, NotReady):
                loading[name] = asked
        else:
            readings[name] = Reading(chart.latest(launched, previous), poll.now)

    def change(previous: ProjectState) -> ProjectState:
        answered = previous.without_loading(*poll.state.settings.charts)
        return _with_loading(loading)(answered)._replace(charts=readings)

    return Fetched(change, failure)


def _launch_of(poll: Poll) -> float:
    """Return when the deployment was launched: without that, a point may be of an earlier one."""
    if poll.deployment.launched is None:
        raise NotReady("the launch of the deployment is not known yet")
    return poll.deployment.launched


def _curve_so_far(poll: Poll, launched: float) -> EquityCurve:
    """Return the curve as last read; a new one for another launch or peak, or when the clock has gone back a day.

    A curve forgets what opened the day before, which a clock that goes back across midnight asks for.
    """
    begun = EquityCurve(launched, poll.state.settings.peak_since)
    if poll.state.equity is None:
        return begun
    curve, read_at = poll.state.equity
    is_of_another = (curve.launched, curve.peak_since) != (begun.launched, begun.peak_since)
    has_gone_back = midnight_before(poll.now.wall) < midnight_before(read_at.wall)
    return begun if is_of_another or has_gone_back else curve


def _read(poll: Poll, name: str, asked: Gap, only: str | None = None) -> Chart:
    end = max(asked.end, asked.start + _SHORTEST_SPAN)
    return poll.client.live_chart(poll.state.project_id, name, asked.start, end, POINTS_PER_REQUEST, only)


def _loading(poll: Poll, name: str) -> Gap | None:
    """Return the time that a loading chart was asked for: QuantConnect prepares it for this request."""
    asked = poll.state.loading.get(name)
    return asked if asked and poll.now.wall < asked.end + _LOADING_PATIENCE else None


def _with_loading(loading: Mapping[str, Gap]) -> Change:
    return lambda previous: previous._replace(loading={**previous.loading, **loading})
