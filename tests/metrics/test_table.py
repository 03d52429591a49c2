"""Tables of rows, the metrics they make, and the families that announce them."""

from collections.abc import Mapping

from exporter.metrics.exposition import Kind
from exporter.metrics.table import Family, Table, families_of, histogram_rows, one_row, rows_of

CASH: Table[Mapping[str, float], str, float] = Table(rows_of, ("currency",))


def test_kinds_of_metrics():
    """A table makes gauges, counters and money, which is a gauge with the currency as a label, or what it is told."""
    made = [CASH.gauge("G.", float), CASH.money("M.", float), CASH.counter("C.", float)]

    assert [(each.kind, each.money) for each in made] == [
        (Kind.GAUGE, False),
        (Kind.GAUGE, True),
        (Kind.COUNTER, False),
    ]
    assert CASH.metric("H.", float, Kind.HISTOGRAM).kind is Kind.HISTOGRAM
    assert {each.table for each in made} == {CASH}


def test_families_of_metrics():
    """A family is named with the prefix, and has shared labels first, its own, and for money the currency."""
    metrics = {"cash_value": CASH.money("Cash.", float), "cash_rows_total": CASH.counter("Rows.", float)}

    assert families_of(metrics, ("project",), " Cached.") == (
        Family(
            "quantconnect_cash_value",
            Kind.GAUGE,
            "Cash. Cached.",
            ("project", "currency", "account_currency"),
        ),
        Family("quantconnect_cash_rows_total", Kind.COUNTER, "Rows. Cached.", ("project", "currency")),
    )


def test_label_values_of_a_key():
    """A key of several labels is their values, any other is the value of the only one."""
    assert CASH.label_values("EUR") == ("EUR",)
    assert Table(rows_of, ("a", "b")).label_values(("x", None)) == ("x", None)
    assert one_row("row") == (((),), ("row",))
    assert rows_of({"EUR": 1.5}) == (("EUR",), (1.5,))


def test_samples_of_histograms():
    """Counts are cumulative, end with all of them, and come before count and sum; equal keys are one object."""
    keys, samples = histogram_rows((0.5, 1.0), [(("a",), (1, 0, 2), 7.5), (("b",), (0, 0, 0), 0.0)])

    assert keys[:5] == (
        ("_bucket", "a", "0.5"),
        ("_bucket", "a", "1.0"),
        ("_bucket", "a", "+Inf"),
        ("_count", "a", None),
        ("_sum", "a", None),
    )
    assert samples == [1, 1, 3, 3, 7.5, 0, 0, 0, 0, 0.0]
    assert histogram_rows((0.5, 1.0), [(("a",), (0, 0, 0), 0), (("b",), (9, 9, 9), 1)])[0] is keys
