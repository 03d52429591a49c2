"""Reading parsed JSON: each function takes a value and its path, and returns the value or raises Malformed.

Paths are written as in ``portfolio.holdings["SPY R735QTJ8XC9X"].v``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from typing import Any

from exporter.errors import Malformed

_SHOWN = 60
_LONGEST_TEXT = 256
_MARK_LENGTH = 12
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_LONGEST_WHOLE_NUMBER = 18
"""Digits that fit a 64-bit number."""


def number(value: Any, path: str) -> float:
    """Return a finite number. Texts, booleans, NaN and infinities are malformed."""
    if type(value) is not float and type(value) is not int:
        raise malformed(path, "a number", value)
    try:
        result = float(value)
    except OverflowError:
        raise Malformed(f"{path}: a number too large to hold") from None
    if not isfinite(result):
        raise malformed(path, "a finite number", value)
    return result


def text(value: Any, path: str) -> str:
    """Return a text that can be written as UTF-8, shortened to fit a label."""
    if not isinstance(value, str):
        raise malformed(path, "a text", value)
    if not value.isascii() and _HALF_A_PAIR.search(value):
        raise Malformed(f"{path}: a text with half a surrogate pair")
    return cut(value)


def cut(value: str) -> str:
    """Return a text of at most 256 characters. A longer one ends in a hash that keeps it unique."""
    if len(value) <= _LONGEST_TEXT:
        return value
    mark = sha256(value.encode()).hexdigest()[:_MARK_LENGTH]
    return f"{value[: _LONGEST_TEXT - _MARK_LENGTH - 1]}…{mark}"


def optional_text(value: Any, path: str) -> str | None:
    """Return a text, ``None`` for null."""
    return None if value is None else text(value, path)


def mapping(value: Any, path: str) -> Mapping[str, Any]:
    """Return an object; ``null`` and ``[]`` are how PHP and LEAN send an empty one."""
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise malformed(path, "an object", value)
    return value


def array(value: Any, path: str) -> list[Any]:
    """Return an array; ``null`` and ``{}`` may stand for an empty one."""
    if value is None or value == {}:
        return []
    if not isinstance(value, list):
        raise malformed(path, "an array", value)
    return value


def whole_number(value: Any, path: str) -> int:
    """Return a whole number, which PHP may send as digits in quotes."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_WHOLE_NUMBER:
        return int(value)
    if type(value) is not int:
        raise malformed(path, "a whole number", value)
    return value


def optional_time(value: Any, path: str) -> float | None:
    """Return Unix seconds of ``YYYY-MM-DD HH:MM:SS``, which is UTC; ``None`` where no time is given."""
    if value in (None, "", "0000-00-00 00:00:00"):  # the last is how databases behind PHP write none
        return None
    try:
        moment = datetime.fromisoformat(text(value, path))
        if moment.year == 1:  # C#'s default value, 0001-01-01
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # not a date, or one whose zone takes it out of the calendar
        raise malformed(path, "a time", value) from None


def first_member(members: Mapping[str, Any], *names: str) -> Any:
    """Return the first member present under one of the names it has had, else ``None``."""
    for name in names:
        if name in members:
            return members[name]
    return None


def member_path(path: str, name: str) -> str:
    """Return the path of a member, with its name shortened and unprintable characters escaped."""
    return f'{path}["{repr(shortened(name))[1:-1]}"]'


def malformed(path: str, expected: str, value: Any) -> Malformed:
    """Return an error with the path, what was expected there, and what was found."""
    return Malformed(f"{path}: expected {expected}, found {_describe(value)}")


def _describe(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {shortened(value)!r}"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return shortened(repr(value))


def shortened(value: str) -> str:
    """Return a foreign text shortened for an error or a log line."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
