"""The kinds of rows that a project's metrics are about: their values, labels, and how keys are made."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from exporter.config.model import LimitName, Limits, Severity
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.order import OpenKind, OrderStatus, OrderType, Side
from exporter.domain.order_totals import Histogram, OrderTotals
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security
from exporter.errors import Reason
from exporter.metrics.table import Labels, Rows, Table, histogram_rows, one_row, rows_of
from exporter.polling.state import ProjectState, Reading, Source, SourceHealth


class Health(NamedTuple):
    """What every poll changes; ``portfolio_changed`` in Unix seconds."""

    sources: Mapping[Source, SourceHealth]
    portfolio_changed: float | None


SOURCES: Table[Health, Source, SourceHealth] = Table(lambda value: rows_of(value.sources), ("source",))
HEALTH: Table[Health, Labels, Health] = Table(one_row)


class Charts(NamedTuple):
    """The last point of each series by chart, of which at most ``most_series`` are shown."""

    by_name: Mapping[str, Reading[Mapping[str, ChartPoint]]]
    most_series: int

    def points(self) -> Rows[Labels, ChartPoint]:
        """Return the points that are shown by chart and series."""
        points = (
            ((chart, series), point)
            for chart, reading in self.by_name.items()
            for series, point in reading.value.items()
        )
        return rows_of(dict(islice(points, self.most_series)))

    def dropped(self) -> int:
        """Return how many series are not shown."""
        return max(0, sum(len(reading.value) for reading in self.by_name.values()) - self.most_series)


CHART_SERIES: Table[Charts, Labels, ChartPoint] = Table(Charts.points, ("chart", "series"))
CHARTS: Table[Charts, Labels, Charts] = Table(one_row)


class Slow(NamedTuple):
    """What is always shown and polls rarely change."""

    intervals: Mapping[Source, float | None]
    failures: Mapping[Source, Mapping[Reason, int]]
    deployment: Deployment | None
    latest_equity: ChartPoint | None
    charts: Charts
    limits: Limits
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, state: ProjectState) -> "Slow":
        """Return it of a project."""
        return cls(
            {source: health.interval for source, health in state.health.items()},
            {source: health.failures for source, health in state.health.items()},
            state.deployment.value if state.deployment else None,
            state.equity.value.latest if state.equity else None,
            Charts(state.charts, state.settings.cardinality.chart_series),
            state.settings.limits,
            state.settings.labels,
        )

    def failures_by_reason(self) -> Rows[Labels, int]:
        """Return the failures of each source for every reason there is."""
        return rows_of(
            {(source, reason): count[reason] for source, count in self.failures.items() for reason in Reason}
        )


INTERVALS: Table[Slow, Source, float | None] = Table(lambda value: rows_of(value.intervals), ("source",))
FAILURES: Table[Slow, Labels, int] = Table(Slow.failures_by_reason, ("source", "reason"))
SLOW: Table[Slow, Labels, Slow] = Table(one_row)
CHART_TIMES: Table[Slow, Labels, ChartPoint] = Table(lambda value: value.charts.points(), ("chart", "series"))
LIMITS: Table[Slow, tuple[LimitName, Severity], float] = Table(
    lambda value: rows_of(value.limits), ("limit", "severity")
)
PROJECT_LABELS: Table[Slow, tuple[tuple[str, str], ...], float] = Table(
    lambda value: rows_of({value.labels: 1.0}),
    ("label_…",),
    lambda labels: tuple([value for _, value in labels]),
    lambda labels: tuple([f"label_{name}" for name, _ in labels]),
)


class Status(NamedTuple):
    """The latest deployment of a project, if it ever had one."""

    account: str
    deployment: Deployment | None

    def by_status(self) -> Rows[AlgorithmStatus, bool]:
        """Tell of each status whether it is the present one."""
        current = self.deployment.status if self.deployment else AlgorithmStatus.UNKNOWN
        return rows_of({status: status is current for status in AlgorithmStatus})

    def info(self) -> Rows[Labels, float]:
        """Return what is known of the deployment, as labels."""
        latest = self.deployment
        return rows_of({(self.account, latest.deploy_id, latest.brokerage): 1.0} if latest else {})


STATUSES: Table[Status, AlgorithmStatus, bool] = Table(Status.by_status, ("status",))
DEPLOYMENT_INFO: Table[Status, Labels, float] = Table(Status.info, ("account", "deploy_id", "brokerage"))


class ShownPortfolio(NamedTuple):
    """A portfolio, of which at most ``most_holdings`` are shown one by one."""

    portfolio: Portfolio
    most_holdings: int

    def holdings(self) -> Rows[Security, Holding]:
        """Return the largest holdings."""
        holdings = self.portfolio.largest_holdings(self.most_holdings)
        return [holding.security for holding in holdings], holdings

    def infos(self) -> Rows[tuple[Security, str], float]:
        """Return what is known of the largest holdings' securities, as labels."""
        holdings = self.portfolio.largest_holdings(self.most_holdings)
        return [(each.security, each.currency_symbol) for each in holdings], [1.0] * len(holdings)

    def dropped(self) -> int:
        """Return how many holdings are not shown."""
        return max(0, len(self.portfolio.holdings) - self.most_holdings)

    def cash(self) -> Rows[str, CashBalance]:
        """Return the rows of the cash book."""
        return [balance.currency for balance in self.portfolio.cash], self.portfolio.cash


