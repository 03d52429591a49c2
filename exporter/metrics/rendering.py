"""One project's sample lines, rendered when its state changes and joined when scraped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from exporter.metrics.exposition import number, series
from exporter.metrics.families import GROUPS, PROJECT_FAMILIES, Family, Group
from exporter.polling.state import ProjectState

S = TypeVar("S")

_NUMBERS = {family.name: index for index, family in enumerate(PROJECT_FAMILIES)}

SeriesText = Mapping[tuple[str | None, ...], bytes]
"""The text of each series of a family up to its value, by suffix and label values."""


@dataclass(frozen=True, slots=True)
class RenderedGroup:
    """The lines of one group of families.

    ``lines`` by the family's place in the table. They may be shown until ``expires_at``, monotonic
    seconds. ``value``, ``identity`` and ``series_text`` tell the next rendering what it can keep.
    """

    lines: Mapping[int, bytes]
    expires_at: float
    value: object
    identity: tuple[str | None, ...]
    series_text: Mapping[int, SeriesText]


@dataclass(frozen=True, slots=True)
class RenderedProject:
    """The lines of one project, ``None`` for a group of which nothing is known."""

    groups: tuple[RenderedGroup | None, ...]


def render_project(state: ProjectState, before: RenderedProject | None) -> RenderedProject:
    """Return the lines of a project's state, keeping from ``before`` what has not changed.

    The text of a label is escaped once for each series, and a group whose value is the same as
    before is not rendered again.
    """
    known = before.groups if before else (None,) * len(GROUPS)
    return RenderedProject(
        tuple(_render_group(group, state, kept) for group, kept in zip(GROUPS, known, strict=True))
    )


def _render_group(group: Group, state: ProjectState, kept: RenderedGroup | None) -> RenderedGroup | None:
    reading = group.reading(state)
    if reading is None:
        return None
    project = (str(state.project_id), state.name)
    identity = (*project, state.account_currency)
    expires_at = reading.read_at.monotonic + state.settings.polling.stale_after
    if kept is not None and kept.identity != identity:
        kept = None
    if kept is not None and kept.value is reading.value:
        return RenderedGroup(kept.lines, expires_at, kept.value, identity, kept.series_text)
    lines: dict[int, bytes] = {}
    texts: dict[int, SeriesText] = {}
    for family in group.families:
        index = _NUMBERS[family.name]
        known = kept.series_text.get(index, {}) if kept else {}
        lines[index], texts[index] = _render_family(family, state, project, known)
    return RenderedGroup(lines, expires_at, reading.value, identity, texts)


def _render_family(
    family: Family[S], subject: S, prefix: tuple[str, ...], known: SeriesText
) -> tuple[bytes, SeriesText]:
    """Return the lines of a family's samples, and the text of their series for the next time."""
    texts: dict[tuple[str | None, ...], bytes] = {}
    lines: list[bytes] = []
    for suffix, labels, value in family.samples(subject):
        key = (suffix, *labels)
        text = known.get(key)
        if text is None:
            text = series(family.name + suffix, family.labels, prefix + labels)
        texts[key] = text
        lines += (text, number(value))
    return b"".join(lines), texts


def render_family(family: Family[Any], subjects: Iterable[Any]) -> bytes:
    """Return the lines of a family for several subjects, keeping nothing."""
    return b"".join(_render_family(family, subject, (), {})[0] for subject in subjects)
