"""How projects are polled: the sections ``polling`` and ``cardinality``, for all and for one."""

import re
from collections.abc import Collection
from dataclasses import asdict, fields
from typing import Any

from exporter.config.document import Section
from exporter.config.duration import format_duration
from exporter.config.labels import read_labels
from exporter.config.limits import read_limits
from exporter.config.model import DEFAULT_LIMITS, STALE_INTERVALS, Cardinality, Polling, ProjectSettings
from exporter.config.report import quoted

POLLING_KEYS = tuple(field.name for field in fields(Polling))
CARDINALITY_KEYS = tuple(field.name for field in fields(Cardinality))
# What is decided for a whole account has no meaning for one project.
PROJECT_POLLING_KEYS = tuple(key for key in POLLING_KEYS if key != "keep_ended_for")
PROJECT_CARDINALITY_KEYS = tuple(key for key in CARDINALITY_KEYS if key != "projects")

_SOURCES = tuple(key for key in POLLING_KEYS if key not in {"timeout", "stale_after", "keep_ended_for"})
_MAY_BE_OFF = ("orders",)
_SHORTEST = {"timeout": 0.1}
_SHORTEST_INTERVAL = 1.0
_SHORTEST_KEPT = 3600.0
"""Seconds that an ended algorithm must stay for its alerts to fire."""
_CURRENCY = re.compile(r"[A-Z0-9]{2,10}")


def default_settings(top: Section) -> ProjectSettings:
    """Return the settings of projects that are not named: the document's values over the built-in ones."""
    return ProjectSettings(
        charts=top.texts("charts"),
        polling=_polling(top, Polling(), POLLING_KEYS),
        cardinality=_cardinality(top, Cardinality(), CARDINALITY_KEYS),
        limits=read_limits(top, DEFAULT_LIMITS),
    )


def project_settings(section: Section, defaults: ProjectSettings) -> ProjectSettings:
    """Return the settings of a named project: its own over the defaults, key by key."""
    currency = section.text("account_currency", None)
    if currency is not None and not _CURRENCY.fullmatch(currency):
        section.problem(
            "account_currency", f"must be 2 to 10 capital letters or digits, not {quoted(currency)}"
        )
    return ProjectSettings(
        name=section.text("name", None),
        account_currency=currency,
        charts=tuple(dict.fromkeys(defaults.charts + section.texts("charts"))),
        peak_since=section.timestamp("peak_since"),
        labels=read_labels(section, defaults.labels),
        polling=_polling(section, defaults.polling, PROJECT_POLLING_KEYS),
        cardinality=_cardinality(section, defaults.cardinality, PROJECT_CARDINALITY_KEYS),
        limits=read_limits(section, defaults.limits),
    )


def _polling(parent: Section, base: Polling, allowed: Collection[str]) -> Polling:
    """Return the durations of ``base`` with those given here over them."""
    section = parent.section("polling", allowed)
    polling = Polling(**{key: _duration(section, key, seconds) for key, seconds in asdict(base).items()})
    if section and section.sound:
        _check_stale_after(section, polling)
    if polling.keep_ended_for < _SHORTEST_KEPT and "keep_ended_for" in section:
        section.warning(
            "keep_ended_for",
            f"{format_duration(polling.keep_ended_for)} is shorter than {format_duration(_SHORTEST_KEPT)}: "
            "an algorithm that ends may be gone before its alert fires",
        )
    return polling


def _duration(section: Section, key: str, default: Any) -> Any:
    if key in _MAY_BE_OFF and section.is_null(key):
        return None
    return section.duration(key, default, _SHORTEST.get(key, _SHORTEST_INTERVAL))


def _cardinality(parent: Section, base: Cardinality, allowed: Collection[str]) -> Cardinality:
    """Return the bounds of ``base`` with those given here over them."""
    section = parent.section("cardinality", allowed)
    return Cardinality(
        **{key: section.whole_number(key, most, least=0) for key, most in asdict(base).items()}
    )


def _check_stale_after(section: Section, polling: Polling) -> None:
    """Compare ``stale_after`` with the intervals that are given together with it or over it.

    The default interval of orders is left out: it is longer than those that users shorten.
    """
    stale_after = format_duration(polling.stale_after)
    compared = [key for key in _SOURCES if key != "orders" or key in section]
    intervals = {key: seconds for key, seconds in asdict(polling).items() if key in compared and seconds}
    shortest = min(intervals.values())
    if polling.stale_after < shortest:
        section.problem(
            "stale_after",
            f"{stale_after} is shorter than every interval; the shortest is {format_duration(shortest)}",
        )
        return
    close = [
        f"{key} ({format_duration(seconds)})"
        for key, seconds in intervals.items()
        if polling.stale_after < STALE_INTERVALS * seconds and (key in section or "stale_after" in section)
    ]
    if close:
        section.warning(
            "stale_after",
            f"{stale_after} is shorter than {STALE_INTERVALS} intervals of {', '.join(close)}: "
            f"their values stay for {STALE_INTERVALS} intervals",
        )
