"""Points of a chart's series."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One sample: ``time`` in Unix seconds, UTC; ``value`` (a candle's close) and ``high`` in the chart's unit."""

    time: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The numeric series of one chart by name, with points in ascending time.

    ``closed`` are those whose last point is null: LEAN ends a series this way, and it has no value now.
    """

    name: str
    series: Mapping[str, tuple[ChartPoint, ...]]
    closed: frozenset[str] = frozenset()

    def without_history(self) -> "Chart":
        """Return the chart with the last point of each series alone."""
        return replace(self, series={name: points[-1:] for name, points in self.series.items()})

    def latest(self, since: float, known: Mapping[str, ChartPoint] | None = None) -> Mapping[str, ChartPoint]:
        """Return the last point of each series that is not closed, at or after ``since`` in Unix seconds.

        ``known`` are the last points of earlier answers, kept for series without a newer one.
        """
        last = {name: points[-1] for name, points in self.series.items() if points}
        recent = {name: point for name, point in last.items() if point.time >= since}
        return {name: point for name, point in {**(known or {}), **recent}.items() if name not in self.closed}
