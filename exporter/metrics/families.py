"""The table of families: every metric of a project, once.

The page, the metrics documentation, the alert rules and the dashboards are all checked against it.
What is not known yields no sample: never 0, never NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Generic

from exporter.domain.deployment import Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.order_totals import OrderTotals
from exporter.metrics import rows
from exporter.metrics.exporter_metrics import ACCOUNT_FAMILIES, EXPORTER_FAMILIES
from exporter.metrics.exposition import Kind
from exporter.metrics.table import Family, Metrics, V, families_of
from exporter.polling.state import Instant, ProjectState, Reading, Source

PROJECT = ("project_id", "project")

_CACHED = " From the last successful poll."
_SLIPPAGE = (
    "Average fill price of market orders against the middle of bid and ask at submission, as a ratio; "
    "positive is a cost. The _sum may fall: do not use rate() on it."
)
_FOREVER = Instant(inf, inf)
_OF_ONE_POLL = 60.0
"""Seconds between charts that leave the page together."""


@dataclass(frozen=True, slots=True)
class Group(Generic[V]):
    """Metrics that are rendered together and leave the page together.

    ``read`` returns the value that they show, and when it was read; ``None`` while there is none. Every
    help text ends with ``note``. What is of no ``source`` never leaves. ``rest`` returns the state
    without the part that leaves first, ``None`` where all of it leaves at once.
    """

    source: Source | None
    read: Callable[[ProjectState], Reading[V] | None]
    metrics: Metrics[V]
    note: str = ""
    rest: Callable[[ProjectState], ProjectState | None] = lambda _: None


HEALTH: Metrics[rows.Health] = {
    "up": rows.SOURCES.gauge(
        "1 if the last poll of the source succeeded, else 0.",
        lambda row: None if row.up is None else float(row.up),
    ),
    "last_success_timestamp_seconds": rows.SOURCES.gauge(
        "When the source was last polled successfully.", lambda row: row.last_success
    ),
    "polls_total": rows.SOURCES.counter("Polls of the source, failed ones included.", lambda row: row.polls),
    "portfolio_changed_timestamp_seconds": rows.HEALTH.gauge(
        "When the polled portfolio last differed from the one before.", lambda row: row.portfolio_changed
    ),
}

SLOW: Metrics[rows.Slow] = {
    "poll_interval_seconds": rows.INTERVALS.gauge(
        "The polling interval in force, longer than configured when the request budget is short.",
        lambda row: row,
    ),
    "poll_failures_total": rows.FAILURES.counter(
        "Polls of the source that failed, by reason.", lambda row: row
    ),
    "algorithm_launched_timestamp_seconds": rows.SLOW.gauge(
        "When the latest deployment was launched.",
        lambda row: row.deployment.launched if row.deployment else None,
    ),
    "algorithm_stopped_timestamp_seconds": rows.SLOW.gauge(
        "When the latest deployment stopped; absent while it runs.",
        lambda row: row.deployment.stopped if row.deployment else None,
    ),
    "equity_timestamp_seconds": rows.SLOW.gauge(
        "Time of the last known point of the Strategy Equity chart, by QuantConnect's clock.",
        lambda row: row.latest_equity.time if row.latest_equity else None,
    ),
    "chart_timestamp_seconds": rows.CHART_TIMES.gauge(
        "Time of the last point of the series of a configured chart.", lambda row: row.time
    ),
    "limit": rows.LIMITS.gauge("The configured alert threshold.", lambda row: row),
    "project_labels": rows.PROJECT_LABELS.gauge("1, with the configured labels.", lambda row: row),
}

STATUS: Metrics[rows.Status] = {
    "algorithm_status": rows.STATUSES.gauge(
        "1 for the status of the latest deployment, 0 for every other.", float
    ),
    "algorithm_info": rows.DEPLOYMENT_INFO.gauge(
        "1, with what is known of the latest deployment.", lambda row: row
    ),
}

PORTFOLIO: Metrics[rows.ShownPortfolio] = {
    "holding_market_value": rows.HOLDINGS.money(
        "Market value of the holding in account currency, negative when short, notional for derivatives.",
        lambda row: row.market_value,
    ),
    "holding_unrealized_pnl": rows.HOLDINGS.money(
        "Unrealized profit of the holding in account currency, after the estimated exit fee.",
        lambda row: row.unrealized_pnl,
    ),
    "holding_quantity": rows.HOLDINGS.gauge(
        "Units or contracts held, negative when short.", lambda row: row.quantity
    ),
    "holding_average_price": rows.HOLDINGS.gauge(
        "Average fill price in the symbol's own currency.", lambda row: row.average_price
    ),
    "holding_market_price": rows.HOLDINGS.gauge(
        "Last price in the symbol's own currency; absent until there is one.", lambda row: row.market_price
    ),
    "holding_conversion_rate": rows.HOLDINGS.money(
        "Rate from the symbol's own currency to the account currency; absent while unknown.",
        lambda row: row.conversion_rate,
    ),
    "holding_info": rows.HOLDING_INFO.gauge(
        "1, with what the security identifier tells and the display sign of its currency.", lambda row: row
    ),
    "holdings_dropped": rows.PORTFOLIO.gauge(
        "Holdings beyond cardinality.holdings, which are not shown; totals include them.",
        lambda row: row.dropped(),
    ),
    "cash_amount": rows.CASH.gauge(
        "Settled cash in its own currency, coins included.", lambda row: row.amount
    ),
    "cash_conversion_rate": rows.CASH.money(
        "Rate from the cash's currency to the account currency; absent while unknown.",
        lambda row: row.conversion_rate,
    ),
    "cash_value": rows.CASH.money(
        "Settled cash in account currency; absent while its rate is unknown.", lambda row: row.value
    ),
    "portfolio_value": rows.PORTFOLIO.money(
        "Equity in account currency, rebuilt from cash and holdings by LEAN's rule for each security type; "
        "absent when that cannot be exact to rounding, as with futures.",
        lambda row: row.portfolio.value(),
    ),
    "gross_exposure": rows.PORTFOLIO.money(
        "Sum of the holdings' absolute market values in account currency.",
        lambda row: row.portfolio.gross_exposure(),
    ),
    "net_exposure": rows.PORTFOLIO.money(
        "Sum of the holdings' signed market values in account currency.",
        lambda row: row.portfolio.net_exposure(),
    ),
}

EQUITY: Metrics[Reading[EquityCurve]] = {
    "equity": rows.EQUITY.money(
        "Equity in account currency, the last known point of the Strategy Equity chart.",
        lambda row: row.value.latest.value if row.value.latest else None,
    ),
    "equity_peak": rows.EQUITY.money(
        "Highest equity since the deployment was launched, in account currency.", lambda row: row.value.peak
    ),
    "drawdown_ratio": rows.EQUITY.gauge(
        "1 - equity / peak since launch, from 0 to 1.", lambda row: row.value.drawdown_ratio()
    ),
    "daily_return_ratio": rows.EQUITY.gauge(
        "Equity against the last point before today's midnight UTC, "
        "or the first one when launched today, minus 1.",
        lambda row: row.value.daily_return_ratio(row.read_at.wall),
    ),
}

STATISTICS: Metrics[Statistics] = {
    "net_profit": rows.STATISTICS.money(
        "Realised profit after fees, in account currency.", lambda row: row.net_profit
    ),
    "fees": rows.STATISTICS.money("Fees paid, as a positive cost in account currency.", lambda row: row.fees),
    "volume": rows.STATISTICS.money("Traded volume in account currency.", lambda row: row.volume),
    "unrealized_pnl": rows.STATISTICS.money(
        "Unrealized profit of all open positions, in account currency.", lambda row: row.unrealized_pnl
    ),
    "strategy_pnl": rows.STATISTICS.money(
        "What trading made since launch: net profit plus unrealized profit, in account currency; "
        "no deposit or withdrawal moves it.",
        lambda row: row.strategy_pnl,
    ),
    "capital": rows.STATISTICS.money(
        "Equity minus what trading made since launch, in account currency.", lambda row: row.capital
    ),
    "return_ratio": rows.STATISTICS.gauge(
        "Return since the deployment was launched, as a ratio.", lambda row: row.return_ratio
    ),
    "probabilistic_sharpe_ratio": rows.STATISTICS.gauge(
        "Probability, from 0 to 1, that the true Sharpe ratio beats LEAN's benchmark.",
        lambda row: row.probabilistic_sharpe_ratio,
    ),
    "runtime_statistic": rows.CUSTOM_STATISTICS.gauge(
        "A statistic that the algorithm sets itself and that reads as a number; percent as a ratio.",
        lambda row: row,
    ),
    "runtime_statistics_dropped": rows.STATISTICS.gauge(
        "Such statistics beyond cardinality.runtime_statistics, which are not shown.", lambda row: row.dropped
    ),
    "server_cpu_usage_ratio": rows.STATISTICS.gauge(
        "CPU usage of the algorithm's server, from 0 to 1.", lambda row: row.server.cpu_usage_ratio
    ),
    "server_memory_used_bytes": rows.STATISTICS.gauge(
        "Memory in use on the algorithm's server.", lambda row: row.server.memory_used_bytes
    ),
    "server_memory_total_bytes": rows.STATISTICS.gauge(
        "Memory of the algorithm's server.", lambda row: row.server.memory_total_bytes
    ),
    "server_uptime_seconds": rows.STATISTICS.gauge(
        "How long the algorithm's server has been up.", lambda row: row.server.uptime_seconds
    ),
}

CHARTS: Metrics[rows.Charts] = {
    "chart_value": rows.CHART_SERIES.gauge(
        "Last point of the series of a configured chart, in the chart's unit.", lambda row: row.value
    ),
    "chart_series_dropped": rows.CHARTS.gauge(
        "Series of configured charts beyond cardinality.chart_series, which are not shown.",
        lambda row: row.dropped(),
    ),
}

ORDERS: Metrics[OrderTotals] = {
    "orders": rows.ORDER_STATUSES.gauge("Orders of the deployment by their status now.", lambda row: row),
    "orders_total": rows.ORDER_TYPES.metric(
        "Orders placed by type.", lambda row: row, Kind.COUNTER_BESIDE_GAUGE
    ),
    "order_rejections_total": rows.ORDERS.counter(
        "Orders that were ever invalid.", lambda row: row.rejections
    ),
    "fills_total": rows.FILLS.counter("Fills by side, partial ones included.", lambda row: row),
    "fills_lost_total": rows.ORDERS.counter(
        "Fills on events that LEAN's portfolio ignores: the broker holds what the algorithm is unaware of.",
        lambda row: row.fills_lost,
    ),
    "order_fees_total": rows.FEES.counter("Fees of orders in their currency.", lambda row: row),
    "order_rebates_total": rows.REBATES.counter(
        "Negative fees of orders in their currency.", lambda row: row
    ),
    "open_orders": rows.OPEN_ORDERS.gauge("Orders that are open, by type.", lambda row: row),
    "oldest_open_order_timestamp_seconds": rows.OLDEST_ORDERS.gauge(
        "When the oldest open order was created; marketable ones should fill at once, resting ones wait.",
        lambda row: row,
    ),
    "last_order_timestamp_seconds": rows.ORDERS.gauge(
        "When the last order was created.", lambda row: row.last_order
    ),
    "last_fill_timestamp_seconds": rows.ORDERS.gauge(
        "When the last fill happened.", lambda row: row.last_fill
    ),
    "order_fill_duration_seconds": rows.FILL_DURATION.metric(
        "Time from submission to the last fill of market orders.", lambda row: row, Kind.HISTOGRAM
    ),
    "order_slippage_ratio_bucket": rows.SLIPPAGE.metric(_SLIPPAGE, lambda row: row, Kind.SIGNED_HISTOGRAM),
    "order_slippage_ratio_count": rows.ORDERS.metric(
        _SLIPPAGE, lambda row: row.slippage.count, Kind.SIGNED_HISTOGRAM
    ),
    "order_slippage_ratio_sum": rows.ORDERS.metric(
        _SLIPPAGE, lambda row: row.slippage.sum, Kind.SIGNED_HISTOGRAM
    ),
}


def _status(state: ProjectState) -> Reading[rows.Status] | None:
    latest = state.deployment
    return latest and Reading(rows.Status(state.account, latest.value), latest.read_at)


def _portfolio(state: ProjectState) -> Reading[rows.ShownPortfolio] | None:
    latest, most = state.portfolio, state.settings.cardinality.holdings
    return latest and Reading(rows.ShownPortfolio(latest.value, most), latest.read_at)


def _equity(state: ProjectState) -> Reading[Reading[EquityCurve]] | None:
    """Return the curve and when it was read, which decides what "today" is."""
    return state.equity and Reading(state.equity, state.equity.read_at)


def _charts(state: ProjectState) -> Reading[rows.Charts] | None:
    """Return all charts as read when the oldest of them was."""
    if not state.charts:
        return None
    oldest = min((reading.read_at for reading in state.charts.values()), key=lambda read: read.monotonic)
    return Reading(rows.Charts(state.charts, state.settings.cardinality.chart_series), oldest)


def _later_charts(state: ProjectState) -> ProjectState | None:
    """Return the state without its oldest charts: one that fails takes no other off the page."""
    after = min(each.read_at.monotonic for each in state.charts.values()) + _OF_ONE_POLL
    later = {name: each for name, each in state.charts.items() if each.read_at.monotonic > after}
    return state._replace(charts=later) if later else None


_GROUPS = (  # without a declared type, which would let a group's metrics show another value than it reads
    Group(None, lambda state: Reading(rows.Health(state.health, state.portfolio_changed), _FOREVER), HEALTH),
    Group(None, lambda state: Reading(rows.Slow.of(state), _FOREVER), SLOW),
    Group(Source.STATUS, _status, STATUS),
    Group(Source.PORTFOLIO, _portfolio, PORTFOLIO, _CACHED),
    Group(Source.EQUITY, _equity, EQUITY, _CACHED),
    Group(Source.STATISTICS, lambda state: state.statistics, STATISTICS, _CACHED),
    Group(Source.CHARTS, _charts, CHARTS, _CACHED, rest=_later_charts),
    Group(Source.ORDERS, lambda state: state.orders, ORDERS, _CACHED),
)

GROUPS: tuple[Group[Any], ...] = _GROUPS
PROJECT_COLUMNS = tuple(
    family for group in GROUPS for family in families_of(group.metrics, PROJECT, group.note)
)
"""What a project has lines of, in the order of the page: families, and parts of signed histograms."""


def _whole(column: Family) -> list[Family]:
    """Return the family that a column is, or is the first part of."""
    family = column._replace(kind=column.kind.in_text)
    if column.kind is not Kind.SIGNED_HISTOGRAM:
        return [family]
    name, is_first, _ = column.name.partition("_bucket")
    return [family._replace(name=name)] if is_first else []


PROJECT_FAMILIES = tuple(family for column in PROJECT_COLUMNS for family in _whole(column))
FAMILIES = (*PROJECT_FAMILIES, *ACCOUNT_FAMILIES, *EXPORTER_FAMILIES)
"""Every family but those of prometheus-client's process and platform collectors."""
