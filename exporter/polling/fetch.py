"""Asking for one source of one project: which requests, and what their answers change."""

from collections.abc import Callable, Mapping

from exporter.errors import NotReady
from exporter.polling.fetch_charts import fetch_charts, fetch_equity
from exporter.polling.fetch_orders import fetch_orders
from exporter.polling.fetched import Fetched, Poll
from exporter.polling.state import Reading, Source

_TAKING_OVER = 1800.0
"""Seconds after a launch in which answers may be about the deployment before: they are ten minutes old."""


def fetch(source: Source, poll: Poll) -> Fetched:
    """Ask for one source of a running project; raises ApiError when nothing of it came."""
    return _FETCHERS[source](poll)


def _portfolio(poll: Poll) -> Fetched:
    if (other := _may_answer_of(poll)) is not None:
        raise NotReady(f"QuantConnect may still answer with {other}, an earlier deployment")
    portfolio = poll.client.live_portfolio(poll.state.project_id)
    now = poll.now
    return Fetched(lambda previous: previous.with_portfolio(portfolio, now))


def _may_answer_of(poll: Poll) -> str | None:
    """Return another deployment that a portfolio may be of: it names none, only ``live/read`` does.

    As long as that has not answered, it may be the one before, but not for ever after the launch.
    """
    state, running = poll.state, poll.deployment
    has_answered = state.answers_of is not None or state.health[Source.STATISTICS].up
    has_just_begun = running.launched is not None and poll.now.wall < running.launched + _TAKING_OVER
    other = state.replaced if has_just_begun and not has_answered else state.answers_of
    return None if other == running.deploy_id else other


def _statistics(poll: Poll) -> Fetched:
    most_custom = poll.state.settings.cardinality.runtime_statistics
    statistics = poll.client.live_statistics(poll.state.project_id, most_custom)
    now = poll.now
    if statistics.deploy_id not in {None, poll.deployment.deploy_id}:
        error = NotReady(f"the answer is about {statistics.deploy_id}, which is not the running deployment")
        return Fetched(lambda previous: previous.with_answers_of(statistics.deploy_id), error)
    return Fetched(
        lambda previous: previous.with_answers_of(statistics.deploy_id)._replace(
            statistics=Reading(statistics, now)
        )
    )


_FETCHERS: Mapping[Source, Callable[[Poll], Fetched]] = {
    Source.PORTFOLIO: _portfolio,
    Source.EQUITY: fetch_equity,
    Source.STATISTICS: _statistics,
    Source.CHARTS: fetch_charts,
    Source.ORDERS: fetch_orders,
}
