"""The intervals in force: shown for every project, and logged when they become longer than configured."""

from collections.abc import Callable, Iterable
from threading import Lock

from exporter.config.model import Account
from exporter.polling import log
from exporter.polling.fetched import Change
from exporter.polling.jobs import JobQueue
from exporter.polling.state import ProjectState, Source


class Intervals:
    """Publishes the intervals of an account's projects, which change for all when a job comes or goes."""

    def __init__(self, account: Account, jobs: JobQueue, publish: Callable[[int, Change], object]) -> None:
        self._account = account
        self._jobs = jobs
        self._publish = publish
        self._lock = Lock()
        self._published: tuple[int, tuple[int, ...]] | None = None
        self._stretched = False
        self._outlasting: dict[Source, float] = {}

    def publish(self, states: Iterable[ProjectState]) -> None:
        """Show the intervals now in force for the account's projects."""
        with self._lock:
            projects = tuple(states)
            current = (self._jobs.version, tuple(state.project_id for state in projects))
            if current == self._published:
                return
            self._published = current
            shown = [self._with_intervals(state) for state in projects]
            self._log_stretch()
            self._log_outlasting(shown)
            for state in shown:
                intervals = {source: each.interval for source, each in state.health.items()}
                self._publish(state.project_id, _changed_to(intervals))

    def _with_intervals(self, state: ProjectState) -> ProjectState:
        return state.with_intervals(self._jobs.intervals(state.project_id, state.health))

    def _log_stretch(self) -> None:
        stretch = self._jobs.stretch()
        if (stretch > 1) != self._stretched:
            self._stretched = stretch > 1
            log.stretched(self._account, stretch)

    def _log_outlasting(self, states: Iterable[ProjectState]) -> None:
        """Log the sources whose values begin to be shown for longer than ``stale_after``."""
        outlasting: dict[Source, float] = {}
        for state in states:
            for source in state.health:
                shown_for = state.shown_for(source)
                if shown_for > state.settings.polling.stale_after:
                    outlasting[source] = max(shown_for, outlasting.get(source, 0.0))
        if outlasting.keys() != self._outlasting.keys():
            log.outlasting(self._account.name, outlasting)
        self._outlasting = outlasting


def _changed_to(intervals: dict[Source, float | None]) -> Change:
    return lambda previous: previous.with_intervals(
        {source: intervals.get(source) for source in previous.health}
    )
