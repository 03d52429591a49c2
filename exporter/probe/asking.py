"""Asking QuantConnect what the exporter would find with an account."""

from collections.abc import Callable, Container, Mapping
from contextlib import closing
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.config.model import Account, Config, ProjectSettings
from exporter.config.shard import Shard
from exporter.domain.deployment import Deployment, latest_deployment
from exporter.errors import ApiError, Malformed, RateLimited, Rejected, Unauthorized
from exporter.polling.fetch import fetch, read_clock
from exporter.polling.job_specs import JobSpec, listing_job, status_job, value_jobs
from exporter.polling.selection import Selection, membership
from exporter.polling.state import ProjectState, Source, new_project
from exporter.probe.facts import NEVER_DEPLOYED, UNKNOWN, AccountFacts, Findings, FoundProject, Polled
from exporter.probe.pace import Enough, ProbePace
from exporter.probe.plan import plan_of
from exporter.probe.series import MEASURED_SOURCES, SeriesEstimate, estimate, expected_state, series_of
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from exporter.service import make_client_of, may_discover

MEASURING_SECONDS = 10.0
"""After these, no further project is asked for what it holds, so that the probe of many ends."""


def ask_account(
    config: Config,
    account: Account,
    shard: Shard,
    taken: Container[int],
    clock: Clock,
    wait: Callable[[float], None],
) -> AccountFacts:
    """Sign in to one of a configuration's accounts, and find out what a shard would poll of it.

    ``taken`` are the projects that another account polls already. ``wait`` lets seconds pass.
    """
    share = shard.apply(config)
    own = next(each for each in share.accounts if each.name == account.name)
    timeout = share.defaults.polling.timeout
    log = RequestLog(ENDPOINTS, RESULTS)
    pace = ProbePace(own.requests_per_minute, clock, wait)
    failure: ApiError | None = None
    findings: Findings | None = None
    with closing(make_client_of(own, timeout, clock, log, pace)) as client:
        try:
            client.authenticate()
            findings = _Inquiry(config, own, shard, taken, clock, client, pace).findings()
        except ApiError as error:
            failure = error
    return AccountFacts(
        own, account.requests_per_minute, log.requests, timeout, clock.wall(), failure, findings
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A listed or named project; for a polled one, the ``state`` that polling begins with, and its ``jobs``."""

    found: FoundProject
    state: ProjectState | None = None
    jobs: tuple[JobSpec, ...] = ()


class _Inquiry:
    """What is asked of one account that is signed in to, and what went wrong with it."""

    def __init__(
        self,
        config: Config,
        account: Account,
        shard: Shard,
        taken: Container[int],
        clock: Clock,
        client: Client,
        pace: ProbePace,
    ) -> None:
        share = shard.apply(config)
        self._account = account
        self._shard = shard
        self._taken = taken
        self._clock = clock
        self._client = client
        self._pace = pace
        self._defaults = share.defaults
        self._named = _named(share, account)
        self._named_anywhere = _named(config, account).keys()
        self._may_discover = may_discover(share, account, shard)
        self._names: Mapping[int, str] = {}
        self._notes: list[str] = []

    def findings(self) -> Findings:
        """Return what is found; raises ApiError when the deployments cannot be listed."""
        listing = self._client.live_list()
        self._names = self._ask_names()
        # The other half is for an exporter that runs already, or is started right after.
        self._pace.spare(self._account.requests_per_minute // 2, MEASURING_SECONDS)
        listed = listing.deployments
        candidates = [
            self._listed(project_id, each, listing.malformed.get(project_id))
            for project_id, each in listed.items()
        ]
        candidates += [self._unlisted(project_id) for project_id in sorted(self._named.keys() - listed)]
        candidates.sort(key=lambda candidate: candidate.found.project_id)
        jobs = [
            (listing_job(self._defaults, self._named.values()), self._defaults.polling.stale_after),
            *(
                (job, candidate.state.settings.polling.stale_after)
                for candidate in candidates
                if candidate.state
                for job in candidate.jobs
            ),
        ]
        return Findings(
            projects=tuple(candidate.found for candidate in candidates),
            plan=plan_of(self._account.requests_per_minute, jobs),
            series=self._series([candidate.state for candidate in candidates if candidate.state]),
            notes=tuple(self._notes),
        )

    def _ask_names(self) -> Mapping[int, str]:
        self._pace.spare(self._account.requests_per_minute)
        try:
            return self._client.project_names()
        except ApiError as error:
            self._note("names of projects", error)
        except Enough:
            self._notes.append("names of projects: not asked for, to keep the budget")
        return {}

    def _listed(
        self, project_id: int, deployments: tuple[Deployment, ...], malformed: Malformed | None
    ) -> _Candidate:
        if malformed:
            self._note(f"project {project_id}", malformed)
        if not deployments:
            return _Candidate(FoundProject(project_id, self._name(project_id), UNKNOWN, Polled.UNREADABLE))
        latest = latest_deployment(deployments)
        found = membership(
            project_id,
            deployments,
            self._named,
            lambda each: each not in self._taken and self._may_discover(each),
            discover=self._account.discover,
        )
        if found.is_polled:
            return self._polled(project_id, latest)
        return _Candidate(self._found(project_id, latest, self._why_not(project_id, found)))

    def _unlisted(self, project_id: int) -> _Candidate:
        """Return a named project that is not listed: never deployed, shared by others, or not there at all."""
        status = status_job(project_id, self._named[project_id])
        try:
            return self._polled(project_id, self._client.live_deployment(project_id), status)
        except Rejected as error:
            self._note(f"project {project_id}", error)
            polled = Polled.REFUSED
        except ApiError as error:
            self._note(f"project {project_id}", error)
            polled = Polled.UNANSWERED
        except Enough:
            polled = Polled.NOT_ASKED
        found = FoundProject(project_id, self._name(project_id), UNKNOWN, polled)
        return _Candidate(found, self._state(project_id), (status,))

    def _polled(self, project_id: int, deployment: Deployment | None, *jobs: JobSpec) -> _Candidate:
        state = self._state(project_id).with_deployment(deployment, read_clock(self._clock))
        if state.current_deployment is None:
            return _Candidate(self._found(project_id, deployment, Polled.STATUS_ONLY), state, jobs)
        jobs += value_jobs(project_id, state.settings)
        return _Candidate(self._found(project_id, deployment, Polled.YES), state, jobs)

    def _why_not(self, project_id: int, found: Selection) -> Polled:
        not_this_shards = not self._shard.owns(project_id)
        if project_id in self._named_anywhere or (found is Selection.ELSEWHERE and not_this_shards):
            return Polled.OTHER_SHARD
        return {
            Selection.NOT_NAMED: Polled.NOT_NAMED,
            Selection.ELSEWHERE: Polled.OTHER_ACCOUNT,
            Selection.NOT_RUNNING: Polled.NOT_RUNNING,
        }[found]

    def _found(self, project_id: int, deployment: Deployment | None, polled: Polled) -> FoundProject:
        name = self._name(project_id)
        if deployment is None:
            return FoundProject(project_id, name, NEVER_DEPLOYED, polled)
        return FoundProject(
            project_id, name, deployment.status, polled, deployment.launched, deployment.is_running
        )

    def _state(self, project_id: int) -> ProjectState:
        settings = self._named.get(project_id, self._defaults)
        name = self._names.get(project_id, str(project_id))
        return new_project(project_id, self._account.name, settings).with_name(name)

    def _name(self, project_id: int) -> str:
        named = self._named.get(project_id)
        return (named.name if named else None) or self._names.get(project_id, "")

    def _series(self, states: list[ProjectState]) -> SeriesEstimate:
        """Ask as many running projects as may be asked what they hold, and count what it comes to."""
        expected = [expected_state(state, read_clock(self._clock)) for state in states]
        answered: dict[tuple[Source, int], int] = {}
        measured = 0
        # Those with charts first: a mistake in a chart's name is the configuration's.
        try:
            for state in sorted(expected, key=lambda each: Source.CHARTS not in each.health):
                if state.current_deployment:
                    measured += self._measure(state, state.current_deployment, answered)
        except Enough:
            pass
        return estimate(expected, answered, measured)

    def _measure(
        self, state: ProjectState, deployment: Deployment, answered: dict[tuple[Source, int], int]
    ) -> bool:
        """Note how many series each answer adds, and return whether all answers came."""
        project_id = state.project_id
        complete = True
        for source in MEASURED_SOURCES:
            if source not in state.health:
                continue
            before = series_of(state)
            try:
                fetched = fetch(source, self._client, state, deployment, self._clock)
            except ApiError as error:
                complete = False
                self._note(f"{source} of project {project_id}", error)
                continue
            state = fetched.change(state)
            answered[source, project_id] = series_of(state) - before
            if fetched.error:
                complete = False
                self._note(f"{source} of project {project_id}", fetched.error)
        return complete

    def _note(self, about: str, error: ApiError) -> None:
        self._notes.append(f"{about}: {error.reason}: {error}")
        if isinstance(error, RateLimited | Unauthorized):
            self._pace.spare(0)


def _named(config: Config, account: Account) -> Mapping[int, ProjectSettings]:
    return {project.id: project.settings for project in config.projects if project.account == account.name}
