"""Polling one account: which projects it has, and what each answer means for them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from operator import methodcaller
from threading import Lock
from typing import Any

from exporter.clock import Clock
from exporter.config.model import Account, NamedProject, ProjectSettings
from exporter.domain.deployment import Deployment, latest_deployment
from exporter.errors import ApiError, Reason
from exporter.polling import log
from exporter.polling.discovery import Discovery
from exporter.polling.fetch import fetch
from exporter.polling.fetched import Change, Poll, read_clock
from exporter.polling.intervals import Intervals
from exporter.polling.job_specs import listing_job, status_job
from exporter.polling.jobs import NOTHING_PLANNED, JobQueue, Planned
from exporter.polling.names import ProjectNames
from exporter.polling.roster import Roster
from exporter.polling.schedule import SIGN_IN, JobKey
from exporter.polling.selection import Selector
from exporter.polling.sign_in import SignIn
from exporter.polling.state import (
    VALUE_SOURCES,
    ProjectState,
    Source,
    SourceHealth,
    believed_for,
    is_same_deployment,
    new_project,
)
from exporter.polling.store import Store, Update
from exporter.quantconnect.client import Client
from exporter.quantconnect.wire.live import Listing


@dataclass(frozen=True, slots=True)
class Handover:
    """What a poller hands over to its successor: its projects, their names, and when each job is due."""

    listing: SourceHealth
    listed_at: float
    roster: Roster
    names: ProjectNames
    states: tuple[ProjectState, ...]
    planned: Planned


class AccountPoller:
    """The projects of one account, and what each answer means for them.

    Several workers call :meth:`poll_once`, each with a client of its own. A ``handover`` is what
    the same account's poller knew under an earlier configuration. ``listing`` tells how listing the
    account's live algorithms goes.
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
        self._named = {project.id: project.settings for project in named}
        self._selector = Selector(
            self._named, may_discover, account.discover, defaults.polling.keep_ended_for
        )
        planned = handover.planned if handover else NOTHING_PLANNED
        self.jobs = JobQueue(account, clock, random, planned.rate_limited_until)
        self._sign_in = SignIn(account.name, self.jobs, clock)
        self._names = ProjectNames()
        self._projects: frozenset[int] = frozenset()  # replaced, never changed: other threads iterate over it
        self._lock = Lock()  # of which projects there are
        self._retired = False
        self._discovery = Discovery(account.name, self._selector, defaults.cardinality.projects)
        self._intervals = Intervals(account, self.jobs, self._update)
        self.listing = SourceHealth()
        self._listed_at = -inf
        if handover is not None:
            self._take_over(handover)
        is_complete = self._named.keys() <= self._projects
        self.jobs.add(
            listing_job(defaults, self._named.values()), planned if is_complete else NOTHING_PLANNED
        )
        self._intervals.publish(self._states())

    def poll_once(self, client: Client) -> bool:
        """Run the job that has been due longest; ``False`` when none is due."""
        due = self.jobs.take()
        if due is None:
            return False
        if due.key == SIGN_IN:
            self._sign_in.retry(client)
        elif due.held is None:
            self._run(client, due.key)
        else:
            self._record_failure(due.key, due.held, "not asked while the account is on hold", held=True)
        return True

    def retire(self) -> Handover:
        """Stop publishing, also of requests under way, and return what a successor needs."""
        with self._lock:
            self._retired = True
        return Handover(
            listing=self.listing,
            listed_at=self._listed_at,
            roster=self._discovery.roster,
            names=self._names,
            states=tuple(self._states()),
            planned=self.jobs.planned(),
        )

    @property
    def projects_dropped(self) -> int:
        """How many running algorithms are left out, because there are more than may be discovered."""
        return self._discovery.dropped

    @property
    def refused_since(self) -> float | None:
        """Since when QuantConnect refuses the account's credentials, Unix seconds; ``None`` while it does not."""
        return self._sign_in.refused_since

    def tried(self) -> bool:
        """Tell whether every project has been asked for once, successfully or not."""
        return self.listing.up is not None and all(state.is_tried for state in self._states())

    def unlisted(self) -> str | None:
        """Return why the account's projects cannot be listed, ``None`` if they were listed lately."""
        interval = self.jobs.listing_interval()
        counts_for = believed_for(self._defaults.polling.stale_after, interval)
        if self.listing.up and self._clock.monotonic() - self._listed_at >= counts_for:
            return "not asked for long"
        return self.listing.last_failure

    def _take_over(self, handover: Handover) -> None:
        """Take over the states of the projects that stay ours, and take the others off the page."""
        self.listing = handover.listing
        self._listed_at = handover.listed_at
        self._discovery.roster = handover.roster
        self._names = handover.names
        for state in handover.states:
            project_id = state.project_id
            settings = self._named.get(project_id)
            if settings is None and not self._selector.may_poll(project_id):
                self._store.remove(project_id)
                continue
            self._projects |= {project_id}
            self._update(project_id, methodcaller("with_settings", settings or self._defaults))
            self._update(project_id, self._names.applied)
            if (adopted := self._store.get(project_id)) and adopted.current_deployment:
                self.jobs.begin(adopted, handover.planned)

    def _update(self, project_id: int, change: Change) -> Update | None:
        """Publish a change, unless a successor has taken over meanwhile."""
        return self._store.update(
            project_id, lambda previous: previous if self._retired else change(previous)
        )

    def _run(self, client: Client, key: JobKey) -> None:
        # No error outlives its handler: kept in its own frame, only the garbage collector would free it.
        try:
            self._poll(client, key)
        except ApiError as error:
            error.__traceback__ = None  # has frames that hold this very error, where a part of a poll failed
            verdict = self._sign_in.judge(client, error)
            self._record_failure(key, verdict.reason, verdict.text, held=verdict.is_of_account)
            self.jobs.failed(key, verdict.error)
        except Exception as error:  # noqa: BLE001 - one bad answer must not end the worker
            log.internal_error(self.account.name, key, error)
            self._record_failure(key, Reason.INTERNAL, "an error in the exporter")
            self.jobs.failed(key, None)
        else:
            self.jobs.succeeded(key)

    def _poll(self, client: Client, key: JobKey) -> None:
        client.timeout, client.source = self._timeout(key.project_id), key.kind
        if key.project_id is None:
            self._poll_listing(client)
        elif key.kind == Source.STATUS:
            self._set_deployment(key.project_id, client.live_deployment(key.project_id))
            self._intervals.publish(self._states())
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
        key = JobKey(source, project_id)
        poll = Poll(client, state, deployment, self._clock, self.jobs.allowance(key))
        fetched = fetch(source, poll)
        if fetched.next_cost is not None:
            self.jobs.set_cost(key, fetched.next_cost)
        now = read_clock(self._clock)

        def change(previous: ProjectState) -> ProjectState:
            if not is_same_deployment(previous.current_deployment, deployment):
                return previous  # the answer is about a deployment that has ended meanwhile
            changed = fetched.change(previous)
            return changed if fetched.error else changed.with_success(source, now)

        update = self._update(project_id, change)
        log.orders_moved(update)
        if fetched.error:
            raise fetched.error
        log.recovered(update, source)
        log.members_unknown(update)

    def _poll_listing(self, client: Client) -> None:
        listing = client.live_list()
        found = self._discovery.found_in(
            listing, self._states(), self._store.__contains__, self._clock.wall()
        )
        self._refresh_names(client, found)
        with self._lock:
            if self._retired:
                return
            self._discovery.note(listing, self._states())
            self._add_named()
            for project_id in found:
                if (state := self._add(project_id, self._defaults)) is not None:
                    log.discovered(state)
            for project_id in sorted(self._projects):
                self._apply_listing(project_id, listing)
        if self.listing.up is False:
            log.listing_recovered(self.account.name)
        self.listing = self.listing.succeeded(self._clock.wall())
        self._listed_at = self._clock.monotonic()
        self._intervals.publish(self._states())

    def _refresh_names(self, client: Client, found: list[int]) -> None:
        unnamed = {project_id for project_id, settings in self._named.items() if settings.name is None}
        wanted = self._projects.difference(self._named).union(unnamed, found)
        names = self._names.refreshed(client, self.account.name, wanted, self._clock.monotonic())
        if names.by_id is not self._names.by_id:
            for project_id in self._projects & names.by_id.keys():
                self._update(project_id, names.applied)
        self._names = names

    def _add_named(self) -> None:
        """Publish the projects that the configuration names.

        Not before their names have been asked for: a series that changes its labels is another series.
        """
        for project_id in self._named.keys() - self._projects:
            self._add(project_id, self._named[project_id])

    def _add(self, project_id: int, settings: ProjectSettings) -> ProjectState | None:
        state = self._names.applied(new_project(project_id, self.account.name, settings))
        if not self._store.add(state):
            return None  # shared between two accounts: the one that found it first polls it
        self._projects |= {project_id}
        return state

    def _apply_listing(self, project_id: int, listing: Listing) -> None:
        own_status = JobKey(Source.STATUS, project_id)
        deployments = listing.deployments.get(project_id)
        if deployments is None:
            self._leave_out(project_id)
            return
        self.jobs.remove(own_status)
        is_doubted = project_id in self._discovery.doubted
        latest = None if is_doubted else latest_deployment(deployments)
        state = self._store.get(project_id)
        if latest is None and project_id in listing.malformed:
            self._record_failure(own_status, Reason.MALFORMED, str(listing.malformed[project_id]))
        elif latest is None:
            return  # polled as before until a second list agrees
        elif state is None or self._discovery.keeps(state, latest, self._clock.wall()):
            self._set_deployment(project_id, latest)
        else:
            self._drop(project_id)

    def _leave_out(self, project_id: int) -> None:
        """Note that a list leaves a project out: it is polled as before until that is certain."""
        if not self._discovery.roster.is_gone(project_id):
            return
        if project_id in self._named:
            # Never deployed, or shared with us by others: only asking for it tells.
            self.jobs.add(status_job(project_id, self._named[project_id]))
        else:
            self._drop(project_id)

    def _drop(self, project_id: int) -> None:
        if (state := self._store.get(project_id)) is not None:
            log.dropped(state)
        self.jobs.end(project_id)
        self._projects -= {project_id}
        self._store.remove(project_id)

    def _set_deployment(self, project_id: int, deployment: Deployment | None) -> None:
        now = read_clock(self._clock)

        update = self._update(
            project_id,
            lambda previous: previous.with_deployment(deployment, now).with_success(Source.STATUS, now),
        )
        if update is None:
            return
        log.status_changed(update)
        log.recovered(update, Source.STATUS)
        running = update.after.current_deployment
        if not is_same_deployment(update.before.current_deployment, running):
            self.jobs.end(project_id)
            if running is not None:
                self.jobs.begin(update.after, is_redeployed=update.before.deployment is not None)

    def _record_failure(self, key: JobKey, reason: Reason, text: str, *, held: bool = False) -> None:
        if key.project_id is not None:
            self._fail(key.project_id, Source(key.kind), reason, text, held=held)
            return
        log.listing_failed(self.account.name, reason, text, again=self.listing.up is False or held)
        with self._lock:
            if self._retired:
                return
            self._add_named()
        self.listing = self.listing.failed(reason)
        for project_id in sorted(self._projects):
            if JobKey(Source.STATUS, project_id) not in self.jobs:
                self._update(project_id, lambda previous: previous.with_failure(Source.STATUS, reason))
        self._intervals.publish(self._states())

    def _fail(self, project_id: int, source: Source, reason: Reason, text: str, *, held: bool) -> None:
        def change(previous: ProjectState) -> ProjectState:
            if source in VALUE_SOURCES and previous.current_deployment is None:
                return previous  # stopped meanwhile: the source is not polled any more
            return previous.with_failure(source, reason)

        log.failed(self._update(project_id, change), source, reason, text, quiet=held)

    def _states(self) -> list[ProjectState]:
        states = (self._store.get(project_id) for project_id in sorted(self._projects))
        return [state for state in states if state is not None]
