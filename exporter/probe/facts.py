"""What the probe found out."""

from dataclasses import dataclass
from enum import StrEnum

from exporter.config.model import Account
from exporter.config.shard import Shard
from exporter.domain.deployment import Deployment
from exporter.errors import ApiError
from exporter.quantconnect.telemetry import Requests


class Polled(StrEnum):
    """Whether a project will be polled, and why not; what matters most comes first."""

    YES = "yes"
    STATUS_ONLY = "status only, until it runs"
    REFUSED = "no, QuantConnect refuses it"
    UNREADABLE = "no, what is listed of it cannot be read"
    UNANSWERED = "not known, asking failed"
    OTHER_ACCOUNT = "no, another account does"
    OTHER_SHARD = "no, it belongs to another shard"
    NOT_NAMED = "no, discover is false"
    NOT_RUNNING = "no, it does not run"


FAILED = (Polled.REFUSED, Polled.UNREADABLE, Polled.UNANSWERED)


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A project that is listed or named, with its latest deployment, if there is one and it could be read."""

    project_id: int
    name: str
    polled: Polled
    deployment: Deployment | None = None

    @property
    def runs(self) -> bool:
        """Whether it is known to run."""
        return self.deployment is not None and self.deployment.is_running

    @property
    def status(self) -> str:
        """The status of the deployment, or why there is none."""
        if self.deployment:
            return self.deployment.status
        return "unknown" if self.polled in FAILED else "never deployed"


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """How often a source is polled, in seconds: as configured, and in force under the budget."""

    source: str
    configured: float
    in_force: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What a signed-in account has.

    ``wanted`` is the requests a minute at the configured intervals; ``notes`` are what else went wrong.
    """

    projects: tuple[FoundProject, ...]
    wanted: float
    intervals: tuple[Interval, ...]
    notes: tuple[str, ...] = ()

    @property
    def stretched(self) -> bool:
        """Whether the budget is too small for the configured intervals."""
        return any(each.in_force > each.configured for each in self.intervals)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The result for an account: ``findings``, or the ``failure`` because of which there are none.

    ``timeout`` is in seconds, ``asked_at`` this machine's clock in Unix seconds.
    """

    account: Account
    shard: Shard
    requests: Requests
    timeout: float
    asked_at: float
    failure: ApiError | None = None
    findings: Findings | None = None
