"""The table of families: every metric of the exporter, once.

The page, the metrics documentation, the alert rules and the dashboards are all checked against it.
What is not known yields no sample: never 0, never NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import inf
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, ServerStatistics, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security
from exporter.errors import Reason
from exporter.metrics.exposition import Kind
from exporter.polling.state import Instant, ProjectState, Reading, Source, SourceHealth
from exporter.quantconnect.telemetry import DURATION_BUCKETS, Requests

S = TypeVar("S")

Labels = tuple[str | None, ...]
"""Label values; a label of ``None`` is left out."""


class Samples(NamedTuple):
    """What a family shows of a subject, as columns: label text is made only when ``about`` changes.

    ``about`` says what each sample is about, and the family's ``own_labels`` make label values of
    it. A value of ``None`` is no sample. ``common`` are the values of the last labels, which all
    samples share.
    """

    about: Sequence[Any] = ()
    values: Sequence[float | None] = ()
    common: Labels = ()


NO_SAMPLES = Samples()
ALONE: Sequence[Labels] = ((),)
"""What a sample is about that is the only one of its family and subject."""


def _as_they_are(about: Labels) -> Labels:
    return about


def _as_it_is(state: ProjectState) -> ProjectState:
    return state


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """One metric: its name, its meaning, all labels of its samples, and how a subject yields them.

    ``own_labels`` returns, from what a sample is about, the labels between the subject's and the
    common ones. A histogram's begin with the suffix of the sample's name.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    samples: Callable[[S], Samples]
    own_labels: Callable[[Any], Labels] = _as_they_are


@dataclass(frozen=True, slots=True)
class AccountView:
    """What is shown of an account: ``running_projects`` is how many live algorithms are polled."""

    name: str
    requests_per_minute: int
    running_projects: int
    requests: Requests


