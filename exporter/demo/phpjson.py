"""JSON as PHP encodes it, which is how the cloud passes on what LEAN wrote."""

import json
import math
from collections.abc import Mapping
from typing import Any


class PlainObject(dict[str, Any]):
    """A map that stays ``{}`` when it is empty; any other empty map becomes ``[]``."""


class LongFloat(float):
    """A number that went through PHP arithmetic: it shows all 17 digits, as in ``183.28999999999999``."""

    __slots__ = ()


def encode(value: Any) -> str:
    """Return JSON text: slashes and anything beyond ASCII escaped, whole floats without ``.0``."""
    if isinstance(value, Mapping):
        members = ",".join(f"{_text(str(key))}:{encode(member)}" for key, member in value.items())
        return "[]" if not value and not isinstance(value, PlainObject) else f"{{{members}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(encode, value))}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text).replace("/", "\\/")


def _number(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.17g}" if isinstance(number, LongFloat) else repr(float(number))
