"""Candles of an equity that is known at any time: days in the past, ten minutes in the last two days."""

import math
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

DAY: Final = 86400
TEN_MINUTES: Final = 600
_FULL_RESOLUTION: Final = 2 * DAY


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low and close up to ``time``, the end of the candle; all None in a gap."""

    time: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None


CandleCache = MutableMapping[tuple[float, float], Candle]


def equity_candles(
    equity: Callable[[float], float], launched: float, end: float, now: float, cache: CandleCache
) -> list[Candle]:
    """Return the candles of a deployment from its launch to ``end``, its stop or else ``now``.

    Candles that ended before ``now`` do not change any more and are kept in ``cache``.
    """
    candles = []
    for start, stop, step in cells(launched, end, now):
        key = (start, stop)
        candle = cache.get(key) or _sampled(equity, start, stop, step)
        if stop < now:
            cache[key] = candle
        candles.append(candle)
    return candles


def cells(launched: float, end: float, now: float) -> Iterator[tuple[float, float, float]]:
    """Yield (start, end, sampling step) of each candle in order; at least one."""
    fine_from = math.floor((now - _FULL_RESOLUTION) / TEN_MINUTES) * TEN_MINUTES
    start = launched
    while True:
        is_daily = start < fine_from
        width, step = (DAY, 10_800) if is_daily else (TEN_MINUTES, 300)
        next_start = (math.floor(start / width) + 1) * width
        stop = min(next_start, fine_from if is_daily else next_start, end)
        yield start, stop, step
        start = stop
        if start >= end:
            return


def _sampled(equity: Callable[[float], float], start: float, stop: float, step: float) -> Candle:
    times = [start]
    inner = (math.floor(start / step) + 1) * step
    while inner < stop:
        times.append(inner)
        inner += step
    times.append(stop)
    values = [equity(time) for time in times]
    return Candle(stop, values[0], max(values), min(values), values[-1])


def peak(candles: Sequence[Candle]) -> float:
    """Return the highest high, 0 without candles."""
    return max((candle.high for candle in candles if candle.high is not None), default=0.0)
