"""JSON as PHP encodes it, which is how the cloud passes on what LEAN wrote."""

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_KEPT_TEXTS = 512
"""Most texts are names of members, which come again and again."""


class PlainObject(dict[str, Any]):
    """A map that stays ``{}`` when it is empty; any other empty map becomes ``[]``."""


class LongFloat(float):
    """A number that went through PHP arithmetic: it shows all 17 digits, as in ``183.28999999999999``."""

    __slots__ = ()


def encode(value: Any) -> str:
    """Return JSON text: slashes and anything beyond ASCII escaped, whole floats without ``.0``."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{','.join([encode(item) for item in value])}]"
    if isinstance(value, Mapping):
        return _object(value)
    return json.dumps(value)


def _object(value: Mapping[Any, Any]) -> str:
    if not value and not isinstance(value, PlainObject):
        return "[]"
    members = [f"{_text(str(key))}:{encode(member)}" for key, member in value.items()]
    return f"{{{','.join(members)}}}"


@lru_cache(_KEPT_TEXTS)
def _text(text: str) -> str:
    return json.dumps(text).replace("/", "\\/")


def _number(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.17g}" if isinstance(number, LongFloat) else repr(float(number))