@dataclass(frozen=True, slots=True)
class ExporterView:
    """What is shown of the exporter itself; ``config_loaded_at`` in Unix seconds."""

    version: str
    revision: str
    python_version: str
    config_loaded_at: float
    config_load_succeeded: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Families that are rendered together and leave the page together.

    ``reading`` returns the value they show and when it was read, or ``None`` while there is none;
    then ``subject`` returns what the families yield samples of. Lines are kept while the value is the
    same object, or a tuple of equal parts.
    """

    families: tuple[Family[Any], ...]
    reading: Callable[[ProjectState], Reading[Any] | None]
    subject: Callable[[ProjectState], Any] = _as_it_is


PROJECT = ("project_id", "project")
HOLDING = ("symbol_id", "symbol", "security_type")
CURRENCY = ("account_currency",)

_FOREVER = Instant(inf, inf)
_CACHED = "From the last successful poll."


def _gauge(
    name: str,
    documentation: str,
    samples: Callable[[S], Samples],
    labels: tuple[str, ...] = (),
    own_labels: Callable[[Any], Labels] = _as_they_are,
) -> Family[S]:
    return Family(f"quantconnect_{name}", Kind.GAUGE, documentation, PROJECT + labels, samples, own_labels)


def _one(value: float | None, *labels: str | None) -> Samples:
    return NO_SAMPLES if value is None else Samples(ALONE, (value,), labels)


# -- how polling goes: always shown ------------------------------------------------------------------


def _each_health(pick: Callable[[SourceHealth], float | None]) -> Callable[[ProjectState], Samples]:
    return lambda state: Samples(
        _labels_of_sources(tuple(state.health)), [pick(health) for health in state.health.values()]
    )


@cache
def _labels_of_sources(sources: tuple[Source, ...]) -> tuple[Labels, ...]:
    return tuple((source,) for source in sources)


def _poll_failures(state: ProjectState) -> Samples:
    return Samples(
        _labels_of_failures(tuple(state.health)),
        [health.failures[reason] for health in state.health.values() for reason in _REASONS],
    )


_REASONS = tuple(Reason)


@cache
def _labels_of_failures(sources: tuple[Source, ...]) -> tuple[Labels, ...]:
    return tuple((source, reason) for source in sources for reason in _REASONS)


def _launched(state: ProjectState) -> Samples:
    deployment = state.deployment.value if state.deployment else None
    return _one(deployment.launched if deployment else None)


def _stopped(state: ProjectState) -> Samples:
    deployment = state.deployment.value if state.deployment else None
    return _one(deployment.stopped if deployment else None)


def _equity_time(state: ProjectState) -> Samples:
    latest = state.equity.value.latest if state.equity else None
    return _one(latest.time if latest else None)


def _chart_points(state: ProjectState) -> list[tuple[tuple[str, str], ChartPoint]]:
    return [
        ((chart, series), point)
        for chart, reading in state.charts.items()
        for series, point in reading.value.items()
    ]


def _each_chart_point(pick: Callable[[ChartPoint], float]) -> Callable[[ProjectState], Samples]:
    def samples(state: ProjectState) -> Samples:
        points = _chart_points(state)[: state.settings.cardinality.chart_series]
        return Samples(tuple(about for about, _ in points), [pick(point) for _, point in points])

    return samples


def _dropped_chart_series(state: ProjectState) -> Samples:
    if not state.charts:
        return NO_SAMPLES
    return _one(max(0, len(_chart_points(state)) - state.settings.cardinality.chart_series))


def _limits(state: ProjectState) -> Samples:
    return Samples(tuple(state.settings.limits), tuple(state.settings.limits.values()))


_POLLS: tuple[Family[ProjectState], ...] = (
    _gauge(
        "up",
        "1 if the last poll of the source succeeded, else 0.",
        _each_health(lambda health: None if health.up is None else float(health.up)),
        ("source",),
    ),
    _gauge(
        "last_success_timestamp_seconds",
        "When the source was last polled successfully.",
        _each_health(attrgetter("last_success")),
        ("source",),
    ),
    Family(
        "quantconnect_polls_total",
        Kind.COUNTER,
        "Polls of the source, failed ones included.",
        (*PROJECT, "source"),
        _each_health(attrgetter("polls")),
    ),
    _gauge(
        "portfolio_changed_timestamp_seconds",
        "When the polled portfolio last differed from the one before.",
        lambda state: _one(state.portfolio_changed),
    ),
)

_SELDOM: tuple[Family[ProjectState], ...] = (
    _gauge(
        "poll_interval_seconds",
        "The polling interval in force, longer than configured when the request budget is short.",
        _each_health(attrgetter("interval")),
        ("source",),
    ),
    Family(
        "quantconnect_poll_failures_total",
        Kind.COUNTER,
        "Polls of the source that failed, by reason.",
        (*PROJECT, "source", "reason"),
        _poll_failures,
    ),
    _gauge(
        "algorithm_launched_timestamp_seconds",
        "When the latest deployment was launched.",
        _launched,
    ),
    _gauge(
        "algorithm_stopped_timestamp_seconds",
        "When the latest deployment stopped; absent while it runs.",
        _stopped,
    ),
    _gauge(
        "equity_timestamp_seconds",
        "Time of the last known point of the Strategy Equity chart, by QuantConnect's clock.",
        _equity_time,
    ),
    _gauge(
        "chart_timestamp_seconds",
        "Time of the last point of the series of a configured chart.",
        _each_chart_point(attrgetter("time")),
        ("chart", "series"),
    ),
    _gauge(
        "limit",
        "The configured alert threshold.",
        _limits,
        ("limit", "severity"),
    ),
)


def _what_changes_seldom(state: ProjectState) -> Reading[tuple[object, ...]]:
    """Return all that the families follow from which a poll rarely changes."""
    return Reading(
        (
            [(health.interval, health.failures) for health in state.health.values()],
            state.deployment and state.deployment.value,
            state.equity and state.equity.value.latest,
            state.charts,
            state.settings.limits,
        ),
        _FOREVER,
    )


# -- status ------------------------------------------------------------------------------------------


_STATUSES = tuple(AlgorithmStatus)
_LABELS_OF_STATUSES = tuple((status,) for status in _STATUSES)


def _status(state: ProjectState) -> Samples:
    if state.deployment is None:
        return NO_SAMPLES
    deployment = state.deployment.value
    current = deployment.status if deployment else AlgorithmStatus.UNKNOWN
    return Samples(_LABELS_OF_STATUSES, [float(status is current) for status in _STATUSES])


def _info(state: ProjectState) -> Samples:
    deployment = state.deployment.value if state.deployment else None
    if deployment is None:
        return NO_SAMPLES
    return _one(1.0, state.account, deployment.deploy_id, deployment.brokerage)


_STATUS: tuple[Family[ProjectState], ...] = (
    _gauge(
        "algorithm_status",
        "1 for the status of the latest deployment, 0 for every other.",
        _status,
        ("status",),
    ),
    _gauge(
        "algorithm_info",
        "1, with what is known of the latest deployment.",
        _info,
        ("account", "deploy_id", "brokerage"),
    ),
)

# -- portfolio ---------------------------------------------------------------------------------------


class PortfolioView(NamedTuple):
    """What is shown of a portfolio, by symbol and by currency; ``account_currency`` as the common label."""

    portfolio: Portfolio
    holdings: tuple[Holding, ...]
    securities: tuple[Security, ...]
    currencies: tuple[str, ...]
    account_currency: Labels


def _view_of_portfolio(state: ProjectState) -> PortfolioView | None:
    if state.portfolio is None:
        return None
    portfolio = state.portfolio.value
    holdings = portfolio.largest_holdings(state.settings.cardinality.holdings)
    return PortfolioView(
        portfolio,
        holdings,
        tuple([holding.security for holding in holdings]),
        tuple([balance.currency for balance in portfolio.cash]),
        (state.account_currency,),
    )


def _dropped_holdings(view: PortfolioView) -> Samples:
    return _one(len(view.portfolio.holdings) - len(view.holdings))


def _each_holding(
    pick: Callable[[Holding], float | None], *, in_account_currency: bool = False
) -> Callable[[PortfolioView], Samples]:
    if in_account_currency:
        return lambda view: Samples(view.securities, [*map(pick, view.holdings)], view.account_currency)
    return lambda view: Samples(view.securities, [*map(pick, view.holdings)])


def _labels_of_security(security: Security) -> Labels:
    return security.symbol_id, security.symbol, security.type


def _holding_info(view: PortfolioView) -> Samples:
    about = tuple([(holding.security, holding.currency_symbol) for holding in view.holdings])
    return Samples(about, (1.0,) * len(about))


def _labels_of_info(about: tuple[Security, str]) -> Labels:
    security, currency_symbol = about
    return security.symbol_id, security.ticker, security.market, currency_symbol


def _each_cash(
    pick: Callable[[CashBalance], float | None], *, in_account_currency: bool = True
) -> Callable[[PortfolioView], Samples]:
    if in_account_currency:
        return lambda view: Samples(view.currencies, [*map(pick, view.portfolio.cash)], view.account_currency)
    return lambda view: Samples(view.currencies, [*map(pick, view.portfolio.cash)])


def _labels_of_cash(currency: str) -> Labels:
    return (currency,)


def _of_portfolio(pick: Callable[[Portfolio], float | None]) -> Callable[[PortfolioView], Samples]:
    return lambda view: _one(pick(view.portfolio), *view.account_currency)


_PORTFOLIO: tuple[Family[PortfolioView], ...] = (
    _gauge(
        "holding_market_value",
        f"Market value of the holding in account currency, negative when short, notional for derivatives. {_CACHED}",
        _each_holding(attrgetter("market_value"), in_account_currency=True),
        HOLDING + CURRENCY,
        _labels_of_security,
    ),
    _gauge(
        "holding_unrealized_pnl",
        f"Unrealized profit of the holding in account currency, after the estimated exit fee. {_CACHED}",
        _each_holding(attrgetter("unrealized_pnl"), in_account_currency=True),
        HOLDING + CURRENCY,
        _labels_of_security,
    ),
    _gauge(
        "holding_quantity",
        f"Units or contracts held, negative when short. {_CACHED}",
        _each_holding(attrgetter("quantity")),
        HOLDING,
        _labels_of_security,
    ),
    _gauge(
        "holding_average_price",
        f"Average fill price in the symbol's own currency. {_CACHED}",
        _each_holding(attrgetter("average_price")),
        HOLDING,
        _labels_of_security,
    ),
    _gauge(
        "holding_market_price",
        f"Last price in the symbol's own currency; absent until there is one. {_CACHED}",
        _each_holding(attrgetter("market_price")),
        HOLDING,
        _labels_of_security,
    ),
    _gauge(
        "holding_conversion_rate",
        f"Rate from the symbol's own currency to the account currency; absent while unknown. {_CACHED}",
        _each_holding(attrgetter("conversion_rate"), in_account_currency=True),
        HOLDING + CURRENCY,
        _labels_of_security,
    ),
    _gauge(
        "holding_info",
        f"1, with what the security identifier tells and the display sign of its currency. {_CACHED}",
        _holding_info,
        ("symbol_id", "ticker", "market", "currency_symbol"),
        _labels_of_info,
    ),
    _gauge(
        "holdings_dropped",
        f"How many more holdings there are than are shown; totals count them all. {_CACHED}",
        _dropped_holdings,
    ),
    _gauge(
        "cash_amount",
        f"Settled cash in its own currency, coins included. {_CACHED}",
        _each_cash(attrgetter("amount"), in_account_currency=False),
        ("currency",),
        _labels_of_cash,
    ),
    _gauge(
        "cash_conversion_rate",
        f"Rate from the cash's currency to the account currency; absent while unknown. {_CACHED}",
        _each_cash(attrgetter("conversion_rate")),
        ("currency", *CURRENCY),
        _labels_of_cash,
    ),
    _gauge(
        "cash_value",
        f"Settled cash in account currency; absent while its rate is unknown. {_CACHED}",
        _each_cash(attrgetter("value")),
        ("currency", *CURRENCY),
        _labels_of_cash,
    ),
    _gauge(
        "portfolio_value",
        "Equity rebuilt from cash and holdings by LEAN's rule for each security type; "
        f"absent when that cannot be exact to rounding, as with futures. {_CACHED}",
        _of_portfolio(Portfolio.value),
        CURRENCY,
    ),
    _gauge(
        "gross_exposure",
        f"Sum of the holdings' absolute market values in account currency. {_CACHED}",
        _of_portfolio(Portfolio.gross_exposure),
        CURRENCY,
    ),
    _gauge(
        "net_exposure",
        f"Sum of the holdings' signed market values in account currency. {_CACHED}",
        _of_portfolio(Portfolio.net_exposure),
        CURRENCY,
    ),
)

# -- equity ------------------------------------------------------------------------------------------


def _of_equity(
    pick: Callable[[EquityCurve, Instant], float | None], *, in_account_currency: bool = False
) -> Callable[[ProjectState], Samples]:
    def samples(state: ProjectState) -> Samples:
        if state.equity is None:
            return NO_SAMPLES
        currency = (state.account_currency,) if in_account_currency else ()
        return _one(pick(state.equity.value, state.equity.read_at), *currency)

    return samples


_EQUITY: tuple[Family[ProjectState], ...] = (
    _gauge(
        "equity",
        f"Equity in account currency, the last known point of the Strategy Equity chart. {_CACHED}",
        _of_equity(lambda curve, _: curve.latest.value if curve.latest else None, in_account_currency=True),
        CURRENCY,
    ),
    _gauge(
        "equity_peak",
        f"Highest equity since the deployment was launched, in account currency. {_CACHED}",
        _of_equity(lambda curve, _: curve.peak, in_account_currency=True),
        CURRENCY,
    ),
    _gauge(
        "drawdown_ratio",
        f"1 - equity / peak since launch, from 0 to 1. {_CACHED}",
        _of_equity(lambda curve, _: curve.drawdown_ratio()),
    ),
    _gauge(
        "daily_return_ratio",
        "Equity against the last point before today's midnight UTC, or the first one when launched today, minus 1. "
        f"{_CACHED}",
        _of_equity(lambda curve, read_at: curve.daily_return_ratio(read_at.wall)),
    ),
)

# -- statistics --------------------------------------------------------------------------------------


def _statistic(
    pick: Callable[[Statistics], float | None], *, in_account_currency: bool = False
) -> Callable[[ProjectState], Samples]:
    def samples(state: ProjectState) -> Samples:
        if state.statistics is None:
            return NO_SAMPLES
        currency = (state.account_currency,) if in_account_currency else ()
        return _one(pick(state.statistics.value), *currency)

    return samples


def _of_server(
    pick: Callable[[ServerStatistics], float | None],
) -> Callable[[ProjectState], Samples]:
    return _statistic(lambda statistics: pick(statistics.server))


def _custom_statistics(state: ProjectState) -> Samples:
    if state.statistics is None:
        return NO_SAMPLES
    custom = state.statistics.value.custom
    return Samples(tuple((name,) for name, _ in custom), [value for _, value in custom])


_STATISTICS: tuple[Family[ProjectState], ...] = (
    _gauge(
        "net_profit",
        f"Realised profit after fees, in account currency. {_CACHED}",
        _statistic(lambda statistics: statistics.net_profit, in_account_currency=True),
        CURRENCY,
    ),
    _gauge(
        "fees",
        f"Fees paid, as a positive cost in account currency. {_CACHED}",
        _statistic(lambda statistics: statistics.fees, in_account_currency=True),
        CURRENCY,
    ),
    _gauge(
        "volume",
        f"Traded volume in account currency. {_CACHED}",
        _statistic(lambda statistics: statistics.volume, in_account_currency=True),
        CURRENCY,
    ),
    _gauge(
        "return_ratio",
        f"Return since the deployment was launched, as a ratio. {_CACHED}",
        _statistic(lambda statistics: statistics.return_ratio),
    ),
    _gauge(
        "probabilistic_sharpe_ratio",
        f"Probability, from 0 to 1, that the true Sharpe ratio beats LEAN's benchmark. {_CACHED}",
        _statistic(lambda statistics: statistics.probabilistic_sharpe_ratio),
    ),
    _gauge(
        "runtime_statistic",
        f"A statistic that the algorithm sets itself and that reads as a number; percent as a ratio. {_CACHED}",
        _custom_statistics,
        ("statistic",),
    ),
    _gauge(
        "runtime_statistics_dropped",
        f"How many more such statistics there are than are shown. {_CACHED}",
        _statistic(lambda statistics: statistics.dropped),
    ),
    _gauge(
        "server_cpu_usage_ratio",
        f"CPU usage of the algorithm's server, from 0 to 1. {_CACHED}",
        _of_server(lambda server: server.cpu_usage_ratio),
    ),
    _gauge(
        "server_memory_used_bytes",
        f"Memory in use on the algorithm's server. {_CACHED}",
        _of_server(lambda server: server.memory_used_bytes),
    ),
    _gauge(
        "server_memory_total_bytes",
        f"Memory of the algorithm's server. {_CACHED}",
        _of_server(lambda server: server.memory_total_bytes),
    ),
    _gauge(
        "server_uptime_seconds",
        f"How long the algorithm's server has been up. {_CACHED}",
        _of_server(lambda server: server.uptime_seconds),
    ),
)

# -- charts ------------------------------------------------------------------------------------------

_CHARTS: tuple[Family[ProjectState], ...] = (
    _gauge(
        "chart_value",
        f"Last point of the series of a configured chart, in the chart's unit. {_CACHED}",
        _each_chart_point(attrgetter("value")),
        ("chart", "series"),
    ),
    _gauge(
        "chart_series_dropped",
        f"How many more series the configured charts have than are shown. {_CACHED}",
        _dropped_chart_series,
    ),
)


def _oldest_chart(state: ProjectState) -> Reading[Mapping[str, Reading[Mapping[str, ChartPoint]]]] | None:
    """Return all charts as read when the oldest of them was: they leave the page together."""
    if not state.charts:
        return None
    oldest = min((reading.read_at for reading in state.charts.values()), key=lambda read: read.monotonic)
    return Reading(state.charts, oldest)


GROUPS: tuple[Group, ...] = (
    Group(_POLLS, lambda state: Reading(state, _FOREVER)),
    Group(_SELDOM, _what_changes_seldom),
    Group(_STATUS, lambda state: state.deployment),
    Group(_PORTFOLIO, lambda state: state.portfolio, _view_of_portfolio),
    Group(_EQUITY, lambda state: state.equity),
    Group(_STATISTICS, lambda state: state.statistics),
    Group(_CHARTS, _oldest_chart),
)

PROJECT_FAMILIES: tuple[Family[Any], ...] = tuple(family for group in GROUPS for family in group.families)

# -- accounts ----------------------------------------------------------------------------------------


def _requests(account: AccountView) -> Samples:
    results = account.requests.results
    return Samples(_labels_of_requests(account.name, tuple(results)), tuple(results.values()))


@cache
def _labels_of_requests(account: str, results: tuple[tuple[str, str], ...]) -> tuple[Labels, ...]:
    return tuple((account, endpoint, result) for endpoint, result in results)


def _durations(account: AccountView) -> Samples:
    values: list[float] = []
    for durations in account.requests.durations.values():
        buckets = list(accumulate(durations.counts))
        values += (*buckets, buckets[-1], durations.total)
    return Samples(_labels_of_durations(account.name, tuple(account.requests.durations)), values)


@cache
def _labels_of_durations(account: str, endpoints: tuple[str, ...]) -> tuple[Labels, ...]:
    bounds = (*map(str, DURATION_BUCKETS), "+Inf")
    return tuple(
        (*sample[:1], account, endpoint, *sample[1:])
        for endpoint in endpoints
        for sample in (*(("_bucket", bound) for bound in bounds), ("_count", None), ("_sum", None))
    )


ACCOUNT_FAMILIES: tuple[Family[AccountView], ...] = (
    Family(
        "quantconnect_projects",
        Kind.GAUGE,
        "Live algorithms polled.",
        ("account",),
        lambda account: _one(account.running_projects, account.name),
    ),
    Family(
        "quantconnect_api_requests_total",
        Kind.COUNTER,
        "Requests to the API by endpoint and result: ok, or why there was no usable answer.",
        ("account", "api_endpoint", "result"),
        _requests,
    ),
    Family(
        "quantconnect_api_request_duration_seconds",
        Kind.HISTOGRAM,
        "Duration of requests to the API, from signing to the parsed answer.",
        ("account", "api_endpoint", "le"),
        _durations,
    ),
    Family(
        "quantconnect_api_throttled_seconds_total",
        Kind.COUNTER,
        "Time that workers spent waiting for the request budget.",
        ("account",),
        lambda account: _one(account.requests.throttled_seconds, account.name),
    ),
    Family(
        "quantconnect_api_requests_per_minute_limit",
        Kind.GAUGE,
        "The configured request budget.",
        ("account",),
        lambda account: _one(account.requests_per_minute, account.name),
    ),
    Family(
        "quantconnect_api_clock_skew_seconds",
        Kind.GAUGE,
        "Our clock minus the API's, from the Date header of its last answer.",
        ("account",),
        lambda account: _one(account.requests.clock_skew_seconds, account.name),
    ),
)

# -- the exporter ------------------------------------------------------------------------------------

EXPORTER_FAMILIES: tuple[Family[ExporterView], ...] = (
    Family(
        "quantconnect_exporter_build_info",
        Kind.GAUGE,
        "1, with the versions of the exporter and of Python.",
        ("version", "revision", "python_version"),
        lambda exporter: _one(1.0, exporter.version, exporter.revision, exporter.python_version),
    ),
    Family(
        "quantconnect_exporter_config_last_reload_successful",
        Kind.GAUGE,
        "1 if the configuration was last loaded successfully, else 0.",
        (),
        lambda exporter: _one(float(exporter.config_load_succeeded)),
    ),
    Family(
        "quantconnect_exporter_config_last_reload_success_timestamp_seconds",
        Kind.GAUGE,
        "When the configuration was last loaded successfully.",
        (),
        lambda exporter: _one(exporter.config_loaded_at),
    ),
)

FAMILIES: tuple[Family[Any], ...] = (*PROJECT_FAMILIES, *ACCOUNT_FAMILIES, *EXPORTER_FAMILIES)
"""Every family but those of prometheus-client's process and platform collectors."""
