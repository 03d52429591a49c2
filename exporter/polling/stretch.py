"""What a short request budget does to the intervals: which are stretched first, and by how much."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

EQUITY_ADVANTAGE = 4.0
"""How many times longer the other intervals become before that of equity is stretched too."""

_ROUNDING = 1e-6
_SHARE_OF_BUDGET = 0.95
"""Share of a short budget for jobs; the rest is for names and repeated attempts."""
_MOST_FOR_STATUS = 0.9
"""Share of that for statuses: beyond it they are stretched too, so that values still come."""


class Turn(Enum):
    """When a job's interval is stretched."""

    FIRST = auto()
    LAST = auto()
    NEVER = auto()


_TURNS = {"equity": Turn.LAST, "status": Turn.NEVER, "listing": Turn.NEVER}


def turn_of(kind: str) -> Turn:
    """Return when a kind of job is stretched: the status never, the equity last, all else first."""
    return _TURNS.get(kind, Turn.FIRST)


class Stretch(NamedTuple):
    """The factors, 1 or more, by which intervals are longer than configured, by turn."""

    first: float = 1.0
    last: float = 1.0
    never: float = 1.0

    def of(self, turn: Turn) -> float:
        """Return the factor for jobs of a turn."""
        return {Turn.FIRST: self.first, Turn.LAST: self.last, Turn.NEVER: self.never}[turn]


def stretch_for(wanted: Mapping[Turn, float], requests_per_minute: int) -> Stretch:
    """Return the factors at which jobs that want so many requests a minute keep the budget."""
    if sum(wanted.values()) <= requests_per_minute + _ROUNDING:
        return Stretch()
    budget = requests_per_minute * _SHARE_OF_BUDGET
    never = max(1.0, wanted[Turn.NEVER] / (budget * _MOST_FOR_STATUS))
    left = budget - wanted[Turn.NEVER] / never
    beside_equity = left - wanted[Turn.LAST]
    if wanted[Turn.FIRST] <= EQUITY_ADVANTAGE * beside_equity:
        return Stretch(max(1.0, wanted[Turn.FIRST] / beside_equity) if beside_equity > 0 else 1.0, 1.0, never)
    first = (wanted[Turn.FIRST] + EQUITY_ADVANTAGE * wanted[Turn.LAST]) / left
    return Stretch(first, first / EQUITY_ADVANTAGE, never)
