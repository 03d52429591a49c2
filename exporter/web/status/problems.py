"""What needs attention: accounts, and projects for what their account does not cause."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from exporter.config.model import LimitName, Severity
from exporter.domain.deployment import AlgorithmStatus
from exporter.errors import Reason
from exporter.polling.state import ProjectState, SourceHealth
from exporter.web.status.figures import Exceeded, Figures, exceeded_limits
from exporter.web.status.text import duration, percent


class AccountState(StrEnum):
    """Whether QuantConnect can be asked in the name of an account."""

    SIGNING_IN = "signing in"
    SIGNED_IN = "signed in"
    REFUSED = "refused"
    RATE_LIMITED = "rate limited"
    UNREACHABLE = "unreachable"


def account_state(listing: SourceHealth, *, is_refused: bool) -> AccountState:
    """Return what listing an account's projects last came to; ``is_refused`` while its credentials are."""
    if is_refused:
        return AccountState.REFUSED
    if listing.up is None:
        return AccountState.SIGNING_IN
    if listing.up:
        return AccountState.SIGNED_IN
    is_rate_limited = listing.last_failure is Reason.RATE_LIMITED
    return AccountState.RATE_LIMITED if is_rate_limited else AccountState.UNREACHABLE


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How an account is doing: ``requests`` of the last minute, of ``requests_per_minute`` that are allowed.

    ``last_listed`` is when its projects were last listed, Unix seconds.
    """

    name: str
    state: AccountState
    last_listed: float | None
    requests: int
    requests_per_minute: int


class Problem(NamedTuple):
    """One thing to look at: what is wrong with an account or a project, since when, and what to do."""

    severity: Severity
    subject: str
    what: str
    advice: str
    since: float | None = None
    project_id: int | None = None


class Entry(NamedTuple):
    """A project on the page: its state, numbers and problems, the worst first."""

    state: ProjectState
    figures: Figures
    exceeded: Mapping[LimitName, Exceeded]
    problems: tuple[Problem, ...]


ENDED_BADLY: Mapping[AlgorithmStatus, str] = {
    AlgorithmStatus.RUNTIME_ERROR: "crashed",
    AlgorithmStatus.DEPLOY_ERROR: "failed to deploy",
    AlgorithmStatus.LIQUIDATED: "was liquidated",
}

_ACCOUNT_PROBLEMS: Mapping[AccountState, tuple[Severity, str, str]] = {
    AccountState.REFUSED: (
        Severity.CRITICAL,
        "is refused",
        "QuantConnect does not accept its user id and token. --config.probe says what to look at.",
    ),
    AccountState.UNREACHABLE: (
        Severity.CRITICAL,
        "cannot be read",
        "Its projects could not be listed. --config.probe says why.",
    ),
    AccountState.RATE_LIMITED: (
        Severity.WARNING,
        "is rate limited",
        "QuantConnect wants fewer requests: lower requests_per_minute, or poll less often.",
    ),
}


def account_problems(accounts: Iterable[AccountStatus]) -> list[Problem]:
    """Return what is wrong with accounts."""
    return [
        Problem(severity, f"Account {account.name}", what, advice, account.last_listed)
        for account in accounts
        if account.state in _ACCOUNT_PROBLEMS
        for severity, what, advice in [_ACCOUNT_PROBLEMS[account.state]]
    ]


def entry_of(state: ProjectState, figures: Figures, account: AccountStatus | None, now: float) -> Entry:
    """Return a project with its problems; ``now`` in Unix seconds."""
    exceeded = exceeded_limits(state, figures, now)
    problems = [*_ended(state), *(_over(state, each) for each in exceeded.values())]
    if account is None or account.state not in _ACCOUNT_PROBLEMS:
        problems += _failing(state)
    return Entry(state, figures, exceeded, tuple(sorted(problems, key=urgency)))


def urgency(problem: Problem) -> tuple[bool, bool, float]:
    """Return what problems are sorted by: critical ones first, accounts before projects, the newest first."""
    is_project = problem.project_id is not None
    return problem.severity is not Severity.CRITICAL, is_project, -(problem.since or 0.0)


def _ended(state: ProjectState) -> list[Problem]:
    deployment = state.deployment.value if state.deployment else None
    if deployment is None or deployment.status not in ENDED_BADLY:
        return []
    advice = "Its positions may still be open at the broker. Look at it on QuantConnect."
    what = ENDED_BADLY[deployment.status]
    return [Problem(Severity.CRITICAL, state.name, what, advice, deployment.stopped, state.project_id)]


def _over(state: ProjectState, exceeded: Exceeded) -> Problem:
    limit = exceeded.limit
    shown = duration if limit is LimitName.EQUITY_AGE else percent
    word = limit.replace("_ratio", "").replace("_min", "").replace("_", " ")
    side = "below" if limit is LimitName.CASH_RATIO_MIN else "over"
    advice = f"It is {shown(exceeded.value)}, the limit is {shown(exceeded.threshold)}."
    return Problem(
        exceeded.severity, state.name, f"is {side} its {word} limit", advice, None, state.project_id
    )


def _failing(state: ProjectState) -> list[Problem]:
    failing = {source: health for source, health in state.health.items() if health.up is False}
    if not failing:
        return []
    reasons = ", ".join(f"{source} ({health.last_failure})" for source, health in failing.items())
    since = min((health.last_success for health in failing.values() if health.last_success), default=None)
    advice = f"Not read: {reasons}. Values leave /metrics when they are too old."
    return [Problem(Severity.WARNING, state.name, "has old data", advice, since, state.project_id)]
