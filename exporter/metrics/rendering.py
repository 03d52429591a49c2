"""One project's sample lines, rendered when its state changes and joined when scraped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from math import inf
from sys import intern
from typing import Any

from exporter.metrics.exposition import label_pairs, number, numbers
from exporter.metrics.families import ALONE, GROUPS, PROJECT, Family, Group, Labels, Samples
from exporter.polling.state import ProjectState

_KEPT_COMMON_LABELS = 1024


@dataclass(frozen=True, slots=True)
class LabelTexts:
    """What samples are about, and the text of the labels that tell it: each begins with a comma."""

    about: Sequence[Any]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderedGroup:
    """The lines of one group of families, in their order.

    They may be shown until ``expires_at``, monotonic seconds. ``value`` and ``identity`` tell the
    next rendering whether it can keep the lines, ``origins`` whether it can keep those of one family,
    ``label_texts`` which text it need not make anew: by the names of the labels, because families
    with the same ones are about the same.
    """

    lines: tuple[bytes, ...]
    expires_at: float
    value: object
    identity: tuple[str | None, ...]
    origins: tuple[tuple[object, ...] | None, ...]
    label_texts: Mapping[tuple[str, ...], LabelTexts]


@dataclass(frozen=True, slots=True)
class RenderedProject:
    """The lines of one project, ``None`` for a group of which nothing is known.

    ``lines`` has those of all groups, in the order of the table, while none has expired. ``labels``
    is the text of the labels that all of them begin with, made of ``identity``.
    """

    identity: tuple[str, str]
    labels: str
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
        return min(group.expires_at for group in self.groups if group and now < group.expires_at)


def render_project(state: ProjectState, before: RenderedProject | None) -> RenderedProject:
    """Return the lines of a project's state, keeping from ``before`` what has not changed.

    The text of labels is made once for each list of symbols, and a group whose value is the same as
    before is not rendered again.
    """
    known = before.groups if before else (None,) * len(GROUPS)
    identity = (str(state.project_id), state.name)
    labels = before.labels if before and before.identity == identity else label_pairs(PROJECT, identity)
    groups = tuple(
        [_render_group(group, state, labels, kept) for group, kept in zip(GROUPS, known, strict=True)]
    )
    expires_at = min(group.expires_at for group in groups if group)
    return RenderedProject(identity, labels, groups, _joined(groups, -inf), expires_at)


def _joined(groups: Sequence[RenderedGroup | None], now: float) -> tuple[bytes, ...]:
    lines: tuple[bytes, ...] = ()
    for group, missing in zip(groups, _NO_LINES, strict=True):
        lines += group.lines if group is not None and now < group.expires_at else missing
    return lines


_NO_LINES = tuple((b"",) * len(group.families) for group in GROUPS)


def _render_group(
    group: Group, state: ProjectState, project: str, kept: RenderedGroup | None
) -> RenderedGroup | None:
    reading = group.reading(state)
    if reading is None:
        return None
    identity = (project, state.account_currency)
    expires_at = reading.read_at.monotonic + state.settings.polling.stale_after
    if kept is not None and kept.identity != identity:
        kept = None
    if kept is not None and kept.value is reading.value:
        return kept if kept.expires_at == expires_at else replace(kept, expires_at=expires_at)
    texts = dict(kept.label_texts) if kept else {}
    origins = tuple([family.origin(state) if family.origin else None for family in group.families])
    before = zip(kept.lines, kept.origins, strict=True) if kept else repeat((b"", None))
    lines = tuple(
        [
            line
            if origin is not None and origin == known_origin
            else _render_family(family, family.samples(state), project, texts)
            for family, origin, (line, known_origin) in zip(group.families, origins, before, strict=False)
        ]
    )
    return RenderedGroup(lines, expires_at, reading.value, identity, origins, texts)


def _render_family(
    family: Family[ProjectState],
    samples: Samples,
    project: str,
    texts: dict[tuple[str, ...], LabelTexts],
) -> bytes:
    """Return the lines of a family's samples, and keep the text of its labels in ``texts``."""
    about, values, common = samples
    names = family.labels
    end = len(names) - len(common)
    if not about:
        texts.pop(names[len(PROJECT) : end], None)
        return b""
    before = f"{family.name}{{{project}"
    after = f"{_common_text(names[end:], common)}}} "
    if about is ALONE:
        return f"{before}{after}{values[0]!r}\n".encode()
    own = names[len(PROJECT) : end]
    kept = texts.get(own)
    if kept is None or kept.about != about:
        kept = LabelTexts(about, tuple([_own_text(own, family.own_labels(each)) for each in about]))
        texts[own] = kept
    return _lines(before, kept.texts, after, values)


def _lines(before: str, texts: Sequence[str], after: str, values: Sequence[float | None]) -> bytes:
    """Return a line for each value: what all lines begin with, its own labels, what all end with, a number."""
    shown = numbers(values)
    if shown is None:
        pairs = [(text, value) for text, value in zip(texts, values, strict=True) if value is not None]
        return b"".join([f"{before}{text}{after}".encode() + number(value) for text, value in pairs])
    # Every fourth piece is the line's beginning, its labels, its end and its number: joined at once.
    pieces = [f"\n{before}"] * (4 * len(shown))
    pieces[0] = before
    pieces[1::4] = texts
    pieces[2::4] = [after] * len(shown)
    pieces[3::4] = shown
    pieces.append("\n")
    return "".join(pieces).encode()


def _own_text(names: tuple[str, ...], labels: Labels) -> str:
    """Return the text of labels, the same object for every project and family that has the same."""
    return intern(_after_a_comma(label_pairs(names, labels)))


@lru_cache(_KEPT_COMMON_LABELS)
def _common_text(names: tuple[str, ...], labels: Labels) -> str:
    return _after_a_comma(label_pairs(names, labels))


def _after_a_comma(pairs: str) -> str:
    return f",{pairs}" if pairs else ""
