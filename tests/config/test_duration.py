"""Durations as text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("1d2h3m4s5ms", 93_784.005),
        ("90m", 5400),
        ("0s", 0),
        ("05s", 5),
    ],
)
def test_units_add_up(text, seconds):
    """Each unit counts its seconds, and no unit has an upper bound of its own."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "30 s",
        " 30s",
        "30s\n",
        "-30s",
        "1.5h",
        "1:30",
        "30s1m",
        "1m1m",
        "1w",
        "30S",
        "1e3s",
        "٣s",
    ],
)
def test_anything_else_is_refused(text):
    """Blanks, signs, fractions, wrong order, repeated and unknown units are no durations."""
    with pytest.raises(ValueError, match=r"^must be a duration such as 500ms, 30s, 5m or 1h30m$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["60", "0"])
def test_a_bare_number_is_refused_with_a_hint(text):
    """A number without unit is never taken for seconds, but the hint offers them."""
    with pytest.raises(ValueError, match=f"^must be a duration with its unit: write {text}s$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "500ms"), (60, "1m"), (5400, "1h30m"), (0, "0s"), (86_400.001, "1d1ms")]
)
def test_formatting_uses_the_largest_units(seconds, text):
    """A duration is written with each unit filled before the next smaller one."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=365 * 86_400_000))
def test_formatted_durations_read_back(milliseconds):
    """Every whole number of milliseconds up to a year survives writing and reading."""
    seconds = milliseconds / 1000

    assert parse_duration(format_duration(seconds)) == seconds
