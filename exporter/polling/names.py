"""The names that QuantConnect gives an account's projects."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from exporter.errors import ApiError
from exporter.polling import log
from exporter.polling.state import ProjectState
from exporter.quantconnect.client import Client

NAMES_REFRESH = 3600.0
"""Seconds between two looks at the projects' names."""
NAMES_RETRY = 600.0
"""Seconds until the names are asked for again after that failed."""


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """The names as last read, the projects they were read for, and when they are due again.

    ``due`` is in monotonic seconds. A project is shown under its id until its name is known, so a failure
    here does no harm.
    """

    by_id: Mapping[int, str] = field(default_factory=dict)
    asked_for: frozenset[int] = frozenset()
    due: float = 0.0

    def refreshed(self, client: Client, account: str, wanted: AbstractSet[int], now: float) -> "ProjectNames":
        """Return the names, read again when a project has none yet, and from time to time."""
        if not wanted or (wanted <= self.asked_for and now < self.due):
            return self
        try:
            by_id = client.project_names()
        except ApiError as error:
            log.names_failed(account, error)
            return replace(self, asked_for=frozenset(wanted), due=now + NAMES_RETRY)
        return ProjectNames(by_id, frozenset(wanted), now + NAMES_REFRESH)

    def applied(self, state: ProjectState) -> ProjectState:
        """Return a project's state under its name, if that is known."""
        return state.with_name(self.by_id.get(state.project_id, state.name))
