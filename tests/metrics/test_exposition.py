"""Headers, label text and numbers, written out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.metrics.exposition import Format, Kind, header, number, series

LABEL_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_counter_header_differs_between_formats():
    """OpenMetrics names a counter's family without ``_total``; the text format names it like its samples."""
    arguments = ("requests_total", Kind.COUNTER, "Requests.")

    assert (
        header(Format.TEXT, *arguments) == b"# HELP requests_total Requests.\n# TYPE requests_total counter\n"
    )
    assert header(Format.OPENMETRICS, *arguments) == b"# HELP requests Requests.\n# TYPE requests counter\n"


def test_gauge_header_is_the_same_in_both_formats():
    """A gauge is announced under its own name."""
    assert header(Format.TEXT, "up", Kind.GAUGE, "Up.") == header(Format.OPENMETRICS, "up", Kind.GAUGE, "Up.")


def test_what_openmetrics_does_not_allow_has_no_type_there():
    """A counter beside a gauge of its name keeps ``_total``, and parts of a signed histogram are announced one by one."""
    counter = ("orders_total", Kind.COUNTER_BESIDE_GAUGE, "Orders.")
    count = ("slippage_count", Kind.SIGNED_HISTOGRAM, "Slippage.")
    bucket = ("slippage_bucket", Kind.SIGNED_HISTOGRAM, "Slippage.")

    assert header(Format.TEXT, *counter) == b"# HELP orders_total Orders.\n# TYPE orders_total counter\n"
    assert header(Format.TEXT, *bucket) == b"# HELP slippage Slippage.\n# TYPE slippage histogram\n"
    assert header(Format.TEXT, *count) == b""
    assert (
        header(Format.OPENMETRICS, *counter) == b"# HELP orders_total Orders.\n# TYPE orders_total unknown\n"
    )
    assert (
        header(Format.OPENMETRICS, *count)
        == b"# HELP slippage_count Slippage.\n# TYPE slippage_count unknown\n"
    )


def test_label_left_out():
    """A label that is not known is left out, and a series without labels has no braces."""
    assert series("equity", ("project", "account_currency"), ("a", None)) == b'equity{project="a"} '
    assert series("equity", ("account_currency",), (None,)) == b"equity "


def test_labels_and_values_must_match():
    """A value too few or too many is a mistake of the table, not a shifted label."""
    with pytest.raises(ValueError, match="shorter"):
        series("equity", ("project", "account_currency"), ("a",))


def test_label_text_is_escaped():
    r"""Backslash, quote and newline are escaped, and nothing else."""
    assert series("m", ("l",), ('a\\b"c\nd€\r',)) == 'm{l="a\\\\b\\"c\\nd€\r"} '.encode()


@given(LABEL_TEXT, st.floats(allow_nan=False, allow_infinity=False))
def test_any_sample_reads_back_in_the_text_format(text, value):
    """Whatever text a label holds and whatever finite number is shown, the parser reads back the same."""
    page = header(Format.TEXT, "m", Kind.GAUGE, "M.") + series("m", ("l",), (text,)) + number(value)
    (family,) = parse_text(page.decode())
    (sample,) = family.samples

    assert sample.labels == {"l": text}
    assert (sample.value, math.copysign(1, sample.value)) == (value, math.copysign(1, value))


@given(LABEL_TEXT.filter(lambda text: "\r" not in text), st.floats(allow_nan=False, allow_infinity=False))
def test_any_sample_reads_back_in_openmetrics(text, value):
    """The same lines under an OpenMetrics header are read back the same by the OpenMetrics parser."""
    page = header(Format.OPENMETRICS, "m", Kind.GAUGE, "M.") + series("m", ("l",), (text,)) + number(value)
    (family,) = parse_openmetrics((page + Format.OPENMETRICS.end).decode())
    (sample,) = family.samples

    assert sample.labels == {"l": text}
    assert sample.value == value
