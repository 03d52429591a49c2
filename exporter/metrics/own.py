"""The exporter's own metrics: requests, budget, build, and prometheus-client's process figures."""

from collections.abc import Callable, Iterable

from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporter.metrics.exposition import Format, Kind, header, number, series
from exporter.metrics.families import (
    ACCOUNT_FAMILIES,
    EXPORTER_FAMILIES,
    AccountView,
    ExporterView,
    Family,
)
from exporter.metrics.rendering import render_family


class OwnMetrics:
    """The lines that every scrape writes anew; ``accounts`` and ``exporter`` return what is known now."""

    def __init__(
        self, accounts: Callable[[], Iterable[AccountView]], exporter: Callable[[], ExporterView]
    ) -> None:
        self._accounts = accounts
        self._exporter = exporter
        unregistered = CollectorRegistry()
        self._collectors: tuple[Collector, ...] = (
            ProcessCollector(registry=unregistered),
            PlatformCollector(registry=unregistered),
        )

    def lines(self, page_format: Format) -> bytes:
        """Return headers and samples of every family of the exporter itself."""
        accounts = tuple(self._accounts())
        exporter = (self._exporter(),)
        parts = [_family(page_format, family, accounts) for family in ACCOUNT_FAMILIES]
        parts += [_family(page_format, family, exporter) for family in EXPORTER_FAMILIES]
        for collector in self._collectors:
            parts += [_metric(page_format, metric) for metric in collector.collect()]
        return b"".join(parts)


def _family(page_format: Format, family: Family, subjects: Iterable[object]) -> bytes:  # type: ignore[type-arg]
    lines = render_family(family, subjects)
    return header(page_format, family.name, family.kind, family.help) + lines if lines else b""


def _metric(page_format: Format, metric: Metric) -> bytes:
    """Return a family of prometheus-client's in our lines: its own renderer takes far longer."""
    kind = Kind(metric.type)
    name = f"{metric.name}_total" if kind is Kind.COUNTER else metric.name
    lines = [
        series(sample.name, tuple(sample.labels), sample.labels.values()) + number(sample.value)
        for sample in metric.samples
    ]
    return header(page_format, name, kind, metric.documentation) + b"".join(lines)
