"""Whether QuantConnect accepts an account's credentials: learnt by signing in, not from a refused request."""

from math import inf
from threading import Lock
from typing import NamedTuple

from exporter.clock import Clock
from exporter.errors import ApiError, RateLimited, Reason, Unauthorized
from exporter.polling import log
from exporter.polling.jobs import JobQueue
from exporter.quantconnect.client import Client


class Verdict(NamedTuple):
    """What a failed request means: ``error`` says when to ask again."""

    reason: Reason
    text: str
    error: ApiError
    is_of_account: bool = False


class SignIn:
    """Tries one account's credentials, and puts the account on hold while they are refused.

    Refusals that come together are decided by one attempt. ``refused_since`` is in Unix seconds,
    ``None`` while the credentials are not refused.
    """

    def __init__(self, account: str, jobs: JobQueue, clock: Clock) -> None:
        self._account = account
        self._jobs = jobs
        self._clock = clock
        self._lock = Lock()
        self._accepted_at = -inf
        self.refused_since: float | None = None

    def judge(self, client: Client, failure: ApiError) -> Verdict:
        """Return what a failure just received says: a refusal is the request's own, or the account's."""
        if not isinstance(failure, Unauthorized):
            return Verdict(failure.reason, str(failure), failure)
        try:
            is_own = self._is_accepted(client, self._clock.monotonic())
        except ApiError as error:  # then nothing is known of the account
            decisive = error if isinstance(error, RateLimited) else failure
            return Verdict(failure.reason, f"{failure}; then {error}", decisive)
        if is_own:
            return Verdict(Reason.REJECTED, f"{failure}, although the account is signed in", failure)
        return Verdict(failure.reason, str(failure), failure, is_of_account=True)

    def _is_accepted(self, client: Client, refused_at: float) -> bool:
        """Return whether the account is signed in; an attempt before ``refused_at`` does not count."""
        with self._lock:
            if self.refused_since is None and self._accepted_at < refused_at:
                self._try(client)
            return self.refused_since is None

    def retry(self, client: Client) -> None:
        """Try refused credentials again."""
        with self._lock:
            try:
                self._try(client)
            except ApiError as error:
                self._jobs.sign_in_failed(error)

    def _try(self, client: Client) -> None:
        try:
            client.authenticate()
        except Unauthorized as error:
            if self.refused_since is None:
                self.refused_since = self._clock.wall()
                log.account_refused(self._account, str(error))
            self._jobs.refused()
            return
        self._accepted_at = self._clock.monotonic()
        if self.refused_since is not None:
            self.refused_since = None
            log.account_accepted(self._account)
            self._jobs.signed_in()
