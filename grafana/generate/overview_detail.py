"""The lower half of the Overview: how orders are executed, and how the algorithm and its server fare."""

from grafana.generate.charts import Look, bars, buckets, by_day, lines
from grafana.generate.frame import Line
from grafana.generate.look import (
    BLUE,
    COUNT,
    GREY,
    MONEY,
    NEGATIVE_IS_BAD,
    NOTHING,
    NUMBER,
    ORDER_AGE,
    ORDER_WORDS,
    POLL_WORDS,
    PURPLE,
    RATIO,
    SECONDS,
    SIGN_OF_MONEY,
    SIGN_OF_RATIO,
    SOME_IS_BAD,
    SOME_IS_ODD,
    SOURCE_WORDS,
    UPTIME,
)
from grafana.generate.money import change
from grafana.generate.panels import Figure, Panel, Query, figures
from grafana.generate.promql import ONE, labelled, select
from grafana.generate.tables import Column, Rows, table

_BLUE_BARS = ((None, BLUE),)
_ORDERS = ('status!="none"',)


def execution_lines() -> list[Line]:
    """Return how orders are executed."""
    return [
        Line(8, [(5, _orders()), (5, _by_status()), (7, _fills()), (7, _fees())]),
        Line(8, [(12, _slippage()), (12, _fill_time())]),
    ]


def algorithm_lines() -> list[Line]:
    """Return how the deployment, its server and its polls fare."""
    return [
        Line(8, [(5, _since_launch()), (5, _cash()), (7, _server()), (7, _sources())]),
        Line(8, [(5, _times()), (5, _own_figures()), (7, _charts()), (7, _mismatch())]),
    ]


def _orders() -> Panel:
    def oldest(kind: str) -> str:
        waiting = select("oldest_open_order_timestamp_seconds", f'kind="{kind}"')
        return f"time() - min({waiting})"

    return figures(
        "Orders",
        "Open now; how long the oldest order has waited that should fill at once, and the oldest of the others; "
        "placed and rejected over the time range, or since a later launch; fills lost since launch. "
        "Orange or red: read the orders at QuantConnect and the broker.",
        [
            Figure(
                "Placed",
                f"sum({change(ONE, 'orders_total', 'type')})",
                COUNT,
                decimals=0,
            ),
            Figure(
                "Open now",
                f"sum(max by (type) ({select('open_orders')})) or 0 * sum({ONE.latest('orders', 'status')})",
                COUNT,
                decimals=0,
            ),
            Figure("Stuck for", oldest("marketable"), SECONDS, decimals=1, steps=ORDER_AGE),
            Figure("Oldest resting", oldest("resting"), SECONDS, decimals=1),
            Figure(
                "Rejected",
                change(ONE, "order_rejections_total"),
                COUNT,
                decimals=0,
                steps=SOME_IS_ODD,
            ),
            Figure(
                "Fills lost",
                ONE.known("fills_lost_total"),
                COUNT,
                decimals=0,
                steps=SOME_IS_BAD,
            ),
            Figure(
                "Last order", f"time() - {ONE.known('last_order_timestamp_seconds')}", SECONDS, decimals=1
            ),
            Figure("Last fill", f"time() - {ONE.known('last_fill_timestamp_seconds')}", SECONDS, decimals=1),
        ],
    )


def _by_status() -> Panel:
    return bars(
        "Orders by status",
        "Orders of this deployment by their present status.",
        f"{ONE.known('orders', 'status', matchers=_ORDERS)} > 0",
        "status",
        COUNT,
        _BLUE_BARS,
        decimals=0,
        words=(ORDER_WORDS,),
        no_value="no order known",
    )


def _fills() -> Panel:
    def fills(side: str) -> str:
        counted = select("fills_total", f'side="{side}"', window="1d", offset="-1d")
        return f"sum(max by (project_id) (increase({counted})))"

    return by_day(
        "Fills by day",
        "Fills of each day, bought and sold.",
        [(fills("buy"), "Buy", BLUE), (fills("sell"), "Sell", PURPLE)],
        COUNT,
        decimals=0,
    )


def _fees() -> Panel:
    def paid(metric: str) -> str:
        amounts = f"max by (currency) (increase({select(metric, window='1d', offset='-1d')}))"
        rates = ONE.latest("cash_conversion_rate", "currency", window="1d", offset="-1d")
        return f"(sum({amounts} * on (currency) {rates}) unless on () ({amounts} > 0 unless on (currency) {rates}))"

    return by_day(
        "Fees by day",
        "Fees of each day in account currency, at the day's last rates; rebates below zero. "
        "No bar for a day on which the rate of a fee is not known.",
        [
            (paid("order_fees_total"), "Fees", BLUE),
            (f"-({paid('order_rebates_total')} > 0)", "Rebates", PURPLE),
        ],
        MONEY,
    )


def _slippage() -> Panel:
    return buckets(
        "Slippage",
        "Fill price of market orders against the middle of bid and ask at submission: above zero is a cost. "
        "No data: no such order is known.",
        select("order_slippage_ratio_bucket"),
        RATIO,
    )


