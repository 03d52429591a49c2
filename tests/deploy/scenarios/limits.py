"""Values beyond the limits of a project."""

from math import inf

from tests.deploy.fleet import A_FALL, DEFAULT_LIMITS, Project, Series, minutes
from tests.deploy.lines import Line, clock, steady, steps
from tests.deploy.scenarios.model import BACK, BEGIN, DAY, END, TAIL, Scenario, away_and_back, project

ORDERS = {"orders": clock()}
STATISTICS = {"statistics": clock()}


def limit(name: str, warning: float, critical: float | None = None) -> dict[tuple[str, str], float]:
    """Return the limit on a fall and one more."""
    limits = {**A_FALL, (name, "warning"): warning}
    return limits if critical is None else {**limits, (name, "critical"): critical}


def _cash(amount: Line, value: Line | None, currency: str = "USD") -> tuple[Series, ...]:
    amounts = Series("cash_amount", {"currency": currency}, amount)
    if value is None:
        return (amounts,)
    return (amounts, Series("cash_value", {"currency": currency, "account_currency": "USD"}, value))


def _holding(value: Line, symbol: str = "SPY R735QTJ8XC9X") -> Series:
    labels = {"symbol_id": symbol, "symbol": symbol[:3], "account_currency": "USD"}
    return Series("holding_market_value", labels, value)


def _oldest_order(line: Line, kind: str) -> Series:
    return Series("oldest_open_order_timestamp_seconds", {"kind": kind}, line)


def _slippage(total: Line, count: Line) -> dict[str, Line]:
    return {"order_slippage_ratio_sum": total, "order_slippage_ratio_count": count}


def soon() -> list[Scenario]:
    """Return what is beyond a limit within minutes."""
    flat = {"equity": steady(100_000), "gross_exposure": steady(150)}
    cash = away_and_back(50_000, 9_000)
    ten_orders = _slippage(steps((0, -0.001), (BEGIN, 0.029)), steps((0, 4), (BEGIN, 14)))
    return [
        project(Project("100", limits=DEFAULT_LIMITS)),
        project(
            Project("101", limits=DEFAULT_LIMITS, values={"drawdown_ratio": steps((0, 0.01), (4, 0.15), (10, 0.25), (END, 0.05))}),
            ("Drawdown", "warning", 6, BACK), ("Drawdown", "critical", 12, BACK),
        ),
        # A value equal to its limit is not beyond it.
        project(Project("102", limits=DEFAULT_LIMITS, values={"drawdown_ratio": away_and_back(0.01, 0.20)}), ("Drawdown", "warning", 6, BACK)),
        project(
            Project("103", limits=DEFAULT_LIMITS, values={"daily_return_ratio": away_and_back(0.01, -0.07)}),
            ("DailyLoss", "warning", 6, BACK), ("DailyLoss", "critical", 6, BACK),
        ),
        project(
            Project("104", limits=limit("gross_leverage_ratio", 2, 4), values={"gross_exposure": away_and_back(50_000, 250_000)}),
            ("Leverage", "warning", 9, BACK),
        ),
        project(
            Project("105", limits=DEFAULT_LIMITS | limit("gross_leverage_ratio", 2), values={"equity": away_and_back(100_000, 0)}),
            ("Leverage", "warning", 9, BACK),
            ("DrawdownOverDeployments", "warning", 6, BACK), ("DrawdownOverDeployments", "critical", 6, BACK),
        ),
        project(
            Project("106", limits=limit("concentration_ratio", 0.5), values={"equity": steady(700_000)},
                    more=(_holding(away_and_back(20_000, 45_000)), _holding(steady(-5_000), "TLT"))),
            ("Concentration", "warning", 14, BACK),
        ),
        # One leftover share in a flat account.
        project(Project("107", limits=limit("concentration_ratio", 0.5), values=flat, more=(_holding(steady(150)),))),
        project(
            Project("108", limits=limit("cash_ratio_min", 0.1), more=_cash(cash, cash)),
            ("CashLow", "warning", 14, BACK),
        ),
        project(Project("127", limits=limit("cash_ratio_min", 0.1), more=_cash(steady(20_000), steady(20_000)))),
        project(
            Project("109", limits=limit("memory_ratio", 0.8, 0.95), values={
                "server_memory_used_bytes": away_and_back(2e9, 3.5e9), "server_memory_total_bytes": steady(4e9),
            }),
            ("MemoryHigh", "warning", 14, BACK),
        ),
        project(
            Project("110", limits=limit("equity_age", 600), values={"equity_timestamp_seconds": clock((2, END))}),
            ("EquityAge", "warning", 2 + 10 + 2, BACK),
        ),
        project(
            Project("111", limits=limit("open_order_age", 300), read=ORDERS, more=(
                _oldest_order(steps((0, None), (BEGIN, 240), (END, None)), "marketable"), _oldest_order(steady(0), "resting"),
            )),
            ("OrderStuck", "warning", 4 + 5 + 1, BACK),
        ),
        # The average stays within the limit.
        project(Project("113", limits=limit("slippage_ratio", 0.004), values=ten_orders, read=ORDERS)),
        project(
            Project("114", limits=limit("strategy_loss", 5_000), read=STATISTICS, values={
                "strategy_pnl": steps((0, 2_000), (BEGIN, -4_000), (END, 1_000)), "capital": steady(98_000),
            }),
            ("StrategyLoss", "warning", 6, BACK),
        ),
        # A deposit hid the loss from equity, not from trading.
        project(
            Project("115", limits=DEFAULT_LIMITS, read=STATISTICS, values={
                "strategy_pnl": steps((0, 20_000), (BEGIN, -6_000), (END, 15_000)), "capital": steady(105_000),
            }),
            ("StrategyDrawdown", "warning", 6, BACK), ("StrategyDrawdown", "critical", 6, BACK),
        ),
        # A loss before the first reading counts: at its launch an algorithm had made nothing.
        project(
            Project("116", limits=limit("strategy_loss", 5_000), values={"strategy_pnl": steps((0, None), (5, -5_500))}, read=STATISTICS),
            ("StrategyLoss", "warning", 7, inf),
        ),
        # Another deployment begins anew.
        project(Project(
            "117", limits=limit("strategy_loss", 5_000), values={"strategy_pnl": steps((0, 9_000), (BEGIN, 0))}, read=STATISTICS,
            deployments=(("L-1", minutes((0, BEGIN))), ("L-2", minutes((BEGIN, inf)))), launched=steps((0, -86400), (BEGIN, 240)),
        )),
        # A value that its source no longer gives is gone, though the source is read.
        project(
            Project("118", values={"drawdown_ratio": steps((0, 0.15), (10, None))}),
            ("Drawdown", "warning", 2, 10 + TAIL),
        ),
        # Deployed anew in an account of another currency.
        project(Project(
            "128", launched=steps((0, -86400), (10, 600)), values={"equity": steps((0, None), (10, 90_000))},
            more=(Series("equity", {"account_currency": "JPY"}, steps((0, 1e7), (10, None))),),
        )),
        # Deployed more than a week ago: the peak since then is what counts.
        project(Project("124", launched=steady(-8 * DAY * 60), values={"equity": away_and_back(100_000, 85_000)})),
    ]  # fmt: skip


