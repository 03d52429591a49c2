"""Spans of time that may hold points that are not read yet."""

from collections.abc import Iterable
from typing import NamedTuple


class Gap(NamedTuple):
    """A span in Unix seconds, both ends included; points are at least a second apart."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is; negative when it is empty."""
        return self.end - self.start


Gaps = tuple[Gap, ...]
"""In rising time; no two touch."""


def without(gaps: Gaps, known: Gap) -> Gaps:
    """Return gaps without the span ``known``."""
    if known.seconds < 0:
        return gaps
    left = []
    for gap in gaps:
        before = Gap(gap.start, min(gap.end, known.start - 1))
        after = Gap(max(gap.start, known.end + 1), gap.end)
        left += [each for each in (before, after) if each.seconds >= 0]
    return tuple(left)


def united(gaps: Iterable[Gap]) -> Gaps:
    """Return gaps in rising time: those that overlap or touch are merged, empty ones dropped."""
    result: list[Gap] = []
    for gap in sorted(each for each in gaps if each.seconds >= 0):
        if result and gap.start <= result[-1].end + 1:
            result[-1] = Gap(result[-1].start, max(result[-1].end, gap.end))
        else:
            result.append(gap)
    return tuple(result)
