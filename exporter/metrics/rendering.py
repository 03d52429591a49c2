"""One project's sample lines, rendered when its state changes and joined when scraped."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, NamedTuple

from exporter.metrics.exposition import label_pairs
from exporter.metrics.families import GROUPS, PROJECT, Group
from exporter.metrics.frame import Frame, SharedLabels, render_metrics, shared
from exporter.metrics.table import CURRENCY
from exporter.polling.state import ProjectState


class RenderedGroup(NamedTuple):
    """The lines of one group of families, in their order.

    They may be shown until ``expires_at``, monotonic seconds. ``value`` tells the next rendering
    whether it can keep the lines, ``frame`` is all of them but the numbers. ``rest`` is shown afterwards.
    """

    lines: tuple[bytes, ...]
    expires_at: float
    value: object
    frame: Frame
    rest: "RenderedGroup | None" = None

    def at(self, now: float) -> "RenderedGroup | None":
        """Return what may be shown at a time."""
        if now < self.expires_at:
            return self
        return self.rest.at(now) if self.rest else None


class RenderedProject(NamedTuple):
    """The lines of one project, ``None`` for a group of which nothing is known.

    ``lines`` has those of all groups, in the order of the table, while none has expired. ``labels``
    are made of the ``identity``; nothing is kept from a rendering of another one.
    """

    identity: tuple[str, str | None]
    labels: SharedLabels
    groups: tuple[RenderedGroup | None, ...]
    lines: tuple[bytes, ...]
    expires_at: float

    def lines_at(self, now: float) -> tuple[bytes, ...]:
        """Return the lines of every family that may still be shown, empty ones for the others."""
        return self.lines if now < self.expires_at else _joined(self.groups, now)

    def expires_after(self, now: float) -> float:
        """Return when the next group leaves the page."""
        if now < self.expires_at:
            return self.expires_at
        shown = [group.at(now) for group in self.groups if group]
        return min(group.expires_at for group in shown if group)


def render_project(state: ProjectState, before: RenderedProject | None) -> RenderedProject:
    """Return the lines of a project's state, keeping from ``before`` what has not changed.

    The text of labels is made once for each list of symbols, and a group whose value is the same as
    before is not rendered again.
    """
    identity = (state.name, state.account_currency)
    if before is not None and before.identity == identity:
        labels, known = before.labels, before.groups
    else:
        labels, known = _labels_of(state), (None,) * len(GROUPS)
    groups = tuple(
        [_render_group(group, state, labels, kept) for group, kept in zip(GROUPS, known, strict=True)]
    )
    expires_at = min([group.expires_at for group in groups if group])
    return RenderedProject(identity, labels, groups, _joined(groups, -inf), expires_at)


def count_samples(lines: Iterable[bytes]) -> int:
    """Return how many samples the lines of families hold."""
    return sum(each.count(b"\n") + 1 for each in lines if each)


def _labels_of(state: ProjectState) -> SharedLabels:
    currency = label_pairs((CURRENCY,), (state.account_currency,))
    return SharedLabels(
        f"{{{label_pairs(PROJECT, (str(state.project_id), state.name))}",
        shared(f",{currency}}} ") if currency else "} ",
    )


def _joined(groups: Sequence[RenderedGroup | None], now: float) -> tuple[bytes, ...]:
    lines: list[bytes] = []
    for group, missing in zip(groups, _NO_LINES, strict=True):
        shown = group and group.at(now)
        lines += shown.lines if shown else missing
    return tuple(lines)


_NO_LINES = tuple((b"",) * len(group.metrics) for group in GROUPS)


def _render_group(
    group: Group[Any], state: ProjectState, labels: SharedLabels, kept: RenderedGroup | None
) -> RenderedGroup | None:
    reading = group.read(state)
    if reading is None:
        return None
    expires_at = reading.read_at.monotonic + (state.shown_for(group.source) if group.source else 0.0)
    later = group.rest(state)
    rest = _render_group(group, later, labels, kept and kept.rest) if later else None
    if kept is not None and kept.value == reading.value:
        is_kept = kept.expires_at == expires_at and kept.rest is rest
        return kept if is_kept else kept._replace(expires_at=expires_at, rest=rest)
    lines, frame = render_metrics(group.metrics, reading.value, labels, kept.frame if kept else None)
    return RenderedGroup(lines, expires_at, reading.value, frame, rest)