HOLDINGS: Table[ShownPortfolio, Security, Holding] = Table(
    ShownPortfolio.holdings,
    ("symbol_id", "symbol", "security_type"),
    lambda key: (key.symbol_id, key.symbol, key.type),
)
HOLDING_INFO: Table[ShownPortfolio, tuple[Security, str], float] = Table(
    ShownPortfolio.infos,
    ("symbol_id", "ticker", "market", "currency_symbol"),
    lambda key: (key[0].symbol_id, key[0].ticker, key[0].market, key[1]),
)
CASH: Table[ShownPortfolio, str, CashBalance] = Table(ShownPortfolio.cash, ("currency",))
PORTFOLIO: Table[ShownPortfolio, Labels, ShownPortfolio] = Table(one_row)

EQUITY: Table[Reading[EquityCurve], Labels, Reading[EquityCurve]] = Table(one_row)

STATISTICS: Table[Statistics, Labels, Statistics] = Table(one_row)
CUSTOM_STATISTICS: Table[Statistics, str, float] = Table(
    lambda value: rows_of(dict(value.custom)), ("statistic",)
)


def _amounts(by_currency: Mapping[str, Decimal]) -> Rows[str, float]:
    return rows_of({currency: float(amount) for currency, amount in by_currency.items()})


def _samples(histogram: Histogram) -> Rows[Labels, float]:
    return histogram_rows(histogram.bounds, [((), histogram.counts, histogram.sum)])


def _buckets(histogram: Histogram) -> Rows[str, int]:
    return (*map(str, histogram.bounds), "+Inf"), histogram.cumulative()


ORDERS: Table[OrderTotals, Labels, OrderTotals] = Table(one_row)
ORDER_STATUSES: Table[OrderTotals, OrderStatus, int] = Table(
    lambda value: rows_of(value.by_status), ("status",)
)
ORDER_TYPES: Table[OrderTotals, OrderType, int] = Table(lambda value: rows_of(value.placed), ("type",))
FILLS: Table[OrderTotals, Side, int] = Table(lambda value: rows_of(value.fills), ("side",))
FEES: Table[OrderTotals, str, float] = Table(lambda value: _amounts(value.fees), ("currency",))
REBATES: Table[OrderTotals, str, float] = Table(lambda value: _amounts(value.rebates), ("currency",))
OPEN_ORDERS: Table[OrderTotals, OrderType, int] = Table(lambda value: rows_of(value.open), ("type",))
OLDEST_ORDERS: Table[OrderTotals, OpenKind, float] = Table(
    lambda value: rows_of(value.oldest_open), ("kind",)
)
FILL_DURATION: Table[OrderTotals, Labels, float] = Table(lambda value: _samples(value.fill_duration), ("le",))
SLIPPAGE: Table[OrderTotals, str, int] = Table(lambda value: _buckets(value.slippage), ("le",))
