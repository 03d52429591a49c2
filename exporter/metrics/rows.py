"""The kinds of rows that metrics are about: their labels, and how keys and label values are made.

A *table* turns a value into rows, one for each sample of each of its metrics. A *metric* is a help text and
a number of a row. Neither reads anything but the value, so lines are rendered again when it changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.config.model import LimitName, Limits, Severity
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security
from exporter.errors import Reason
from exporter.metrics.exposition import Kind
from exporter.polling.state import ProjectState, Reading, Source, SourceHealth

K = TypeVar("K")
R = TypeVar("R")
V = TypeVar("V")

Labels = tuple[str | None, ...]
"""Label values; a label of ``None`` is left out."""

CURRENCY = "account_currency"


@dataclass(frozen=True, slots=True)
class Metric(Generic[R]):
    """A help text and a number of a row, ``None`` for no sample.

    ``money`` is for numbers in the account currency, which becomes a label.
    """

    help: str
    value: Callable[[R], float | None]
    kind: Kind = Kind.GAUGE
    money: bool = False


def gauge(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return a metric that may fall."""
    return Metric(text, value)


def money(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return a gauge in the account currency."""
    return Metric(text, value, money=True)


def counter(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return a metric that only grows, but for a reset to 0."""
    return Metric(text, value, Kind.COUNTER)


class Family(NamedTuple):
    """A metric as the page announces it, with all labels of its samples."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]


class Rows(NamedTuple, Generic[K, R]):
    """Rows, and for each a key that tells which one it is."""

    keys: Sequence[K]
    rows: Sequence[R]


def one_row(row: R) -> Rows[Labels, R]:
    """Return the only row there is, which needs no labels."""
    return Rows(_ALONE, (row,))


def rows_of(by_key: Mapping[K, R]) -> Rows[K, R]:
    """Return a row for each key of a mapping."""
    return Rows(tuple(by_key), tuple(by_key.values()))


_ALONE: Sequence[Labels] = ((),)


def _as_it_is(key: Any) -> Labels:
    labels: Labels = key
    return labels


def _one_label(key: str) -> Labels:
    return (key,)


@dataclass(frozen=True, slots=True)
class Table(Generic[V, K, R]):
    """One kind of row: ``read`` returns the rows of a value, ``label_values`` the labels' values of a key.

    Label text is made again only when the keys change. The first label value of a histogram's row is
    the suffix of the sample's name. ``label_names`` is for labels whose names the user chooses.
    """

    read: Callable[[V], Rows[K, R]]
    labels: tuple[str, ...] = ()
    label_values: Callable[[K], Labels] = _as_it_is
    label_names: Callable[[K], tuple[str, ...]] | None = None
    metrics: Mapping[str, Metric[R]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_histogram(self) -> bool:
        """Whether the rows are a histogram's samples."""
        return any(metric.kind is Kind.HISTOGRAM for metric in self.metrics.values())

    def showing(self, **metrics: Metric[R]) -> "Table[V, K, R]":
        """Return the table with metrics of its rows, by name without the prefix that all have."""
        return replace(self, metrics={f"quantconnect_{name}": metric for name, metric in metrics.items()})


Tables = Sequence[Table[Any, Any, Any]]


def families_of(tables: Tables, shared: tuple[str, ...], note: str = "") -> tuple[Family, ...]:
    """Return the families of tables: their samples begin with the ``shared`` labels, help texts end with ``note``."""
    return tuple(
        Family(
            name,
            metric.kind,
            metric.help + note,
            (*shared, *table.labels, *([CURRENCY] if metric.money else [])),
        )
        for table in tables
        for name, metric in table.metrics.items()
    )


class Health(NamedTuple):
    """What every poll changes; ``portfolio_changed`` in Unix seconds."""

    sources: Mapping[Source, SourceHealth]
    portfolio_changed: float | None


SOURCES: Table[Health, Source, SourceHealth] = Table(
    lambda value: rows_of(value.sources), ("source",), _one_label
)
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


INTERVALS: Table[Slow, Source, float | None] = Table(
    lambda value: rows_of(value.intervals), ("source",), _one_label
)
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


STATUSES: Table[Status, AlgorithmStatus, bool] = Table(Status.by_status, ("status",), _one_label)
DEPLOYMENT_INFO: Table[Status, Labels, float] = Table(Status.info, ("account", "deploy_id", "brokerage"))


class ShownPortfolio(NamedTuple):
    """A portfolio, of which at most ``most_holdings`` are shown one by one."""

    portfolio: Portfolio
    most_holdings: int

    def holdings(self) -> Rows[Security, Holding]:
        """Return the largest holdings."""
        holdings = self.portfolio.largest_holdings(self.most_holdings)
        return Rows([holding.security for holding in holdings], holdings)

    def infos(self) -> Rows[tuple[Security, str], float]:
        """Return what is known of the largest holdings' securities, as labels."""
        holdings = self.portfolio.largest_holdings(self.most_holdings)
        return Rows([(each.security, each.currency_symbol) for each in holdings], [1.0] * len(holdings))

    def dropped(self) -> int:
        """Return how many holdings are not shown."""
        return max(0, len(self.portfolio.holdings) - self.most_holdings)

    def cash(self) -> Rows[str, CashBalance]:
        """Return the rows of the cash book."""
        return Rows([balance.currency for balance in self.portfolio.cash], self.portfolio.cash)


def _holding_labels(security: Security) -> Labels:
    return security.symbol_id, security.symbol, security.type


def _info_labels(key: tuple[Security, str]) -> Labels:
    security, currency_symbol = key
    return security.symbol_id, security.ticker, security.market, currency_symbol


HOLDINGS: Table[ShownPortfolio, Security, Holding] = Table(
    ShownPortfolio.holdings, ("symbol_id", "symbol", "security_type"), _holding_labels
)
HOLDING_INFO: Table[ShownPortfolio, tuple[Security, str], float] = Table(
    ShownPortfolio.infos, ("symbol_id", "ticker", "market", "currency_symbol"), _info_labels
)
CASH: Table[ShownPortfolio, str, CashBalance] = Table(ShownPortfolio.cash, ("currency",), _one_label)
PORTFOLIO: Table[ShownPortfolio, Labels, ShownPortfolio] = Table(one_row)

EQUITY: Table[Reading[EquityCurve], Labels, Reading[EquityCurve]] = Table(one_row)

STATISTICS: Table[Statistics, Labels, Statistics] = Table(one_row)
CUSTOM_STATISTICS: Table[Statistics, str, float] = Table(
    lambda value: rows_of(dict(value.custom)), ("statistic",), _one_label
)
