"""The exporter's own metrics: requests, budget, build, and the figures of its process."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress
from typing import Any, NamedTuple

from exporter.metrics.exposition import Format, Kind, header, numbers, series
from exporter.metrics.families import (
    ACCOUNT_FAMILIES,
    EXPORTER_FAMILIES,
    AccountView,
    ExporterView,
    Family,
    Labels,
)
from exporter.metrics.process_metrics import ProcessMetrics


class _Lines(NamedTuple):
    """A family's lines without their numbers: ``pieces`` holds each line's text and room for its number.

    They are kept while the samples are about the same, and the same of them are known, ``None`` being all.
    """

    about: Sequence[tuple[Sequence[Any], Labels]]
    known: Sequence[bool] | None
    pieces: Sequence[str]


class ExporterMetrics:
    """The lines that every scrape writes anew; ``accounts`` and ``exporter`` return what is known now.

    Only the numbers are written anew: the text of a series is kept while it is there.
    """

    def __init__(
        self, accounts: Callable[[], Iterable[AccountView]], exporter: Callable[[], ExporterView]
    ) -> None:
        self._accounts = accounts
        self._exporter = exporter
        self._kept: dict[str, _Lines] = {}
        self._process = ProcessMetrics()

    def lines(self, page_format: Format) -> bytes:
        """Return headers and samples of every family of the exporter itself."""
        accounts = tuple(self._accounts())
        exporter = (self._exporter(),)
        parts = [self._family(page_format, family, accounts) for family in ACCOUNT_FAMILIES]
        parts += [self._family(page_format, family, exporter) for family in EXPORTER_FAMILIES]
        return b"".join((*parts, self._process.lines(page_format)))

    def _family(self, page_format: Format, family: Family[Any], subjects: Sequence[object]) -> bytes:
        samples = [family.samples(subject) for subject in subjects]
        values = list(chain.from_iterable([each.values for each in samples]))
        about = [(each.about, each.common) for each in samples]
        shown, known = numbers(values)
        if not shown:
            return b""
        kept = self._kept.get(family.name)
        if kept is None or kept.about != about or kept.known != known:
            kept = self._kept[family.name] = _Lines(about, known, _pieces(family, about, known))
        pieces = list(kept.pieces)
        pieces[1::2] = shown
        return header(page_format, family.name, family.kind, family.help) + "".join(pieces).encode()


def _pieces(
    family: Family[Any], about: Sequence[tuple[Sequence[Any], Labels]], known: Sequence[bool] | None
) -> tuple[str, ...]:
    labels = [(*family.own_labels(each), *common) for each_about, common in about for each in each_about]
    shown = labels if known is None else compress(labels, known)
    first, *others = [_series(family, each) for each in shown]
    return (first, *chain.from_iterable([("", f"\n{each}") for each in others]), "", "\n")


def _series(family: Family[Any], labels: Labels) -> str:
    suffix, own = (labels[0], labels[1:]) if family.kind is Kind.HISTOGRAM else ("", labels)
    return series(f"{family.name}{suffix}", family.labels, own).decode()
