"""What a poll of one source starts from, and what it results in."""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.domain.deployment import Deployment
from exporter.errors import ApiError
from exporter.polling.state import Instant, ProjectState
from exporter.quantconnect.client import Client

MOST_REQUESTS = 10
"""Requests that one poll may make at most, so that a long history delays no other source for long."""

Change = Callable[[ProjectState], ProjectState]


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll of a running project: its state so far, its deployment, and how many requests it may make."""

    client: Client
    state: ProjectState
    deployment: Deployment
    clock: Clock
    most_requests: int = MOST_REQUESTS

    @property
    def now(self) -> Instant:
        """Both clocks' readings."""
        return read_clock(self.clock)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an answer changes; ``error`` is why a part of it is missing.

    ``next_cost`` is how many requests the next poll will make, ``None`` for as many as before.
    """

    change: Change
    error: ApiError | None = None
    next_cost: int | None = None


def read_clock(clock: Clock) -> Instant:
    """Return both clocks' readings now."""
    return Instant(clock.wall(), clock.monotonic())
