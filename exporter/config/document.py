"""A YAML document as sections of typed values; everything wrong goes into a report, with its line.

Scalars are read from their text as written, not as YAML 1.1 resolves them: there ``1:30`` is 90,
``0123`` is 83 and ``yes`` is true. A reader that finds a value wrong reports it and returns the default,
so that one run finds every mistake; the report refuses the document at the end.
"""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TypeVar

import yaml

from exporter.config.duration import format_duration, parse_duration
from exporter.config.report import Place, Report, quoted
from exporter.config.tree import NotYamlError, compose

Default = TypeVar("Default")

_MOST_COMPARED = 100
"""With more names than this, no similar one is looked for: each comparison is slow."""
_MAX_DURATION = 365 * 86_400.0
_WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_PLAUSIBLE_KEY = re.compile(r"[A-Za-z0-9_-]{1,30}(?![A-Za-z0-9_-])")
_YAML = "tag:yaml.org,2002:"


def read_document(text: str, source: Place, report: Report, allowed: Collection[str]) -> "Section":
    """Return the top-level section of a YAML text, or raise NotYamlError."""
    node = compose(text)
    if node is None or _is_empty(node):
        raise NotYamlError("the file is empty", 1)
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise NotYamlError(f"the file must hold a mapping of keys to values, not {_kind(node)}", line)
    return _section(_Value(replace(source, line=1), node), report, allowed)


@dataclass(frozen=True, slots=True)
class _Value:
    """A node and its place."""

    place: Place
    node: yaml.Node


class Section:
    """A mapping of the document: allowed keys, each given once, read by type.

    ``sound`` turns False when a value of this section is found wrong; ``is_mapping`` is False when
    something else is where the mapping should be.
    """

    def __init__(
        self, place: Place, values: dict[str, _Value], report: Report, *, is_mapping: bool = True
    ) -> None:
        self.place = place
        self.sound = self.is_mapping = is_mapping
        self.report = report
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def at(self, key: str) -> Place:
        """Return the place of ``key``: its own line, or the section's when it is not given."""
        value = self._values.get(key)
        return value.place if value else self.place.child(key, self.place.line)

    def problem(self, key: str, text: str) -> None:
        """Report what is wrong with ``key``."""
        self.sound = False
        self.report.problem(self.at(key), text)

    def warning(self, key: str, text: str) -> None:
        """Report what is doubtful about ``key``."""
        self.report.warning(self.at(key), text)

    def is_null(self, key: str) -> bool:
        """Whether ``key`` is given as ``null``, written out: an empty value may be an oversight."""
        value = self._values.get(key)
        return value is not None and _is_empty(value.node) and value.node.value != ""

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def section(self, key: str, allowed: Collection[str] | None) -> "Section":
        """Return the mapping at ``key``, empty when it is not given or wrong; ``None`` allows every key."""
        value = self._values.get(key)
        return _section(value, self.report, allowed) if value else Section(self.at(key), {}, self.report)

    def sections(self, key: str, allowed: Collection[str]) -> tuple["Section", ...]:
        """Return the mappings in the list at ``key``; other items are reported and left out."""
        sections = tuple(_section(item, self.report, allowed) for item in self._items(key))
        mappings = tuple(section for section in sections if section.is_mapping)
        self.sound = self.sound and len(mappings) == len(sections)
        return mappings

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of different texts at ``key``."""
        texts: dict[str, None] = {}
        for item in self._items(key):
            wrong = _wrong_text(item.node)
            if not wrong and item.node.value in texts:
                wrong = f"{quoted(item.node.value)} is in the list already"
            if wrong:
                self.report.problem(item.place, wrong)
            else:
                texts[str(item.node.value)] = None
        return tuple(texts)

    def text(self, key: str, default: Default) -> str | Default:
        """Return the one line of text at ``key``. Its problems never repeat the value."""
        value = self._values.get(key)
        if value is None:
            return default
        if wrong := _wrong_text(value.node):
            self.problem(key, wrong)
            return default
        return str(value.node.value)

    def scalar(self, key: str) -> str | None:
        """Return the text at ``key`` as written, in quotes or not; None for anything but a scalar."""
        value = self._values.get(key)
        if value is None or not isinstance(value.node, yaml.ScalarNode) or _is_empty(value.node):
            return None
        return str(value.node.value)

    def switch(self, key: str, default: Default) -> bool | Default:
        """Return the ``true`` or ``false`` at ``key``."""
        value = self._values.get(key)
        if value is None:
            return default
        if (text := _plain(value.node)) not in {"true", "false"}:
            self._refuse(value, "true or false")
            return default
        return text == "true"

    def whole_number(self, key: str, default: Default, least: int, most: int | None = None) -> int | Default:
        """Return the whole number at ``key``, between ``least`` and ``most``."""
        value = self._values.get(key)
        if value is None:
            return default
        number = parse_whole_number(_plain(value.node))
        if number is None or number < least or (most is not None and number > most):
            self._refuse(value, f"a whole number from {_span(least, most)}")
            return default
        return number

    def number(self, key: str, default: Default, least: float, most: float | None) -> float | Default:
        """Return the finite number at ``key``, between ``least`` and ``most``.

        A ``most`` of 1 means a ratio: a value in percent gets a hint.
        """
        value = self._values.get(key)
        if value is None:
            return default
        text = _plain(value.node)
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(number) or number < least or (most is not None and number > most):
            hint = ": 20 % is 0.20" if most == 1 and (number > 1 or "%" in text) else ""
            self._refuse(value, f"a number from {_span(least, most)}", hint)
            return default
        return number + 0.0  # so that -0.0 is 0.0

    def duration(self, key: str, default: Default, least: float) -> float | Default:
        """Return the duration at ``key`` in seconds, ``least`` or longer and at most a year."""
        value = self._values.get(key)
        if value is None:
            return default
        if (text := self.scalar(key)) is None:
            self._refuse(value, "a duration such as 30s, 5m or 1h30m")
            return default
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            self.problem(key, f"{error}, not {quoted(text)}")
            return default
        if not least <= seconds <= _MAX_DURATION:
            span = f"{format_duration(least)} to {format_duration(_MAX_DURATION)}"
            self._refuse(value, f"a duration from {span}")
            return default
        return seconds

    def _items(self, key: str) -> tuple[_Value, ...]:
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value.node, yaml.SequenceNode):
            self.problem(key, f"must be a list, not {_kind(value.node)}")
            return ()
        return tuple(
            _Value(value.place.item(index, node.start_mark.line + 1), node)
            for index, node in enumerate(value.node.value)
        )

    def timestamp(self, key: str) -> float | None:
        """Return the date and time at ``key`` in Unix seconds; it must name its time zone."""
        value = self._values.get(key)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(self.scalar(key) or "")
            if moment.tzinfo is not None:
                return moment.astimezone(UTC).timestamp()
        except (ValueError, OverflowError):  # not a date, or one whose zone takes it out of the calendar
            pass
        self._refuse(value, "a date and time with its zone, such as 2026-11-02T14:30:00Z")
        return None

    def _refuse(self, value: _Value, wanted: str, hint: str = "") -> None:
        self.sound = False
        self.report.problem(value.place, f"must be {wanted}, not {_described(value.node)}{hint}")


def parse_whole_number(text: str) -> int | None:
    """Return the whole number that ``text`` is, in plain decimal digits, or None."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def _section(value: _Value, report: Report, allowed: Collection[str] | None) -> Section:
    if not isinstance(value.node, yaml.MappingNode):
        report.problem(value.place, f"must be a mapping of keys to values, not {_kind(value.node)}")
        return Section(value.place, {}, report, is_mapping=False)
    values: dict[str, _Value] = {}
    for key_node, node in value.node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            report.problem(replace(value.place, line=line), f"a key must be text, not {_kind(key_node)}")
            continue
        key = str(key_node.value)
        if allowed is not None and key not in allowed:
            name = shown_key(key)
            report.problem(value.place.child(name, line), f"unknown key{suggestion(name, allowed)}")
        elif key in values:
            first = values[key].place.line
            report.problem(value.place.child(shown_key(key), line), f"is given twice, first on line {first}")
        else:
            values[key] = _Value(value.place.child(shown_key(key), line), node)
    return Section(value.place, values, report)


