"""When an account must not send requests: it sent too many, or its credentials were refused."""

from math import inf

SHORTEST_REFUSAL = 30.0
"""Seconds until credentials are tried again after they were refused first."""
LONGEST_REFUSAL = 300.0
"""Seconds between attempts with credentials that stay refused."""

_MOST_DOUBLINGS = 10


class AccountHold:
    """The two reasons to leave an account alone. Not thread safe. Times are monotonic seconds.

    While the credentials are refused, signing in is all that is tried, and its success ends the hold.
    """

    def __init__(self) -> None:
        self.rate_limited_until = -inf
        self._refusals = 0
        self._sign_in_due = inf

    @property
    def is_refused(self) -> bool:
        """Whether QuantConnect refuses the account's credentials."""
        return self._refusals > 0

    @property
    def sign_in_due(self) -> float:
        """When to try the credentials again; infinity while they are not refused, or are being tried."""
        return max(self._sign_in_due, self.rate_limited_until) if self.is_refused else inf

    def limit(self, until: float) -> None:
        """Leave the account alone until then, at least."""
        self.rate_limited_until = max(self.rate_limited_until, until)

    def refuse(self, now: float) -> None:
        """Note that the credentials were refused: each further time doubles the wait, up to a bound."""
        self._refusals += 1
        self._postpone(now)

    def try_signing_in(self) -> None:
        """Note that the credentials are being tried."""
        self._sign_in_due = inf

    def leave_open(self, now: float) -> None:
        """Note that trying the credentials had no answer: they stay refused, and the wait stays the same."""
        self._postpone(now)

    def release(self) -> None:
        """Note that the credentials were accepted."""
        self._refusals = 0
        self._sign_in_due = inf

    def _postpone(self, now: float) -> None:
        doublings = min(max(self._refusals - 1, 0), _MOST_DOUBLINGS)
        self._sign_in_due = now + min(LONGEST_REFUSAL, SHORTEST_REFUSAL * (1 << doublings))
