"""Lines of metrics: their text is kept while only numbers change."""

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from typing import Any, NamedTuple

from exporter.metrics.exposition import Kind, label_pairs, numbers
from exporter.metrics.table import PREFIX, Metric, Metrics, Rows, Table, V

_KEPT_TEXTS = 1024
_SHARED_TEXTS = 65_536

shared: Callable[[str], str] = (
    lru_cache(_SHARED_TEXTS)(str) if sys.version_info[:2] == (3, 12) else sys.intern
)
"""Returns one object for equal texts. Python 3.12 alone never frees what sys.intern has returned."""


class SharedLabels(NamedTuple):
    """Text of the labels that lines share: what all begin with, and what those of money end with."""

    first: str = ""
    end_of_money: str = "} "


class Frame(NamedTuple):
    """The text of the lines of metrics without their numbers, which change far more often.

    ``keys`` are those of each table's rows. ``present`` tells which of the values are shown, ``None``
    while all are. ``pieces`` holds five texts for each line: the family's name, the first shared
    labels, the row's own labels, the last ones, and room for the number. So a text is kept once for
    all projects that share it. ``families`` tells which pieces are whose.
    """

    keys: Sequence[Sequence[Any]]
    present: Sequence[bool] | None
    pieces: Sequence[str]
    families: Sequence[slice]

    def filled(self, shown: Sequence[str]) -> tuple[bytes, ...]:
        """Return the lines of each family with these numbers in them, nothing for one without samples."""
        pieces = list(self.pieces)
        pieces[4::5] = shown
        return tuple(["".join(pieces[family]).encode() for family in self.families])


def render_metrics(
    metrics: Metrics[V], value: V, labels: SharedLabels, kept: Frame | None
) -> tuple[tuple[bytes, ...], Frame]:
    """Return the lines of each metric of a value, and their frame: the one kept from before, if it fits."""
    rows: dict[Table[V, Any, Any], Rows[Any, Any]] = {}
    values: list[float | None] = []
    for metric in metrics.values():
        table = metric.table
        if table not in rows:
            rows[table] = table.read(value)
        values += map(metric.value, rows[table][1])
    keys = [table_keys for table_keys, _ in rows.values()]
    shown, present = numbers(values)
    fits = kept is not None and kept.present == present and kept.keys == keys
    frame = kept if kept is not None and fits else _frame(metrics, keys, present, labels)
    return frame.filled(shown), frame


def _frame(
    metrics: Metrics[V], keys: Sequence[Sequence[Any]], present: Sequence[bool] | None, labels: SharedLabels
) -> Frame:
    is_present = iter(present) if present is not None else repeat(True)
    keys_left = iter(keys)
    texts: dict[Table[V, Any, Any], list[tuple[str, str]]] = {}
    pieces: list[str] = []
    ends: list[int] = []
    for name, metric in metrics.items():
        table = metric.table
        if table not in texts:
            texts[table] = [_row_texts(metric, key, labels.first) for key in next(keys_left)]
        begin, begin_next = _begin_texts(name)
        end = labels.end_of_money if metric.money else "} " if labels.first or table.labels else " "
        for (first, own), shown in zip(texts[table], is_present, strict=False):
            if shown:
                pieces += (begin, first, own, end, "")
                begin = begin_next
        ends.append(len(pieces))
    return Frame(keys, present, tuple(pieces), _slices(tuple(ends)))


def _row_texts(metric: Metric[Any], key: object, first: str) -> tuple[str, str]:
    """Return the text of the first labels and of the row's own, shared by all lines that have the same."""
    table = metric.table
    values = table.label_values(key)
    if metric.kind is Kind.HISTOGRAM:
        first, values = shared(f"{values[0]}{first}"), values[1:]
    pairs = label_pairs(table.label_names(key) if table.label_names else table.labels, values)
    return first, shared(f"{',' if first else '{'}{pairs}") if pairs else ""


@lru_cache(_KEPT_TEXTS)
def _slices(ends: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple([slice(start, end) for start, end in pairwise((0, *ends))])


@lru_cache(_KEPT_TEXTS)
def _begin_texts(name: str) -> tuple[str, str]:
    """Return what the first line of a metric begins with, and every other."""
    return f"{PREFIX}{name}", f"\n{PREFIX}{name}"