def suggestion(name: str, allowed: Collection[str]) -> str:
    """Return the allowed name that ``name`` may be a slip for, as the end of a sentence."""
    close = get_close_matches(name, allowed, n=1) if len(allowed) <= _MOST_COMPARED else []
    return f", did you mean {close[0]}?" if close else ""


def shown_key(key: str) -> str:
    """Return an unknown key, cut where it stops looking like one: a token may follow a missing blank."""
    match = _PLAUSIBLE_KEY.match(key)
    start = match.group() if match else ""
    return start if start == key else f"{start}…"


def _is_empty(node: yaml.Node) -> bool:
    return _plain_tag(node) == "null"


def _plain(node: yaml.Node) -> str:
    """Return the text of a scalar without quotes, else the empty text, which is no value of any type."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.style is None else ""


def _plain_tag(node: yaml.Node) -> str:
    """Return what YAML 1.1 takes a scalar without quotes for, such as ``int``; "" for other nodes."""
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return str(node.tag).removeprefix(_YAML) if plain else ""


def _wrong_text(node: yaml.Node) -> str:
    """Return why a node is not one line of text, or ""; the value may be a secret and is not repeated."""
    if not isinstance(node, yaml.ScalarNode) or _is_empty(node):
        return f"must be text, not {_kind(node)}"
    if _plain_tag(node) not in {"", "str"}:
        return f"must be text, and YAML may read this as {_kind(node)}: put it in quotes"
    if not node.value:
        return "must not be empty"
    if not node.value.isprintable() or node.value != node.value.strip():
        return "must be one line of printable text without blanks around it"
    return ""


def _kind(node: yaml.Node) -> str:
    """Return the kind of a node in words, without its value."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kinds = {"null": "nothing", "int": "a number", "float": "a number", "bool": "true or false"}
    return kinds.get(_plain_tag(node), "a date" if _plain_tag(node) == "timestamp" else "text")


def _described(node: yaml.Node) -> str:
    """Return what is there instead of the wanted value, shortened."""
    if not isinstance(node, yaml.ScalarNode) or _is_empty(node):
        return _kind(node)
    text = quoted(node.value)
    return text if node.style is None else f"the quoted text {text}"


def _span(least: float, most: float | None) -> str:
    return f"{least:g} up" if most is None else f"{least:g} to {most:g}"
