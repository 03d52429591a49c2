"""A month of metrics made by hand: two exporters of the same projects, one sample each hour.

====== ========== ======== ===========================================================================
id     name       currency what it is for
====== ========== ======== ===========================================================================
101    Alpha      USD      redeployed on day 10, unknown for half of day 15, a position closed on day 25,
                    5,000 paid in on day 27
202    Beta       EUR      a warning limit alone, a currency without a rate, no rate of the dollar from day 20,
                    orders that are known from day 25
303    Alpha               shares its name, currency not known, no positions, launched on day 28
404    Still "Q"  USD      crashed on day 12
====== ========== ======== ===========================================================================

The second exporter does not know the currency of 101, and the first one is restarted on day 20.
"""

from collections.abc import Callable, Iterator

HOUR = 3600
DAY = 24 * HOUR
START = 1_788_220_800
END = START + 30 * DAY

ALPHA = {"project_id": "101", "project": "Alpha"}
BETA = {"project_id": "202", "project": "Beta"}
YOUNG = {"project_id": "303", "project": "Alpha"}
STILL = {"project_id": "404", "project": 'Still "Q"'}

USD = {"account_currency": "USD"}
EUR = {"account_currency": "EUR"}
SPY = {"symbol_id": "SPY R735QTJ8XC9X", "symbol": "SPY", "security_type": "equity"}
TLT = {"symbol_id": "TLT SGNKIKYGE9NP", "symbol": "TLT", "security_type": "equity"}
AAPL = {"symbol_id": "AAPL R735QTJ8XC9X", "symbol": "AAPL", "security_type": "equity"}
DAX = {"symbol_id": "DE30EUR 8I", "symbol": "DE30EUR", "security_type": "cfd"}

STOPPED = START + 12 * DAY - HOUR + 300
"""When ``STILL`` crashed: five minutes behind its last poll."""

FIRST, SECOND = "a:11722", "b:11722"

Labels = dict[str, str]
Curve = Callable[[float], float | None]
"""A value by day since the start, ``None`` where there is no sample."""


def _alpha(value: float, until: float = 30.0) -> Curve:
    return lambda day: None if 15 <= day < 15.5 or day > until else value


def _alpha_capital(day: float) -> float | None:
    if 15 <= day < 15.5:
        return None
    return 90_000 if day < 10 else 110_000 if day < 27 else 115_000


def _less(one: Curve, other: Curve) -> Curve:
    def difference(day: float) -> float | None:
        first, second = one(day), other(day)
        return None if first is None or second is None else first - second

    return difference


def _alpha_equity(day: float) -> float | None:
    if 15 <= day < 15.5:
        return None
    return 100_000 + 1_000 * day if day <= 20 else 120_000 - 1_800 * (day - 20)


def _beta(value: float) -> Curve:
    return lambda _: value


def _young(value: float) -> Curve:
    return lambda day: value if day >= 28 else None


def _while_running(value: float) -> Curve:
    return lambda day: value if day < 12 else None


def _from_stop(value: float) -> Curve:
    return lambda day: value if day >= 12 else None


def _holding(
    project: Labels, security: Labels, currency: Labels, curve: Callable[[float], Curve], *values: float
) -> Iterator[tuple[str, Labels, Curve]]:
    names = ("quantity", "average_price", "market_price", "market_value", "unrealized_pnl")
    for name, value in zip(names, values, strict=True):
        in_currency = currency if name in {"market_value", "unrealized_pnl"} else {}
        yield f"holding_{name}", project | security | in_currency, curve(value)


def _beta_equity(day: float) -> float:
    return 50_000 + 10_000 * day / 30


def _profits() -> Iterator[tuple[str, Labels, Curve]]:
    yield "strategy_pnl", ALPHA | USD, _less(_alpha_equity, _alpha_capital)
    yield "capital", ALPHA | USD, _alpha_capital
    yield "unrealized_pnl", ALPHA | USD, _alpha_unrealized
    yield "strategy_pnl", BETA | EUR, _less(_beta_equity, _beta(45_000))
    yield "capital", BETA | EUR, _beta(45_000)
    yield "unrealized_pnl", BETA | EUR, _beta(450)
    yield "strategy_pnl", YOUNG, _young(700)
    yield "capital", YOUNG, _young(6_300)
    yield "unrealized_pnl", YOUNG, _young(0)
    yield "strategy_pnl", STILL | USD, _while_running(-1_000)
    yield "capital", STILL | USD, _while_running(10_000)


