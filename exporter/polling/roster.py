"""What an account's lists, one after another, say of the projects that they leave out."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

LISTS_UNTIL_GONE = 2
"""Lists in a row that have to leave a project out before it counts as gone."""
LISTS_UNTIL_EMPTY = 3
"""Empty lists in a row that have to follow one which was not, before they are believed."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The projects of the lists so far: one list that leaves out what runs is an error more often than the truth.

    ``listed`` are those of the last list that counts, ``left_out`` tells how many lists in a row had
    to do without each of the others, and ``empty`` how many in a row had none at all.
    """

    listed: frozenset[int] = frozenset()
    left_out: Mapping[int, int] = field(default_factory=dict)
    empty: int = 0

    def after(self, listed: AbstractSet[int]) -> "Roster":
        """Return the roster after one more list."""
        if not listed and self.listed and self.empty + 1 < LISTS_UNTIL_EMPTY:
            # What the list before had left out is missing twice in a row: believed or not, this list has none of it.
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
