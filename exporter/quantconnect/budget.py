"""The requests that an account may make in a minute."""

from collections import deque
from threading import Lock

_WINDOW_SECONDS = 60.0


class RequestBudget:
    """At most ``requests_per_minute`` in any sixty seconds, shared by an account's workers.

    A sliding window rather than a token bucket, so that a burst after an idle time never exceeds
    what was configured. The requests of a ``predecessor`` still count.
    """

    def __init__(self, requests_per_minute: int, predecessor: "RequestBudget | None" = None) -> None:
        self.requests_per_minute = requests_per_minute
        spent = predecessor.spent() if predecessor else ()
        self._spent: deque[float] = deque(spent, maxlen=requests_per_minute)
        self._lock = Lock()

    def try_acquire(self, now: float) -> float:
        """Take one request and return 0, or take none and return the seconds until one may be free.

        ``now`` is monotonic seconds.
        """
        with self._lock:
            if len(self._spent) == self.requests_per_minute:
                wait = self._spent[0] + _WINDOW_SECONDS - now
                if wait > 0:
                    return wait
            self._spent.append(now)
            return 0.0

    def used(self, now: float) -> int:
        """Return how many requests count against the budget at ``now``, monotonic seconds."""
        with self._lock:
            return sum(now - spent < _WINDOW_SECONDS for spent in self._spent)

    def spent(self) -> tuple[float, ...]:
        """Return when the latest requests were made, monotonic seconds, at most a minute's worth of them."""
        with self._lock:
            return tuple(self._spent)
