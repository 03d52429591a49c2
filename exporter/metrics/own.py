"""The exporter's own metrics: requests, budget, build, and the figures of its process."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from exporter.metrics.exposition import Format, Kind, header, numbers, series
from exporter.metrics.families import (
    ACCOUNT_FAMILIES,
    EXPORTER_FAMILIES,
    AccountView,
    ExporterView,
    Family,
    Labels,
)
from exporter.metrics.process_figures import ProcessFigures


class OwnMetrics:
    """The lines that every scrape writes anew; ``accounts`` and ``exporter`` return what is known now.

    Only the numbers are written anew: the text of a series is kept while it is there.
    """

    def __init__(
        self, accounts: Callable[[], Iterable[AccountView]], exporter: Callable[[], ExporterView]
    ) -> None:
        self._accounts = accounts
        self._exporter = exporter
        self._texts: dict[str, tuple[Sequence[Labels], list[str]]] = {}
        self._process = ProcessFigures()

    def lines(self, page_format: Format) -> bytes:
        """Return headers and samples of every family of the exporter itself."""
        accounts = tuple(self._accounts())
        exporter = (self._exporter(),)
        parts = [self._family(page_format, family, accounts) for family in ACCOUNT_FAMILIES]
        parts += [self._family(page_format, family, exporter) for family in EXPORTER_FAMILIES]
        return b"".join((*parts, self._process.lines(page_format)))

    def _family(self, page_format: Format, family: Family[Any], subjects: Sequence[object]) -> bytes:
        labels: list[Labels] = []
        values: list[float] = []
        for subject in subjects:
            about, shown, common = family.samples(subject)
            for each, value in zip(about, shown, strict=True):
                if value is not None:
                    labels.append((*family.own_labels(each), *common))
                    values.append(value)
        if not labels:
            return b""
        known, texts = self._texts.get(family.name, ((), []))
        if known != labels:
            texts = [_series(family, each) for each in labels]
            self._texts[family.name] = (labels, texts)
        written = numbers(values) or map(repr, values)
        lines = "".join([f"{text}{value}\n" for text, value in zip(texts, written, strict=True)])
        return header(page_format, family.name, family.kind, family.help) + lines.encode()


def _series(family: Family[Any], labels: Labels) -> str:
    suffix, own = (labels[0], labels[1:]) if family.kind is Kind.HISTOGRAM else ("", labels)
    return series(f"{family.name}{suffix}", family.labels, own).decode()
