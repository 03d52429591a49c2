"""A project on the status page: its numbers, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exporter.config.model import LimitName, Severity
from exporter.domain.deployment import AlgorithmStatus, ServerStatistics
from exporter.domain.order import OpenKind
from exporter.polling.state import ProjectState
from exporter.web.status.problems import Problem
from exporter.web.status.text import duration, percent

ENDED_BADLY: Mapping[AlgorithmStatus, str] = {
    AlgorithmStatus.RUNTIME_ERROR: "crashed",
    AlgorithmStatus.DEPLOY_ERROR: "failed to deploy",
    AlgorithmStatus.LIQUIDATED: "was liquidated",
}

_FLAT = 0.05  # leverage below which leftover shares are no concentration, as in the alert rules
Figures = Mapping[str, float | None]
"""Numbers by name: money in account currency, ratios not percent, ``None`` where a number is not known."""


class Project(NamedTuple):
    """A project as it is shown ``now``, in Unix seconds; its problems, the worst first."""

    state: ProjectState
    now: float
    figures: Figures
    problems: list[Problem]


def project_of(state: ProjectState, now: float, *, is_asked: bool = True) -> Project:
    """Return a project; while its account cannot be asked, old data is no problem of its own."""
    figures = figures_of(state, now)
    problems = [*_ended(state), *_exceeded(state, figures, now), *(_failing(state) if is_asked else ())]
    return Project(state, now, figures, sorted(problems, key=lambda problem: problem.urgency))


def figures_of(state: ProjectState, now: float) -> Figures:
    """Return the numbers of a project.

    ``today`` is the return since midnight UTC and ``gain`` the same in money, ``leverage`` gross exposure to
    equity, ``read_at`` when the older of portfolio and equity was last read, Unix seconds.
    """
    curve = state.equity.value if state.equity else None
    portfolio = state.portfolio.value if state.portfolio else None
    equity = curve.latest.value if curve and curve.latest else None
    exposure = portfolio.gross_exposure() if portfolio else None
    return {
        "equity": equity,
        "today": curve.daily_return_ratio(now) if curve else None,
        "gain": curve.daily_gain(now) if curve else None,
        "drawdown": curve.drawdown_ratio() if curve else None,
        "unrealized": portfolio.unrealized_pnl() if portfolio else None,
        "cash": portfolio.cash_value() if portfolio else None,
        "exposure": exposure,
        "leverage": _ratio(exposure, equity),
        "read_at": min((each.read_at.wall for each in (state.portfolio, state.equity) if each), default=None),
    }


def _ended(state: ProjectState) -> Iterator[Problem]:
    deployment = state.deployment.value if state.deployment else None
    if deployment is not None and deployment.status in ENDED_BADLY:
        what = ENDED_BADLY[deployment.status]
        advice = "Its positions may still be open at the broker. Look at it on QuantConnect."
        yield Problem(Severity.CRITICAL, state.name, what, advice, deployment.stopped, state.project_id)


def _exceeded(state: ProjectState, figures: Figures, now: float) -> Iterator[Problem]:
    """Return each limit that a known value exceeds, at its worst severity.

    The limits of strategy loss and slippage need a history that only Prometheus has.
    """
    holdings = state.portfolio.value.holdings if state.portfolio else ()
    is_flat = figures["leverage"] is not None and figures["leverage"] < _FLAT
    largest = max((abs(holding.market_value or 0.0) for holding in holdings), default=0.0)
    server = state.statistics.value.server if state.statistics else ServerStatistics()
    latest = state.equity.value.latest if state.equity else None
    created = state.orders.value.oldest_open.get(OpenKind.MARKETABLE) if state.orders else None
    measured = {
        LimitName.DRAWDOWN_RATIO: figures["drawdown"],
        LimitName.DAILY_LOSS_RATIO: None if figures["today"] is None else -figures["today"],
        LimitName.GROSS_LEVERAGE_RATIO: figures["leverage"],
        LimitName.CONCENTRATION_RATIO: None if is_flat else _ratio(largest, figures["exposure"]),
        LimitName.CASH_RATIO_MIN: _ratio(figures["cash"], figures["equity"]),
        LimitName.MEMORY_RATIO: _ratio(server.memory_used_bytes, server.memory_total_bytes),
        LimitName.OPEN_ORDER_AGE: None if created is None else now - created,
        LimitName.EQUITY_AGE: None if latest is None else now - latest.time,
    }
    worst_first = sorted(state.settings.limits.items(), key=lambda each: each[0][1] is not Severity.CRITICAL)
    for (limit, severity), bound in worst_first:
        value, is_floor = measured.get(limit), limit is LimitName.CASH_RATIO_MIN
        if value is None or (value >= bound if is_floor else value <= bound):
            continue
        del measured[limit]  # so that its warning is not listed too
        show = duration if limit.endswith("_age") else percent
        word = limit.removesuffix("_min").removesuffix("_ratio").replace("_", " ")
        what = f"is {'below' if is_floor else 'over'} its {word} limit"
        advice = f"It is {show(value)}, the limit is {show(bound)}."
        yield Problem(severity, state.name, what, advice, None, state.project_id, limit)


def _failing(state: ProjectState) -> Iterator[Problem]:
    failing = {source: health for source, health in state.health.items() if health.up is False}
    if failing:
        reasons = ", ".join(f"{source} ({health.last_failure})" for source, health in failing.items())
        since = min((each.last_success for each in failing.values() if each.last_success), default=None)
        advice = f"Not read: {reasons}. Values leave /metrics when they are too old."
        yield Problem(Severity.WARNING, state.name, "has old data", advice, since, state.project_id)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None or whole <= 0 else part / whole
