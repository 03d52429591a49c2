"""Numbers, times and foreign texts as the status page writes them, in HTML."""

from datetime import UTC, datetime, timedelta
from html import escape

from exporter.printable import printable

UNKNOWN = "–"
_LONGEST = 300


def safe(foreign: str) -> str:
    """Return a text from outside as HTML: escaped, cut, and without characters that act."""
    return escape(printable(foreign if len(foreign) <= _LONGEST else f"{foreign[:_LONGEST]}…"))


def number(value: float, *, signed: bool = False) -> str:
    """Return a number with thousands, two decimals and a real minus sign; zero has no sign."""
    rounded = round(value, 2) + 0.0  # turns -0.0 into 0.0
    sign = "+" if signed and rounded else ""
    return f"{rounded:{sign},.2f}".replace("-", "−")


def percent(ratio: float) -> str:
    """Return a ratio in percent."""
    return f"{number(100 * ratio)} %"


def profit(amount: float, unit: str = "") -> str:
    """Return a gain or loss with its sign, in its colour; zero has none."""
    text = number(amount, signed=True)
    look = {"+": "good", "−": "bad"}.get(text[0], "")
    return f'<span class="{look}">{text}{unit}</span>'


def duration(seconds: float) -> str:
    """Return a duration in its largest units: ``12 s``, ``28 min``, ``5 h 54 min``, ``3 d``."""
    whole = timedelta(seconds=max(0, int(seconds)))
    if whole < timedelta(minutes=2):
        return f"{whole.seconds} s"
    if whole >= timedelta(days=1):
        return f"{whole.days} d"
    hours, minutes = divmod(whole.seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def utc(then: float) -> str:
    """Return a time in Unix seconds as text."""
    return f"{datetime.fromtimestamp(then, UTC):%Y-%m-%d %H:%M:%SZ}"


def ago(then: float | None, now: float) -> str:
    """Return how long ago a time is, with the time itself; both in Unix seconds."""
    if then is None:
        return UNKNOWN
    return f'<time datetime="{utc(then)}" title="{utc(then)}">{duration(now - then)} ago</time>'
