"""What needs attention, and how an account is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.config.model import LimitName, Severity
from exporter.errors import Reason
from exporter.polling.state import SourceHealth

_ADVICE: Mapping[str, str] = {
    "refused": "QuantConnect does not accept its user id and token. --config.probe says what to look at.",
    "unreachable": "Its projects could not be listed. --config.probe says why.",
    "rate limited": "QuantConnect wants fewer requests: lower requests_per_minute, or poll less often.",
}


class Problem(NamedTuple):
    """What is wrong with an account or a project, what to do, and since when, Unix seconds."""

    severity: Severity
    subject: str
    what: str
    advice: str
    since: float | None = None
    project_id: int | None = None
    limit: LimitName | None = None

    @property
    def urgency(self) -> tuple[bool, bool, float]:
        """What problems are sorted by: critical ones first, accounts before projects, the newest first."""
        return self.severity is not Severity.CRITICAL, self.project_id is not None, -(self.since or 0.0)


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How an account is doing: ``requests`` of the last minute, of ``requests_per_minute`` that are allowed.

    ``listing`` is how listing its projects goes; ``refused_since``, Unix seconds, ``None`` unless it is refused.
    """

    name: str
    listing: SourceHealth
    refused_since: float | None
    requests: int
    requests_per_minute: int

    @property
    def state(self) -> str:
        """What signing in and listing its projects last came to."""
        if self.refused_since is not None:
            return "refused"
        if self.listing.up is not False:
            return "signed in" if self.listing.up else "signing in"
        return "rate limited" if self.listing.last_failure is Reason.RATE_LIMITED else "unreachable"

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be asked; ``None`` if it can."""
        if self.state not in _ADVICE:
            return None
        severity = Severity.WARNING if self.state == "rate limited" else Severity.CRITICAL
        since = self.refused_since or self.listing.last_success
        return Problem(severity, f"Account {self.name}", f"is {self.state}", _ADVICE[self.state], since)
