"""The equity of one deployment over time: latest, peak, drawdown, today's return."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf

from exporter.domain.chart import ChartPoint
from exporter.domain.gaps import Gap, Gaps, united, without

SECONDS_PER_DAY = 86_400

_OVERLAP = 3600.0
"""Seconds asked for again, because the latest candles are still being filled."""
_LATE = 900.0
"""Seconds that the latest point may be behind: QuantConnect writes points every ten minutes."""


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Equity since ``launched`` (Unix seconds), in account currency, as far as it has been read.

    ``points`` are in rising time and reach back only as far as today's return needs; ``highs`` has
    the highest point of each earlier day. ``gaps`` are the times up to ``read_until`` that are not
    read yet. ``peak`` is the highest equity, candle highs included, since the launch or since
    ``peak_since``, whichever is later; ``None`` until all of it has been read.
    """

    launched: float
    peak_since: float | None = None
    points: tuple[ChartPoint, ...] = ()
    highs: tuple[ChartPoint, ...] = ()
    gaps: Gaps = ()
    read_until: float = -inf
    peak: float | None = None

    def window(self, until: float) -> Gap:
        """Return the time to ask for the newest points of: the last hour again and what came since."""
        start = max(self.launched, self.points[-1].time - _OVERLAP) if self.points else self.launched
        return Gap(start, max(until, start))

    def missing(self, now: float) -> Gap | None:
        """Return the time to ask for next, ``None`` when everything has been read.

        The latest point comes first, then what today's return is measured against, then the newest
        of the rest. ``now`` is in Unix seconds, UTC.
        """
        if not self.gaps:
            return None
        midnight = midnight_before(now)
        if self.latest is not None and self.opening(midnight) is None:
            earlier = [gap for gap in self.gaps if gap.start < midnight]
            if earlier:
                return Gap(earlier[-1].start, min(earlier[-1].end, midnight - 1))
        return self.gaps[-1]

    def extended(self, points: Iterable[ChartPoint], now: float, asked: Gap | None = None) -> "EquityCurve":
        """Return the curve with an answer's ``points`` in it.

        They replace what was known between the first and the last of them. Points from before the
        launch belong to an earlier deployment and are left out. ``asked`` is the time that was asked
        for: an answer may leave points out, so only the span of its points counts as read, and all of
        ``asked`` when it has none. ``now`` is in Unix seconds, UTC.
        """
        stated = {point.time: point for point in points if point.time >= self.launched}
        own = tuple(stated[time] for time in sorted(stated))
        span = Gap(own[0].time, own[-1].time) if own else Gap(0, -1)
        kept = [point for point in self.points if not _within(point, span)]
        ordered = tuple(sorted((*kept, *own), key=lambda point: point.time))
        midnight = midnight_before(now)
        recent = _since_last_before(ordered, midnight)
        highs, restated = self._daily_highs(ordered[: len(ordered) - len(recent)], span)
        gaps = self._gaps_after(own, span, asked)
        curve = replace(
            self,
            points=recent,
            highs=highs,
            gaps=united((*gaps, *restated)),
            read_until=max(self.read_until, asked.end if asked else -inf),
        )
        if curve.opening(midnight) is not None:  # then only the peak needs earlier points
            curve = replace(curve, gaps=without(curve.gaps, Gap(-inf, self._peak_from - 1)))
        counted = (point for point in (*highs, *recent) if point.time >= self._peak_from)
        return replace(curve, peak=None if curve.gaps else max(map(_top, counted), default=None))

    @property
    def latest(self) -> ChartPoint | None:
        """The last point; ``None`` while there may be a later one that has not been read."""
        if not self.points or (self.gaps and self.gaps[-1].end > self.points[-1].time):
            return None
        return self.points[-1]

    def drawdown_ratio(self) -> float | None:
        """Return 1 - equity / peak, from 0 to 1; ``None`` without a positive peak."""
        if self.latest is None or self.peak is None or self.peak <= 0:
            return None
        return min(1.0, max(0.0, 1 - self.latest.value / self.peak))

    def daily_return_ratio(self, now: float) -> float | None:
        """Return equity against the day's opening equity, minus 1.

        The opening equity is the last point before today's midnight UTC, or the deployment's first
        point when there is none before; ``None`` when it is not known or not positive.
        """
        day = self._day(now)
        return day and day[1] / day[0] - 1

    def daily_gain(self, now: float) -> float | None:
        """Return equity minus the day's opening equity, in account currency; ``None`` as for the return."""
        day = self._day(now)
        return day and day[1] - day[0]

    def _day(self, now: float) -> tuple[float, float] | None:
        opening = self.opening(midnight_before(now))
        if self.latest is None or opening is None or opening.value <= 0:
            return None
        return opening.value, self.latest.value

    def opening(self, midnight: float) -> ChartPoint | None:
        """Return the point that opens the day which began at ``midnight``, unless an unread one may."""
        before = [point for point in self.points if point.time < midnight]
        if before:
            unread = Gap(before[-1].time, midnight - 1)
            opening = before[-1]
        elif self.points:
            unread = Gap(self.launched, self.points[0].time)
            opening = self.points[0]
        else:
            return None
        is_read = all(gap.end < unread.start or gap.start > unread.end for gap in self.gaps)
        return opening if is_read else None

    @property
    def _peak_from(self) -> float:
        return max(self.launched, self.peak_since or -inf)

    def _gaps_after(self, own: tuple[ChartPoint, ...], span: Gap, asked: Gap | None) -> Gaps:
        if asked is None:
            return self.gaps
        known_until = self.points[-1].time if self.points else self.launched - 1
        # Points come late, and an answer may leave some out: what was empty before new ones may not be now.
        skipped = Gap(max(asked.start, known_until + 1), span.start - 1)
        read_until = span.end if span.end > known_until else self.read_until
        unread = Gap(max(asked.start, read_until + 1), asked.end)
        gaps = without(united((*self.gaps, unread, skipped)), span)
        if not any(_within(point, asked) for point in own):
            return without(gaps, asked)
        if gaps and gaps[-1].end == unread.end and gaps[-1].seconds <= _LATE:
            return gaps[:-1]  # the latest point is as recent as it can be
        return gaps

    def _daily_highs(
        self, earlier: tuple[ChartPoint, ...], span: Gap
    ) -> tuple[tuple[ChartPoint, ...], list[Gap]]:
        """Return the highest point of each earlier day, and the days that have to be read again.

        Those are the days whose high was taken back: their other points are no longer known.
        """
        highs = {_day(point): point for point in self.highs}
        restated = []
        for day, points in self._counted_by_day(earlier, highs, span).items():
            previous = highs.pop(day, None)
            highest = max(points, key=_top, default=None)
            if previous is not None and not _within(previous, span):
                highest = previous if highest is None else max(previous, highest, key=_top)
            elif previous is not None and (highest is None or _top(highest) < _top(previous)):
                whole = Gap(max(day, self._peak_from), day + SECONDS_PER_DAY - 1)
                if span.start > whole.start or span.end < whole.end:
                    restated.append(whole)
            if highest is not None:
                highs[day] = highest
        return tuple(highs[day] for day in sorted(highs)), restated

    def _counted_by_day(
        self, earlier: tuple[ChartPoint, ...], highs: Mapping[float, ChartPoint], span: Gap
    ) -> Mapping[float, list[ChartPoint]]:
        days = defaultdict[float, list[ChartPoint]](list)
        for point in earlier:
            if point.time >= self._peak_from:
                days[_day(point)].append(point)
        for day, point in highs.items():
            if _within(point, span):
                days[day] += []
        return days


def midnight_before(now: float) -> float:
    """Return the last midnight UTC at or before ``now``, both in Unix seconds."""
    return now - now % SECONDS_PER_DAY


def _day(point: ChartPoint) -> float:
    return midnight_before(point.time)


def _top(point: ChartPoint) -> float:
    return max(point.high, point.value)


def _within(point: ChartPoint, span: Gap) -> bool:
    return span.start <= point.time <= span.end


def _since_last_before(points: tuple[ChartPoint, ...], moment: float) -> tuple[ChartPoint, ...]:
    earlier = sum(point.time < moment for point in points)
    return points[max(0, earlier - 1) :]
