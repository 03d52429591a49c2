"""Which request is due, and when the next one is: pure arithmetic, told the time.

Every job has a fixed grid of due times, with phases spread so that an account's requests do not
come in bursts. A missed point is skipped, never caught up. When the requests that all jobs want
exceed the account's budget, every interval is stretched by the same factor.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import floor, inf
from typing import NamedTuple

from exporter.errors import ApiError, NotReady, RateLimited, Reason, TimedOut, Unauthorized, Unavailable

UNAUTHORIZED_HOLD = 300.0
"""Seconds an account stays quiet after its credentials were refused."""
LONGEST_HOLD = 3600.0
"""The most seconds of a Retry-After that are believed."""
LONGEST_BACKOFF = 300.0
"""Seconds between attempts at a source that keeps failing."""
SLOWEST_BACKOFF = 8
"""Intervals between attempts at a source that keeps failing."""
NOT_READY_RETRY = 5.0
"""Seconds until an answer that was still loading is asked for again."""

_GOLDEN_RATIO = 0.6180339887498949
_MINUTE = 60
_ROUNDING = 1e-6
_SHARE_OF_BUDGET = 0.95
"""What the grid may use of a short budget; the rest is for names, history and repeated attempts."""
_MOST_DOUBLINGS = 10


class JobKey(NamedTuple):
    """What a job asks for: a kind of answer, of one project or (``None``) of the account."""

    kind: str
    project_id: int | None


@dataclass(slots=True)
class _Job:
    key: JobKey
    priority: int
    number: int
    interval: float
    cost: int
    phase: float
    due: float
    failures: int = 0
    running: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A job to run now; with ``held``, one that fails without being asked, for that reason."""

    key: JobKey
    held: Reason | None = None


