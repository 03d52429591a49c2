"""Where polling and scraping meet: writers replace, readers take one reference."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from exporter.polling.state import ProjectState

R = TypeVar("R")


class Published(NamedTuple, Generic[R]):
    """A project's state and what was rendered from it."""

    state: ProjectState
    rendered: R


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[R]):
    """All projects at one moment; ``version`` differs whenever anything in it does."""

    version: int
    projects: tuple[Published[R], ...]


class Update(NamedTuple):
    """A project's state before and after a change."""

    before: ProjectState
    after: ProjectState


class Store(Generic[R]):
    """The published projects, in the order in which they were added.

    ``render`` makes from a state, and from what it made of the state before, what a scrape will
    join. It runs in the thread of the writer, and so never in a scrape's.
    """

    def __init__(self, render: Callable[[ProjectState, R | None], R]) -> None:
        self._render = render
        self._lock = Lock()
        self._projects: dict[int, Published[R]] = {}
        self._writing: dict[int, Lock] = {}
        self._version = 0

    def add(self, state: ProjectState) -> bool:
        """Publish a new project; ``False`` if its id is published already, by whichever account."""
        published = Published(state, self._render(state, None))
        with self._lock:
            if state.project_id in self._projects:
                return False
            self._projects[state.project_id] = published
            self._writing[state.project_id] = Lock()
            self._version += 1
            return True

    def remove(self, project_id: int) -> None:
        """Take a project off the page."""
        with self._lock:
            if self._projects.pop(project_id, None) is not None:
                del self._writing[project_id]
                self._version += 1

    def update(self, project_id: int, change: Callable[[ProjectState], ProjectState]) -> Update | None:
        """Publish a project's changed state; ``None`` for a project that has been removed meanwhile."""
        with self._lock:
            writing = self._writing.get(project_id)
        if writing is None:
            return None
        with writing:
            before = self._projects.get(project_id)
            if before is None:
                return None
            state = change(before.state)
            if state is not before.state:
                published = Published(state, self._render(state, before.rendered))
                with self._lock:
                    if self._projects.get(project_id) is not before:
                        return None
                    self._projects[project_id] = published
                    self._version += 1
            return Update(before.state, state)

    def __contains__(self, project_id: int) -> bool:
        """Tell whether a project is published, by whichever account."""
        return project_id in self._projects

    def get(self, project_id: int) -> ProjectState | None:
        """Return a project's state, or ``None`` if it is not published."""
        published = self._projects.get(project_id)
        return None if published is None else published.state

    @property
    def version(self) -> int:
        """A number that changes with every publication."""
        return self._version

    def snapshot(self) -> Snapshot[R]:
        """Return all projects as they are now."""
        with self._lock:
            return Snapshot(self._version, tuple(self._projects.values()))
