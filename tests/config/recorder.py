"""A JSON schema of the configuration, made by the code that reads it.

A recorder takes the place of a document's section. Whatever the reading code asks for is noted as what
it will take: the type, the bounds, the allowed keys.
"""

from collections.abc import Collection
from dataclasses import asdict, fields
from math import inf
from pathlib import Path
from typing import Any

from exporter.build import DOCUMENTATION
from exporter.config.accounts import ACCOUNT_KEYS, LoadContext
from exporter.config.document import Section
from exporter.config.duration import format_duration
from exporter.config.limits import SEVERITY_KEYS
from exporter.config.model import Account, Cardinality, Polling
from exporter.config.report import Place, Report
from exporter.config.schema import PROJECT_KEYS, TOP_KEYS, read_config
from exporter.config.secret import Secret

Schema = dict[str, Any]

_NULLABLE = "nullable"

DURATION = r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"


class Recorder(Section):
    """A section that notes how each of its keys is read.

    ``given`` is the key that it claims to have: what is read only when a key is there shows up when it
    is. Nothing is wrong in it, and no key is ``null`` until the code asks.
    """

    def __init__(self, allowed: Collection[str] | None, given: str) -> None:
        super().__init__(Place("schema"), {}, Report())
        self._given = given
        self._children: dict[str, Recorder] = {}
        self._nullable: set[str] = set()
        self.properties: dict[str, Schema] = {key: {} for key in allowed or ()}
        self.is_open = allowed is None

    def __contains__(self, key: str) -> bool:
        return key == self._given

    def __len__(self) -> int:
        return 0

    def __iter__(self):
        return iter(())

    def schema(self) -> Schema:
        """Return what the section takes."""
        properties = {key: dict(found) for key, found in self.properties.items()}
        for key, child in self._children.items():
            items = properties[key].get("type") == "array"
            properties[key] = {"type": "array", "items": child.schema()} if items else child.schema()
        for key in self._nullable & properties.keys():
            properties[key][_NULLABLE] = True
        if self.is_open:
            return {"type": "object", "additionalProperties": {"type": "string"}}
        return {"type": "object", "additionalProperties": False, "properties": properties}

    def _child(self, key: str, allowed: Collection[str] | None) -> "Recorder":
        return self._children.setdefault(key, Recorder(allowed, self._given))

    def _note(self, key: str, schema: Schema) -> None:
        """Note how an allowed key is read; others are asked for too, where sections are read alike."""
        if key in self.properties:
            self.properties[key] = schema

    def is_null(self, key: str) -> bool:
        """Note that the key may be ``null``."""
        self._nullable.add(key)
        return False

    def section(self, key: str, allowed: Collection[str] | None) -> Section:
        """Note a mapping."""
        return self._child(key, allowed)

    def sections(self, key: str, allowed: Collection[str]) -> tuple[Section, ...]:
        """Note a list of mappings."""
        self._note(key, {"type": "array"})
        return (self._child(key, allowed),)

    def texts(self, key: str) -> tuple[str, ...]:
        """Note a list of texts."""
        self._note(key, {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True})
        return ()

    def text(self, key: str, default: Any) -> Any:
        """Note a text."""
        self._note(key, {"type": "string", "minLength": 1})
        return default

    def scalar(self, key: str) -> str | None:
        """Note a whole number that may be in quotes: a user id."""
        self._note(key, {"type": ["integer", "string"]})
        return None

    def switch(self, key: str, default: Any) -> Any:
        """Note true or false."""
        self._note(key, {"type": "boolean"})
        return default

    def whole_number(self, key: str, default: Any, least: int, most: int | None = None) -> Any:
        """Note a whole number and its bounds."""
        self._note(key, {"type": "integer"} | _bounds(least, most))
        return default

    def number(self, key: str, default: Any, least: float, most: float | None) -> Any:
        """Note a number and its bounds."""
        self._note(key, {"type": "number"} | _bounds(least, most))
        return default

    def duration(self, key: str, default: Any, least: float) -> Any:
        """Note a duration."""
        shortest = f"at least {format_duration(least)}"
        self._note(key, {"type": "string", "pattern": DURATION, "description": shortest})
        return default

    def timestamp(self, key: str) -> float | None:
        """Note a date and time."""
        self._note(key, {"type": "string", "format": "date-time"})
        return None


def _bounds(least: float, most: float | None) -> Schema:
    return {"minimum": least} | ({} if most is None else {"maximum": most})


def configuration_schema() -> Schema:
    """Return the schema of a configuration file."""
    found: Schema = {}
    # Each key is claimed once, so that what is read only when it is there is read.
    for given in ["", *TOP_KEYS, *ACCOUNT_KEYS, *PROJECT_KEYS, *SEVERITY_KEYS]:
        _merge(found, _recorded(given))
    _add_defaults(found)
    found = _with_null(found)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of quantconnect-exporter",
        "description": f"See {DOCUMENTATION}/configuration.md",
        **found,
    }


def _recorded(given: str) -> Schema:
    top = Recorder(TOP_KEYS, given)
    if given not in TOP_KEYS:
        top.__class__ = _WithAccounts
    read_config(top, LoadContext(Path("/nowhere"), {}, world_readable=False, now=inf))
    return top.schema()


class _WithAccounts(Recorder):
    """The top section, when a key of an account is claimed: it is read only where accounts are."""

    def __contains__(self, key: str) -> bool:
        return key == "accounts" or super().__contains__(key)


def _merge(into: Schema, other: Schema) -> None:
    """Add what another recording has noted."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif value or key not in into:
            into[key] = value


def _with_null(schema: Any) -> Any:
    """Return the schema in which what may be ``null`` says so as JSON schemas do."""
    if not isinstance(schema, dict):
        return schema
    rest = {key: _with_null(value) for key, value in schema.items() if key != _NULLABLE}
    if schema.get(_NULLABLE) is True:
        return {"anyOf": [rest, {"type": "null"}]}
    return rest


def _add_defaults(schema: Schema) -> None:
    """Say which values hold where nothing is written."""
    properties = schema["properties"]
    account = Account("default", 0, Secret(""))
    named = {
        "name": account.name,
        **{
            each.name: each.default
            for each in fields(Account)
            if each.name in {"base_url", "requests_per_minute", "max_concurrent_requests"}
        },
    }
    for key, value in named.items():
        properties["accounts"]["items"]["properties"][key]["default"] = value
    for key, seconds in asdict(Polling()).items():
        properties["polling"]["properties"][key]["default"] = format_duration(seconds)
    for key, most in asdict(Cardinality()).items():
        properties["cardinality"]["properties"][key]["default"] = most