def _redeployed_six_times() -> Scenario:
    """Return six deployments of 15 minutes, each of which loses 2.9 % of what the one before left."""
    starts = [10 + 15 * number for number in range(6)]
    equity = steps((0, 100_000), *((start, 100_000 * 0.971**n) for n, start in enumerate(starts, 1)))
    windows = zip([0, *starts], [*starts, inf], strict=True)
    one = Project(
        "120",
        limits=DEFAULT_LIMITS,
        values={"equity": equity, "drawdown_ratio": steady(0.029)},
        deployments=[(f"L-{number}", minutes(window)) for number, window in enumerate(windows)],
        launched=steps((0, -86400), *((start, start * 60) for start in starts)),
    )
    # Four of them are beyond 10 %, and six within 20 %.
    return project(one, ("DrawdownOverDeployments", "warning", starts[3] + 2, inf))


def later() -> list[Scenario]:
    """Return what takes an hour or more."""
    dust = (*_cash(steady(5_000), steady(5_000)), *_cash(steady(1e-6), None, "XYZ"))
    known = (*_cash(steady(50_000), steady(50_000)), *_cash(steady(1), steady(2), "XYZ"))
    return [
        _redeployed_six_times(),
        # Each hour is judged by its own orders.
        project(
            Project("112", limits=limit("slippage_ratio", 0.002), read=ORDERS, values=_slippage(
                steps((0, -0.001), (10, 0.029)), steps((0, 4), (10, 14)),
            )),
            ("Slippage", "warning", 11, 70 + TAIL),
        ),
        project(
            Project("125", limits=limit("slippage_ratio", 0.002), read=ORDERS, values=_slippage(
                steps((0, 0), (80, 0.03)), steps((0, 4), (10, 24), (80, 34)),
            )),
            ("Slippage", "warning", 81, inf),
        ),
        project(
            Project("126", limits=limit("slippage_ratio", 0.002), read=ORDERS, values=_slippage(
                steps((0, 0), (10, 0.015), (80, 0.03)), steps((0, 4), (10, 14), (80, 24)),
            )),
        ),
        project(Project("119", limits=limit("cash_ratio_min", 0.1), more=dust), ("LimitUnknown", "warning", 60, inf)),
        project(Project("129", limits=limit("concentration_ratio", 0.5), more=(_holding(steady(20_000)),))),
        # Without positions nothing is concentrated, which is known.
        project(Project("130", limits=limit("concentration_ratio", 0.5), values={"gross_exposure": steady(0)})),
        project(Project("123", limits=limit("cash_ratio_min", 0.1), more=known)),
        project(
            Project("121", launched=steady(0), values={"capital": steps((0, 80_000), (62, 90_000))}),
            ("CapitalChanged", "info", 62, 92 + 15),
        ),
        # A launch sets the capital anew.
        project(Project("122", launched=steps((0, -86400), (50, 3000)), values={"capital": steps((0, 80_000), (50, 90_000))})),
    ]  # fmt: skip


def orders() -> list[Scenario]:
    """Return what happens to orders within minutes."""
    return [
        project(Project("202", launched=steps((0, -86400), (10, 600)), values={"order_rejections_total": steps((0, 500), (10, 0))})),
        project(Project("203", values={"fills_lost_total": away_and_back(0, 1)}), ("FillLost", "warning", BEGIN, BACK)),
    ]  # fmt: skip


def later_orders() -> list[Scenario]:
    """Return what happens to orders over an hour."""
    return [
        project(
            Project("200", values={"order_rejections_total": steps((0, 500), (62, 503))}),
            ("OrderRejected", "warning", 62, inf),
        ),
        # The rejections of before the launch are another deployment's.
        project(
            Project("201", launched=steps((0, -86400), (10, 600)), values={"order_rejections_total": steps((0, 500), (10, None), (20, 2))}),
            ("OrderRejected", "warning", 20, 10 + 60 + 5),
        ),
        # On no page when its orders were rejected.
        project(
            Project("204", shown=minutes((0, 3), (12, inf)), values={"order_rejections_total": steps((0, 5), (6, 7))}),
            ("OrderRejected", "warning", 60, 12 + 60 + 5),
        ),
    ]  # fmt: skip