class Schedule:
    """The jobs of one account. Not thread safe: its owner holds a lock. Times are monotonic seconds.

    One job of a project runs at a time, so that one that hangs holds one worker. A heap has a point
    for each job that may run: its due time, and for equal ones the job's priority and number, so that of
    the lowest priority the one added first goes first. A point is outdated when its job has gone or is
    due at another time, and is passed over. Points of a project that is busy wait until it is free.
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
        self._wanted = 0.0
        self._held_until = -inf
        self._held_reason = Reason.RATE_LIMITED

    def add(self, key: JobKey, interval: float, due: float, cost: int = 1, priority: int = 0) -> None:
        """Add a job that makes ``cost`` requests every ``interval`` seconds, the first time at ``due``."""
        if key in self._jobs:
            return
        self._added += 1
        self._wanted += cost * _MINUTE / interval
        self.version += 1
        phase = self._added * _GOLDEN_RATIO % 1
        job = _Job(key, priority, self._added, interval, cost, phase, due)
        self._jobs[key] = job
        self._plan(job, due)

    def planned(self) -> Mapping[JobKey, float]:
        """Return when each job is due that does not run now."""
        return {key: job.due for key, job in self._jobs.items() if not job.running}

    def remove(self, key: JobKey) -> None:
        """Forget a job, if it is there."""
        if (job := self._jobs.pop(key, None)) is not None:
            self._wanted -= job.cost * _MINUTE / job.interval
            self.version += 1
            if job.running:
                self._free(key.project_id)

    def __contains__(self, key: JobKey) -> bool:
        return key in self._jobs

    @property
    def requests_wanted(self) -> float:
        """The requests a minute that all jobs would make at their configured intervals."""
        return self._wanted

    def stretch(self) -> float:
        """Return the factor, 1 or more, by which intervals are longer than configured."""
        if self._wanted <= self._requests_per_minute + _ROUNDING:
            return 1.0
        return self._wanted / (self._requests_per_minute * _SHARE_OF_BUDGET)

    def interval(self, key: JobKey) -> float | None:
        """Return the interval in force, or ``None`` for a job that is not there."""
        job = self._jobs.get(key)
        return None if job is None else job.interval * self.stretch()

    def next_due(self) -> float | None:
        """Return when the next job that may run is due, or ``None`` without one."""
        job = self._first()
        return None if job is None else job.due

    def take(self, now: float) -> Due | None:
        """Return the job that has been due longest and mark it as running, or ``None`` if none is due.

        During a hold of the account, a job waits for its end; one whose interval is shorter than the
        wait fails instead, so that nothing looks alive that is not asked for.
        """
        wait = self._held_until - now
        while (job := self._first()) is not None and job.due <= now:
            heappop(self._heap)
            if wait <= 0:
                job.running = True
                self._busy.add(job.key.project_id)
                return Due(job.key)
            if wait > job.interval:
                self._plan(job, self._next_point(job, now))
                return Due(job.key, self._held_reason)
            self._plan(job, self._held_until + self._random() * min(wait, job.interval))
        return None

    def succeeded(self, key: JobKey, now: float) -> None:
        """Note that a job's answer came."""
        if (job := self._finished(key)) is not None:
            job.failures = 0
            self._plan(job, self._next_point(job, now))

    def failed(self, key: JobKey, error: ApiError | None, now: float) -> None:
        """Note that a job failed; ``None`` is an error of our own."""
        if (job := self._finished(key)) is None:
            return
        job.failures += 1
        self._plan(job, self._next_attempt(job, error, now))

    def hold(self, now: float) -> tuple[Reason, float] | None:
        """Return why the account is quiet and for how many seconds more, or ``None`` when it is not."""
        wait = self._held_until - now
        return (self._held_reason, wait) if wait > 0 else None

    @property
    def rate_limited_until(self) -> float:
        """Until when the account is quiet because it asked too often; a time past when it is not."""
        return self._held_until if self._held_reason is Reason.RATE_LIMITED else -inf

    def hold_for_rate_limit(self, until: float) -> None:
        """Keep the account quiet until then, at least."""
        self._hold(Reason.RATE_LIMITED, until)

    def _next_attempt(self, job: _Job, error: ApiError | None, now: float) -> float:
        match error:
            case RateLimited():
                wait = error.retry_after if error.retry_after is not None else self._backoff(job)
                self.hold_for_rate_limit(now + min(wait, LONGEST_HOLD))
                return max(self._held_until + self._random(), now)
            case Unauthorized():
                self._hold(Reason.UNAUTHORIZED, now + UNAUTHORIZED_HOLD * (1 + self._random() / 5))
                return self._next_point(job, now)
            case NotReady():
                return now + min(job.interval * self.stretch(), NOT_READY_RETRY * _doubled(job.failures))
            case Unavailable() | TimedOut():
                named = (error.retry_after if isinstance(error, Unavailable) else None) or 0.0
                wait = self._backoff(job) * (0.75 + self._random() / 2)
                return now + max(wait, min(named, LONGEST_HOLD))
            case _:
                return self._next_point(job, now)

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

    def _hold(self, reason: Reason, until: float) -> None:
        if until > self._held_until:
            self._held_until = until
            self._held_reason = reason

    def _finished(self, key: JobKey) -> _Job | None:
        job = self._jobs.get(key)
        if job is not None and job.running:
            job.running = False
            self._free(key.project_id)
        return job

    def _backoff(self, job: _Job) -> float:
        interval = job.interval * self.stretch()
        longest = max(interval, min(LONGEST_BACKOFF, SLOWEST_BACKOFF * interval))
        return min(longest, interval * _doubled(job.failures))

    def _next_point(self, job: _Job, now: float) -> float:
        """Return the first point of the job's grid that is at least half an interval away."""
        interval = job.interval * self.stretch()
        start = job.phase * interval
        return start + (floor((now + interval / 2 - start) / interval) + 1) * interval


def _doubled(failures: int) -> int:
    return 1 << min(failures - 1, _MOST_DOUBLINGS)