def _alpha_unrealized(day: float) -> float | None:
    return _alpha(4_985 if day > 25 else 6_480)(day)


def _samples() -> Iterator[tuple[str, Labels, Curve]]:
    yield from _profits()
    yield from _orders()
    yield "equity", ALPHA | USD, _alpha_equity
    yield "equity", BETA | EUR, _beta_equity
    yield "equity", YOUNG, _young(7_000)
    yield "equity", STILL | USD, _while_running(9_000)
    yield (
        "drawdown_ratio",
        ALPHA,
        lambda day: None if _alpha_equity(day) is None else max(0, day - 20) * 0.015,
    )
    yield "drawdown_ratio", BETA, _beta(0.05)
    yield "daily_return_ratio", ALPHA, _alpha(-0.02)
    yield "daily_return_ratio", BETA, _beta(0.01)
    yield "return_ratio", YOUNG, _young(0.10)
    yield "gross_exposure", ALPHA | USD, _alpha(72_000)
    yield "net_exposure", ALPHA | USD, _alpha(36_000)
    yield "gross_exposure", BETA | EUR, _beta(28_000)
    yield "net_exposure", BETA | EUR, _beta(20_000)
    yield "gross_exposure", YOUNG, _young(0)
    yield "net_exposure", YOUNG, _young(0)
    yield from _holding(ALPHA, SPY, USD, _alpha, 100, 500, 540, 54_000, 3_990)
    yield from _holding(ALPHA, TLT, USD, _alpha, -200, 95, 90, -18_000, 995)
    yield from _holding(ALPHA, AAPL, USD, lambda value: _alpha(value, 25), 150, 190, 200, 30_000, 1_495)
    yield from _holding(BETA, DAX, EUR, _beta, 1, 23_400, 24_000, 24_000, 600)
    yield from _holding(STILL, SPY, USD, _while_running, 10, 560, 540, 5_400, -200)
    yield from _holding(BETA, SPY, EUR, _beta, -8, 520, 540, -4_000, -150)
    yield "cash_amount", ALPHA | {"currency": "USD"}, _alpha(66_000)
    yield "cash_value", ALPHA | {"currency": "USD"} | USD, _alpha(66_000)
    yield "cash_amount", BETA | {"currency": "EUR"}, _beta(59_000)
    yield "cash_amount", BETA | {"currency": "SEK"}, _beta(100)
    yield "cash_value", BETA | {"currency": "EUR"} | EUR, _beta(59_000)
    yield "algorithm_launched_timestamp_seconds", ALPHA, lambda day: START + (10 if day >= 10 else -5) * DAY
    yield "algorithm_launched_timestamp_seconds", BETA, _beta(START - 20 * DAY)
    yield "algorithm_launched_timestamp_seconds", YOUNG, _young(START + 28 * DAY)
    yield "algorithm_launched_timestamp_seconds", STILL, _beta(START - 9 * DAY)
    yield "algorithm_stopped_timestamp_seconds", STILL, _from_stop(STOPPED)
    for project in (ALPHA, BETA, YOUNG):
        yield "algorithm_status", project | {"status": "running"}, _young(1) if project is YOUNG else _beta(1)
        crashed = project | {"status": "runtime_error"}
        yield "algorithm_status", crashed, _young(0) if project is YOUNG else _beta(0)
    yield "algorithm_status", STILL | {"status": "running"}, lambda day: float(day < 12)
    yield "algorithm_status", STILL | {"status": "runtime_error"}, lambda day: float(day >= 12)
    for project in (ALPHA, BETA, YOUNG, STILL):
        yield "up", project | {"source": "status"}, _young(1) if project is YOUNG else _beta(1)
    for source, late in (("portfolio", 90), ("equity", 30)):
        yield "poll_interval_seconds", ALPHA | {"source": source}, _beta(60)
        yield "last_success_timestamp_seconds", ALPHA | {"source": source}, _before(late)
        yield "poll_interval_seconds", STILL | {"source": source}, _while_running(60)
        yield "last_success_timestamp_seconds", STILL | {"source": source}, lambda _: START + 12 * DAY - HOUR
    yield "poll_interval_seconds", BETA | {"source": "portfolio"}, _beta(60)
    yield "poll_interval_seconds", BETA | {"source": "equity"}, _beta(60)
    yield "last_success_timestamp_seconds", BETA | {"source": "portfolio"}, _before(20)
    for project, severities in ((ALPHA, {"warning": 0.1, "critical": 0.2}), (BETA, {"warning": 0.1})):
        for severity, limit in severities.items():
            yield "limit", project | {"limit": "drawdown_ratio", "severity": severity}, _beta(limit)
    yield "limit", ALPHA | {"limit": "daily_loss_ratio", "severity": "critical"}, _beta(0.06)
    yield "limit", BETA | {"limit": "daily_loss_ratio", "severity": "critical"}, _beta(0.06)


