"""Polling one account: its projects, its schedule, and what each answer means for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import floor, inf
from threading import Condition, Lock
from types import MappingProxyType
from typing import Any

from exporter.clock import Clock
from exporter.config.model import Account, NamedProject, ProjectSettings
from exporter.domain.deployment import Deployment, latest_deployment
from exporter.errors import ApiError, Malformed, Reason
from exporter.polling import log
from exporter.polling.fetch import Change, fetch, read_clock
from exporter.polling.job_specs import LISTING, listing_job, status_job, value_jobs
from exporter.polling.schedule import JobKey, Schedule
from exporter.polling.selection import Selection, membership
from exporter.polling.state import VALUE_SOURCES, ProjectState, Source, is_same_deployment, new_project
from exporter.polling.store import Store, Update
from exporter.quantconnect.client import Client
from exporter.quantconnect.wire.live import Listing

NAMES_REFRESH = 3600.0
"""Seconds between two looks at the projects' names."""
NAMES_RETRY = 600.0
"""Seconds until the names are asked for again after that failed."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a poller hands over to its successor: its projects, and when each job would have been due.

    Until ``rate_limited_until`` QuantConnect wants no requests. Refused credentials are not handed
    over: a reload is how they are mended.
    """

    listing_tried: bool
    names: Mapping[int, str]
    names_asked: frozenset[int]
    names_due: float
    states: tuple[ProjectState, ...]
    due: Mapping[JobKey, float]
    rate_limited_until: float


