"""Which format and encoding each client gets."""

import pytest

from exporter.metrics.exposition import Format
from exporter.web.negotiation import accepts_gzip, choose_format

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Format.TEXT),
        ("text/plain;q=0.4, application/openmetrics-text;q=0.5", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=nan", Format.TEXT),
        ("application/openmetrics-text;q=7", Format.TEXT),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        ("text/plain;version=0.0.4", Format.TEXT),
        (BROWSER, Format.TEXT),
        ("*/*", Format.TEXT),
        ("", Format.TEXT),
        (None, Format.TEXT),
        (";;;,=,q=", Format.TEXT),
    ],
)
def test_format(accept, expected):
    """OpenMetrics goes to whoever prefers it by quality, the text format to everyone else."""
    assert choose_format(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("br", False),
        ("", False),
        (None, False),
    ],
)
def test_gzip(accept_encoding, expected):
    """Gzip is used where it is accepted, by name or by wildcard, and not where it is refused."""
    assert accepts_gzip(accept_encoding) is expected


def test_long_headers_are_not_read_to_their_end():
    """Only the first elements and parameters count: a header of many thousands takes no longer."""
    openmetrics = "application/openmetrics-text"
    assert choose_format(",".join(["a/b"] * 31 + [openmetrics])) is Format.OPENMETRICS
    assert choose_format(",".join(["a/b"] * 32 + [openmetrics])) is Format.TEXT
    assert choose_format(openmetrics + ";a=b" * 7 + ";version=2") is Format.OPENMETRICS
    assert not accepts_gzip("a," * 100_000 + "gzip")
