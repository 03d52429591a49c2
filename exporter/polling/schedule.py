"""Which request is due, and when the next one is: pure arithmetic on a time that is passed in.

Every job has a fixed grid of due times, with phases spread so that an account's requests do not
come in bursts. A missed point is skipped, never caught up. When the requests that all jobs want
exceed the account's budget, intervals are stretched.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import floor, inf
from typing import NamedTuple

from exporter.errors import ApiError, NotReady, RateLimited, Reason, TimedOut, Unauthorized, Unavailable
from exporter.polling.hold import AccountHold
from exporter.polling.stretch import Stretch, Turn, stretch_for, turn_of

LONGEST_HOLD = 3600.0
"""The longest Retry-After that is obeyed, in seconds."""
LONGEST_BACKOFF = 300.0
"""Seconds between attempts at a source that keeps failing."""
SLOWEST_BACKOFF = 8
"""Intervals between attempts at a source that keeps failing."""
LONGEST_REFUSAL_BACKOFF = 3600.0
"""Seconds between attempts at a source that is refused although the account is signed in."""
NOT_READY_RETRY = 5.0
"""Seconds until an answer that was still loading is asked for again."""

_GOLDEN_RATIO = 0.6180339887498949
_MINUTE = 60
_MOST_DOUBLINGS = 10


class JobKey(NamedTuple):
    """What a job asks for: a kind of answer, of one project or (``None``) of the account."""

    kind: str
    project_id: int | None


SIGN_IN = JobKey("sign_in", None)
"""The job that tries the account's credentials again; it exists only while they are refused."""


