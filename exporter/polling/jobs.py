"""The queue of an account's jobs: the schedule, its lock, and the workers that wait for it."""

from collections.abc import Callable, Iterable, Mapping
from math import floor, inf
from threading import Condition
from types import MappingProxyType
from typing import NamedTuple

from exporter.clock import Clock
from exporter.config.model import Account
from exporter.errors import ApiError
from exporter.polling.fetched import MOST_REQUESTS
from exporter.polling.job_specs import LISTING, JobSpec, value_jobs
from exporter.polling.schedule import Due, JobKey, Schedule
from exporter.polling.state import VALUE_SOURCES, ProjectState, Source


class Planned(NamedTuple):
    """What a queue hands over to its successor: when each job would have been due, monotonic seconds.

    Until ``rate_limited_until`` QuantConnect wants no requests. Refused credentials are not handed
    over, because a reload is how they are mended.
    """

    due: Mapping[JobKey, float]
    rate_limited_until: float


NOTHING_PLANNED = Planned(MappingProxyType({}), -inf)


class JobQueue:
    """Which job runs next, for any number of workers. Thread safe."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        random: Callable[[], float],
        rate_limited_until: float = -inf,
    ) -> None:
        self._clock = clock
        self._schedule = Schedule(account.requests_per_minute, random)
        self._schedule.hold_for_rate_limit(rate_limited_until)
        self._changed = Condition()
        self._watched = inf
        self._running: set[int] = set()

    def take(self) -> Due | None:
        """Return the job that has been due longest, or ``None`` when none is due."""
        with self._changed:
            due = self._schedule.take(self._clock.monotonic())
            if due is not None:
                self._changed.notify()  # another worker has to watch for the next one
            return due

    def succeeded(self, key: JobKey) -> None:
        """Note that a job's answer came."""
        with self._changed:
            self._schedule.succeeded(key, self._clock.monotonic())

    def failed(self, key: JobKey, error: ApiError | None) -> None:
        """Note that a job failed; ``None`` is an error of our own."""
        with self._changed:
            self._schedule.failed(key, error, self._clock.monotonic())

    def signed_in(self) -> None:
        """Note that the account's credentials are accepted: what was held is due at once."""
        with self._changed:
            self._schedule.signed_in(self._clock.monotonic())
            self._changed.notify_all()

    def refused(self) -> None:
        """Note that the account's credentials were refused: until they are accepted, only they are tried."""
        with self._changed:
            self._schedule.refused(self._clock.monotonic())
            self._changed.notify_all()

    def sign_in_failed(self, error: ApiError) -> None:
        """Note that trying the credentials had no answer."""
        with self._changed:
            self._schedule.sign_in_failed(error, self._clock.monotonic())

    def add(self, job: JobSpec, planned: Planned = NOTHING_PLANNED) -> None:
        """Add a job that is due at once, or when it was planned before."""
        with self._changed:
            due = planned.due.get(job.key, self._clock.monotonic())
            self._schedule.add(job.key, job.interval, due, job.cost)

    def set_cost(self, key: JobKey, cost: int) -> None:
        """Note how many requests each run of a job makes from now on."""
        with self._changed:
            self._schedule.set_cost(key, cost)

    def allowance(self, key: JobKey) -> int:
        """Return how many requests a job may make in one run without stretching anything: 2 to 10."""
        with self._changed:
            return max(2, min(MOST_REQUESTS, floor(self._schedule.spare_requests(key))))

    def remove(self, key: JobKey) -> None:
        """Forget a job, if it is there."""
        with self._changed:
            self._schedule.remove(key)

    def __contains__(self, key: JobKey) -> bool:
        with self._changed:
            return key in self._schedule

    def begin(
        self, state: ProjectState, planned: Planned = NOTHING_PLANNED, *, is_redeployed: bool = False
    ) -> None:
        """Ask for a running project's values from now on, or from when it was planned before.

        What begins within a second is due at once and together: first the portfolios of all projects, then
        the other sources, so that no worker waits for a project that another one is asking for. After a
        redeployment the statistics come first: they alone name the deployment that QuantConnect answers
        with.
        """
        jobs = list(value_jobs(state.project_id, state.settings))
        if is_redeployed:
            jobs.sort(key=lambda job: job.key.kind != Source.STATISTICS)
        with self._changed:
            now = self._clock.monotonic()
            self._running.add(state.project_id)
            self._changed.notify()
            for priority, (key, interval, cost) in enumerate(jobs):
                due = min(planned.due.get(key, floor(now)), now + interval)
                self._schedule.add(key, interval, due, cost, priority)

    def end(self, project_id: int) -> None:
        """Stop asking for a project's values."""
        with self._changed:
            self._running.discard(project_id)
            for source in VALUE_SOURCES:
                self._schedule.remove(JobKey(source, project_id))

    def running_projects(self) -> int:
        """Return how many live algorithms are polled."""
        return len(self._running)

    def planned(self) -> Planned:
        """Return what a successor needs."""
        with self._changed:
            return Planned(self._schedule.planned(), self._schedule.rate_limited_until)

    @property
    def version(self) -> int:
        """A number that changes when a job comes or goes, and with it the intervals in force."""
        with self._changed:
            return self._schedule.version

    def stretch(self) -> float:
        """Return the factor, 1 or more, by which intervals are longer than configured."""
        with self._changed:
            return self._schedule.stretch()

    def intervals(self, project_id: int, sources: Iterable[Source]) -> Mapping[Source, float | None]:
        """Return the interval in force of each source of a project, ``None`` for one that is not polled.

        Without a job of its own, a project's status comes with the account's list.
        """
        with self._changed:
            in_force = {source: self._schedule.interval(JobKey(source, project_id)) for source in sources}
            if in_force[Source.STATUS] is None:
                in_force[Source.STATUS] = self._schedule.interval(LISTING)
            return in_force

    def listing_interval(self) -> float | None:
        """Return the interval in force at which the account's projects are listed."""
        with self._changed:
            return self._schedule.interval(LISTING)

    def wait(self, longest: float) -> None:
        """Return when a job may be due, after ``longest`` seconds, or when woken.

        One of the waiting workers watches for the next job. Otherwise all would wake for each job.
        """
        with self._changed:
            due = self._schedule.next_due()
            if due is None or due >= self._watched:
                self._changed.wait(longest)
                return
            wait = min(longest, due - self._clock.monotonic())
            if wait > 0:
                self._watched = due
                self._changed.wait(wait)
                self._watched = inf

    def wake(self) -> None:
        """Make every waiting worker look again."""
        with self._changed:
            self._changed.notify_all()
