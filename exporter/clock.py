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
        """Return seconds of a clock that counts on while the machine sleeps, as far as the system has one.

        Values must not look fresh because a laptop or a virtual machine was suspended. Linux' monotonic
        clock stands still then, its ``CLOCK_BOOTTIME`` does not (``clock_gettime(2)``).
        """
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)  # noqa: TID251 - the one place
        return time.monotonic()  # noqa: TID251 - the one place
