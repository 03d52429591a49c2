"""Which projects successive lists of an account leave out."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

LISTS_UNTIL_GONE = 2
"""How many lists in a row must leave a project out before it counts as gone."""
LISTS_UNTIL_EMPTY = 3
"""How many empty lists in a row are needed, after one that was not empty, to be believed."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The projects of the lists so far.

    A single list that leaves out a running project is more often wrong than right. ``listed`` are the
    projects of the last list that counts. ``left_out`` counts, for each other project, the lists in a
    row without it, and ``empty`` the empty lists in a row.
    """

    listed: frozenset[int] = frozenset()
    left_out: Mapping[int, int] = field(default_factory=dict)
    empty: int = 0

    def after(self, listed: AbstractSet[int]) -> "Roster":
        """Return the roster after one more list."""
        if not listed and self.listed and self.empty + 1 < LISTS_UNTIL_EMPTY:
            # What the previous list left out is missing twice in a row, even if this list is not believed.
            return replace(self, left_out={}, empty=self.empty + 1)
        if not listed:
            return Roster()
        counts = {
            project_id: self.left_out.get(project_id, 0) + 1
            for project_id in (self.listed | self.left_out.keys()) - listed
        }
        waiting = {project_id: count for project_id, count in counts.items() if count < LISTS_UNTIL_GONE}
        return Roster(frozenset(listed), waiting)

    @property
    def is_suddenly_empty(self) -> bool:
        """Whether the last list was empty and is not believed yet."""
        return self.empty > 0

    def is_gone(self, project_id: int) -> bool:
        """Tell whether a project is in no list any more, or never was."""
        return project_id not in self.listed and project_id not in self.left_out
