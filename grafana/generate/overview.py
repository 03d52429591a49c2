"""The Overview of one project: what needs attention, what it is worth, and what made money."""

from grafana.generate.charts import Look, bars, gains_by_day, gains_by_period, lines
from grafana.generate.frame import (
    Line,
    Page,
    Section,
    deployments,
    deposits,
    firing_alerts,
    job_variable,
    project_variable,
)
from grafana.generate.holdings import OF_ONE, Holdings, largest, short_names, with_contract
from grafana.generate.look import (
    BLUE,
    GREY,
    MONEY,
    NEUTRAL,
    ORANGE,
    PURPLE,
    RATIO,
    RED,
    SIGN_OF_MONEY,
    SIGN_OF_RATIO,
    SORTED_WORDS,
    TYPE_WORDS,
)
from grafana.generate.money import (
    by_week,
    change,
    launched_within,
    paid_in,
    profit_since,
    realised,
    return_of,
    return_of_month,
    return_since,
    return_since_start,
    same_deployment,
)
from grafana.generate.overview_detail import algorithm_lines, execution_lines
from grafana.generate.overview_now import now_lines
from grafana.generate.panels import Figure, Panel, Query, figures
from grafana.generate.promql import ONE, RANGE, labelled, measured
from grafana.generate.tables import Column, Rows, table

UID = "quantconnect-overview"

_PERIODS = (("1 24 hours", "1d"), ("2 7 days", "7d"), ("3 30 days", "30d"))
_SHOWN_BARS = 10


def overview_page() -> Page:
    """Return the Overview."""
    return Page(
        uid=UID,
        title="QuantConnect / Overview",
        description="One live algorithm: what needs attention, what it is worth, what made money, and its risk.",
        since="now-7d",
        variables=(job_variable(), project_variable(several=False)),
        annotations=(deployments(), deposits(), firing_alerts()),
        sections=(
            Section("", now_lines(UID)),
            Section(
                "What made money",
                [
                    Line(
                        8,
                        [
                            (5, _change_of_equity()),
                            (7, _open_positions_change()),
                            (5, _returns()),
                            (7, _days()),
                        ],
                    ),
                    Line(6, [(12, _weeks()), (12, _months())]),
                ],
            ),
            Section("Equity and risk", [Line(8, [(8, _equity()), (8, _return()), (8, _underwater())])]),
            Section("Positions", [Line(9, [(16, _positions()), (8, _exposure())])]),
            Section("Execution", execution_lines()),
            Section("Algorithm", algorithm_lines()),
        ),
    )


def _change_of_equity() -> Panel:
    equity, before = ONE.known("equity"), ONE.latest("equity", offset=RANGE)
    since = f"({equity} - ({before} and on () {same_deployment(ONE)}))"
    launched = f"({change(ONE, 'strategy_pnl')} and on () {launched_within(ONE)})"
    return figures(
        "Change of equity",
        "Where the change over the time range came from: closed trades after fees, open positions, and money "
        "paid in or out. Counted from the launch when that was later; unknown when the range begins before "
        "anything was recorded.",
        [
            Figure("Realised", ONE.rounded(realised(ONE)), MONEY, steps=SIGN_OF_MONEY),
            Figure("Unrealised", ONE.rounded(change(ONE, "unrealized_pnl")), MONEY, steps=SIGN_OF_MONEY),
            Figure("Profit", ONE.rounded(change(ONE, "strategy_pnl")), MONEY, steps=SIGN_OF_MONEY),
            Figure("Paid in or out", ONE.rounded(paid_in(ONE)), MONEY),
            Figure("Change of equity", ONE.rounded(f"{since} or {launched}"), MONEY),
        ],
    )


def _open_positions_change() -> Panel:
    return bars(
        "Open positions, change",
        f"Change of the unrealised profit of each open position, from its opening when that was later: the "
        f"{_SHOWN_BARS} largest. What was closed within the range is part of Realised.",
        short_names(ONE.rounded(largest(_SHOWN_BARS, Holdings(ONE).change_of_pnl()))),
        "position",
        MONEY,
        SIGN_OF_MONEY,
        no_value="no open position known",
    )


def _returns() -> Panel:
    profits = [labelled(profit_since(ago), period=period) for period, ago in _PERIODS]
    returns = [labelled(return_since(ago), period=period) for period, ago in _PERIODS]
    launch = "4 Since launch"
    return table(
        "Returns",
        "Profit without deposits and withdrawals, and to the equity at the beginning of the period. "
        "A period that began before the launch or before anything was recorded has no line.",
        [
            ONE.rounded(" or ".join((*profits, labelled(ONE.known("strategy_pnl"), period=launch)))),
            " or ".join((*returns, labelled(ONE.known("return_ratio"), period=launch))),
            labelled("vector(0)", period="9"),
        ],
        [
            Column("period", "Period", words=(SORTED_WORDS,), least=92),
            Column("A", "P&L", MONEY, steps=SIGN_OF_MONEY, width=76),
            Column("B", "Return", RATIO, decimals=2, steps=SIGN_OF_RATIO, width=72),
        ],
        Rows(order=(("period", False),), without=("period", "9")),
    )


