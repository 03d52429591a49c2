"""What the page says of the process is what prometheus-client says of it."""

import socket
from pathlib import PosixPath
from types import SimpleNamespace

import pytest
from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from exporter.metrics import process_metrics
from exporter.metrics.exposition import Format
from exporter.metrics.process_metrics import ProcessMetrics


class Sizeless(PosixPath):
    """A directory as Linux before 6.2 shows it."""

    def stat(self, **_):
        return SimpleNamespace(st_size=0)


def expected():
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return list(registry.collect())


def shown(page_format=Format.TEXT):
    return list(text_string_to_metric_families(ProcessMetrics().lines(page_format).decode()))


def value_of(name):
    return {sample.name: sample.value for family in shown() for sample in family.samples}[name]


def test_families_are_those_of_the_library():
    """Names, kinds, help and labels are prometheus-client's, in both formats."""

    def described(families):
        return [
            (family.name, family.type, family.documentation, [(s.name, s.labels) for s in family.samples])
            for family in families
        ]

    page = ProcessMetrics().lines(Format.OPENMETRICS) + Format.OPENMETRICS.end
    assert described(openmetrics_families(page.decode())) == described(expected())
    # The text format's parser keeps the suffix of a counter to its sample.
    assert described(shown()) == described(expected())


def test_values_are_those_of_the_library():
    """Memory, limit and start are what prometheus-client reads, and CPU time is what it rounds."""
    library = {family.name: family.samples[0].value for family in expected()}
    assert value_of("process_max_fds") == library["process_max_fds"]
    assert value_of("process_start_time_seconds") == library["process_start_time_seconds"]
    assert value_of("process_virtual_memory_bytes") == pytest.approx(
        library["process_virtual_memory_bytes"], rel=0.05
    )
    assert value_of("process_resident_memory_bytes") == pytest.approx(
        library["process_resident_memory_bytes"], rel=0.05
    )
    assert value_of("process_cpu_seconds_total") == pytest.approx(library["process_cpu_seconds"], abs=0.2)


def test_open_files_are_counted_anew():
    """A file more is one more in the next scrape."""
    before = value_of("process_open_fds")
    with socket.socket(), socket.socket():
        assert value_of("process_open_fds") == before + 2
    assert value_of("process_open_fds") == before


def test_open_files_are_listed_where_a_directory_has_no_size(monkeypatch, tmp_path):
    """On a Linux that tells no number as the directory's size, open files are counted one by one."""
    monkeypatch.setattr(process_metrics, "_OPEN_FILES", Sizeless(tmp_path))
    (tmp_path / "0").touch()
    (tmp_path / "1").touch()
    assert value_of("process_open_fds") == 2


def test_what_cannot_be_read_now_is_left_out(monkeypatch, tmp_path):
    """A scrape while /proc cannot be read has what never changes, and nothing of before; the next has all again."""
    figures = ProcessMetrics()
    names = [name for name, _ in figures._families[Format.TEXT]]
    with monkeypatch.context() as broken:
        broken.setattr(process_metrics, "_MEMORY", tmp_path / "missing")
        left = [family.name for family in text_string_to_metric_families(figures.lines(Format.TEXT).decode())]
    again = [family.name for family in text_string_to_metric_families(figures.lines(Format.TEXT).decode())]

    assert left == ["process_start_time_seconds", "python_info"]
    assert again == names


def test_what_the_library_cannot_tell_is_not_told(monkeypatch):
    """Where the library's collector finds no process, as without /proc/stat, the rest of the page is there."""
    monkeypatch.setattr(process_metrics.ProcessCollector, "collect", lambda _: [])
    page = ProcessMetrics().lines(Format.TEXT).decode()

    assert [family.name for family in text_string_to_metric_families(page)] == ["python_info"]
