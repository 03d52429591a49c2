"""How projects are polled and judged: the sections ``polling`` and ``limits``, for all and for one."""

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType

from exporter.config.document import Section
from exporter.config.duration import format_duration
from exporter.config.model import (
    DEFAULT_LIMITS,
    Cardinality,
    LimitName,
    Limits,
    Polling,
    ProjectSettings,
    Severity,
)
from exporter.config.report import quoted

POLLING_KEYS = tuple(field.name for field in fields(Polling))
CARDINALITY_KEYS = tuple(field.name for field in fields(Cardinality))
LIMIT_KEYS = tuple(LimitName)
SEVERITY_KEYS = tuple(Severity)

_SOURCES = tuple(key for key in POLLING_KEYS if key not in {"timeout", "stale_after"})
_SHORTEST_INTERVAL = 1.0
_SHORTEST_TIMEOUT = 0.1
_CURRENCY = re.compile(r"[A-Z0-9]{2,10}")
_LIMIT_RANGES: Mapping[LimitName, tuple[float, float | None]] = {
    LimitName.DRAWDOWN_RATIO: (0, 1),
    LimitName.DAILY_LOSS_RATIO: (0, 1),
    LimitName.GROSS_LEVERAGE_RATIO: (0, None),
    LimitName.CONCENTRATION_RATIO: (0, 1),
    LimitName.CASH_RATIO_MIN: (-10, None),
}


def default_settings(top: Section) -> ProjectSettings:
    """Return how a project is treated that is not named: the document's values over the built-in ones."""
    return ProjectSettings(
        polling=_polling(top, Polling()),
        cardinality=_cardinality(top, Cardinality()),
        limits=_limits(top, DEFAULT_LIMITS),
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
        charts=section.texts("charts"),
        polling=_polling(section, defaults.polling),
        cardinality=_cardinality(section, defaults.cardinality),
        limits=_limits(section, defaults.limits),
    )


def _polling(parent: Section, base: Polling) -> Polling:
    """Return the durations of ``base`` with those given here over them."""
    section = parent.section("polling", POLLING_KEYS)
    polling = Polling(
        **{
            key: section.duration(key, seconds, _SHORTEST_TIMEOUT if key == "timeout" else _SHORTEST_INTERVAL)
            for key, seconds in asdict(base).items()
        }
    )
    if section and section.sound:
        _check_stale_after(section, polling)
    return polling


def _cardinality(parent: Section, base: Cardinality) -> Cardinality:
    """Return the bounds of ``base`` with those given here over them."""
    section = parent.section("cardinality", CARDINALITY_KEYS)
    return Cardinality(
        **{key: section.whole_number(key, most, least=0) for key, most in asdict(base).items()}
    )


def _check_stale_after(section: Section, polling: Polling) -> None:
    """Compare ``stale_after`` with the intervals that are given together with it or over it."""
    stale_after = format_duration(polling.stale_after)
    intervals = {key: seconds for key, seconds in asdict(polling).items() if key in _SOURCES}
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
        if polling.stale_after < 2 * seconds and (key in section or "stale_after" in section)
    ]
    if close:
        section.warning(
            "stale_after",
            f"{stale_after} is shorter than twice the interval of {', '.join(close)}: "
            "one failed poll takes the values off the page",
        )


def _limits(parent: Section, base: Limits) -> Limits:
    """Return the thresholds of ``base`` with those given here over them; ``null`` takes one away."""
    section = parent.section("limits", LIMIT_KEYS)
    limits = dict(base)
    for name in LimitName:
        if section.is_null(name):
            for severity in Severity:
                limits.pop((name, severity), None)
            continue
        given = section.section(name, SEVERITY_KEYS)
        least, most = _LIMIT_RANGES[name]
        for severity in Severity:
            if severity not in given:
                continue
            limits.pop((name, severity), None)
            if not given.is_null(severity):
                value = given.number(severity, None, least, most)
                if value is not None:
                    limits[name, severity] = value
        if given and given.sound:
            _check_order(given, name, limits)
    return MappingProxyType(limits)


def _check_order(given: Section, name: LimitName, limits: Limits) -> None:
    """Report a warning that would not come before its critical; cash is the limit that bounds from below."""
    warning = limits.get((name, Severity.WARNING))
    critical = limits.get((name, Severity.CRITICAL))
    if warning is None or critical is None:
        return
    from_below = name is LimitName.CASH_RATIO_MIN
    if warning > critical if from_below else warning < critical:
        return
    inherited = "" if len(given) == len(SEVERITY_KEYS) else " by default"
    if Severity.WARNING in given:
        wanted = f"must be {'above' if from_below else 'below'} critical, which is {critical}{inherited}"
        given.problem(Severity.WARNING, f"{wanted}, not {warning}")
    else:
        wanted = f"must be {'below' if from_below else 'above'} warning, which is {warning}{inherited}"
        given.problem(Severity.CRITICAL, f"{wanted}, not {critical}")
