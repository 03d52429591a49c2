"""One project's sample lines, rendered when its state changes and joined when scraped."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from math import inf
from sys import intern
from typing import Any, NamedTuple

from exporter.metrics.exposition import label_pairs, numbers
from exporter.metrics.families import GROUPS, PROJECT, Family, Group, Labels
from exporter.polling.state import ProjectState

_KEPT_TEXTS = 1024


class Frame(NamedTuple):
    """The text of a group's lines without its numbers, which change far more often.

    ``about`` is what each family's samples are about, with their common labels. ``known`` tells
    which of the values are shown, ``None`` while all are. ``pieces`` holds five texts for each line:
    the family's name, the project's labels, the sample's own, those that all end with, and room for
    the number. So a text is kept once for all projects that share it. ``families`` tells which
    pieces are whose.
    """

    about: Sequence[tuple[Sequence[Any], Labels]]
    known: Sequence[bool] | None
    pieces: Sequence[str]
    families: Sequence[slice]

    def filled(self, shown: Sequence[str]) -> tuple[bytes, ...]:
        """Return the lines of each family with these numbers in them, nothing for one without samples."""
        pieces = list(self.pieces)
        pieces[4::5] = shown
        return tuple(["".join(pieces[family]).encode() for family in self.families])


class RenderedGroup(NamedTuple):
    """The lines of one group of families, in their order.

    They may be shown until ``expires_at``, monotonic seconds. ``value`` tells the next rendering
    whether it can keep the lines, ``frame`` is all of them but the numbers.
    """

    lines: tuple[bytes, ...]
    expires_at: float
    value: object
    frame: Frame


class RenderedProject(NamedTuple):
    """The lines of one project, ``None`` for a group of which nothing is known.

    ``lines`` has those of all groups, in the order of the table, while none has expired. ``labels``
    is the text of the labels that all of them begin with. What was rendered of another ``identity``
    is of no use any more.
    """

    identity: tuple[object, ...]
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
    identity = (state.name, state.account_currency, state.settings.cardinality)
    if before is not None and before.identity == identity:
        labels, known = before.labels, before.groups
    else:
        labels, known = label_pairs(PROJECT, (str(state.project_id), state.name)), (None,) * len(GROUPS)
    groups = tuple(
        [_render_group(group, state, labels, kept) for group, kept in zip(GROUPS, known, strict=True)]
    )
    expires_at = min([group.expires_at for group in groups if group])
    return RenderedProject(identity, labels, groups, _joined(groups, -inf), expires_at)


def count_samples(lines: Iterable[bytes]) -> int:
    """Return how many samples the lines of families hold."""
    return sum(each.count(b"\n") + 1 for each in lines if each)


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
    expires_at = reading.read_at.monotonic + state.settings.polling.stale_after
    if kept is not None and _is_same(kept.value, reading.value):
        return kept if kept.expires_at == expires_at else kept._replace(expires_at=expires_at)
    subject = group.subject(state)
    columns = [family.samples(subject) for family in group.families]
    values = list(chain.from_iterable([samples.values for samples in columns]))
    about = [(samples.about, samples.common) for samples in columns]
    shown, known = numbers(values)
    frame = kept.frame if kept is not None else None
    if frame is None or frame.known != known or frame.about != about:
        frame = _frame(group.families, about, known, project)
    return RenderedGroup(frame.filled(shown), expires_at, reading.value, frame)


def _is_same(known: object, value: object) -> bool:
    # Other values are too large to be compared.
    return known is value or (type(value) is tuple and known == value)


def _frame(
    families: Sequence[Family[Any]],
    about: Sequence[tuple[Sequence[Any], Labels]],
    known: Sequence[bool] | None,
    project: str,
) -> Frame:
    is_known = iter(known) if known is not None else repeat(True)
    texts: dict[tuple[str, ...], tuple[Sequence[Any], list[str]]] = {}
    pieces: list[str] = []
    ends: list[int] = []
    for family, (each_about, common) in zip(families, about, strict=True):
        names = family.labels
        end = len(names) - len(common)
        own = names[len(PROJECT) : end]
        if own not in texts or texts[own][0] != each_about:
            texts[own] = (each_about, [_own_text(own, family.own_labels(each)) for each in each_about])
        begin, begin_next = _begin_texts(family.name)
        after = _end_text(names[end:], common)
        for own_text, shown in zip(texts[own][1], is_known, strict=False):
            if shown:
                pieces += (begin, project, own_text, after, "")
                begin = begin_next
        ends.append(len(pieces))
    return Frame(about, known, tuple(pieces), _slices(tuple(ends)))


@lru_cache(_KEPT_TEXTS)
def _slices(ends: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple([slice(start, end) for start, end in pairwise((0, *ends))])


@lru_cache(_KEPT_TEXTS)
def _begin_texts(name: str) -> tuple[str, str]:
    """Return what the first line of a family begins with, and every other."""
    return f"{name}{{", f"\n{name}{{"


def _own_text(names: tuple[str, ...], labels: Labels) -> str:
    """Return the text of labels, the same object for every project that has the same, while one has it."""
    return intern(_after_a_comma(label_pairs(names, labels)))


@lru_cache(_KEPT_TEXTS)
def _end_text(names: tuple[str, ...], labels: Labels) -> str:
    return f"{_after_a_comma(label_pairs(names, labels))}}} "


def _after_a_comma(pairs: str) -> str:
    return f",{pairs}" if pairs else ""
