"""Tables of rows, and the metrics that show a number of each row.

A *table* turns a value into rows, one for each sample of each of its metrics. A *metric* is a help text and
a number of a row. Neither reads anything but the value, so lines are rendered again when it changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.metrics.exposition import Kind

K = TypeVar("K")
R = TypeVar("R")
V = TypeVar("V")

_KEPT_KEYS = 64

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
    """Return a metric that only grows, except for a reset to 0."""
    return Metric(text, value, Kind.COUNTER)


def counter_beside_gauge(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return a counter whose name without ``_total`` is a gauge's."""
    return Metric(text, value, Kind.COUNTER_BESIDE_GAUGE)


def histogram(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return a metric whose rows are the samples of histograms."""
    return Metric(text, value, Kind.HISTOGRAM)


def signed_histogram(text: str, value: Callable[[R], float | None]) -> Metric[R]:
    """Return one part of a histogram of numbers that may be negative: its buckets, count or sum."""
    return Metric(text, value, Kind.SIGNED_HISTOGRAM)


class Family(NamedTuple):
    """A metric as the page announces it, with all labels of its samples."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]


Rows = tuple[Sequence[K], Sequence[R]]
"""For each row a key that tells which one it is, and the rows."""


def one_row(row: R) -> Rows[Labels, R]:
    """Return the only row there is, which needs no labels."""
    return _ALONE, (row,)


def rows_of(by_key: Mapping[K, R]) -> Rows[K, R]:
    """Return a row for each key of a mapping."""
    return tuple(by_key), tuple(by_key.values())


def histogram_rows(
    bounds: tuple[float, ...], histograms: Iterable[tuple[Labels, Sequence[int], float]]
) -> Rows[Labels, float]:
    """Return the samples of histograms: label values but ``le``, counts in each bucket, and sum of each."""
    labels: list[Labels] = []
    samples: list[float] = []
    for each, counts, total in histograms:
        labels.append(each)
        samples += accumulate(counts)
        samples += (samples[-1], total)
    return _histogram_keys(bounds, tuple(labels)), samples


@lru_cache(_KEPT_KEYS)
def _histogram_keys(bounds: tuple[float, ...], histograms: tuple[Labels, ...]) -> Sequence[Labels]:
    """Return the keys of histograms, as the same object while they are the same: many, and always the same."""
    buckets = [("_bucket", str(bound)) for bound in bounds]
    samples = (*buckets, ("_bucket", "+Inf"), ("_count", None), ("_sum", None))
    return tuple([(suffix, *labels, le) for labels in histograms for suffix, le in samples])


_ALONE: Sequence[Labels] = ((),)


def _as_it_is(key: Any) -> Labels:
    labels: Labels = key
    return labels


def one_label(key: str) -> Labels:
    """Return the label values of a key that is the only one."""
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
