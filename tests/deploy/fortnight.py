"""Two weeks of a healthy fleet: weekends, nights, restarts, deployments, failed scrapes and maintenance."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import inf
from typing import Final

from tests.deploy.fleet import DEFAULT_LIMITS, Exporter, Project, Series, Window, minutes
from tests.deploy.lines import Line, Piece, clock, steady, steps
from tests.deploy.scenarios.model import Fleet, Scenario

DAYS: Final = 14
DAY: Final = 1440
OPEN, CLOSE, MAINTENANCE, RESTART, LAUNCH = 870, 1260, 120, 240, 60
"""Minutes of a day, UTC: the market's hours, and when QuantConnect, the exporter and the user are busy."""
MARKET_DAYS: Final = [day for day in range(DAYS) if day % 7 < 5]
LAUNCHES: Final = [day * DAY + LAUNCH for day in (2, 7, 9)]
UNREAD: Final[list[Window]] = [(day * DAY + MAINTENANCE, day * DAY + MAINTENANCE + 14) for day in range(DAYS)]
"""Ten minutes a day, and four more until the exporter asks again."""


def _between(gaps: Iterable[Window]) -> tuple[Window, ...]:
    """Return all the time but some minutes."""
    start, windows = 0.0, []
    for opened, closed in gaps:
        windows.append((start, opened))
        start = closed
    return minutes(*windows, (start, inf))


def _in_market_hours(value: float, slope: float) -> Iterator[Piece]:
    """Yield a value that moves while the market is open, up on one day and down on the next."""
    yield Piece(0, value)
    for day in MARKET_DAYS:
        direction = slope if day % 2 else -slope
        yield Piece((day * DAY + OPEN) * 60, value, direction)
        value += direction * (CLOSE - OPEN) * 60
        yield Piece((day * DAY + CLOSE) * 60, value)


def _status() -> dict[str, Line]:
    """Return the state set of an algorithm that is stopped and deployed anew a few times, within four minutes."""
    changes: list[tuple[float, str]] = [(0, "running")]
    for minute in LAUNCHES:
        changes += [(minute, "stopped"), (minute + 1, "in_queue"), (minute + 4, "running")]
    return {
        name: steps(*((minute, float(current == name)) for minute, current in changes))
        for name in ("running", "stopped", "in_queue", "runtime_error")
    }


def _deployments() -> list[tuple[str, tuple[Window, ...]]]:
    starts = [0, *LAUNCHES, inf]
    windows = pairwise(starts)
    return [(f"L-{number}", minutes(window)) for number, window in enumerate(windows)]


def _project(number: str) -> Project:
    equity = tuple(_in_market_hours(100_000, 0.05))
    daily = tuple(
        piece
        for day in MARKET_DAYS
        for piece in (
            Piece(day * DAY * 60, 0),
            Piece((day * DAY + OPEN) * 60, 0, (1 if day % 2 else -1) * 5e-7),
            Piece((day * DAY + CLOSE) * 60, (1 if day % 2 else -1) * 0.0117),
        )
    )
    # Prices move on over the weekend, equity does not.
    portfolio = (*equity, Piece(5 * DAY * 60, 88_000), Piece((7 * DAY + OPEN) * 60, 98_830, 0.05))
    sources = ("status", "portfolio", "equity", "statistics", "orders")
    limits = {
        **DEFAULT_LIMITS,
        ("gross_leverage_ratio", "warning"): 2.0,
        ("concentration_ratio", "warning"): 0.9,
        ("memory_ratio", "warning"): 0.8,
        ("open_order_age", "warning"): 900.0,
    }
    return Project(
        number,
        status=_status(),
        deployments=_deployments(),
        launched=steps((0, -DAY * 60), *((minute, minute * 60) for minute in LAUNCHES)),
        read=dict.fromkeys(sources, clock(*UNREAD)),
        up=dict.fromkeys(sources, steps((0, 1), *(each for a, b in UNREAD for each in ((a, 0), (b, 1))))),
        values_shown=_between((minute, minute + 4) for minute in LAUNCHES),
        limits=limits,
        values={
            "equity": equity,
            "daily_return_ratio": daily,
            "portfolio_value": tuple(sorted(portfolio)),
            "equity_timestamp_seconds": clock(
                *((day * DAY + CLOSE, (day + 1 if day % 7 < 4 else day + 3) * DAY + OPEN) for day in MARKET_DAYS)
            ),
            "gross_exposure": steady(80_000),
            "server_memory_used_bytes": steady(2e9),
            "server_memory_total_bytes": steady(4e9),
            "strategy_pnl": steps((0, 3_000), *((minute, 0) for minute in LAUNCHES)),
            "capital": steps((0, 97_000), *((minute, 100_000) for minute in LAUNCHES)),
            "order_rejections_total": steps((0, 12), *((minute, 0) for minute in LAUNCHES)),
            "fills_lost_total": steady(0),
        },
        more=(
            Series("holding_market_value", {"symbol_id": "A", "symbol": "A", "account_currency": "USD"}, steady(40_000)),
        ),
    )  # fmt: skip


def _requests(gaps: Iterable[Window], per_minute: float) -> Line:
    """Return a counter that grows except in gaps of minutes."""
    pieces, value, since = [Piece(0, 0, per_minute / 60)], 0.0, 0.0
    for opened, closed in gaps:
        value += (opened - since) * per_minute
        pieces += [Piece(opened * 60, value), Piece(closed * 60, value, per_minute / 60)]
        since = closed
    return tuple(pieces)


def _failures(gaps: Iterable[Window], per_minute: float) -> Line:
    """Return a counter that grows in gaps of minutes alone."""
    pieces, value = [Piece(0, 0)], 0.0
    for opened, closed in gaps:
        pieces += [Piece(opened * 60, value, per_minute / 60)]
        value += (closed - opened) * per_minute
        pieces += [Piece(closed * 60, value)]
    return tuple(pieces)


def _exporter(name: str, *, flaky: bool) -> Exporter:
    maintenance = [(opened, opened + 10) for opened, _ in UNREAD]
    restarts = [(day * DAY + RESTART, day * DAY + RESTART + 1) for day in range(DAYS)]
    return Exporter(
        f"{name}:11722",
        name,
        (_project(f"{name}-1"), _project(f"{name}-2")),
        page=_between(restarts),
        listed=_requests(((opened, opened + 11) for opened, _ in UNREAD), 2),
        failed={"unavailable": _failures(maintenance, 1)},
        flaky=flaky,
    )


FORTNIGHT: Final = Fleet(
    "a healthy fortnight",
    DAYS * DAY,
    (Scenario("healthy", (_exporter("steady", flaky=False), _exporter("flaky", flaky=True))),),
)
