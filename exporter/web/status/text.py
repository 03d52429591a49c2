"""Numbers and times as the status page writes them, and foreign texts made harmless."""

from datetime import UTC, datetime, timedelta
from html import escape

from exporter.printable import printable

_LONGEST = 300


def safe(foreign: str) -> str:
    """Return a text from outside as HTML: escaped, cut, and without characters that act."""
    return escape(printable(foreign if len(foreign) <= _LONGEST else f"{foreign[:_LONGEST]}…"))


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Return a number with thousands and a real minus sign; zero has no sign."""
    rounded = round(value, digits) + 0.0  # turns -0.0 into 0.0
    sign = "+" if signed and rounded else ""
    return f"{rounded:{sign},.{digits}f}".replace("-", "−")


def percent(ratio: float, *, signed: bool = False) -> str:
    """Return a ratio in percent."""
    return f"{number(100 * ratio, signed=signed)} %"


def coloured(text: str) -> str:
    """Return a profit or loss in its colour; zero has none."""
    look = {"+": "good", "−": "bad"}.get(text[:1], "")
    return f'<span class="{look}">{text}</span>'


def duration(seconds: float) -> str:
    """Return a duration in its largest units: ``12 s``, ``28 min``, ``5 h 54 min``, ``3 d``."""
    whole = timedelta(seconds=max(0, int(seconds)))
    if whole < timedelta(minutes=2):
        return f"{whole.seconds} s"
    if whole >= timedelta(days=1):
        return f"{whole.days} d"
    hours, minutes = divmod(whole.seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def ago(then: float, now: float) -> str:
    """Return how long ago a time is as HTML, with the time itself; both in Unix seconds."""
    return f'<time datetime="{iso(then)}" title="{utc(then)}">{duration(now - then)} ago</time>'


def iso(then: float) -> str:
    """Return a time for programs."""
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(then: float) -> str:
    """Return a time as text."""
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
