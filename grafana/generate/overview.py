"""The Overview: one or a few projects, nothing added up across them."""

from grafana.generate.frame import (
    Line,
    Page,
    Section,
    deployments,
    firing_alerts,
    job_variable,
    project_variable,
)
from grafana.generate.look import (
    BLUE,
    CASH_SHARE,
    DAILY_RETURN,
    DATA_AGE,
    GREEN,
    LEVERAGE,
    LIMIT_USED,
    MILLISECONDS_AGO,
    MONEY,
    NUMBER,
    ORANGE,
    RATIO,
    RED,
    SECONDS,
    SIGN,
    STATUS_WORDS,
    TIMES,
)
from grafana.generate.panels import (
    Column,
    Look,
    Panel,
    Query,
    bar_panel,
    chart_panel,
    stat_panel,
    table_panel,
    text_panel,
)
from grafana.generate.promql import (
    CURRENCY,
    age,
    cash_share,
    data_age,
    drawdown_limit_used,
    latest,
    leverage,
    money,
    money_of_position,
    named_position,
    of_position,
    open_only,
    pnl_ratio,
    select,
    status,
    unrealized_pnl,
    weight,
)

UID = "quantconnect-overview"

_PROJECT = "{{project}}"
_MONEY = "{{project}} {{account_currency}}"
_SHOWN_BARS = 15


def overview_page() -> Page:
    """Return the Overview."""
    return Page(
        uid=UID,
        title="QuantConnect / Overview",
        description="What one or a few live algorithms are worth, hold and risk. Choose a project first.",
        since="now-24h",
        variables=(job_variable(), project_variable()),
        annotations=(deployments(), firing_alerts()),
        sections=(
            Section("", [_stats()]),
            Section("Equity", [Line(9, [(14, _equity()), (10, _underwater())])]),
            Section(
                "Positions",
                [
                    Line(10, [(12, _exposure()), (6, _pnl_bars()), (6, _weight_bars())]),
                    Line(10, [(24, _positions())]),
                ],
            ),
            Section("Cash and value", [Line(8, [(14, _cash()), (10, _mismatch())])]),
            Section(
                "Algorithm",
                [
                    Line(7, [(14, _statistics()), (10, _own_statistics())]),
                    Line(8, [(8, _charts()), (8, _cpu()), (8, _memory())]),
                    Line(6, [(24, _times())]),
                ],
            ),
        ),
    )


def _stats() -> Line:
    return Line(
        5,
        [
            (2, _state()),
            (3, _equity_now()),
            (2, _today()),
            (3, _pnl_now()),
            (3, _drawdown_now()),
            (4, _exposure_now()),
            (2, _leverage_now()),
            (2, _cash_now()),
            (3, _age_now()),
        ],
    )


def _state() -> Panel:
    return text_panel(
        "State",
        "Status of the latest deployment. Red: it failed to deploy, crashed or was liquidated; "
        "orange: it was stopped, has completed, or QuantConnect says nothing of it.",
        status(),
        ("project", "status"),
        STATUS_WORDS,
    )


def _equity_now() -> Panel:
    return stat_panel(
        "Equity",
        "Last known point of the Strategy Equity chart, in account currency.",
        [Query(money("equity"), _MONEY)],
        MONEY,
        decimals=0,
    )


def _today() -> Panel:
    return stat_panel(
        "Today's return",
        "Equity against the last point before midnight UTC. Red and orange from the default daily loss limits; "
        "the alerts use the configured ones.",
        [Query(latest("daily_return_ratio"), _PROJECT)],
        RATIO,
        DAILY_RETURN,
        decimals=2,
    )


def _pnl_now() -> Panel:
    return stat_panel(
        "Unrealized PnL",
        "Profit of all open positions after estimated exit fees, in account currency. No data without a position.",
        [Query(unrealized_pnl(), _MONEY)],
        MONEY,
        SIGN,
        decimals=0,
    )


def _drawdown_now() -> Panel:
    return stat_panel(
        "Drawdown",
        "Fall from the highest equity since launch, and what share that is of the project's critical limit "
        "(of the warning limit where there is no critical one).",
        [
            Query(latest("drawdown_ratio"), _PROJECT),
            Query(drawdown_limit_used(), "{{project}} of limit"),
        ],
        RATIO,
        LIMIT_USED,
        decimals=1,
        plain_queries="A",
    )


def _exposure_now() -> Panel:
    return stat_panel(
        "Exposure",
        "Gross is the sum of absolute market values, net the sum of signed ones, in account currency.",
        [
            Query(money("gross_exposure"), "{{project}} gross {{account_currency}}"),
            Query(money("net_exposure"), "{{project}} net {{account_currency}}"),
        ],
        MONEY,
        decimals=0,
    )