@dataclass(slots=True)
class _Job:
    key: JobKey
    priority: int
    number: int
    interval: float
    cost: int
    phase: float
    due: float
    turn: Turn
    failures: int = 0
    rate_limited_at: float = inf
    running: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A job to run now; with ``held``, one that fails without being asked, for that reason."""

    key: JobKey
    held: Reason | None = None


class Schedule:
    """The jobs of one account. Not thread safe: its owner holds a lock. Times are monotonic seconds.

    One job of a project runs at a time, so that one that hangs holds one worker. A heap has a point for
    each job that may run, sorted by due time, then priority, then age. A point is skipped when its job is
    gone or due at another time. Points of a busy project wait until it is free.
    """

    def __init__(self, requests_per_minute: int, random: Callable[[], float]) -> None:
        self._requests_per_minute = requests_per_minute
        self._random = random
        self._jobs: dict[JobKey, _Job] = {}
        self._heap: list[tuple[float, int, int, _Job]] = []
        self._waiting: defaultdict[int | None, list[_Job]] = defaultdict(list)
        self._busy: set[int | None] = set()
        self._added = 0
        self.version = 0
        self._wanted = dict.fromkeys(Turn, 0.0)
        self._hold = AccountHold()
        self._last_success = -inf

    def add(self, key: JobKey, interval: float, due: float, cost: int = 1, priority: int = 0) -> None:
        """Add a job that makes ``cost`` requests every ``interval`` seconds, the first time at ``due``."""
        if key in self._jobs:
            return
        self._added += 1
        turn = turn_of(key.kind)
        self._wanted[turn] += cost * _MINUTE / interval
        self.version += 1
        phase = self._added * _GOLDEN_RATIO % 1
        job = _Job(key, priority, self._added, interval, cost, phase, due, turn)
        self._jobs[key] = job
        self._plan(job, due)

    def planned(self) -> Mapping[JobKey, float]:
        """Return when each job that is not running is due."""
        return {key: job.due for key, job in self._jobs.items() if not job.running}

    def remove(self, key: JobKey) -> None:
        """Forget a job, if it is there."""
        if (job := self._jobs.pop(key, None)) is not None:
            self._wanted[job.turn] -= job.cost * _MINUTE / job.interval
            self.version += 1
            if job.running:
                self._free(key.project_id)

    def set_cost(self, key: JobKey, cost: int) -> None:
        """Note how many requests each run of a job makes, if it is there."""
        if (job := self._jobs.get(key)) is not None and job.cost != cost:
            self._wanted[job.turn] += (cost - job.cost) * _MINUTE / job.interval
            job.cost = cost
            self.version += 1

    def spare_requests(self, key: JobKey) -> float:
        """Return how many requests a job may make in one run, after what all others want."""
        if (job := self._jobs.get(key)) is None:
            return 0.0
        others = self.requests_wanted - job.cost * _MINUTE / job.interval
        return (self._requests_per_minute - others) * job.interval / _MINUTE

    def __contains__(self, key: JobKey) -> bool:
        return key in self._jobs

    @property
    def requests_wanted(self) -> float:
        """The requests a minute that all jobs would make at their configured intervals."""
        return sum(self._wanted.values())

    def stretch(self) -> float:
        """Return the largest factor, 1 or more, by which intervals are longer than configured."""
        return max(self._stretch())

    def _stretch(self) -> Stretch:
        return stretch_for(self._wanted, self._requests_per_minute)

    def interval(self, key: JobKey) -> float | None:
        """Return the interval in force, or ``None`` for a job that is not there."""
        job = self._jobs.get(key)
        return None if job is None else self._in_force(job)

    def _in_force(self, job: _Job) -> float:
        return job.interval * self._stretch().of(job.turn)

    def next_due(self) -> float | None:
        """Return when the next job that may run is due, or ``None`` without one."""
        job = self._first()
        due = min(inf if job is None else job.due, self._hold.sign_in_due)
        return None if due == inf else due

    def take(self, now: float) -> Due | None:
        """Return the job that has been due longest and mark it as running, or ``None`` if none is due.

        While the account is on hold, no source must look alive. With refused credentials every job that is
        due fails. During a rate limit a job waits, and fails when the wait is longer than its interval.
        """
        if self._hold.sign_in_due <= now:
            self._hold.try_signing_in()
            return Due(SIGN_IN)
        wait = self._hold.rate_limited_until - now
        while (job := self._first()) is not None and job.due <= now:
            heappop(self._heap)
            if self._hold.is_refused or wait > job.interval:
                self._plan(job, self._next_point(job, now))
                return Due(job.key, Reason.UNAUTHORIZED if self._hold.is_refused else Reason.RATE_LIMITED)
            if wait <= 0:
                job.running = True
                self._busy.add(job.key.project_id)
                return Due(job.key)
            self._plan(job, now + wait + self._random() * min(wait, job.interval))
        return None

    def succeeded(self, key: JobKey, now: float) -> None:
        """Note that a job's answer came."""
        self._last_success = now
        if (job := self._finished(key)) is not None:
            job.failures = 0
            job.rate_limited_at = inf
            self._plan(job, self._next_point(job, now))

    def failed(self, key: JobKey, error: ApiError | None, now: float) -> None:
        """Note that a job failed; ``None`` is an error of our own."""
        if (job := self._finished(key)) is None:
            return
        job.failures += 1
        self._plan(job, self._next_attempt(job, error, now))

    def signed_in(self, now: float) -> None:
        """Note that the credentials are accepted again: what was held is due at once."""
        self._hold.release()
        for job in self._jobs.values():
            if not job.running:
                self._plan(job, now)

    def refused(self, now: float) -> None:
        """Note that the account's credentials were refused: until they are accepted, only they are tried."""
        self._hold.refuse(now)

    def sign_in_failed(self, error: ApiError, now: float) -> None:
        """Note that trying the credentials had no answer."""
        self._hold.leave_open(now)
        if isinstance(error, RateLimited):
            self.hold_for_rate_limit(now + min(error.retry_after or 0.0, LONGEST_HOLD))

    @property
    def rate_limited_until(self) -> float:
        """Until when the account sends no requests because it sent too many; in the past when it may."""
        return self._hold.rate_limited_until

    def hold_for_rate_limit(self, until: float) -> None:
        """Keep the account quiet until then, at least."""
        self._hold.limit(until)

    def _next_attempt(self, job: _Job, error: ApiError | None, now: float) -> float:
        match error:
            case RateLimited():
                return self._after_rate_limit(job, error, now)
            case Unauthorized():
                # Refused although the account is signed in: only this job waits.
                longest = LONGEST_BACKOFF if job.key.project_id is None else LONGEST_REFUSAL_BACKOFF
                return now + self._doubled_interval(job, longest)
            case NotReady():
                return now + min(self._in_force(job), NOT_READY_RETRY * _doubled(job.failures))
            case Unavailable() | TimedOut():
                named = (error.retry_after if isinstance(error, Unavailable) else None) or 0.0
                wait = self._backoff(job) * (0.75 + self._random() / 2)
                return now + max(wait, min(named, LONGEST_HOLD))
            case _:
                return self._next_point(job, now)

    def _after_rate_limit(self, job: _Job, error: RateLimited, now: float) -> float:
        """Return when to ask again: after a hold of the account, unless the limit is the job's own.

        It is if others were answered since this job was last limited.
        """
        wait = min(error.retry_after if error.retry_after is not None else self._backoff(job), LONGEST_HOLD)
        is_own = job.rate_limited_at < self._last_success
        job.rate_limited_at = now
        if is_own:
            return now + max(wait, self._backoff(job))
        self.hold_for_rate_limit(now + wait)
        return max(self.rate_limited_until + self._random(), now)

    def _first(self) -> _Job | None:
        """Return the job of the earliest point that may run, which is then the heap's first."""
        while self._heap:
            due, _, _, job = self._heap[0]
            if self._jobs.get(job.key) is job and job.due == due:
                if job.key.project_id not in self._busy:
                    return job
                self._waiting[job.key.project_id].append(job)
            heappop(self._heap)
        return None

    def _plan(self, job: _Job, due: float) -> None:
        job.due = due
        heappush(self._heap, (due, job.priority, job.number, job))

    def _free(self, project_id: int | None) -> None:
        """Let the other jobs of a project run again."""
        self._busy.discard(project_id)
        for job in self._waiting.pop(project_id, ()):
            self._plan(job, job.due)

    def _finished(self, key: JobKey) -> _Job | None:
        job = self._jobs.get(key)
        if job is not None and job.running:
            job.running = False
            self._free(key.project_id)
        return job

    def _backoff(self, job: _Job) -> float:
        return self._doubled_interval(job, min(LONGEST_BACKOFF, SLOWEST_BACKOFF * self._in_force(job)))

    def _doubled_interval(self, job: _Job, longest: float) -> float:
        interval = self._in_force(job)
        return min(max(interval, longest), interval * _doubled(job.failures))

    def _next_point(self, job: _Job, now: float) -> float:
        """Return the first point of the job's grid that is at least half an interval away."""
        interval = self._in_force(job)
        start = job.phase * interval
        return start + (floor((now + interval / 2 - start) / interval) + 1) * interval


def _doubled(failures: int) -> int:
    return 1 << min(failures - 1, _MOST_DOUBLINGS)
