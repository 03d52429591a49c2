"""Reading parsed JSON: what is meant, or the path of what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import Malformed
from exporter.quantconnect.wire import reader


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0.0), (-3, -3.0), (183.28999999999999, 183.28999999999999), (1e-300, 1e-300), (10**20, 1e20)],
)
def test_numbers(value, expected):
    """Whole numbers and fractions are numbers."""
    assert expected == reader.number(value, "here")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", "here: expected a number, found the text '5'"),
        (True, "here: expected a number, found true"),
        (False, "here: expected a number, found false"),
        (None, "here: expected a number, found null"),
        ({}, "here: expected a number, found an object"),
        ([1], "here: expected a number, found an array"),
        (float("nan"), "here: expected a finite number, found nan"),
        (float("inf"), "here: expected a finite number, found inf"),
        (float("-inf"), "here: expected a finite number, found -inf"),
        (10**400, "here: a number too large to hold"),
        ("x" * 500, f"here: expected a number, found the text '{'x' * 60}…'"),
    ],
)
def test_what_is_no_number(value, text):
    """Texts, booleans, NaN and infinities are no numbers, and the error says where and what."""
    with pytest.raises(Malformed) as caught:
        reader.number(value, "here")
    assert text == str(caught.value)


@pytest.mark.parametrize("value", ["", "größer", "大", "\U0001f600", "a\nb"])
def test_texts(value):
    """Any text that UTF-8 can write is a text."""
    assert value == reader.text(value, "here")


def test_long_texts_are_cut_and_stay_apart():
    """A text of more than 256 characters is cut to that many, and two that begin alike stay different."""
    assert reader.text("x" * 256, "here") == "x" * 256
    long, other = reader.text("x" * 257, "here"), reader.text("x" * 2_000_000, "here")
    assert (len(long), len(other)) == (256, 256)
    assert long != other
    assert long.startswith("x" * 243 + "…")


@pytest.mark.parametrize("value", [None, 5, True, [], {}, "\ud800", "a\udfffb"])
def test_what_is_no_text(value):
    """Other values, and half a surrogate pair, are no texts."""
    with pytest.raises(Malformed, match=r"^here: "):
        reader.text(value, "here")


@pytest.mark.parametrize("value", [{}, [], None])
def test_empty_objects(value):
    """An empty object may come as an empty array or as null."""
    assert reader.mapping(value, "here") == {}


@pytest.mark.parametrize("value", [[], {}, None])
def test_empty_arrays(value):
    """An empty array may come as an empty object or as null."""
    assert reader.array(value, "here") == []


@pytest.mark.parametrize("value", [[1], [{}], "", "text", 0, False, 1.5])
def test_what_is_no_object(value):
    """Anything else is no object."""
    with pytest.raises(Malformed, match=r"^here: expected an object"):
        reader.mapping(value, "here")


@pytest.mark.parametrize("value", [{"a": 1}, "", "text", 0, False, 1.5])
def test_what_is_no_array(value):
    """Anything else is no array."""
    with pytest.raises(Malformed, match=r"^here: expected an array"):
        reader.array(value, "here")


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (0, 0), ("5", 5), ("23456789", 23456789)])
def test_whole_numbers(value, expected):
    """A whole number may come as digits in quotes."""
    assert expected == reader.whole_number(value, "here")


@pytest.mark.parametrize(
    "value", [None, True, 5.0, "", "5.0", "-5", " 5", "٣", "five", "1" * 19, "1" * 5000, [5]]
)
def test_what_is_no_whole_number(value):
    """Booleans, fractions and other texts are no whole numbers."""
    with pytest.raises(Malformed, match=r"^here: expected a whole number"):
        reader.whole_number(value, "here")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("1970-01-01 00:00:00", 0.0),
        ("2026-11-20 12:34:56", 1_795_178_096.0),
        ("2026-11-20T12:34:56", 1_795_178_096.0),
        ("2026-11-20T12:34:56Z", 1_795_178_096.0),
        ("2026-11-20 14:34:56+02:00", 1_795_178_096.0),
        ("2026-11-20 12:34:56.500", 1_795_178_096.5),
        ("2024-02-29 00:00:00", 1_709_164_800.0),
    ],
)
def test_times(value, expected):
    """A time without a zone is UTC, whatever the machine's zone."""
    assert expected == reader.optional_time(value, "here")


@pytest.mark.parametrize(
    "value",
    [None, "", "0000-00-00 00:00:00", "0001-01-01 00:00:00", "0001-01-01T00:00:00Z", "0001-01-01"],
)
def test_no_time(value):
    """Null, the empty text, a database's zero date and C#'s default give no time."""
    assert reader.optional_time(value, "here") is None


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2026-13-01 00:00:00",
        "0000-00-01 00:00:00",
        "9999-12-31T23:00:00-02:00",  # the year 10000 in UTC, which nothing can show
        "12:34",
        1_795_178_096,
        True,
        {},
        "\ud800",
    ],
)
def test_what_is_no_time(value):
    """Anything else is no time."""
    with pytest.raises(Malformed, match=r"^here: "):
        reader.optional_time(value, "here")


@pytest.mark.parametrize(
    ("members", "expected"),
    [({"b": 2}, 2), ({"a": 1, "b": 2}, 1), ({"a": None, "b": 2}, None), ({}, None), ({"a": 0}, 0)],
)
def test_first_member(members, expected):
    """A member is found under the first of its names that is there."""
    assert expected == reader.first_member(members, "a", "b")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SPY R735QTJ8XC9X", 'here["SPY R735QTJ8XC9X"]'),
        ("größe", 'here["größe"]'),
        ("a\nb", 'here["a\\nb"]'),
        ("\ud800", 'here["\\ud800"]'),
        ("x" * 100, f'here["{"x" * 60}…"]'),
    ],
)
def test_member_paths(name, expected):
    """A path shows the member's name on one line, cut when it is long."""
    assert expected == reader.member_path("here", name)


@given(st.text())
def test_any_name_makes_a_path_for_a_log_line(name):
    """Whatever a member is named, its path is one short line that UTF-8 can write."""
    path = reader.member_path("here", name)
    assert path.encode().decode() == path
    assert len(path.splitlines()) == 1