class AccountPoller:
    """The projects of one account and what is due for them.

    Several workers call :meth:`poll_once`, each with a client of its own. An ``handover`` is what
    the same account's poller knew under an earlier configuration.
    """

    def __init__(
        self,
        account: Account,
        named: Iterable[NamedProject],
        may_discover: Callable[[int], bool],
        defaults: ProjectSettings,
        store: Store[Any],
        clock: Clock,
        random: Callable[[], float],
        handover: Handover | None = None,
    ) -> None:
        self.account = account
        self._defaults = defaults
        self._store = store
        self._clock = clock
        self._changed = Condition()
        self._schedule = Schedule(account.requests_per_minute, random)
        self._named = {project.id: project.settings for project in named}
        self._may_discover = may_discover
        self._projects: frozenset[int] = frozenset()  # replaced, never changed: other threads iterate over it
        self._running: set[int] = set()
        self._watched = inf
        self._publishing = Lock()
        self._intervals_of: tuple[int, frozenset[int]] | None = None
        self._membership = Lock()
        self._retired = False
        self._stretched = False
        self._listing_tried = False
        self._listing_failed = False
        self._names: Mapping[int, str] = {}
        self._names_asked: frozenset[int] = frozenset()
        self._names_due = 0.0
        listing_due = clock.monotonic()
        if handover is not None:
            self._take_over(handover)
            if self._named.keys() <= self._projects:
                listing_due = handover.due.get(LISTING, listing_due)
        listing = listing_job(defaults, self._named.values())
        self._schedule.add(listing.key, listing.interval, listing_due)
        self._publish_intervals()

    def poll_once(self, client: Client) -> bool:
        """Run the job that has been due longest; ``False`` when none is due."""
        with self._changed:
            due = self._schedule.take(self._clock.monotonic())
            if due is not None:
                self._changed.notify()  # somebody else has to watch for the next one
        if due is None:
            return False
        if due.held is None:
            self._run(client, due.key)
        else:
            self._record_failure(due.key, due.held, "not asked while the account is on hold", held=True)
        return True

    def wait(self, longest: float) -> None:
        """Return when a job may be due, after ``longest`` seconds, or when woken.

        Of the workers that wait, one watches for the next job; all would wake for each job otherwise.
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

    def retire(self) -> Handover:
        """Publish nothing any more, not even what is being asked now, and return what a successor needs."""
        with self._membership:
            self._retired = True
        with self._changed:
            due = self._schedule.planned()
            rate_limited_until = self._schedule.rate_limited_until
        return Handover(
            listing_tried=self._listing_tried,
            names=self._names,
            names_asked=self._names_asked,
            names_due=self._names_due,
            states=tuple(self._states()),
            due=due,
            rate_limited_until=rate_limited_until,
        )

    def running_projects(self) -> int:
        """Return how many live algorithms are polled."""
        return len(self._running)

    def tried(self) -> bool:
        """Tell whether every project has been asked for once, successfully or not."""
        return self._listing_tried and all(_tried(state) for state in self._states())

    def _take_over(self, handover: Handover) -> None:
        """Take over what is known of the projects that stay ours, and take the others off the page."""
        self._listing_tried = handover.listing_tried
        self._names = handover.names
        self._names_asked = handover.names_asked
        self._names_due = handover.names_due
        self._schedule.hold_for_rate_limit(handover.rate_limited_until)
        for state in handover.states:
            project_id = state.project_id
            settings = self._named.get(project_id)
            if settings is None and not (self.account.discover and self._may_discover(project_id)):
                self._store.remove(project_id)
                continue
            self._projects |= {project_id}
            self._update(project_id, _with_settings(settings or self._defaults))
            self._update(project_id, self._with_name)
            if (adopted := self._store.get(project_id)) and adopted.current_deployment:
                self._begin_jobs(adopted, handover.due)

    def _update(self, project_id: int, change: Change) -> Update | None:
        """Publish a change, unless another poller has taken over meanwhile."""
        return self._store.update(project_id, lambda known: known if self._retired else change(known))

    def _run(self, client: Client, key: JobKey) -> None:
        # No error outlives its handler: one that its own frame keeps is garbage that only a search finds.
        try:
            self._poll(client, key)
        except ApiError as error:
            self._record_failure(key, error.reason, str(error))
            with self._changed:
                self._schedule.failed(key, error, self._clock.monotonic())
        except Exception as error:  # noqa: BLE001 - one bad answer must not end the worker
            log.internal_error(self.account.name, key, error)
            self._record_failure(key, Reason.INTERNAL, "a mistake of the exporter")
            with self._changed:
                self._schedule.failed(key, None, self._clock.monotonic())
        else:
            with self._changed:
                self._schedule.succeeded(key, self._clock.monotonic())

    def _poll(self, client: Client, key: JobKey) -> None:
        client.timeout = self._timeout(key.project_id)
        if key.project_id is None:
            self._poll_listing(client)
        elif key.kind == Source.STATUS:
            self._set_deployment(key.project_id, client.live_deployment(key.project_id))
            self._publish_intervals()
        else:
            self._poll_values(client, key.project_id, Source(key.kind))

    def _timeout(self, project_id: int | None) -> float:
        state = None if project_id is None else self._store.get(project_id)
        return (state.settings if state else self._defaults).polling.timeout

    def _poll_values(self, client: Client, project_id: int, source: Source) -> None:
        state = self._store.get(project_id)
        deployment = state.current_deployment if state else None
        if state is None or deployment is None:
            return
        fetched = fetch(source, client, state, deployment, self._clock)
        now = read_clock(self._clock)

        def change(known: ProjectState) -> ProjectState:
            if not is_same_deployment(known.current_deployment, deployment):
                return known  # the answer is about a deployment that has ended meanwhile
            changed = fetched.change(known)
            return changed if fetched.error else changed.with_success(source, now)

        update = self._update(project_id, change)
        if fetched.error:
            raise fetched.error
        log.recovered(update, source)
        log.members_unknown(update)

    def _poll_listing(self, client: Client) -> None:
        listing = client.live_list()
        found = sorted(project_id for project_id in listing if self._is_new(listing, project_id))
        self._ask_names(client, found)
        with self._membership:
            if self._retired:
                return
            self._add_named()
            for project_id in found:
                self._discover(project_id)
            for project_id in sorted(self._projects):
                self._apply_listing(project_id, listing)
        if self._listing_failed:
            log.listing_recovered(self.account.name)
        self._listing_tried, self._listing_failed = True, False
        self._publish_intervals()

    def _is_new(self, listing: Listing, project_id: int) -> bool:
        if project_id in self._projects:
            return False
        found = membership(
            project_id,
            listing[project_id],
            self._named,
            self._may_discover,
            discover=self.account.discover,
        )
        return found is Selection.DISCOVERED

    def _ask_names(self, client: Client, found: list[int]) -> None:
        """Ask for the projects' names when there is a new project without one, and now and then.

        A project is shown under its id until its name is known, so no failure here stops anything.
        """
        unnamed = {project_id for project_id, settings in self._named.items() if settings.name is None}
        wanted = self._projects.difference(self._named).union(unnamed, found)
        now = self._clock.monotonic()
        if not wanted or (wanted <= self._names_asked and now < self._names_due):
            return
        self._names_asked = wanted
        try:
            self._names = client.project_names()
        except ApiError as error:
            self._names_due = now + NAMES_RETRY
            log.names_failed(self.account.name, error)
            return
        self._names_due = now + NAMES_REFRESH
        for project_id in self._projects & self._names.keys():
            self._update(project_id, self._with_name)

    def _with_name(self, state: ProjectState) -> ProjectState:
        return state.with_name(self._names.get(state.project_id, state.name))

    def _add_named(self) -> None:
        """Publish the projects that the configuration names.

        Not before their names have been asked for: a series that changes its labels is another series.
        """
        for project_id in self._named.keys() - self._projects:
            self._add(project_id, self._named[project_id])

    def _add(self, project_id: int, settings: ProjectSettings) -> bool:
        state = self._with_name(new_project(project_id, self.account.name, settings))
        # A project shared between two accounts is polled by the one that found it first.
        added = self._store.add(state)
        if added:
            self._projects |= {project_id}
        return added

    def _discover(self, project_id: int) -> None:
        if self._add(project_id, self._defaults) and (state := self._store.get(project_id)) is not None:
            log.discovered(state)

    def _apply_listing(self, project_id: int, listing: Listing) -> None:
        own_status = JobKey(Source.STATUS, project_id)
        deployments = listing.get(project_id)
        if deployments is None and project_id in self._named:
            # The list leaves out what was never deployed, and perhaps what others share with us.
            with self._changed:
                status = status_job(project_id, self._named[project_id])
                self._schedule.add(status.key, status.interval, self._clock.monotonic())
            return
        with self._changed:
            self._schedule.remove(own_status)
        if deployments is None:
            self._drop(project_id)
        elif isinstance(deployments, Malformed):
            self._record_failure(own_status, deployments.reason, str(deployments))
        else:
            self._set_deployment(project_id, latest_deployment(deployments))

    def _drop(self, project_id: int) -> None:
        if (state := self._store.get(project_id)) is not None:
            log.dropped(state)
        self._end_jobs(project_id)
        self._projects -= {project_id}
        self._store.remove(project_id)

    def _set_deployment(self, project_id: int, deployment: Deployment | None) -> None:
        now = read_clock(self._clock)

        def change(known: ProjectState) -> ProjectState:
            same = known.deployment is not None and known.deployment.value == deployment
            # The same object tells rendering that nothing has changed.
            latest = known.deployment.value if same and known.deployment else deployment
            return known.with_deployment(latest, now).with_success(Source.STATUS, now)

        update = self._update(project_id, change)
        if update is None:
            return
        log.status_changed(update)
        log.recovered(update, Source.STATUS)
        running = update.after.current_deployment
        if not is_same_deployment(update.before.current_deployment, running):
            self._end_jobs(project_id)
            if running is not None:
                self._begin_jobs(update.after)

    def _begin_jobs(
        self, state: ProjectState, planned: Mapping[JobKey, float] = MappingProxyType({})
    ) -> None:
        """Ask for the project's values from now on, or from when it was planned before.

        What begins within a second is due at once and together: first the portfolios of all projects,
        then what else there is, so that no worker ends up waiting for a project that another asks for.
        """
        with self._changed:
            now = self._clock.monotonic()
            self._running.add(state.project_id)
            self._changed.notify()
            for priority, (key, interval, cost) in enumerate(value_jobs(state.project_id, state.settings)):
                due = min(planned.get(key, floor(now)), now + interval)
                self._schedule.add(key, interval, due, cost, priority)

    def _end_jobs(self, project_id: int) -> None:
        with self._changed:
            self._running.discard(project_id)
            for source in VALUE_SOURCES:
                self._schedule.remove(JobKey(source, project_id))

    def _record_failure(self, key: JobKey, reason: Reason, text: str, *, held: bool = False) -> None:
        if key.project_id is not None:
            self._fail(key.project_id, Source(key.kind), reason, text, held=held)
            return
        log.listing_failed(self.account.name, reason, text, again=self._listing_failed or held)
        with self._membership:
            if self._retired:
                return
            self._add_named()
        self._listing_tried = self._listing_failed = True
        for project_id in sorted(self._projects):
            if JobKey(Source.STATUS, project_id) not in self._schedule:
                self._update(project_id, lambda known: known.with_failure(Source.STATUS, reason))
        self._publish_intervals()

    def _fail(self, project_id: int, source: Source, reason: Reason, text: str, *, held: bool) -> None:
        def change(known: ProjectState) -> ProjectState:
            if source in VALUE_SOURCES and known.current_deployment is None:
                return known  # stopped meanwhile: the source is not polled any more
            return known.with_failure(source, reason)

        log.failed(self._update(project_id, change), source, reason, text, quiet=held)

    def _publish_intervals(self) -> None:
        """Show the intervals in force, which change for every project when one comes or goes."""
        with self._publishing:
            with self._changed:
                stretch = self._schedule.stretch()
                jobs_and_projects = (self._schedule.version, self._projects)
            if jobs_and_projects != self._intervals_of:
                self._publish_each_interval(stretch)
                self._intervals_of = jobs_and_projects

    def _publish_each_interval(self, stretch: float) -> None:
        if (stretch > 1) != self._stretched:
            self._stretched = stretch > 1
            log.stretched(self.account, stretch)
        for state in self._states():
            with self._changed:
                in_force = {
                    source: self._schedule.interval(JobKey(source, state.project_id))
                    for source in state.health
                }
                if in_force[Source.STATUS] is None:
                    in_force[Source.STATUS] = self._schedule.interval(LISTING)
            self._update(state.project_id, _with_intervals(in_force))

    def _states(self) -> list[ProjectState]:
        known = (self._store.get(project_id) for project_id in sorted(self._projects))
        return [state for state in known if state is not None]


def _with_settings(settings: ProjectSettings) -> Change:
    return lambda known: known.with_settings(settings)


def _with_intervals(intervals: Mapping[Source, float | None]) -> Change:
    return lambda known: known.with_intervals(intervals)


def _tried(state: ProjectState) -> bool:
    sources = state.health if state.current_deployment else (Source.STATUS,)
    return all(state.health[source].polls > 0 for source in sources)
