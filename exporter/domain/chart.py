"""Points of a chart's series."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One sample: ``time`` in Unix seconds, UTC; ``value`` (a candle's close) and ``high`` in the chart's unit."""

    time: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The series of one chart that are numbers, by name, their points in rising time."""

    name: str
    series: Mapping[str, tuple[ChartPoint, ...]]

    def latest(self, since: float) -> Mapping[str, ChartPoint]:
        """Return the last point of each series that has one at or after ``since``, Unix seconds."""
        last = {name: points[-1] for name, points in self.series.items() if points}
        return {name: point for name, point in last.items() if point.time >= since}
