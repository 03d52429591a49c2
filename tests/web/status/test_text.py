"""Numbers, times and foreign texts as the status page writes them."""

import pytest

from exporter.web.status.text import ago, duration, number, percent, profit, safe


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [
        (1234.5, False, "1,234.50"),
        (-1234.5, False, "\N{MINUS SIGN}1,234.50"),
        (1234.5, True, "+1,234.50"),
        (0.0, True, "0.00"),
        (-0.004, True, "0.00"),
        (-0.004, False, "0.00"),
    ],
)
def test_number(value, signed, shown):
    """Thousands are set apart, a minus is a minus sign, and what rounds to zero has no sign."""
    assert number(value, signed=signed) == shown


def test_percent():
    """A ratio is shown in percent."""
    assert percent(0.2284) == "22.84 %"


@pytest.mark.parametrize(
    ("amount", "look", "text"),
    [(1, "good", "+1.00"), (-1, "bad", "\N{MINUS SIGN}1.00"), (0, "", "0.00"), (-0.001, "", "0.00")],
)
def test_zero_is_neither_gain_nor_loss(amount, look, text):
    """A gain and a loss have their signs and colours, zero has none."""
    assert profit(amount) == f'<span class="{look}">{text}</span>'
    assert profit(amount, " %") == f'<span class="{look}">{text} %</span>'


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (12.9, "12 s"),
        (119, "119 s"),
        (120, "2 min"),
        (28 * 60, "28 min"),
        (5 * 3600 + 54 * 60, "5 h 54 min"),
        (86_400, "1 d"),
        (3.9 * 86_400, "3 d"),
    ],
)
def test_duration(seconds, shown):
    """A duration is told in its largest units."""
    assert duration(seconds) == shown


def test_ago_has_the_time():
    """An age carries the time it counts from, for readers and for programs."""
    shown = ago(1_790_000_000, 1_790_000_007)
    assert shown.endswith(">7 s ago</time>")
    assert ago(None, 1_790_000_007) == "\N{EN DASH}"
    assert 'datetime="2026-09-21 14:13:20Z" title="2026-09-21 14:13:20Z"' in shown


def test_foreign_text_is_harmless():
    """Markup is escaped, marks of direction and line breaks are written out, a long text is cut."""
    assert safe("<b>\"'&") == "&lt;b&gt;&quot;&#x27;&amp;"
    assert safe("\u202eevil\n") == "\\u202eevil\\n"
    assert safe("x" * 301) == "x" * 300 + "…"
