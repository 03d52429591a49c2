"""Which of an account's projects are polled, list by list."""

from collections.abc import Callable, Iterable

from exporter.domain.deployment import Deployment, latest_deployment
from exporter.polling import log
from exporter.polling.roster import Roster
from exporter.polling.selection import Selection, Selector
from exporter.polling.state import ProjectState
from exporter.quantconnect.wire.live import Listing


class Discovery:
    """Decides which listed projects begin to be polled, and which no longer are. Not thread safe.

    At most ``most`` of those that are not named run; ``dropped`` counts the running ones beyond.
    ``doubted`` are the projects whose latest deployment the last list left out, beside older ones of it.
    """

    def __init__(self, account: str, selector: Selector, most: int) -> None:
        self._account = account
        self._selector = selector
        self._most = most
        self._has_strays = False
        self._lost: frozenset[int] = frozenset()
        self.doubted: frozenset[int] = frozenset()
        self.roster = Roster()
        self.dropped = 0

    def found_in(
        self,
        listing: Listing,
        polled: Iterable[ProjectState],
        is_taken: Callable[[int], bool],
        now: float,
    ) -> list[int]:
        """Return the listed projects that are to be polled from now on: those that run come first.

        ``polled`` are the account's projects so far, ``is_taken`` tells whether any account polls a
        project; ``now`` in Unix seconds.
        """
        found: dict[Selection, list[int]] = {each: [] for each in Selection}
        for project_id, deployments in sorted(listing.deployments.items()):
            if not is_taken(project_id):
                found[self._selector.select(project_id, deployments, now)].append(project_id)
        discovered = [state for state in polled if state.project_id not in self._selector.named]
        running = sum(state.current_deployment is not None for state in discovered)
        chosen = found[Selection.DISCOVERED][: max(0, self._most - running)]
        self._count_dropped(len(found[Selection.DISCOVERED]) - len(chosen))
        others = found[Selection.UNREADABLE] + found[Selection.ENDED]
        return chosen + others[: max(0, self._most - len(discovered) - len(chosen))]

    def note(self, listing: Listing, polled: Iterable[ProjectState]) -> None:
        """Take a list into account, and log once what is odd about it; ``polled`` is as it was before."""
        if not listing.deployments and self.roster.listed and not self.roster.is_suddenly_empty:
            log.suddenly_empty(self._account)
        if listing.stray and not self._has_strays:
            log.stray_row(self._account, listing.stray)
        self._has_strays = listing.stray is not None
        self.roster = self.roster.after(listing.deployments.keys())
        before = self._lost
        self._lost = frozenset(state.project_id for state in polled if _has_lost_latest(state, listing))
        # A second list in a row is believed, unless the deployment may be the row that cannot be read.
        self.doubted = (self._lost - before) | (self._lost & listing.malformed.keys())

    def keeps(self, state: ProjectState, latest: Deployment, now: float) -> bool:
        """Tell whether a listed project is still polled: one that ended long ago is only when it is named."""
        if latest.is_running or state.project_id in self._selector.named:
            return True
        seen = now if state.current_deployment else state.ended
        return self._selector.keeps(latest.stopped or seen or latest.launched, now)

    def _count_dropped(self, count: int) -> None:
        if count and not self.dropped:
            log.projects_dropped(self._account, count)
        self.dropped = count


def _has_lost_latest(state: ProjectState, listing: Listing) -> bool:
    """Tell whether a list has readable rows of a project, all of them older than its known deployment."""
    known = state.deployment.value if state.deployment else None
    rows = listing.deployments.get(state.project_id)
    if known is None or not rows or any(each.deploy_id == known.deploy_id for each in rows):
        return False
    return latest_deployment((known, *rows)) is known
