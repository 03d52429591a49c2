"""The value of a series over time, as pieces of straight lines, and its notation in a promtool test."""

from collections.abc import Iterable, Sequence
from math import ceil, inf
from typing import NamedTuple

MINUTE = 60.0
HOUR = 3600.0

Window = tuple[float, float]
ALWAYS: tuple[Window, ...] = ((0.0, inf),)


class Piece(NamedTuple):
    """From ``start`` on, in seconds: a value that changes by ``slope`` each second, or none at all."""

    start: float
    value: float | None
    slope: float = 0.0


Line = tuple[Piece, ...]


def steady(value: float) -> Line:
    """Return the line of a value that never changes."""
    return (Piece(0, value),)


def steps(*values: tuple[float, float | None]) -> Line:
    """Return the line of a value that jumps: pairs of a minute and the value from then on."""
    return tuple(Piece(minute * MINUTE, value) for minute, value in values)


def counting(per_minute: float, start: float = 0.0, *, since: float = 0.0) -> Line:
    """Return the line of a counter that stands at ``start`` and grows from the minute ``since`` on."""
    return (Piece(0, start), Piece(since * MINUTE, start, per_minute / MINUTE))


def clock(*frozen: Window) -> Line:
    """Return the line of a timestamp that is always now, but stands still in windows of minutes."""
    pieces = [Piece(0, 0, 1)]
    for start, end in frozen:
        pieces += [Piece(start * MINUTE, start * MINUTE), Piece(end * MINUTE, end * MINUTE, 1)]
    return tuple(pieces)


def grid(interval: float, horizon: float) -> Line:
    """Return the line of a timestamp that is renewed every ``interval`` minutes, for some minutes."""
    count = ceil(horizon / interval)
    return tuple(Piece(k * interval * MINUTE, k * interval * MINUTE) for k in range(count))


def value_at(line: Line, moment: float) -> float | None:
    """Return the value at a moment, in seconds; ``None`` without one."""
    current = None
    for piece in line:
        if piece.start > moment:
            break
        current = piece
    if current is None or current.value is None:
        return None
    return current.value + current.slope * (moment - current.start)


def within(line: Line, windows: Iterable[Window]) -> Line:
    """Return the line as far as it lies in windows of seconds, and no value elsewhere."""
    ends = [*(piece.start for piece in line), inf][1:]
    found: list[Piece] = []
    for opened, closed in windows:
        for piece, end in zip(line, ends, strict=True):
            start = max(opened, piece.start)
            if start < min(closed, end):
                value = None if piece.value is None else piece.value + piece.slope * (start - piece.start)
                found.append(Piece(start, value, piece.slope))
        found.append(Piece(closed, None))
    return tuple(found)


def notation(line: Line, interval: float, count: int) -> str:
    """Return promtool's notation of ``count`` samples, one every ``interval`` seconds from 0 on."""
    runs: list[str] = []
    done, present = 0, False
    starts = [min(count, ceil(min(piece.start, count * interval) / interval)) for piece in line]
    for piece, first, last in zip(line, starts, [*starts, count][1:], strict=True):
        if first > done:
            runs += _missing(first - done, after_value=present)
            present, done = False, first
        if last <= done:
            continue
        if piece.value is None:
            runs += _missing(last - done, after_value=present)
        else:
            value = piece.value + piece.slope * (done * interval - piece.start)
            runs.append(f"{value:.10g}{piece.slope * interval:+.10g}x{last - done - 1}")
        present, done = piece.value is not None, last
    if done < count:
        runs += _missing(count - done, after_value=present)
    return " ".join(runs)


def _missing(count: int, *, after_value: bool) -> Sequence[str]:
    if not after_value:
        return [f"_x{count}"]
    return ["stale", f"_x{count - 1}"] if count > 1 else ["stale"]
