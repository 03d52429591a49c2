"""Lines for a terminal or a pipe: words of our own in colour, foreign ones made harmless."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple, TextIO

from exporter.printable import printable


class Style(Enum):
    """How a text is shown: parameters of the terminal's "select graphic rendition" (ECMA-48)."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    GOOD = "32"
    DOUBTFUL = "33"
    BAD = "1;31"


class Span(NamedTuple):
    """A text in one style."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether to write in colour: on a terminal that can, unless NO_COLOR says otherwise.

    See https://no-color.org: the variable counts when it is set and not empty.
    """
    able = environment.get("TERM", "") not in {"", "dumb"}
    return stream.isatty() and able and not environment.get("NO_COLOR")


def drawn(line: Iterable[Span], *, colour: bool) -> str:
    """Return a line's text; whatever it holds, no control sequence but our own colours is in it."""
    return "".join(_drawn(span, colour=colour) for span in line).rstrip()


def _drawn(span: Span, *, colour: bool) -> str:
    text = printable(span.text)
    if not colour or span.style is Style.PLAIN or not text.strip():
        return text
    return f"\x1b[{span.style.value}m{text}\x1b[0m"