def _leverage_now() -> Panel:
    return stat_panel(
        "Leverage", "Gross exposure to equity.", [Query(leverage(), _PROJECT)], TIMES, LEVERAGE, decimals=2
    )


def _cash_now() -> Panel:
    return stat_panel(
        "Cash share",
        "Settled cash to equity, all currencies converted. Red below zero: the account borrows. "
        "No data while a balance has no conversion rate.",
        [Query(cash_share(), _PROJECT)],
        RATIO,
        CASH_SHARE,
        decimals=1,
    )


def _age_now() -> Panel:
    return stat_panel(
        "Data age",
        "Time since portfolio and equity were last polled, whichever is longer ago. No data while the "
        "project does not run. Orange after three default intervals, "
        "red when values of that age leave the page by default.",
        [Query(data_age(), _PROJECT)],
        SECONDS,
        DATA_AGE,
        decimals=0,
    )


def _equity() -> Panel:
    return chart_panel(
        "Equity and peak",
        "Equity with its highest value since launch, in account currency. The peak forgets nothing when "
        "the exporter restarts, and begins again with a new deployment.",
        [
            Query(money("equity"), _MONEY),
            Query(money("equity_peak"), "{{project}} peak {{account_currency}}"),
        ],
        MONEY,
        decimals=0,
        looks={"B": Look(dashed=True)},
    )


def _underwater() -> Panel:
    def limit(severity: str) -> str:
        limits = select("limit", 'limit="drawdown_ratio"', f'severity="{severity}"')
        return f"-min({limits})"

    return chart_panel(
        "Underwater",
        "Drawdown from the peak, below zero, with the tightest warning and critical limits of the chosen projects.",
        [
            Query(f"-{latest('drawdown_ratio')}", _PROJECT),
            Query(limit("warning"), "warning limit"),
            Query(limit("critical"), "critical limit"),
        ],
        RATIO,
        highest=0,
        decimals=1,
        calcs=("lastNotNull", "min"),
        looks={
            "A": Look(color=RED, fill=25),
            "B": Look(color=ORANGE, dashed=True),
            "C": Look(color="dark-red", dashed=True),
        },
    )


def _exposure() -> Panel:
    gross, net = money("gross_exposure"), money("net_exposure")
    return chart_panel(
        "Exposure over time",
        "Long and short market value, their absolute sum (gross) and signed sum (net), in account currency.",
        [
            Query(f"({gross} + {net}) / 2", "{{project}} long {{account_currency}}"),
            Query(f"({net} - {gross}) / 2", "{{project}} short {{account_currency}}"),
            Query(gross, "{{project}} gross {{account_currency}}"),
            Query(net, "{{project}} net {{account_currency}}"),
        ],
        MONEY,
        decimals=0,
        looks={
            "A": Look(color=GREEN, fill=15),
            "B": Look(color=RED, fill=15),
            "C": Look(color="purple", dashed=True),
            "D": Look(color=BLUE),
        },
    )


def _pnl_bars() -> Panel:
    pnl = open_only(money_of_position("holding_unrealized_pnl"))
    extremes = f"topk({_SHOWN_BARS}, {pnl}) or bottomk({_SHOWN_BARS}, {pnl})"
    return bar_panel(
        "PnL by position",
        f"Unrealized profit of each open position, the {_SHOWN_BARS} best and worst, "
        "each in the account currency named with it.",
        named_position(extremes, CURRENCY),
        MONEY,
        SIGN,
    )


def _weight_bars() -> Panel:
    held = open_only(weight())
    largest = f"topk({_SHOWN_BARS}, {held}) or bottomk({_SHOWN_BARS}, {held})"
    return bar_panel(
        "Allocation",
        f"Market value to equity of each open position, shorts to the left of zero: "
        f"the {_SHOWN_BARS} largest on either side.",
        named_position(largest),
        RATIO,
        SIGN,
    )


def _positions() -> Panel:
    value = money_of_position("holding_market_value")
    return table_panel(
        "Open positions",
        "Every open position, the largest share of equity first. Prices are in the symbol's own currency, "
        "value and PnL in account currency. PnL % is PnL to what the position cost.",
        [
            open_only(of_position("holding_quantity")),
            open_only(of_position("holding_average_price")),
            open_only(of_position("holding_market_price")),
            open_only(value),
            open_only(weight()),
            open_only(of_position("holding_unrealized_pnl")),
            open_only(pnl_ratio()),
            open_only(f"abs({weight()})"),
        ],
        [
            Column("project", "Project"),
            Column("symbol", "Symbol"),
            Column("security_type", "Type"),
            Column("A", "Quantity", MONEY, decimals=4),
            Column("B", "Average price", MONEY, decimals=4),
            Column("C", "Market price", MONEY, decimals=4),
            Column("D", "Market value", MONEY),
            Column("account_currency", "Currency", width=90),
            Column("E", "Weight", RATIO, decimals=1, steps=SIGN),
            Column("F", "PnL", MONEY, steps=SIGN),
            Column("G", "PnL %", RATIO, decimals=2, steps=SIGN),
            Column("symbol_id", "Identifier"),
        ],
        sort="H",
        descending=True,
    )