def _fill_time() -> Panel:
    return buckets(
        "Time to fill",
        "Market orders from submission to the last fill. No data: no such order is known.",
        select("order_fill_duration_seconds_bucket"),
        SECONDS,
    )


def _since_launch() -> Panel:
    return figures(
        "Since launch",
        "What QuantConnect states of this deployment. Red: a loss.",
        [
            Figure("Return", ONE.known("return_ratio"), RATIO, 2, SIGN_OF_RATIO),
            Figure("Realised", ONE.rounded(ONE.known("net_profit")), MONEY, steps=SIGN_OF_MONEY),
            Figure("Unrealised", ONE.rounded(ONE.known("unrealized_pnl")), MONEY, steps=SIGN_OF_MONEY),
            Figure("Fees", ONE.rounded(ONE.known("fees")), MONEY),
            Figure("Volume", ONE.rounded(ONE.known("volume")), MONEY),
            Figure("Capital", ONE.rounded(ONE.known("capital")), MONEY),
            Figure("Probabilistic Sharpe", ONE.known("probabilistic_sharpe_ratio"), RATIO, 1),
        ],
    )


def _cash() -> Panel:
    return table(
        "Cash",
        "The cash book, in each currency and in account currency. Red: a negative balance is borrowed, as with "
        "margin loans and currency pairs.",
        [
            ONE.known("cash_amount", "currency"),
            ONE.rounded(ONE.known("cash_value", "currency")),
            ONE.known("cash_conversion_rate", "currency"),
            labelled("vector(0)", currency="-"),
        ],
        [
            Column("currency", "Cash", least=56),
            Column("A", "Amount", MONEY, decimals=4, steps=NEGATIVE_IS_BAD, width=104),
            Column("B", "Value", MONEY, steps=NEGATIVE_IS_BAD, width=80),
            Column("C", "Rate", hidden=True),
        ],
        Rows(order=(("B", True),), without=("currency", "-")),
    )


def _server() -> Panel:
    used, installed = ONE.latest("server_memory_used_bytes"), ONE.latest("server_memory_total_bytes")
    return lines(
        "Server",
        "CPU and memory of the algorithm's server. Near 100 % of CPU data come late; near 100 % of memory the "
        "algorithm is about to be killed.",
        [Query(ONE.latest("server_cpu_usage_ratio"), "CPU"), Query(f"{used} / ({installed} > 0)", "Memory")],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
        looks={"A": Look(GREY, width=1), "B": Look(BLUE, width=2)},
    )


def _sources() -> Panel:
    return table(
        "Freshness",
        "Whether the last poll of each source succeeded, how old its data are, and how often it is polled. "
        "Red: the last poll failed; the Exporter dashboard says why.",
        [
            ONE.age("last_success_timestamp_seconds", "source"),
            ONE.latest("poll_interval_seconds", "source"),
            ONE.latest("up", "source"),
            labelled("vector(0)", source="-"),
        ],
        [
            Column("source", "Source", words=(SOURCE_WORDS,), least=84),
            Column("C", "Last poll", words=(POLL_WORDS, NOTHING), width=80, align="left"),
            Column("A", "Age", SECONDS, decimals=0, width=80),
            Column("B", "Every", SECONDS, decimals=0, width=72),
        ],
        Rows(order=(("source", False),), without=("source", "-")),
    )


def _times() -> Panel:
    return figures(
        "Times",
        "How long the server has been up; how old the last point of the equity curve and the last change of the "
        "portfolio are; statistics of the algorithm that were left out because there are too many.",
        [
            Figure("Server up", ONE.latest("server_uptime_seconds"), UPTIME),
            Figure("Equity point", ONE.age("equity_timestamp_seconds"), UPTIME),
            Figure("Portfolio changed", ONE.age("portfolio_changed_timestamp_seconds"), UPTIME),
            Figure("Chart point", ONE.age("chart_timestamp_seconds"), UPTIME),
            Figure(
                "Left out", ONE.latest("runtime_statistics_dropped"), NUMBER, decimals=0, steps=SOME_IS_ODD
            ),
        ],
    )


def _own_figures() -> Panel:
    return table(
        "Own figures",
        "Statistics that the algorithm sets and that read as a number; percentages are ratios.",
        [ONE.latest("runtime_statistic", "statistic")],
        [Column("statistic", "Statistic", least=110), Column("A", "Value", MONEY, decimals=4, width=92)],
        Rows(order=(("statistic", False),)),
        no_value="none known",
    )


def _charts() -> Panel:
    return lines(
        "Configured charts",
        "Last point of each series of the charts that the configuration names.",
        [Query(ONE.latest("chart_value", "chart", "series"), "{{chart}} · {{series}}")],
        NUMBER,
        no_value="no chart known",
    )


def _mismatch() -> Panel:
    value, equity = ONE.latest("portfolio_value"), ONE.equity()
    return lines(
        "Rebuilt value against equity",
        "Value rebuilt from cash and holdings against the equity that QuantConnect states: near zero when they "
        "agree. Unknown where it cannot be rebuilt exactly.",
        [Query(f"{value} / {equity} - 1", "Difference")],
        RATIO,
        at_least=0.0005,
        decimals=3,
        looks={"A": Look(BLUE, width=2)},
    )
