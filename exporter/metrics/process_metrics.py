"""What prometheus-client says of the process, read more cheaply.

Its collector lists every open file for each scrape. With a thousand connections that took half the time of
an answer. Names, kinds, help texts and constant values are its own.
"""

import resource
import time
from pathlib import Path

from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry

from exporter.metrics.exposition import Format, Kind, header, number, series

_OPEN_FILES = Path("/proc/self/fd")
_MEMORY = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()
_NEVER_CHANGES = frozenset({"process_start_time_seconds", "python_info"})


class ProcessMetrics:
    """The families of prometheus-client's process and platform collectors, read at each scrape.

    What cannot be read now is left out, as its collector does: no scrape fails, and no old value is shown
    instead.
    """

    def __init__(self) -> None:
        unregistered = CollectorRegistry()
        collectors = (ProcessCollector(registry=unregistered), PlatformCollector(registry=unregistered))
        metrics = [metric for collector in collectors for metric in collector.collect()]
        self._families = {
            page_format: [(metric.name, _before_the_value(page_format, metric)) for metric in metrics]
            for page_format in Format
        }
        self._constant = {
            metric.name: metric.samples[0].value for metric in metrics if metric.name in _NEVER_CHANGES
        }

    def lines(self, page_format: Format) -> bytes:
        """Return header and sample of every family that can be read."""
        values = self._constant | _read()
        return b"".join(
            [before + number(values[name]) for name, before in self._families[page_format] if name in values]
        )


def _before_the_value(page_format: Format, metric: Metric) -> bytes:
    kind = Kind(metric.type)
    name = f"{metric.name}_total" if kind is Kind.COUNTER else metric.name
    (sample,) = metric.samples
    return header(page_format, name, kind, metric.documentation) + series(
        sample.name, tuple(sample.labels), sample.labels.values()
    )


def _read() -> dict[str, float]:
    """Return what changes of the process, by name of the family; nothing where ``/proc`` cannot be read.

    That may last only a moment, when the process has as many files open as it may.
    """
    try:
        virtual_pages, resident_pages = _MEMORY.read_bytes().split()[:2]
        open_files = _open_files()
    except OSError:
        return {}
    return {
        "process_virtual_memory_bytes": float(virtual_pages) * _PAGE_BYTES,
        "process_resident_memory_bytes": float(resident_pages) * _PAGE_BYTES,
        "process_cpu_seconds": time.process_time(),
        "process_open_fds": float(open_files),
        "process_max_fds": float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    }


def _open_files() -> int:
    # Linux tells the number as the size of the directory since 6.2, and 0 before.
    return _OPEN_FILES.stat().st_size or sum(1 for _ in _OPEN_FILES.iterdir())