def _days() -> Panel:
    return gains_by_day(
        "Return by day",
        "Profit of each day to the equity at its beginning, without deposits and withdrawals. Days begin at "
        "midnight UTC; the last one is today.",
        return_of("1d"),
        RATIO,
        decimals=1,
    )


def _weeks() -> Panel:
    return gains_by_period(
        "Return by week",
        "The same for weeks, each at its Monday.",
        by_week(return_of("7d")),
        RATIO,
        since="90d",
        date="MMM D",
        decimals=1,
    )


def _months() -> Panel:
    return gains_by_period(
        "Return by month",
        "The same for months, each at its first day.",
        return_of_month(),
        RATIO,
        since="365d",
        date="MMM YYYY",
        decimals=1,
    )


def _equity() -> Panel:
    return lines(
        "Equity and capital",
        "Equity with its highest value since launch, and the capital it was made with: a step of the capital is "
        "a deposit or a withdrawal.",
        [
            Query(ONE.latest("equity"), "Equity"),
            Query(ONE.latest("equity_peak"), "Peak"),
            Query(ONE.latest("capital"), "Capital"),
        ],
        MONEY,
        looks={
            "A": Look(BLUE, width=2),
            "B": Look(GREY, width=1, dashed=True),
            "C": Look(PURPLE, width=1, stepped=True),
        },
    )


def _return() -> Panel:
    start = ONE.latest("equity", at=" @ start()")
    return lines(
        "Return over the range",
        "Profit since the start of the time range, or since a later launch, to the equity then: as traded, without "
        "deposits and withdrawals, and the bare change of equity.",
        [
            Query(return_since_start(ONE), "As traded"),
            Query(f"{ONE.latest('equity')} / ({start} > 0) - 1", "Change of equity"),
        ],
        RATIO,
        at_least=0.005,
        decimals=1,
        looks={"A": Look(BLUE, width=2), "B": Look(GREY, width=1, dashed=True)},
    )


def _underwater() -> Panel:
    def limit(severity: str) -> str:
        chosen = ('limit="drawdown_ratio"', f'severity="{severity}"')
        return f"-{ONE.latest('limit', matchers=chosen)}"

    return lines(
        "Underwater",
        "Fall from the highest point since launch, of the equity and of the strategy, which deposits do not move, "
        "with the limits. Red is the critical limit: there the alert fires.",
        [
            Query(f"-{ONE.latest('drawdown_ratio')}", "Equity"),
            Query(f"-{measured('strategy_drawdown_ratio')}", "As traded"),
            Query(limit("warning"), "Warning"),
            Query(limit("critical"), "Critical"),
        ],
        RATIO,
        highest=0,
        at_least=0.01,
        decimals=1,
        looks={
            "A": Look(GREY, width=1, dashed=True),
            "B": Look(BLUE, width=2, fill=18),
            "C": Look(ORANGE, width=1, dashed=True),
            "D": Look(RED, width=1, dashed=True),
        },
    )


def _positions() -> Panel:
    return table(
        "Open positions",
        "Every open position, the largest first; of an ended project what it held when it was last polled. Amounts "
        "are in account currency, prices in the symbol's own. P&L % is P&L to what the position cost.",
        [
            with_contract(each)
            for each in (
                ONE.rounded(OF_ONE.value("holding_market_value")),
                OF_ONE.held_quantity(),
                OF_ONE.price("holding_average_price"),
                OF_ONE.price("holding_market_price"),
                OF_ONE.weight(),
                ONE.rounded(OF_ONE.value("holding_unrealized_pnl")),
                OF_ONE.pnl_ratio(),
                f"abs({OF_ONE.value('holding_market_value')})",
            )
        ],
        [
            Column("symbol", "Symbol", least=120),
            Column("contract", "Contract", width=74, no_value=" "),
            Column("security_type", "Type", words=(TYPE_WORDS,), width=82),
            Column("B", "Quantity", MONEY, decimals=4, width=80),
            Column("C", "Entry", width=84, price=True),
            Column("D", "Price", width=84, price=True),
            Column("A", "Value", MONEY, width=84),
            Column("E", "Weight", RATIO, decimals=1, width=70),
            Column("F", "P&L", MONEY, steps=SIGN_OF_MONEY, width=76),
            Column("G", "P&L %", RATIO, decimals=1, steps=SIGN_OF_RATIO, width=68),
        ],
        Rows(order=(("H", True),)),
        no_value="no open position known",
    )


def _exposure() -> Panel:
    gross, net = ONE.latest("gross_exposure"), ONE.latest("net_exposure")
    return lines(
        "Exposure",
        "Market value of what is held long and short, and their sum.",
        [
            Query(f"({gross} + {net}) / 2", "Long"),
            Query(f"({net} - {gross}) / 2", "Short"),
            Query(net, "Net"),
        ],
        MONEY,
        looks={
            "A": Look(BLUE, width=1, fill=18),
            "B": Look(PURPLE, width=1, fill=18),
            "C": Look(NEUTRAL, width=2),
        },
    )