def _orders() -> Iterator[tuple[str, Labels, Curve]]:
    """Ten market orders a day and two limit orders that are rejected, counted from each launch."""
    yield "orders_total", ALPHA | {"type": "market"}, _alpha_orders(10)
    yield "orders_total", ALPHA | {"type": "limit"}, _alpha_orders(2)
    yield "order_rejections_total", ALPHA, _alpha_orders(2)
    yield "fills_lost_total", ALPHA, _alpha_orders(0)
    yield "orders_total", YOUNG | {"type": "market"}, _young(5)
    yield "orders_total", YOUNG | {"type": "limit"}, _young(2)
    yield "order_rejections_total", YOUNG, _young(2)
    yield "orders_total", BETA | {"type": "market"}, _from(25, 400)
    yield "order_rejections_total", BETA, _from(25, 9)
    yield "fills_lost_total", BETA, _from(25, 1)
    yield "order_fees_total", BETA | {"currency": "EUR"}, lambda day: 2 * day
    yield "order_fees_total", BETA | {"currency": "USD"}, lambda day: 10 * day
    yield "cash_conversion_rate", BETA | {"currency": "EUR"} | EUR, _beta(1)
    yield "cash_conversion_rate", BETA | {"currency": "USD"} | EUR, lambda day: 0.9 if day < 20 else None


def _alpha_orders(a_day: float) -> Curve:
    def count(day: float) -> float | None:
        return None if 15 <= day < 15.5 else a_day * (day - 10 if day >= 10 else day + 5)

    return count


def _from(first: float, value: float) -> Curve:
    return lambda day: value if day >= first else None


def _before(seconds: float) -> Curve:
    return lambda day: START + day * DAY - seconds


def _series() -> Iterator[tuple[str, Labels, Curve]]:
    for name, labels, curve in _samples():
        for instance in (FIRST, SECOND):
            own = dict(labels)
            if instance == SECOND and labels["project_id"] == "101":
                own.pop("account_currency", None)
            yield f"quantconnect_{name}", own | {"instance": instance}, curve
    account = {"account": "main"}
    for instance in (FIRST, SECOND):
        here = {"instance": instance}
        yield "quantconnect_exporter_build_info", here | {"version": "0.1.0"}, _beta(1)
        yield "quantconnect_api_requests_per_minute_limit", here | account, _beta(120)
        yield (
            "quantconnect_api_requests_total",
            here | account | {"api_endpoint": "live/read", "result": "ok"},
            _sixty_a_minute(instance),
        )


def _sixty_a_minute(instance: str) -> Curve:
    """Return a counter that begins again from 0 on day 20 when the exporter is the restarted one."""
    return lambda day: round(86_400 * (day - 20 if instance == FIRST and day >= 20 else day))


def openmetrics() -> str:
    """Return the month as text that promtool makes blocks of."""
    lines: dict[str, list[str]] = {}
    for name, labels, curve in _series():
        text = ",".join(
            f'{label}="{value}"'
            for label, value in (
                (k, v.replace('"', '\\"')) for k, v in ({"job": "quantconnect"} | labels).items()
            )
        )
        for moment in range(START, END + 1, HOUR):
            value = curve((moment - START) / DAY)
            if value is not None:
                lines.setdefault(name, [f"# TYPE {name} unknown"]).append(
                    f"{name}{{{text}}} {value} {moment}"
                )
    return "\n".join(line for family in lines.values() for line in family) + "\n# EOF\n"