def _cash() -> Panel:
    return table_panel(
        "Cash by currency",
        "The cash book: each currency's settled amount, its rate, and its value in account currency. "
        "Coins and both legs of currency pairs are rows here.",
        [
            latest("cash_amount", "currency"),
            latest("cash_conversion_rate", "currency"),
            money("cash_value", "currency"),
        ],
        [
            Column("project", "Project"),
            Column("currency", "Cash"),
            Column("A", "Amount", MONEY, steps=((None, RED), (0.0, "transparent"))),
            Column("B", "Rate", MONEY, decimals=6),
            Column("C", "Value", MONEY, steps=((None, RED), (0.0, "transparent"))),
            Column("account_currency", "Currency", width=90),
        ],
        sort="Project",
    )


def _mismatch() -> Panel:
    value, equity = latest("portfolio_value"), latest("equity")
    return chart_panel(
        "Rebuilt value against equity",
        "Value rebuilt from cash and holdings against the equity that QuantConnect states, as a share of it: "
        "near zero when the two agree. No data where it cannot be rebuilt exactly, as with futures.",
        [Query(f"{value} / ({equity} > 0) - 1", _PROJECT)],
        RATIO,
        decimals=3,
    )


def _statistics() -> Panel:
    return table_panel(
        "Runtime statistics",
        "What LEAN reports of the deployment: realised profit after fees, fees, traded volume, return since launch, "
        "and the probability that its Sharpe ratio beats the benchmark's.",
        [
            money("net_profit"),
            latest("fees"),
            latest("volume"),
            latest("return_ratio"),
            latest("probabilistic_sharpe_ratio"),
        ],
        [
            Column("project", "Project"),
            Column("A", "Net profit", MONEY, steps=SIGN),
            Column("B", "Fees", MONEY),
            Column("C", "Volume", MONEY),
            Column("account_currency", "Currency", width=90),
            Column("D", "Return", RATIO, decimals=2, steps=SIGN),
            Column("E", "Probabilistic Sharpe", RATIO, decimals=1),
        ],
        sort="Project",
    )


def _own_statistics() -> Panel:
    return table_panel(
        "Statistics the algorithm sets",
        "Further runtime statistics that read as a number; percentages are shown as ratios.",
        [latest("runtime_statistic", "statistic")],
        [
            Column("project", "Project"),
            Column("statistic", "Statistic"),
            Column("A", "Value", MONEY, decimals=4),
        ],
        sort="Project",
        no_value="The algorithm sets none",
    )


def _charts() -> Panel:
    return chart_panel(
        "Configured charts",
        "Last point of each series of the further charts that the configuration names.",
        [Query(latest("chart_value", "chart", "series"), "{{chart}} · {{series}} · {{project}}")],
        NUMBER,
        no_value="No chart is configured",
    )


def _cpu() -> Panel:
    return chart_panel(
        "Server CPU",
        "CPU in use on the server the algorithm runs on.",
        [Query(latest("server_cpu_usage_ratio"), _PROJECT)],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _memory() -> Panel:
    used, installed = latest("server_memory_used_bytes"), latest("server_memory_total_bytes")
    return chart_panel(
        "Server memory",
        "Memory in use on the server the algorithm runs on, as a share of what it has.",
        [Query(f"{used} / ({installed} > 0)", _PROJECT)],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _times() -> Panel:
    return table_panel(
        "Times",
        "When the deployment was launched and stopped, how long its server has been up, and how old are the last "
        "equity point by QuantConnect's clock, the last change of the portfolio, and the last chart point.",
        [
            f"1000 * {latest('algorithm_launched_timestamp_seconds')}",
            f"1000 * {latest('algorithm_stopped_timestamp_seconds')}",
            latest("server_uptime_seconds"),
            age("equity_timestamp_seconds"),
            age("portfolio_changed_timestamp_seconds"),
            f"time() - max by (project_id, project) ({select('chart_timestamp_seconds')})",
            latest("runtime_statistics_dropped"),
        ],
        [
            Column("project", "Project"),
            Column("A", "Launched", MILLISECONDS_AGO),
            Column("B", "Stopped", MILLISECONDS_AGO),
            Column("C", "Server up", SECONDS),
            Column("D", "Equity point", SECONDS),
            Column("E", "Portfolio changed", SECONDS),
            Column("F", "Chart point", SECONDS),
            Column("G", "Statistics left out", NUMBER),
        ],
        sort="Project",
    )
