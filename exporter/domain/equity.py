"""The equity of one deployment over time: latest, peak, drawdown, today's return."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.domain.chart import ChartPoint

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Equity since ``launched`` (Unix seconds), in account currency.

    ``peak`` is the highest equity of every point ever added, candle highs included. ``points`` are
    in rising time and reach back only as far as today's return needs.
    """

    launched: float
    points: tuple[ChartPoint, ...] = ()
    peak: float | None = None

    def extended(self, points: Iterable[ChartPoint], now: float) -> "EquityCurve":
        """Return the curve with ``points`` added, later statements about a moment replacing earlier ones.

        Points from before the launch belong to an earlier deployment and are left out. ``now`` is in
        Unix seconds, UTC.
        """
        own = [point for point in points if point.time >= self.launched]
        merged = {point.time: point for point in self.points} | {point.time: point for point in own}
        ordered = tuple(merged[time] for time in sorted(merged))
        highs = [max(point.high, point.value) for point in own]
        peak = max(highs if self.peak is None else [*highs, self.peak], default=None)
        return replace(self, points=_since_last_before(ordered, midnight_before(now)), peak=peak)

    @property
    def latest(self) -> ChartPoint | None:
        """The last known point."""
        return self.points[-1] if self.points else None

    def drawdown_ratio(self) -> float | None:
        """Return 1 - equity / peak, from 0 to 1; ``None`` without a positive peak."""
        if self.latest is None or self.peak is None or self.peak <= 0:
            return None
        return min(1.0, 1 - self.latest.value / self.peak)

    def daily_return_ratio(self, now: float) -> float | None:
        """Return equity against the day's opening equity, minus 1.

        The opening equity is the last point before today's midnight UTC, or the first point when the
        deployment was launched today; ``None`` when neither is known or positive.
        """
        opening = self._opening(midnight_before(now))
        if self.latest is None or opening is None or opening.value <= 0:
            return None
        return self.latest.value / opening.value - 1

    def _opening(self, midnight: float) -> ChartPoint | None:
        if self.launched >= midnight:
            return self.points[0] if self.points else None
        before = [point for point in self.points if point.time < midnight]
        return before[-1] if before else None


def midnight_before(now: float) -> float:
    """Return the last midnight UTC at or before ``now``, both in Unix seconds."""
    return now - now % SECONDS_PER_DAY


def _since_last_before(points: tuple[ChartPoint, ...], moment: float) -> tuple[ChartPoint, ...]:
    earlier = sum(point.time < moment for point in points)
    return points[max(0, earlier - 1) :]
