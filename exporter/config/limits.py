"""The section ``limits``: thresholds of the alerts, for all projects and for one."""

from collections.abc import Mapping
from types import MappingProxyType

from exporter.config.document import Section
from exporter.config.duration import format_duration
from exporter.config.model import LimitName, Limits, Severity

LIMIT_KEYS = tuple(LimitName)
SEVERITY_KEYS = tuple(Severity)

_RATIO = (0.0, 1.0)
_ANY_AMOUNT = (0.0, None)
_RANGES: Mapping[LimitName, tuple[float, float | None]] = {
    LimitName.DRAWDOWN_RATIO: _RATIO,
    LimitName.DAILY_LOSS_RATIO: _RATIO,
    LimitName.GROSS_LEVERAGE_RATIO: _ANY_AMOUNT,
    LimitName.CONCENTRATION_RATIO: _RATIO,
    LimitName.CASH_RATIO_MIN: (-10.0, None),
    LimitName.MEMORY_RATIO: _RATIO,
    LimitName.STRATEGY_LOSS: _ANY_AMOUNT,
    LimitName.SLIPPAGE_RATIO: _RATIO,
}
AGES = (LimitName.OPEN_ORDER_AGE, LimitName.EQUITY_AGE)
_SHORTEST_AGE = 1.0


def read_limits(parent: Section, base: Limits) -> Limits:
    """Return the thresholds of ``base`` with those given here over them; ``null`` takes one away."""
    section = parent.section("limits", LIMIT_KEYS)
    limits = dict(base)
    for name in LimitName:
        if section.is_null(name):
            for severity in Severity:
                limits.pop((name, severity), None)
            continue
        given = section.section(name, SEVERITY_KEYS)
        for severity in Severity:
            if severity not in given:
                continue
            limits.pop((name, severity), None)
            if not given.is_null(severity):
                value = _read_limit(given, name, severity)
                if value is not None:
                    limits[name, severity] = value
        if given and given.sound:
            _check_order(given, name, limits)
    return MappingProxyType(limits)


def _read_limit(given: Section, name: LimitName, severity: Severity) -> float | None:
    if name in AGES:
        return given.duration(severity, None, _SHORTEST_AGE)
    least, most = _RANGES[name]
    return given.number(severity, None, least, most)


def _check_order(given: Section, name: LimitName, limits: Limits) -> None:
    """Report a warning that would not fire before its critical; the limit on cash is a lower bound."""
    warning = limits.get((name, Severity.WARNING))
    critical = limits.get((name, Severity.CRITICAL))
    if warning is None or critical is None:
        return
    from_below = name is LimitName.CASH_RATIO_MIN
    if warning > critical if from_below else warning < critical:
        return
    show = format_duration if name in AGES else str
    inherited = "" if len(given) == len(SEVERITY_KEYS) else " by default"
    if Severity.WARNING in given:
        wanted = (
            f"must be {'above' if from_below else 'below'} critical, which is {show(critical)}{inherited}"
        )
        given.problem(Severity.WARNING, f"{wanted}, not {show(warning)}")
    else:
        wanted = f"must be {'below' if from_below else 'above'} warning, which is {show(warning)}{inherited}"
        given.problem(Severity.CRITICAL, f"{wanted}, not {show(critical)}")
