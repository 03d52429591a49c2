"""The only place that reads time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time: one to compare with other machines, one to measure with."""

    def wall(self) -> float:
        """Return Unix seconds, UTC; may step when the machine's clock is set."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never steps back."""


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> float:
        """Return Unix seconds, UTC."""
        return time.time()  # noqa: TID251 - the one place

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()  # noqa: TID251 - the one place
