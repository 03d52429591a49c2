"""The numbers that the status page shows of a project, and the limits that they exceed."""

from collections.abc import Iterable
from typing import NamedTuple

from exporter.config.model import LimitName, Severity
from exporter.polling.state import ProjectState


class Exceeded(NamedTuple):
    """A limit and the value that is beyond its ``threshold``, both in the limit's unit."""

    limit: LimitName
    severity: Severity
    value: float
    threshold: float


class Figures(NamedTuple):
    """Money in account currency, ratios not percent, ``None`` where a number is not known.

    ``today`` is the change of equity since midnight UTC, ``leverage`` gross exposure to equity.
    ``read_at`` is when the older of portfolio and equity was last read, Unix seconds.
    """

    equity: float | None
    today: float | None
    today_ratio: float | None
    drawdown: float | None
    unrealized: float | None
    cash: float | None
    exposure: float | None
    leverage: float | None
    read_at: float | None


def figures_of(state: ProjectState, now: float) -> Figures:
    """Return the numbers of a project; ``now`` in Unix seconds."""
    curve = state.equity.value if state.equity else None
    portfolio = state.portfolio.value if state.portfolio else None
    equity = curve.latest.value if curve and curve.latest else None
    today_ratio = curve.daily_return_ratio(now) if curve else None
    exposure = portfolio.gross_exposure() if portfolio else None
    return Figures(
        equity=equity,
        today=None if equity is None or today_ratio is None else equity - equity / (1 + today_ratio),
        today_ratio=today_ratio,
        drawdown=curve.drawdown_ratio() if curve else None,
        unrealized=total(holding.unrealized_pnl for holding in portfolio.holdings) if portfolio else None,
        cash=total(balance.value for balance in portfolio.cash) if portfolio else None,
        exposure=exposure,
        leverage=_ratio(exposure, equity),
        read_at=min((each.read_at.wall for each in (state.portfolio, state.equity) if each), default=None),
    )


def exceeded_limits(state: ProjectState, figures: Figures, now: float) -> dict[LimitName, Exceeded]:
    """Return each limit that a known value exceeds, at its worst severity; ``now`` in Unix seconds."""
    holdings = state.portfolio.value.holdings if state.portfolio else ()
    largest = max((abs(holding.market_value or 0.0) for holding in holdings), default=0.0)
    server = state.statistics.value.server if state.statistics else None
    latest = state.equity.value.latest if state.equity else None
    measured = {
        LimitName.DRAWDOWN_RATIO: figures.drawdown,
        LimitName.DAILY_LOSS_RATIO: None if figures.today_ratio is None else -figures.today_ratio,
        LimitName.GROSS_LEVERAGE_RATIO: figures.leverage,
        LimitName.CONCENTRATION_RATIO: _ratio(largest, figures.exposure),
        LimitName.CASH_RATIO_MIN: _ratio(figures.cash, figures.equity),
        LimitName.MEMORY_RATIO: (
            _ratio(server.memory_used_bytes, server.memory_total_bytes) if server else None
        ),
        LimitName.EQUITY_AGE: now - latest.time if latest else None,
    }
    worst: dict[LimitName, Exceeded] = {}
    for (limit, severity), threshold in state.settings.limits.items():
        value = measured.get(limit)
        is_lower_bound = limit is LimitName.CASH_RATIO_MIN
        is_beyond = value is not None and (value < threshold if is_lower_bound else value > threshold)
        if value is not None and is_beyond and (limit not in worst or severity is Severity.CRITICAL):
            worst[limit] = Exceeded(limit, severity, value, threshold)
    return worst


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None or whole <= 0 else part / whole


def total(terms: Iterable[float | None]) -> float | None:
    """Return the sum; ``None`` when a term is not known."""
    known = list(terms)
    return None if None in known else sum(term for term in known if term is not None)
