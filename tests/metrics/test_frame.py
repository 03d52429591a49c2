"""Lines of metrics, and which of their text is kept."""

from collections.abc import Mapping

from exporter.metrics.exposition import Kind
from exporter.metrics.frame import SharedLabels, render_metrics
from exporter.metrics.table import Labels, Table, one_row, rows_of

PROJECT = SharedLabels('{project="a"', ',account_currency="USD"} ')
PRICES: Table[Mapping[str, float | None], str, float | None] = Table(rows_of, ("symbol",))
ALONE: Table[float, Labels, float] = Table(one_row)
SAMPLES: Table[Mapping[Labels, float], Labels, float] = Table(rows_of, ("le",))


def itself(row):
    return row


def lines(metrics, value, labels=PROJECT, kept=None) -> list[str]:
    return [each.decode() for each in render_metrics(metrics, value, labels, kept)[0]]


def test_shared_labels_come_first_and_the_currency_last():
    """A row's own labels stand between those of the project and the currency, which only money has."""
    metrics = {"value": PRICES.money("V.", itself), "quantity": PRICES.gauge("Q.", itself)}

    assert lines(metrics, {"SPY": 1.5, "QQQ": 2.0}) == [
        (
            'quantconnect_value{project="a",symbol="SPY",account_currency="USD"} 1.5\n'
            'quantconnect_value{project="a",symbol="QQQ",account_currency="USD"} 2.0'
        ),
        'quantconnect_quantity{project="a",symbol="SPY"} 1.5\nquantconnect_quantity{project="a",symbol="QQQ"} 2.0',
    ]


def test_series_without_shared_labels():
    """What belongs to no project begins with its own labels, and has no braces without any."""
    assert lines({"up": PRICES.gauge("U.", itself)}, {"SPY": 1.0}, SharedLabels()) == [
        'quantconnect_up{symbol="SPY"} 1.0'
    ]
    assert lines({"polls_total": ALONE.counter("P.", itself)}, 3, SharedLabels()) == [
        "quantconnect_polls_total 3"
    ]


def test_suffixes_of_a_histogram():
    """The samples of a histogram end their name with its suffix, and those of count and sum have no ``le``."""
    samples = {("_bucket", "1.0"): 2, ("_bucket", "+Inf"): 3, ("_count", None): 3, ("_sum", None): -0.5}

    assert lines({"slippage": SAMPLES.metric("S.", itself, Kind.HISTOGRAM)}, samples) == [
        (
            'quantconnect_slippage_bucket{project="a",le="1.0"} 2\n'
            'quantconnect_slippage_bucket{project="a",le="+Inf"} 3\n'
            'quantconnect_slippage_count{project="a"} 3\n'
            'quantconnect_slippage_sum{project="a"} -0.5'
        )
    ]


def test_frame_is_kept_while_the_same_rows_have_numbers():
    """Other numbers keep the frame; another key, or a number that is not known any more, makes a new one."""
    metrics = {"price": PRICES.gauge("P.", itself)}
    _, frame = render_metrics(metrics, {"SPY": 1.0, "QQQ": 2.0}, PROJECT, None)
    moved, same = render_metrics(metrics, {"SPY": 3.0, "QQQ": 4.0}, PROJECT, frame)
    other, _ = render_metrics(metrics, {"SPY": 1.0, "IWM": 2.0}, PROJECT, frame)
    unknown, _ = render_metrics(metrics, {"SPY": None, "QQQ": 2.0}, PROJECT, frame)

    assert same is frame
    assert moved[0].endswith(b'symbol="QQQ"} 4.0')
    assert other[0].endswith(b'symbol="IWM"} 2.0')
    assert unknown == (b'quantconnect_price{project="a",symbol="QQQ"} 2.0',)
