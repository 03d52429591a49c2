"""The top of the Overview: which project it is, what needs attention, and what it is worth now."""

from grafana.generate.attention import attention_panel
from grafana.generate.frame import Line
from grafana.generate.look import (
    AGO_WIDTH,
    DATA_AGE,
    LIMIT_USED,
    MILLISECONDS_AGO,
    MONEY,
    NEGATIVE_IS_BAD,
    NO_POSITION,
    NO_POSITION_WORD,
    NOTHING,
    NUMBER,
    RATIO,
    SECONDS,
    SIGN_OF_MONEY,
    SIGN_OF_RATIO,
    STATUS_WORDS,
    TIMES,
    words,
)
from grafana.generate.panels import Panel, heading, tile
from grafana.generate.promql import CURRENCY, ONE, RANGE, select, status
from grafana.generate.tables import Column, Rows, table


def now_lines(overview: str) -> list[Line]:
    """Return the project's name and state, and what needs attention beside two rows of tiles."""
    attention = attention_panel(overview, projects=False)
    upper = (_equity_now(), _today(), _profit(), _drawdown_now(), _open_pnl())
    lower = (_leverage(), _cash_share(), _held(), _limit_used(), _data_age())
    return [
        Line(3, [(8, heading("## ${project_id:text}")), (16, _header())]),
        Line(3, [(9, attention), *((3, each) for each in upper)], taller={0: 6}),
        Line(3, [(3, each) for each in lower], left=9),
    ]


def _header() -> Panel:
    equity_time = ONE.latest("last_success_timestamp_seconds", matchers=('source="equity"',))
    return table(
        "",
        "",
        [
            status(ONE),
            ONE.latest("algorithm_info", "account", "brokerage"),
            ONE.latest("equity", CURRENCY, matchers=(f'{CURRENCY}!=""',), window=RANGE),
            f"1000 * {ONE.latest('algorithm_launched_timestamp_seconds')}",
            f"1000 * ({ONE.latest('algorithm_stopped_timestamp_seconds')} and {ONE.on} {ONE.ended()})",
            f"1000 * {equity_time}",
        ],
        [
            Column("status", "Status", words=(STATUS_WORDS,), width=104),
            Column("E", "Ended", MILLISECONDS_AGO, width=AGO_WIDTH, align="left"),
            Column("account", "Account", words=(NOTHING,), width=84),
            Column(CURRENCY, "Currency", words=(NOTHING,), width=78),
            Column("brokerage", "Brokerage", words=(NOTHING,), least=130),
            Column("D", "Launched", MILLISECONDS_AGO, width=AGO_WIDTH, align="left"),
            Column("F", "Figures from", MILLISECONDS_AGO, width=AGO_WIDTH, align="left"),
        ],
        Rows(order=()),
        frame=False,
    )


def _equity_now() -> Panel:
    return tile(
        "Equity",
        "Last known equity in account currency, after the end the last one of the time range.",
        ONE.rounded(ONE.known("equity")),
        MONEY,
    )


def _today() -> Panel:
    return tile(
        "Today",
        "Equity against the last point before midnight UTC. Red: a loss; its share of the limit is in Limit used.",
        ONE.latest("daily_return_ratio"),
        RATIO,
        SIGN_OF_RATIO,
        decimals=2,
    )


def _profit() -> Panel:
    return tile(
        "Profit",
        "Realised and unrealised profit since launch. Deposits and withdrawals do not move it.",
        ONE.rounded(ONE.known("strategy_pnl")),
        MONEY,
        SIGN_OF_MONEY,
    )


def _drawdown_now() -> Panel:
    return tile(
        "Drawdown",
        "Fall from the highest equity since launch.",
        ONE.known("drawdown_ratio"),
        RATIO,
        decimals=1,
    )


def _open_pnl() -> Panel:
    return tile(
        "Open P&L",
        "Profit of the open positions after estimated exit fees; none without a position.",
        f"{ONE.rounded(ONE.open_pnl())} != 0 or {ONE.open_pnl(NO_POSITION)}",
        MONEY,
        SIGN_OF_MONEY,
        words=(NO_POSITION_WORD,),
    )


def _leverage() -> Panel:
    return tile("Leverage", "Gross market value to equity.", ONE.leverage(), TIMES, decimals=2)


def _cash_share() -> Panel:
    return tile(
        "Cash share",
        "Cash of all currencies to equity. Red below zero: the account borrows. "
        "Unknown while a balance has no conversion rate.",
        ONE.cash_share(),
        RATIO,
        NEGATIVE_IS_BAD,
        decimals=1,
    )


def _held() -> Panel:
    return tile(
        "Positions",
        "How many positions are open.",
        f"count({ONE.over('max', select('holding_quantity'), 'symbol_id')} != 0) or 0 * ({ONE.empty()})",
        NUMBER,
        decimals=0,
        words=(words({"0": "none"}),),
    )


def _limit_used() -> Panel:
    return tile(
        "Limit used",
        "Drawdown or today's loss as a share of its critical limit, whichever is more. "
        "Orange from half of it, red at the limit.",
        ONE.limits_used(),
        RATIO,
        LIMIT_USED,
        decimals=0,
    )


def _data_age() -> Panel:
    return tile(
        "Data age",
        "Time since portfolio and equity were polled, whichever is longer ago. Red when values are about to leave.",
        ONE.data_age(),
        SECONDS,
        DATA_AGE,
        decimals=0,
    )
