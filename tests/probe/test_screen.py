"""Lines for a terminal or a pipe."""

import io

import pytest

from exporter.probe.screen import Span, Style, drawn, wants_colour


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colours_are_for_terminals_that_have_them(environment, coloured):
    """NO_COLOR counts when it is set and not empty; a pipe never gets colours."""
    assert wants_colour(Terminal(), environment) is coloured
    assert not wants_colour(io.StringIO(), environment)


def test_a_line_is_its_texts_with_colours_around_them():
    """Blank text is not coloured, and no line ends in blanks."""
    line = (Span("account ", Style.STRONG), Span("main"), Span("  ", Style.BAD))

    assert drawn(line, colour=False) == "account main"
    assert drawn(line, colour=True) == "\x1b[1maccount \x1b[0mmain"


def test_foreign_control_sequences_are_shown():
    """What a name holds cannot steer the terminal, in colour or not."""
    for colour in (True, False):
        assert "\x1b[2J" not in drawn((Span("\x1b[2J", Style.GOOD),), colour=colour)
