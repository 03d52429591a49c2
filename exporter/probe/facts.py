"""What the probe found out, before a word is made of it."""

from dataclasses import dataclass
from enum import StrEnum

from exporter.config.model import Account
from exporter.errors import ApiError
from exporter.probe.plan import Plan
from exporter.probe.series import SeriesEstimate
from exporter.quantconnect.telemetry import Requests

NEVER_DEPLOYED = "never deployed"
UNKNOWN = "unknown"


class Polled(StrEnum):
    """Whether a project will be polled, and why not."""

    YES = "yes"
    STATUS_ONLY = "status only, until it runs"
    NOT_RUNNING = "no, it does not run"
    NOT_NAMED = "no, discover is false"
    OTHER_ACCOUNT = "no, another account does"
    OTHER_SHARD = "no, another shard does"
    UNREADABLE = "no, what is listed of it cannot be read"
    REFUSED = "no, QuantConnect refuses it"
    UNANSWERED = "not known, asking failed"
    NOT_ASKED = "not known, not asked to keep the budget"


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A project that is listed or named; ``launched`` in Unix seconds, of its latest deployment."""

    project_id: int
    name: str
    status: str
    polled: Polled
    launched: float | None = None
    runs: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What a signed-in account told; ``notes`` are what went wrong beside."""

    projects: tuple[FoundProject, ...]
    plan: Plan
    series: SeriesEstimate
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What became of an account: ``findings``, or the ``failure`` for which there are none.

    ``configured_budget`` is the account's whole budget, of which ``account`` has this shard's part;
    ``timeout`` is in seconds, ``asked_at`` this machine's clock in Unix seconds.
    """

    account: Account
    configured_budget: int
    requests: Requests
    timeout: float
    asked_at: float
    failure: ApiError | None = None
    findings: Findings | None = None
