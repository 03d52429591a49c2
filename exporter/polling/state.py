"""What is known of a project now: immutable, and every change a new value."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.config.model import STALE_INTERVALS, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import Deployment, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.gaps import Gap
from exporter.domain.order_totals import OrderTotals
from exporter.domain.orders import OrderBook
from exporter.domain.portfolio import Portfolio
from exporter.errors import Reason

T = TypeVar("T")


class Source(StrEnum):
    """What is polled of a project: the values of the label ``source``."""

    STATUS = "status"
    PORTFOLIO = "portfolio"
    EQUITY = "equity"
    STATISTICS = "statistics"
    CHARTS = "charts"
    ORDERS = "orders"


_NO_FAILURES: Mapping[Reason, int] = MappingProxyType(dict.fromkeys(Reason, 0))

VALUE_SOURCES = (Source.PORTFOLIO, Source.EQUITY, Source.STATISTICS, Source.CHARTS, Source.ORDERS)


class Instant(NamedTuple):
    """One reading of both clocks: ``wall`` in Unix seconds, UTC; ``monotonic`` for durations."""

    wall: float
    monotonic: float


class Reading(NamedTuple, Generic[T]):
    """A value and when it was read."""

    value: T
    read_at: Instant


class SourceHealth(NamedTuple):
    """How polling one source goes: ``interval`` in seconds is the one in force.

    ``up`` is ``None`` before the first poll, and while the source is not polled.
    """

    interval: float | None = None
    up: bool | None = None
    polls: int = 0
    failures: Mapping[Reason, int] = _NO_FAILURES
    last_success: float | None = None
    last_failure: Reason | None = None

    def succeeded(self, now: float) -> "SourceHealth":
        """Return it after a poll that succeeded at ``now``, Unix seconds."""
        return self._replace(up=True, polls=self.polls + 1, last_success=now, last_failure=None)

    def failed(self, reason: Reason) -> "SourceHealth":
        """Return it after a poll that failed."""
        failures = {**self.failures, reason: self.failures[reason] + 1}
        return self._replace(up=False, polls=self.polls + 1, failures=failures, last_failure=reason)


class ProjectState(NamedTuple):
    """Everything published about one project.

    ``deployment`` is ``None`` while the status is not known, and a reading of ``None`` for a
    project never deployed; ``ended`` is when it was first seen not running, Unix seconds.
    ``portfolio_changed`` is when the portfolio last differed from the one before, Unix seconds. ``charts``
    holds the last point of each series by chart. ``orders`` is what the ``order_book`` came to when it was
    last complete. ``account_currency`` is ``None`` while it is not known. ``loading`` has the time that was
    asked for of each chart that QuantConnect is still preparing. ``answers_of`` is the deployment that
    ``live/read`` named last, ``None`` while it has not. ``replaced`` is the deployment before this one.
    """

    project_id: int
    account: str
    settings: ProjectSettings
    name: str
    health: Mapping[Source, SourceHealth]
    deployment: Reading[Deployment | None] | None = None
    ended: float | None = None
    portfolio: Reading[Portfolio] | None = None
    portfolio_changed: float | None = None
    equity: Reading[EquityCurve] | None = None
    statistics: Reading[Statistics] | None = None
    charts: Mapping[str, Reading[Mapping[str, ChartPoint]]] = MappingProxyType({})
    orders: Reading[OrderTotals] | None = None
    order_book: OrderBook | None = None
    account_currency: str | None = None
    loading: Mapping[str, Gap] = MappingProxyType({})
    answers_of: str | None = None
    replaced: str | None = None

    @property
    def current_deployment(self) -> Deployment | None:
        """The deployment that is running, if one is."""
        deployment = self.deployment.value if self.deployment else None
        return deployment if deployment is not None and deployment.is_running else None

    @property
    def is_tried(self) -> bool:
        """Whether every source has been asked for once, successfully or not."""
        sources = self.health if self.current_deployment else (Source.STATUS,)
        return all(self.health[source].polls > 0 for source in sources)

    def with_name(self, name: str) -> "ProjectState":
        """Return the state under the name that the API gives the project, unless one is configured."""
        chosen = self.settings.name or name
        return self if chosen == self.name else self._replace(name=chosen)

    def with_settings(self, settings: ProjectSettings) -> "ProjectState":
        """Return the state under other settings; what is known stays known."""
        charts = {name: reading for name, reading in self.charts.items() if name in settings.charts}
        currency = settings.account_currency
        if currency is None and self.settings.account_currency is None:
            currency = self.account_currency
        elif currency is None and self.portfolio is not None:
            currency = self.portfolio.value.infer_account_currency()
        health = {source: self.health.get(source, SourceHealth()) for source in sources_of(settings)}
        state = self if Source.ORDERS in health else self._replace(orders=None, order_book=None)
        return state._replace(settings=settings, charts=charts, health=health, account_currency=currency)

    def with_deployment(self, deployment: Deployment | None, now: Instant) -> "ProjectState":
        """Return the state with the project's latest deployment.

        Values belong to one running deployment: they go when it stops and when another begins.
        """
        previous = self.deployment.value if self.deployment else None
        # The same object tells rendering that nothing has changed.
        state = self._replace(deployment=Reading(previous if previous == deployment else deployment, now))
        if state.current_deployment is not None:
            state = state._replace(ended=None)
        elif self.current_deployment is not None:
            state = state._replace(ended=now.wall)
        before, after = self.current_deployment, state.current_deployment
        if is_same_deployment(before, after):
            return state
        return state._replace(
            health={
                source: each._replace(up=None, interval=None) if source in VALUE_SOURCES else each
                for source, each in self.health.items()
            },
            portfolio=None,
            portfolio_changed=None,
            equity=None,
            statistics=None,
            charts={},
            orders=None,
            order_book=None,
            account_currency=self.settings.account_currency,
            loading={},
            answers_of=None,
            replaced=previous.deploy_id if previous else None,
        )

    def with_answers_of(self, deploy_id: str | None) -> "ProjectState":
        """Return the state after ``live/read`` named a deployment.

        The portfolio names none. It goes when QuantConnect answers with another deployment than the running
        one, because then it belongs to that one too.
        """
        running = self.current_deployment
        if deploy_id is None or running is None or deploy_id == running.deploy_id:
            return self._replace(answers_of=deploy_id)
        return self._replace(answers_of=deploy_id, portfolio=None, portfolio_changed=None)

    def without_loading(self, *charts: str) -> "ProjectState":
        """Return the state without the charts among those that are loading."""
        if not self.loading.keys() & set(charts):
            return self
        return self._replace(loading={name: gap for name, gap in self.loading.items() if name not in charts})

    def shown_for(self, source: Source) -> float:
        """Return for how many seconds a value is shown after it was read.

        The page, the status page and the rules follow this.
        """
        interval = self.health[source].interval if source in self.health else None
        return believed_for(self.settings.polling.stale_after, interval)

    def with_portfolio(self, portfolio: Portfolio, now: Instant) -> "ProjectState":
        """Return the state with a new portfolio, and with the account currency that its cash book shows."""
        previous = self.portfolio.value if self.portfolio else None
        changed = previous is not None and previous != portfolio
        return self._replace(  # The same object tells rendering that nothing has changed.
            portfolio=Reading(portfolio if changed or previous is None else previous, now),
            portfolio_changed=now.wall if changed else self.portfolio_changed,
            account_currency=self.settings.account_currency
            or portfolio.infer_account_currency(self.account_currency),
        )

    def with_success(self, source: Source, now: Instant) -> "ProjectState":
        """Return the state after a poll of the source succeeded."""
        return self._with_health(source, self.health[source].succeeded(now.wall))

    def with_failure(self, source: Source, reason: Reason) -> "ProjectState":
        """Return the state after a poll of the source failed; what was known before stays."""
        return self._with_health(source, self.health[source].failed(reason))

    def with_intervals(self, intervals: Mapping[Source, float | None]) -> "ProjectState":
        """Return the state with the intervals in force; the same state when nothing changes."""
        if all(each.interval == intervals[source] for source, each in self.health.items()):
            return self
        health = {source: each._replace(interval=intervals[source]) for source, each in self.health.items()}
        return self._replace(health=health)

    def without_stale(self, now: float) -> "ProjectState":
        """Return the state without the values that are too old to be shown at ``now``, monotonic seconds."""

        def fresh(source: Source, reading: Reading[Any] | None) -> bool:
            return reading is not None and now < reading.read_at.monotonic + self.shown_for(source)

        return self._replace(
            deployment=self.deployment if fresh(Source.STATUS, self.deployment) else None,
            portfolio=self.portfolio if fresh(Source.PORTFOLIO, self.portfolio) else None,
            equity=self.equity if fresh(Source.EQUITY, self.equity) else None,
            statistics=self.statistics if fresh(Source.STATISTICS, self.statistics) else None,
            orders=self.orders if fresh(Source.ORDERS, self.orders) else None,
            charts={name: each for name, each in self.charts.items() if fresh(Source.CHARTS, each)},
        )

    def _with_health(self, source: Source, health: SourceHealth) -> "ProjectState":
        return self._replace(health={**self.health, source: health})


def new_project(project_id: int, account: str, settings: ProjectSettings) -> ProjectState:
    """Return what is known of a project before it was first asked for: which sources it will have."""
    return ProjectState(
        project_id=project_id,
        account=account,
        settings=settings,
        name=settings.name or str(project_id),
        health={source: SourceHealth() for source in sources_of(settings)},
        account_currency=settings.account_currency,
    )


def sources_of(settings: ProjectSettings) -> tuple[Source, ...]:
    """Return what is polled of a project: charts where some are configured, orders unless turned off."""
    left_out = set()
    if not settings.charts:
        left_out.add(Source.CHARTS)
    if settings.polling.orders is None:
        left_out.add(Source.ORDERS)
    return tuple(source for source in Source if source not in left_out)


def believed_for(stale_after: float, interval: float | None) -> float:
    """Return for how many seconds an answer counts, at an interval in force.

    That is ``stale_after``, or 2.5 intervals if they are longer: a short budget must not take the
    values of a healthy project off the page.
    """
    return max(stale_after, STALE_INTERVALS * (interval or 0.0))


def is_same_deployment(one: Deployment | None, other: Deployment | None) -> bool:
    """Tell whether both are the same deployment; no deployment is the same as none."""
    if one is None or other is None:
        return one is other
    if None in {one.launched, other.launched}:
        return one.deploy_id == other.deploy_id
    return (one.deploy_id, one.launched) == (other.deploy_id, other.launched)
