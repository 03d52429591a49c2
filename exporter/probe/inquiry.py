"""Asking QuantConnect what the exporter would poll of an account."""

from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import closing

from exporter.clock import Clock
from exporter.config.model import Account, Config
from exporter.domain.deployment import Deployment, latest_deployment
from exporter.errors import ApiError, Malformed, RateLimited, Rejected, Unauthorized
from exporter.polling.job_specs import LISTING, JobSpec, listing_job, status_job, value_jobs
from exporter.polling.schedule import Schedule
from exporter.polling.selection import Selection, Selector
from exporter.polling.state import Source
from exporter.probe.facts import AccountFacts, Findings, FoundProject, Interval, Polled
from exporter.quantconnect.budget import RequestBudget
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from exporter.service import make_client_of, may_discover

_WHY_NOT = {
    Selection.NOT_NAMED: Polled.NOT_NAMED,
    Selection.ELSEWHERE: Polled.OTHER_ACCOUNT,
    Selection.NOT_RUNNING: Polled.NOT_RUNNING,
}
_ALWAYS_ASKED = 3
"""Requests that a probe needs: to sign in, to list deployments, to read names."""


def ask_account(
    config: Config, account: Account, taken: Container[int], clock: Clock, wait: Callable[[float], None]
) -> AccountFacts:
    """Sign in to an account of a configuration, and find out what would be polled of it.

    ``taken`` are the projects that another account polls already. ``wait`` lets seconds pass.
    """
    timeout = config.defaults.polling.timeout
    log = RequestLog(ENDPOINTS, RESULTS)
    failure: ApiError | None = None
    findings: Findings | None = None
    with closing(make_client_of(account, timeout, clock, log, _throttle(account, clock, wait))) as client:
        try:
            client.authenticate()
            findings = _Inquiry(config, account, taken, client, clock.wall()).findings()
        except ApiError as error:
            failure = error
    return AccountFacts(account, config.shard, log.requests, timeout, clock.wall(), failure, findings)


def _throttle(account: Account, clock: Clock, wait: Callable[[float], None]) -> Callable[[], None]:
    """Return what waits for half of the account's budget: the other half is for an exporter that runs already."""
    allowed = account.requests_per_minute
    budget = RequestBudget(max(min(allowed, _ALWAYS_ASKED), allowed // 2))

    def acquire() -> None:
        while (seconds := budget.try_acquire(clock.monotonic())) > 0:
            wait(seconds)

    return acquire


class _Inquiry:
    """What is asked of one account after signing in, and what went wrong."""

    def __init__(
        self, config: Config, account: Account, taken: Container[int], client: Client, now: float
    ) -> None:
        self._account = account
        self._shard = config.shard
        self._defaults = config.discovered(account)
        self._named = {each.id: each.settings for each in config.projects if each.account == account.name}
        may = may_discover(config, account)
        self._selector = Selector(
            self._named,
            lambda project_id: project_id not in taken and may(project_id),
            account.discover,
            self._defaults.polling.keep_ended_for,
        )
        self._now = now
        self._client = client
        self._jobs: list[JobSpec] = []
        self._notes: list[str] = []
        self._names: Mapping[int, str] = {}
        self._may_ask = True

    def findings(self) -> Findings:
        """Return what is found; raises ApiError when the deployments cannot be listed."""
        listing = self._client.live_list()
        self._names = self._read_names()
        self._jobs.append(listing_job(self._defaults, self._named.values()))
        for project_id, error in listing.malformed.items():
            self._note(f"project {project_id}", error)
        if listing.stray:
            self._note("a row without a project", listing.stray)
        listed = listing.deployments
        projects = [self._listed(project_id, rows) for project_id, rows in listed.items()]
        projects += [self._unlisted(project_id) for project_id in sorted(self._named.keys() - listed)]
        projects.sort(key=lambda project: project.project_id)
        wanted, intervals = _plan(self._account.requests_per_minute, self._jobs)
        return Findings(tuple(projects), wanted, intervals, tuple(self._notes))

    def _read_names(self) -> Mapping[int, str]:
        try:
            return self._client.project_names()
        except ApiError as error:
            self._note("names of projects", error)
        return {}

    def _listed(self, project_id: int, deployments: tuple[Deployment, ...]) -> FoundProject:
        selection = self._selector.select(project_id, deployments, self._now)
        latest = latest_deployment(deployments)
        if selection.is_polled and latest is not None:
            return self._polled(project_id, latest)
        if self._shard.owns(project_id):
            return self._found(project_id, _WHY_NOT.get(selection, Polled.UNREADABLE), latest)
        return self._found(project_id, Polled.OTHER_SHARD, latest)

    def _unlisted(self, project_id: int) -> FoundProject:
        """Return a named project that is not listed: never deployed, shared by others, or not there at all."""
        self._jobs.append(status_job(project_id, self._named[project_id]))
        if not self._may_ask:
            return self._found(project_id, Polled.UNANSWERED)
        try:
            return self._polled(project_id, self._client.live_deployment(project_id))
        except ApiError as error:
            self._note(f"project {project_id}", error)
            return self._found(
                project_id, Polled.REFUSED if isinstance(error, Rejected) else Polled.UNANSWERED
            )

    def _polled(self, project_id: int, deployment: Deployment | None) -> FoundProject:
        if deployment is None or not deployment.is_running:
            return self._found(project_id, Polled.STATUS_ONLY, deployment)
        self._jobs += value_jobs(project_id, self._named.get(project_id, self._defaults))
        return self._found(project_id, Polled.YES, deployment)

    def _found(self, project_id: int, polled: Polled, deployment: Deployment | None = None) -> FoundProject:
        named = self._named.get(project_id)
        name = (named.name if named else None) or self._names.get(project_id, "")
        return FoundProject(project_id, name, polled, deployment)

    def _note(self, about: str, error: ApiError | Malformed) -> None:
        self._notes.append(f"{about}: {error.reason}: {error}")
        self._may_ask = self._may_ask and not isinstance(error, RateLimited | Unauthorized)


def _plan(requests_per_minute: int, jobs: Iterable[JobSpec]) -> tuple[float, tuple[Interval, ...]]:
    """Return the requests a minute that jobs want, and what a budget makes of their intervals."""
    schedule = Schedule(requests_per_minute, lambda: 0.0)
    for job in jobs:
        schedule.add(job.key, job.interval, 0.0, job.cost)
    intervals = {
        Interval(
            Source.STATUS if job.key == LISTING else job.key.kind,
            job.interval,
            schedule.interval(job.key) or job.interval,
        )
        for job in jobs
    }
    order = list(Source)
    return schedule.requests_wanted, tuple(
        sorted(intervals, key=lambda each: (order.index(Source(each.source)), each))
    )
