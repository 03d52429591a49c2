"""Which of the listed projects an account polls."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import Enum, auto

from exporter.domain.deployment import Deployment, latest_deployment


class Selection(Enum):
    """Whether a listed project is polled, and why not."""

    NAMED = auto()
    """Polled: the configuration names it."""
    DISCOVERED = auto()
    """Polled: it runs, and the account discovers what runs."""
    ENDED = auto()
    """Polled: it ended lately, so that its end is still shown after a restart."""
    UNREADABLE = auto()
    """Polled: no row of it can be read, and it may be running."""
    NOT_NAMED = auto()
    """Only named projects of the account are polled."""
    ELSEWHERE = auto()
    """Another shard polls it, or another account."""
    NOT_RUNNING = auto()

    @property
    def is_polled(self) -> bool:
        """Whether the project is polled here."""
        return self in {Selection.NAMED, Selection.DISCOVERED, Selection.ENDED, Selection.UNREADABLE}


@dataclass(frozen=True, slots=True)
class Selector:
    """Decides which listed projects an account polls.

    ``named`` are the projects that the configuration names for the account; ``may_discover`` tells
    which others it may poll, if it discovers any. One that has ended is kept for ``keep_ended_for``
    seconds.
    """

    named: Container[int]
    may_discover: Callable[[int], bool]
    discover: bool
    keep_ended_for: float

    def select(self, project_id: int, deployments: tuple[Deployment, ...], now: float) -> Selection:
        """Return whether a project with these readable deployments is polled; ``now`` in Unix seconds."""
        if project_id in self.named:
            return Selection.NAMED
        if not self.discover:
            return Selection.NOT_NAMED
        if not self.may_discover(project_id):
            return Selection.ELSEWHERE
        latest = latest_deployment(deployments)
        if latest is None:
            return Selection.UNREADABLE
        if latest.is_running:
            return Selection.DISCOVERED
        return Selection.ENDED if self.keeps(latest.ended, now) else Selection.NOT_RUNNING

    def may_poll(self, project_id: int) -> bool:
        """Tell whether a project that has been polled may still be."""
        return project_id in self.named or (self.discover and self.may_discover(project_id))

    def keeps(self, ended: float | None, now: float) -> bool:
        """Tell whether a project that ended at that time is still polled; both in Unix seconds."""
        return ended is not None and now < ended + self.keep_ended_for
