"""Places and findings."""

import pytest

from exporter.config.report import Place, Report, quoted
from exporter.errors import ConfigError


def test_places_read_as_file_line_and_key():
    """A place says where to look, as far as it is known."""
    place = Place("config.yml").child("projects", 3).item(1, 5).child("id", 6)

    assert str(place) == "config.yml:6: projects[1].id"
    assert str(Place("environment", key="QUANTCONNECT_USER_ID")) == "environment: QUANTCONNECT_USER_ID"
    assert str(Place("config.yml")) == "config.yml"


def test_problems_come_in_the_order_of_their_lines():
    """Whatever was found first, a reader goes through the file once; warnings do not refuse it."""
    report = Report()
    report.warning(Place("f", 9), "odd")
    report.warning(Place("f", 2), "odd")
    assert report.warnings() == ("f:2: odd", "f:9: odd")

    report.problem(Place("f", 7, "b"), "wrong")
    report.problem(Place("f", 3, "a"), "wrong")
    with pytest.raises(ConfigError) as caught:
        report.warnings()
    assert caught.value.problems == ("f:3: a: wrong", "f:7: b: wrong")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x", '"x"'), ("a\nb\x1b", '"a\\nb\\x1b"'), ("y" * 61, f'"{"y" * 59}…"'), ("y" * 60, f'"{"y" * 60}"')],
)
def test_quoted_text_is_short_and_on_one_line(text, shown):
    """A foreign text can neither fill the screen nor steer the terminal."""
    assert quoted(text) == shown
