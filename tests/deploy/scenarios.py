"""What happens to projects, accounts and exporters, and which alerts must fire for it: when, and no others.

Times are minutes. The scenarios of one list run side by side as one fleet, so each also proves that it
disturbs no other. Unless told otherwise, something happens from minute 10 to 32.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from tests.deploy.fleet import DEFAULT_LIMITS, Exporter, Project, Series, minutes, status
from tests.deploy.lines import Line, Piece, clock, counting, grid, steady, steps, within

BEGIN: Final = 10
END: Final = 32
TAIL: Final = 15
"""How long an alert on a limit goes on after the value came back."""
BACK: Final = END + TAIL


@dataclass(frozen=True)
class Expected:
    """An alert that fires from a minute on until another, and not before or after."""

    alert: str
    severity: str
    subject: Mapping[str, str]
    start: float
    end: float = inf


@dataclass(frozen=True)
class Scenario:
    """Exporters, and every alert that ever fires for them."""

    name: str
    exporters: Sequence[Exporter]
    expected: Sequence[Expected] = ()


def _more(name: str, line: Line, **labels: str) -> Series:
    """Return a series of a project, its name without prefix."""
    return Series(name, labels, line)


def _limit(name: str, warning: float, critical: float | None = None) -> dict[tuple[str, str], float]:
    limits = {**DEFAULT_LIMITS, (name, "warning"): warning}
    return limits if critical is None else {**limits, (name, "critical"): critical}


def _cash(amount: Line, value: Line | None, currency: str = "USD") -> tuple[Series, ...]:
    amounts = _more("cash_amount", amount, currency=currency)
    if value is None:
        return (amounts,)
    return (amounts, _more("cash_value", value, currency=currency, account_currency="USD"))


def _holding(value: Line, symbol: str = "SPY R735QTJ8XC9X") -> Series:
    return _more("holding_market_value", value, symbol_id=symbol, symbol=symbol[:3], account_currency="USD")


def _away_and_back(normal: float, away: float) -> Line:
    """Return the line of a value that is away for a while."""
    return steps((0, normal), (BEGIN, away), (END, normal))


def _project(project: Project, *expected: tuple[str, str, float, float]) -> Scenario:
    """Return a scenario of one project on an exporter of its own."""
    name = f"project-{project.id}"
    alerts = [Expected(a, s, {"project_id": project.id}, start, end) for a, s, start, end in expected]
    return Scenario(name, (Exporter(f"{name}:11722", name, (project,)),), alerts)


def _limits() -> list[Scenario]:
    flat = {"equity": steady(100_000), "gross_exposure": steady(150)}
    largest = _away_and_back(20_000, 45_000)
    cash = _away_and_back(50_000, 9_000)
    return [
        _project(Project("100")),
        _project(
            Project("101", values={"drawdown_ratio": steps((0, 0.01), (10, 0.15), (20, 0.25), (32, 0.05))}),
            ("Drawdown", "warning", 12, BACK),
            ("Drawdown", "critical", 22, BACK),
        ),
        # A value equal to its limit is not beyond it.
        _project(
            Project("102", values={"drawdown_ratio": _away_and_back(0.01, 0.20)}),
            ("Drawdown", "warning", 12, BACK),
        ),
        _project(
            Project("103", values={"daily_return_ratio": _away_and_back(0.01, -0.07)}),
            ("DailyLoss", "warning", 12, BACK),
            ("DailyLoss", "critical", 12, BACK),
        ),
        _project(
            Project("104", limits=_limit("gross_leverage_ratio", 2, 4), values={"gross_exposure": _away_and_back(50_000, 250_000)}),
            ("Leverage", "warning", 15, BACK),
        ),
        _project(
            Project("105", limits=_limit("gross_leverage_ratio", 2), values={"equity": _away_and_back(100_000, 0)}),
            ("Leverage", "warning", 15, BACK),
            ("DrawdownOverDeployments", "warning", 12, BACK),
            ("DrawdownOverDeployments", "critical", 12, BACK),
        ),
        _project(
            Project("106", limits=_limit("concentration_ratio", 0.5), more=(_holding(largest), _holding(steady(-5_000), "TLT"))),
            ("Concentration", "warning", 20, BACK),
        ),
        # One leftover share in a flat account.
        _project(Project("107", limits=_limit("concentration_ratio", 0.5), values=flat, more=(_holding(steady(150)),))),
        _project(
            Project("108", limits=_limit("cash_ratio_min", 0.1), more=_cash(cash, cash)),
            ("CashLow", "warning", 20, BACK),
        ),
        _project(
            Project("123", limits=_limit("cash_ratio_min", 0.1), more=_cash(steady(50_000), steady(50_000)))
        ),
        _project(
            Project("109", limits=_limit("memory_ratio", 0.8, 0.95), values={
                "server_memory_used_bytes": _away_and_back(2e9, 3.5e9), "server_memory_total_bytes": steady(4e9),
            }),
            ("MemoryHigh", "warning", 20, BACK),
        ),
        _project(
            Project("110", limits=_limit("equity_age", 600), values={"equity_timestamp_seconds": clock((2, 32))}),
            ("EquityAge", "warning", 2 + 10 + 2, BACK),
        ),
        _project(
            Project("111", limits=_limit("open_order_age", 300), more=(
                _more("oldest_open_order_timestamp_seconds", steps((0, None), (10, 600), (32, None)), kind="marketable"),
                _more("oldest_open_order_timestamp_seconds", steady(0), kind="resting"),
            ), read={"orders": clock()}),
            ("OrderStuck", "warning", 10 + 5 + 1, BACK),
        ),
        _project(
            Project("112", limits=_limit("slippage_ratio", 0.002), values={
                "order_slippage_ratio_sum": steps((0, -0.001), (10, 0.029)), "order_slippage_ratio_count": steps((0, 4), (10, 14)),
            }, read={"orders": clock()}),
            ("Slippage", "warning", 11, inf),
        ),
        # The average stays within the limit.
        _project(
            Project("113", limits=_limit("slippage_ratio", 0.004), values={
                "order_slippage_ratio_sum": steps((0, -0.001), (10, 0.029)), "order_slippage_ratio_count": steps((0, 4), (10, 14)),
            }, read={"orders": clock()}),
        ),
        _project(
            Project("114", limits=_limit("strategy_loss", 5_000), values={
                "strategy_pnl": steps((0, 2_000), (10, -4_000), (32, 1_000)), "capital": steady(98_000),
            }, read={"statistics": clock()}),
            ("StrategyLoss", "warning", 12, BACK),
        ),
        # A deposit hid the loss from equity, not from trading.
        _project(
            Project("115", values={
                "strategy_pnl": steps((0, 20_000), (10, -6_000), (32, 15_000)), "capital": steady(105_000),
            }, read={"statistics": clock()}),
            ("StrategyDrawdown", "warning", 12, BACK),
            ("StrategyDrawdown", "critical", 12, BACK),
        ),
        # A loss before the first reading counts: at its launch an algorithm had made nothing.
        _project(
            Project("116", limits=_limit("strategy_loss", 5_000), values={"strategy_pnl": steps((0, None), (5, -5_500))}, read={"statistics": clock()}),
            ("StrategyLoss", "warning", 7, inf),
        ),
        # Another deployment begins anew.
        _project(
            Project("117", limits=_limit("strategy_loss", 5_000), values={"strategy_pnl": steps((0, 9_000), (10, 0))}, read={"statistics": clock()},
                    deployments=(("L-1", minutes((0, 10))), ("L-2", minutes((10, inf)))), launched=steps((0, -86400), (10, 600))),
        ),
        # A value that its source no longer gives is gone, though the source is read.
        _project(
            Project("118", values={"drawdown_ratio": steps((0, 0.15), (10, None))}),
            ("Drawdown", "warning", 2, 10 + TAIL),
        ),
    ]  # fmt: skip


def _redeployed_six_times() -> Scenario:
    """Return six deployments of 15 minutes, each of which loses 2.9 % of what the one before left."""
    starts = [10 + 15 * number for number in range(6)]
    equity = steps((0, 100_000), *((start, 100_000 * 0.971**n) for n, start in enumerate(starts, 1)))
    windows = zip([0, *starts], [*starts, inf], strict=True)
    project = Project(
        "120",
        values={"equity": equity, "drawdown_ratio": steady(0.029)},
        deployments=[(f"L-{number}", minutes(window)) for number, window in enumerate(windows)],
        launched=steps((0, -86400), *((start, start * 60) for start in starts)),
    )
    # Four of them are beyond 10 %, and six within 20 %.
    return _project(project, ("DrawdownOverDeployments", "warning", starts[3] + 2, inf))


def _orders() -> list[Scenario]:
    relaunched = steps((0, -86400), (10, 600))
    return [
        # The rejections of before the launch are another deployment's.
        _project(
            Project("201", launched=relaunched, values={"order_rejections_total": steps((0, 500), (10, None), (20, 2))}),
            ("OrderRejected", "warning", 20, inf),
        ),
        _project(Project("202", launched=relaunched, values={"order_rejections_total": steps((0, 500), (10, 0))})),
        _project(
            Project("203", values={"fills_lost_total": _away_and_back(0, 1)}),
            ("FillLost", "warning", 10, BACK),
        ),
    ]  # fmt: skip


def _algorithms() -> list[Scenario]:
    crashed = status((0, "running"), (10, "runtime_error"))
    return [
        _project(Project("300", status=crashed, values_shown=minutes((0, 10))), ("AlgorithmNotRunning", "critical", 10, inf)),
        # The exporter starts anew at minute 30 and does not discover what does not run.
        _project(
            Project("301", status=crashed, shown=minutes((0, 30)), values_shown=minutes((0, 10))),
            ("AlgorithmNotRunning", "critical", 10, inf),
        ),
        _project(
            Project("303", status=status((0, "running"), (10, "stopped"), (32, "running"))),
            ("AlgorithmNotRunning", "warning", 15, 32),
        ),
        _project(Project("304", status=status((0, "running"), (10, "stopped"), (13, "in_queue"), (50, "running")))),
        # Never deployed.
        _project(Project("305", status=status((0, "unknown")), deployments=(), launched=None, values_shown=())),
        # As if never deployed.
        _project(
            Project("306", status=status((0, "running"), (10, "unknown")), deployments=(("L-1", minutes((0, 10))),),
                    launched=steps((0, -86400), (10, None)), values_shown=minutes((0, 10))),
            ("AlgorithmNotRunning", "warning", 15, inf),
        ),
        _project(Project("308", shown=minutes((0, 10))), ("AlgorithmVanished", "warning", 30, inf)),
        # It had ended before it left the page.
        _project(
            Project("309", status=status((0, "running"), (4, "stopped")), shown=minutes((0, 16))),
            ("AlgorithmNotRunning", "warning", 9, 18),
        ),
    ]  # fmt: skip


def _slow_algorithms() -> list[Scenario]:
    changes = [(minute, ("running", "runtime_error")[minute // 5 % 2]) for minute in range(0, 60, 5)]
    slowly_listed = Project(
        "310", shown=minutes((0, 20)), read={"status": grid(10, 20)}, interval={"status": steady(600)}
    )
    return [
        # Five minutes up, five minutes down; an alert of a crash bridges five minutes.
        _project(
            Project("302", status=status(*changes, (60, "running"))),
            ("AlgorithmNotRunning", "critical", 5, 65),
            ("CrashLoop", "critical", 25, 99 + TAIL),
        ),
        _project(
            Project("307", status=status((0, "logging_in"), (100, "running")), launched=steady(0)),
            ("AlgorithmNotRunning", "warning", 60 + 5, 100),
        ),
        _project(
            Project("200", values={"order_rejections_total": steps((0, 500), (70, 503))}),
            ("OrderRejected", "warning", 70, 130 + 5),
        ),
        _project(
            Project("121", values={"capital": steps((0, 80_000), (50, 90_000))}),
            ("CapitalChanged", "info", 50, 80 + 15),
        ),
        # A launch sets the capital anew.
        _project(
            Project(
                "122",
                launched=steps((0, -86400), (50, 3000)),
                values={"capital": steps((0, 80_000), (50, 90_000))},
            )
        ),
        Scenario(
            "vanished-slow-listing",
            (Exporter("slow:11722", "slow", (slowly_listed,), listed=counting(0.1)),),
            (Expected("AlgorithmVanished", "warning", {"project_id": "310"}, 40),),
        ),
        _redeployed_six_times(),
    ]


def _sources() -> list[Scenario]:
    frozen = clock((10, 40))
    moving = (Piece(0, 1.0, 1e-6),)
    sources = ("status", "portfolio", "equity")
    a_moment_old = (Piece(0, -15, 1),)
    return [
        # Polled more often than scraped: when the rules look, the page is older than two intervals.
        _project(Project("420", read=dict.fromkeys(sources, a_moment_old), interval=dict.fromkeys(sources, steady(5)))),
        _project(Project("400", read={"status": frozen}), ("StatusStale", "warning", 28, 40)),
        _project(Project("401", read={"portfolio": frozen}), ("PortfolioStale", "warning", 28, 40)),
        _project(Project("402", read={"equity": frozen}), ("EquityStale", "warning", 28, 40)),
        # Started anew in the meantime, the exporter does not know when it read the status last.
        Scenario(
            "restarted-while-stale",
            (Exporter("stale:11722", "stale", (Project("410", read={"status": within(frozen, minutes((0, 20)))}),), page=minutes((0, 20), (21, inf))),),
            [Expected("StatusStale", "warning", {"project_id": "410"}, 28)],
        ),
        _project(Project("405", values={"equity_timestamp_seconds": steady(1200 - 5 * 86400)}), ("EquityStale", "info", 30, inf)),
        _project(
            Project("406", account_currency="BTC", values={
                "equity": moving, "gross_exposure": steady(0.5), "portfolio_value": steps((0, 1.0), (3, 1.1)),
            }),
            ("EquityMismatch", "warning", 48, inf),
        ),
        # Rounding, and snapshots of different times.
        _project(Project("407", values={"equity": (Piece(0, 100_000, 0.01),), "portfolio_value": steady(103_000)})),
        # Out of hours equity stands still while prices move on.
        _project(Project("408", values={
            "equity": (Piece(0, 100_000, 0.01), Piece(300, 100_003)), "portfolio_value": steps((0, 100_000), (5, 80_000)),
        })),
        # Everything is cash, so nothing can move.
        _project(
            Project("409", values={"gross_exposure": steady(0), "portfolio_value": steps((0, 100_000), (3, 80_000))}),
            ("EquityMismatch", "warning", 48, inf),
        ),
    ]  # fmt: skip


def _slow_sources() -> list[Scenario]:
    every_40 = {source: grid(40, 140) for source in ("status", "portfolio", "equity")}
    intervals = {source: steady(2400) for source in every_40}
    leaves = minutes(*((start, start + 15) for start in range(0, 140, 40)))
    dust = (*_cash(steady(5_000), steady(5_000)), *_cash(steady(1e-6), None, "XYZ"))
    return [
        # The page loses its values after a quarter of an hour, and the next poll is due after 40 minutes.
        _project(
            Project("403", read=every_40, interval=intervals, values_shown=leaves, up={"equity": steps((0, None))},
                    values={"drawdown_ratio": steady(0.15)}),
            ("Drawdown", "warning", 2, inf),
        ),
        _project(Project("404", read={"status": grid(10, 140)}, interval={"status": steady(600)})),
        _project(Project("119", limits=_limit("cash_ratio_min", 0.1), more=dust), ("LimitUnknown", "warning", 60, inf)),
    ]  # fmt: skip


def _account(name: str, exporter: Exporter, *expected: tuple[str, str, float, float]) -> Scenario:
    """Return a scenario of one exporter; alerts on values and sources are expected of each of its projects."""
    alerts = []
    for alert, severity, start, end in expected:
        of_projects = alert.endswith("Stale") or alert == "Drawdown"
        subjects = (
            [{"project_id": each.id} for each in exporter.projects] if of_projects else [{"account": name}]
        )
        alerts += [Expected(alert, severity, subject, start, end) for subject in subjects]
    return Scenario(name, (exporter,), alerts)


def _unread(number: int, start: float, end: float, **values: Line) -> Project:
    """Return a project of which nothing is read in a window; its values leave after a quarter of an hour."""
    gone = minutes((0, start + 15), (end, inf)) if end > start + 15 else minutes((0, inf))
    sources = ("status", "portfolio", "equity")
    return Project(
        str(number), read=dict.fromkeys(sources, clock((start, end))), values=values, values_shown=gone, status_shown=gone,
        up=dict.fromkeys(sources, steps((0, 1), (start, 0), (end, 1))),
    )  # fmt: skip


def _stopped(start: float, end: float) -> Line:
    """Return a counter of one a minute that stands still in a window."""
    return (Piece(0, 0, 1 / 60), Piece(start * 60, start), Piece(end * 60, start, 1 / 60))


def _only(start: float, end: float, per_minute: float) -> Line:
    """Return a counter that grows in a window alone."""
    return (Piece(0, 0), Piece(start * 60, 0, per_minute / 60), Piece(end * 60, (end - start) * per_minute))


def _stale(start: float, end: float) -> list[tuple[str, str, float, float]]:
    return [(f"{source}Stale", "warning", start + 18, end) for source in ("Status", "Portfolio", "Equity")]


def _accounts() -> list[Scenario]:
    skew = Series("quantconnect_api_clock_skew_seconds", {"account": "wrong-clock"}, _away_and_back(1, -30))
    return [
        # Ten minutes, and up to six more until each source is asked again.
        _account("maintenance", Exporter("maintenance:11722", "maintenance", (_unread(510, 10, 26), _unread(511, 10, 21)),
                                         listed=_stopped(10, 21), failed={"timeout": _only(10, 20, 0.5)})),
        _account("half-failing", Exporter("half:11722", "half-failing", (Project("520"),), failed={"malformed": _only(10, 40, 2)}),
                 ("ApiFailing", "warning", 23, 48)),
        _account("refused-from-the-start", Exporter("start:11722", "refused-from-the-start", listed=None, failed={"unauthorized": counting(0.2, 1)}),
                 ("ApiUnauthorized", "critical", 2, inf), ("AccountUnread", "critical", 30, inf)),
        _account("refused-once", Exporter("once:11722", "refused-once", (Project("540"),), failed={"unauthorized": steps((0, 0), (10, 1))})),
        _account("limited-now-and-then", Exporter("often:11722", "limited-now-and-then", (Project("560"),), failed={"rate_limited": counting(0.2)}),
                 ("ApiRateLimited", "warning", 15, inf)),
        _account("limited-once", Exporter("rare:11722", "limited-once", (Project("561"),), failed={"rate_limited": steps((0, 0), (10, 1))})),
        _account("wrong-clock", Exporter("clock:11722", "wrong-clock", (Project("570"),), more=(skew,)),
                 ("ClockSkew", "warning", 20, END + 5)),
    ]  # fmt: skip


def outage_of(numbers: Iterable[int], start: float, end: float) -> Exporter:
    """Return an exporter of projects whose account cannot be asked in a window of minutes."""
    return Exporter(
        "outage:11722",
        "outage",
        [_unread(number, start, end) for number in numbers],
        listed=_stopped(start, end),
        failed={"unavailable": _only(start, end, 0.4)},
    )


def _slow_accounts() -> list[Scenario]:
    anew = (Piece(0, 50, 1 / 60), Piece(1200, 70), Piece(1800, 0), Piece(4200, 0, 1 / 60))
    failed_anew = (*_only(20, 70, 0.4)[:2], Piece(1800, 0, 0.4 / 60), Piece(4200, 16))
    fallen = {"drawdown_ratio": steps((0, 0.01), (6, 0.3))}
    return [
        # A fall before an outage stays known.
        _account("outage", Exporter("outage:11722", "outage", (_unread(500, 10, 90, **fallen), _unread(501, 10, 90, **fallen)),
                                    listed=_stopped(10, 90), failed={"unavailable": _only(10, 90, 0.4)}),
                 *_stale(10, 90), ("ApiFailing", "warning", 24, 97), ("AccountUnread", "critical", 70, 120),
                 ("Drawdown", "warning", 8, inf), ("Drawdown", "critical", 8, inf)),
        _account("refused", Exporter("refused:11722", "refused", (_unread(530, 10, 90),), listed=_stopped(10, 90),
                                     failed={"unauthorized": _only(10, 90, 0.2)}),
                 *_stale(10, 90), ("ApiUnauthorized", "critical", 22, 105), ("AccountUnread", "critical", 70, 120)),
        # One request an hour, refused with Retry-After: 3600.
        _account("told-to-wait", Exporter("wait:11722", "told-to-wait", (_unread(550, 10, inf),), listed=_stopped(10, inf),
                                          failed={"rate_limited": steps((0, 0), (10, 1), (70, 2), (130, 3))}),
                 *_stale(10, inf), ("ApiRateLimited", "warning", 25, inf), ("AccountUnread", "critical", 70, inf)),
        # The exporter starts anew in an outage and knows no project until it can list them.
        _account("restarted-in-an-outage", Exporter("anew:11722", "restarted-in-an-outage", (Project("580", shown=minutes((0, 30), (70, inf))),),
                                                    listed=anew, failed={"unavailable": failed_anew}),
                 ("ApiFailing", "warning", 34, 77)),
    ]  # fmt: skip


def _exporters() -> list[Scenario]:
    until_10, again_at_40 = minutes((0, 10)), minutes((0, 10), (40, inf))
    gone = steps((0, 1), (10, None))

    def exporter(name: str, *projects: Project, account: str = "", **other: Any) -> Exporter:
        return Exporter(f"{name}:11722", account or name, projects, **other)

    def down(severity: str, name: str, start: float = 13, end: float = inf) -> Expected:
        return Expected("ExporterDown", severity, {"instance": f"{name}:11722"}, start, end)

    def not_running(start: float, end: float) -> Expected:
        return Expected("AlgorithmNotRunning", "warning", {"project_id": "650"}, start, end)

    stopped = Project("650", status=status((0, "running"), (1, "stopped")))
    failures = Series(
        "prometheus_rule_evaluation_failures_total",
        {"rule_group": "/etc/q.yml;quantconnect_limits"},
        steps((0, 0), (10, 3)),
    )
    return [
        Scenario("one-shard-down", (
            exporter("shard-a", Project("600"), account="sharded"), exporter("shard-b", Project("601"), account="sharded", page=again_at_40),
        ), (down("critical", "shard-b", end=40),)),
        Scenario("one-shard-no-longer-discovered", (
            exporter("left-a", Project("610"), account="left"), exporter("left-b", Project("611"), account="left", page=until_10, up=gone),
        ), (down("critical", "left-b"),)),
        Scenario("one-of-a-pair-down", (
            exporter("pair-a", Project("620"), account="pair"), exporter("pair-b", Project("620"), account="pair", page=again_at_40),
        ), (down("warning", "pair-b", end=40),)),
        # The money is still at stake.
        Scenario("fallen-and-gone", (
            exporter("fallen", Project("625", values={"drawdown_ratio": steady(0.15)}), page=until_10),
        ), (down("critical", "fallen"), Expected("Drawdown", "warning", {"project_id": "625"}, 2))),
        Scenario("a-page-that-is-not-ours", (exporter("other", Project("630"), page=until_10, up=steady(1)),), (down("critical", "other"),)),
        Scenario("never-our-page", (exporter("never", page=(), up=steady(1)),), (down("critical", "never", 3),)),
        Scenario("another-job-name", (exporter("named", Project("640"), job="trading", page=again_at_40),), (down("critical", "named", end=40),)),
        Scenario("without-projects", (exporter("empty", page=again_at_40),), (down("warning", "empty", end=40),)),
        Scenario("only-stopped-projects", (exporter("idle", stopped, page=again_at_40),),
                 (not_running(6, 15), down("warning", "idle", end=40), not_running(45, inf))),
        Scenario("restarts", (exporter("restarts", Project("660"), page=minutes((0, 10), (11, 30), (31, inf))),)),
        Scenario("failed-scrapes", (
            exporter("flaky", Project("670", values={"drawdown_ratio": steps((0, 0.01), (10, 0.15))}), Project("671"), flaky=True),
        ), (Expected("Drawdown", "warning", {"project_id": "670"}, 12),)),
        Scenario("moved", (
            exporter("from", Project("680", shown=minutes((0, 10))), account="moved"), exporter("to", Project("680", shown=minutes((10, inf))), account="moved"),
        )),
        Scenario("reload-failed", (exporter("reload", Project("690"), reloaded=_away_and_back(1, 0)),),
                 (Expected("ConfigReloadFailed", "warning", {"instance": "reload:11722"}, 11, END),)),
        Scenario("rules-failing", (exporter("beside", more=(failures,)),), (Expected("RulesFailing", "critical", {}, 10, 25 + TAIL),)),
    ]  # fmt: skip


@dataclass(frozen=True)
class Fleet:
    """Scenarios side by side, for some minutes."""

    name: str
    minutes: int
    scenarios: Sequence[Scenario]


FLEETS: Final = (
    Fleet("an hour", 62, (*_limits(), *_orders(), *_algorithms(), *_sources(), *_accounts(), *_exporters())),
    Fleet("two hours", 140, (*_slow_algorithms(), *_slow_sources(), *_slow_accounts())),
)
