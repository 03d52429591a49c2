"""How much the probe may ask."""

from collections.abc import Callable
from math import inf

from exporter.clock import Clock
from exporter.quantconnect.budget import RequestBudget


class Enough(Exception):
    """The probe has asked as much as it may; what is not known by now stays unknown."""


class ProbePace:
    """Keeps an account's budget, and less where an answer is only good to have.

    ``wait`` lets the seconds pass until the budget has a request free. From :meth:`spare` on,
    :class:`Enough` is raised instead of making one request too many.
    """

    def __init__(self, requests_per_minute: int, clock: Clock, wait: Callable[[float], None]) -> None:
        self._budget = RequestBudget(requests_per_minute)
        self._clock = clock
        self._wait = wait
        self._made = 0
        self._most = inf
        self._deadline = inf

    def spare(self, most: int, seconds: float = inf) -> None:
        """Allow ``most`` requests altogether, those made already included, and none after ``seconds``."""
        self._most = most
        self._deadline = self._clock.monotonic() + seconds

    def __call__(self) -> None:
        """Return when one more request may be made."""
        if self._made >= self._most or self._clock.monotonic() > self._deadline:
            raise Enough
        while (wait := self._budget.try_acquire(self._clock.monotonic())) > 0:
            self._wait(wait)
        self._made += 1
