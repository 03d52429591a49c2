"""Tables of rows, and the metrics that show a number of each row.

A *table* turns a value into rows, one for each sample of each of its metrics. A *metric* is a help text and
a number of a row. Neither reads anything but the value, so lines are rendered again when it changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.metrics.exposition import Kind

K = TypeVar("K")
R = TypeVar("R")
V = TypeVar("V")

_KEPT_KEYS = 64

Labels = tuple[str | None, ...]
"""Label values; a label of ``None`` is left out."""

Rows = tuple[Sequence[K], Sequence[R]]
"""For each row a key that tells which one it is, and the rows."""

PREFIX = "quantconnect_"
CURRENCY = "account_currency"


def _labels_of(key: Any) -> Labels:
    return key if isinstance(key, tuple) else (key,)


@dataclass(frozen=True, slots=True, eq=False)  # rendering finds a table by what it is, not by its parts
class Table(Generic[V, K, R]):
    """One kind of row: ``read`` returns the rows of a value, ``label_values`` the labels' values of a key.

    Label text is made again only when the keys change. The first label value of a histogram's row is the
    suffix of the sample's name. ``label_names`` is for labels whose names the user chooses.
    """

    read: Callable[[V], Rows[K, R]]
    labels: tuple[str, ...] = ()
    label_values: Callable[[K], Labels] = _labels_of
    label_names: Callable[[K], tuple[str, ...]] | None = None

    def metric(self, text: str, value: Callable[[R], float | None], kind: Kind) -> "Metric[V]":
        """Return a metric with a help text and a number of each row, ``None`` for no sample."""
        return Metric(self, text, value, kind)

    def gauge(self, text: str, value: Callable[[R], float | None]) -> "Metric[V]":
        """Return a metric that may fall."""
        return Metric(self, text, value, Kind.GAUGE)

    def money(self, text: str, value: Callable[[R], float | None]) -> "Metric[V]":
        """Return a gauge in the account currency, which becomes a label."""
        return Metric(self, text, value, Kind.GAUGE, money=True)

    def counter(self, text: str, value: Callable[[R], float | None]) -> "Metric[V]":
        """Return a metric that only grows, except for a reset to 0."""
        return Metric(self, text, value, Kind.COUNTER)


@dataclass(frozen=True, slots=True)
class Metric(Generic[V]):
    """A help text and a number of each row of a table."""

    table: Table[V, Any, Any]
    help: str
    value: Callable[[Any], float | None]
    kind: Kind
    money: bool = False


Metrics = Mapping[str, Metric[V]]
"""Metrics of the same value by their name, without the prefix that all have."""


class Family(NamedTuple):
    """A metric as the page announces it, with all labels of its samples."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]


def families_of(metrics: Metrics[Any], shared: tuple[str, ...], note: str = "") -> tuple[Family, ...]:
    """Return families: their samples begin with the ``shared`` labels, and help texts end with ``note``."""
    return tuple(
        Family(
            f"{PREFIX}{name}",
            metric.kind,
            metric.help + note,
            (*shared, *metric.table.labels, *([CURRENCY] if metric.money else [])),
        )
        for name, metric in metrics.items()
    )


def one_row(row: R) -> Rows[Labels, R]:
    """Return the only row there is, which needs no labels."""
    return ((),), (row,)


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
