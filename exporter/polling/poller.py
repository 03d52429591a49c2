"""The worker threads: a few for each account, so that one that hangs delays no other."""

import logging
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread

from exporter.clock import Clock
from exporter.polling.account import AccountPoller
from exporter.quantconnect.budget import RequestBudget
from exporter.quantconnect.client import Client, Throttle
from exporter.quantconnect.telemetry import RequestLog

_LONGEST_WAIT = 1.0
"""Seconds after which a waiting worker shows that it is alive."""
_PATIENCE = 60.0
"""Seconds beyond two time-outs after which a worker that shows nothing counts as stuck."""

_MOST_SKEW = 60.0
"""Seconds between our clock and the API's above which a warning is logged; two hours break the signature."""

_logger = logging.getLogger(__name__)


class Stopping(BaseException):
    """Raised inside a worker that waits while the exporter stops; no handler of errors may catch it."""


class Crew:
    """Threads that wait for work. They are started before anything else changes, because starting may fail.

    Raises RuntimeError, and leaves none behind, if not all of them can be started.
    """

    def __init__(self, name: str, count: int) -> None:
        self._begin = Event()
        self._work: Callable[[int], None] | None = None
        self.threads: list[Thread] = []
        try:
            for number in range(count):
                # Daemons: a request that hangs must not keep the process from ending.
                thread = Thread(target=self._run, args=(number,), name=f"{name}-{number}", daemon=True)
                thread.start()
                self.threads.append(thread)
        except RuntimeError:
            self.dismiss()
            raise

    def begin(self, work: Callable[[int], None]) -> None:
        """Let each thread work; it gets its number."""
        self._work = work
        self._begin.set()

    def dismiss(self) -> None:
        """Let the threads end, unless they work already."""
        self._begin.set()

    def _run(self, number: int) -> None:
        self._begin.wait()
        if self._work is not None:
            self._work(number)


class AccountWorkers:
    """The threads that poll one account: those of ``crew``, or its own."""

    def __init__(
        self,
        poller: AccountPoller,
        make_client: Callable[[Throttle], Client],
        log: RequestLog,
        budget: RequestBudget,
        timeout: float,
        clock: Clock,
        crew: Crew | None = None,
    ) -> None:
        self.poller = poller
        self.log = log
        self.budget = budget
        self._make_client = make_client
        self._clock = clock
        self._stop = Event()
        self._stuck_after = 2 * timeout + _PATIENCE
        self._alive: dict[int, float] = {}
        self._lock = Lock()
        self._crew = crew
        self._skewed = False

    def start(self) -> None:
        """Begin to poll; raises RuntimeError if no thread can be started."""
        account = self.poller.account
        if self._crew is None:
            self._crew = Crew(account.name, account.max_concurrent_requests)
        for number in range(account.max_concurrent_requests):
            self._show_alive(number)
        self._crew.begin(self._work)

    def stop(self) -> None:
        """Tell the threads to end; those in a request end with it."""
        self._stop.set()
        self.poller.jobs.wake()

    def healthy(self) -> bool:
        """Tell whether every thread has lately shown that it is alive."""
        if self.lost():
            return False
        now = self._clock.monotonic()
        with self._lock:
            return all(now - shown < self._stuck_after for shown in self._alive.values())

    def lost(self) -> bool:
        """Tell whether a thread has died: nothing would replace it."""
        if self._stop.is_set() or self._crew is None:
            return False
        alive = sum(thread.is_alive() for thread in self._crew.threads)
        return alive < self.poller.account.max_concurrent_requests

    def _work(self, number: int) -> None:
        client = self._make_client(lambda: self._throttle(number))
        try:
            while not self._stop.is_set():
                self._show_alive(number)
                if self.poller.poll_once(client):
                    self.note_clock_skew()
                else:
                    self.poller.jobs.wait(_LONGEST_WAIT)
        except Stopping:
            _logger.debug("worker stops", extra={"account": self.poller.account.name})
        finally:
            client.close()

    def note_clock_skew(self) -> None:
        """Log when our clock begins to differ from the API's, and when both agree again."""
        skew = self.log.requests.clock_skew_seconds
        with self._lock:
            skewed = skew is not None and abs(skew) > _MOST_SKEW
            changed, self._skewed = skewed != self._skewed, skewed
        if changed and skewed:
            _logger.warning(
                "this machine's clock differs from QuantConnect's, which refuses signatures older than two hours",
                extra={"account": self.poller.account.name, "ahead_seconds": skew},
            )
        elif changed:
            _logger.info("clocks agree again", extra={"account": self.poller.account.name})

    def _throttle(self, number: int) -> None:
        """Wait until the account's budget has a request free."""
        while (wait := self.budget.try_acquire(self._clock.monotonic())) > 0:
            self._show_alive(number)
            started = self._clock.monotonic()
            stopped = self._stop.wait(min(wait, _LONGEST_WAIT))
            self.log.record_throttled(self._clock.monotonic() - started)
            if stopped:
                raise Stopping
        if self._stop.is_set():
            raise Stopping
        self._show_alive(number)

    def _show_alive(self, number: int) -> None:
        with self._lock:
            self._alive[number] = self._clock.monotonic()


class Poller:
    """All accounts' workers."""

    def __init__(self, accounts: Iterable[AccountWorkers]) -> None:
        self.accounts = tuple(accounts)

    def start(self) -> None:
        """Start polling."""
        for account in self.accounts:
            account.start()

    def stop(self) -> None:
        """Stop polling at once; requests under way are abandoned."""
        for account in self.accounts:
            account.stop()

    def healthy(self) -> bool:
        """Tell whether every poll loop moves."""
        return all(account.healthy() for account in self.accounts)

    def lost(self) -> bool:
        """Tell whether a worker has died, so that part of the page would never be polled again."""
        return any(account.lost() for account in self.accounts)

    def not_ready(self) -> str | None:
        """Return why the page is incomplete: projects not tried yet, or no account that can be listed."""
        if not all(account.poller.tried() for account in self.accounts):
            return "not every project has been tried yet"
        unlisted = {each.poller.account.name: each.poller.unlisted() for each in self.accounts}
        if not unlisted or not all(unlisted.values()):
            return None
        reasons = ", ".join(f"{name}: {reason}" for name, reason in unlisted.items())
        return f"no account can be listed ({reasons})"
