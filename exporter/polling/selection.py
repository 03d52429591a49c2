"""Which of the listed projects an account polls."""

from collections.abc import Callable, Container
from enum import Enum, auto

from exporter.domain.deployment import Deployment, latest_deployment


class Selection(Enum):
    """Whether a listed project is polled, and why not."""

    NAMED = auto()
    """Polled: the configuration names it."""
    DISCOVERED = auto()
    """Polled: it runs, and the account discovers what runs."""
    UNREADABLE = auto()
    NOT_NAMED = auto()
    """Only named projects of the account are polled."""
    ELSEWHERE = auto()
    """Another shard polls it, or another account."""
    NOT_RUNNING = auto()

    @property
    def is_polled(self) -> bool:
        """Whether the project is polled here."""
        return self in {Selection.NAMED, Selection.DISCOVERED}


def membership(
    project_id: int,
    deployments: tuple[Deployment, ...],
    named: Container[int],
    may_discover: Callable[[int], bool],
    *,
    discover: bool,
) -> Selection:
    """Return whether an account polls a project that its list of deployments holds.

    ``named`` are the projects that the configuration names for the account; ``may_discover`` tells
    which others it may poll, if it discovers any.
    """
    if project_id in named:
        return Selection.NAMED
    if not deployments:
        return Selection.UNREADABLE
    if not discover:
        return Selection.NOT_NAMED
    if not may_discover(project_id):
        return Selection.ELSEWHERE
    latest = latest_deployment(deployments)
    return Selection.DISCOVERED if latest is not None and latest.is_running else Selection.NOT_RUNNING
