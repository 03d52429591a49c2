"""Counts and durations of the exporter's own requests."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request duration histogram, seconds."""

OK = "ok"


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram: ``counts`` for each bucket of ``DURATION_BUCKETS`` and one above; ``total`` in seconds."""

    counts: tuple[int, ...] = (0,) * (len(DURATION_BUCKETS) + 1)
    total: float = 0.0

    def with_observation(self, seconds: float) -> "Durations":
        """Return the histogram with one more request in it."""
        bucket = bisect_left(DURATION_BUCKETS, seconds)
        counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        return Durations(counts, self.total + seconds)


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of an account so far.

    ``results`` counts by endpoint and ``ok`` or failure reason; ``throttled_seconds`` is the time
    spent waiting for the budget; ``clock_skew_seconds`` our clock minus the API's.
    """

    results: Mapping[tuple[str, str], int] = field(default_factory=dict)
    durations: Mapping[str, Durations] = field(default_factory=dict)
    throttled_seconds: float = 0.0
    clock_skew_seconds: float | None = None


class RequestLog:
    """Collects :class:`Requests` from several workers; readers take one immutable value."""

    def __init__(self, endpoints: tuple[str, ...], results: tuple[str, ...]) -> None:
        self._lock = Lock()
        self._requests = Requests(
            results={(endpoint, result): 0 for endpoint in endpoints for result in results},
            durations={endpoint: Durations() for endpoint in endpoints},
        )

    @property
    def requests(self) -> Requests:
        """What has been recorded so far."""
        return self._requests

    def record(self, endpoint: str, result: str, seconds: float) -> None:
        """Add one request that ended."""
        with self._lock:
            previous = self._requests
            counted = previous.results.get((endpoint, result), 0) + 1
            timed = previous.durations.get(endpoint, Durations()).with_observation(seconds)
            self._requests = replace(
                previous,
                results={**previous.results, (endpoint, result): counted},
                durations={**previous.durations, endpoint: timed},
            )

    def record_throttled(self, seconds: float) -> None:
        """Add time spent waiting for the budget."""
        with self._lock:
            self._requests = replace(
                self._requests, throttled_seconds=self._requests.throttled_seconds + seconds
            )

    def record_clock_skew(self, seconds: float) -> None:
        """Set the latest difference between our clock and the API's."""
        with self._lock:
            self._requests = replace(self._requests, clock_skew_seconds=seconds)
