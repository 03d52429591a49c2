"""The Fleet: every project on a row, totals by account currency."""

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
    DAILY_RETURN,
    DATA_AGE,
    LEVERAGE,
    LIMIT_USED,
    MILLISECONDS_AGO,
    MONEY,
    NUMBER,
    RATIO,
    SECONDS,
    SIGN,
    STATUS_WORDS,
    TIMES,
)
from grafana.generate.overview import UID as OVERVIEW
from grafana.generate.panels import Column, Look, Panel, Query, chart_panel, stat_panel, table_panel
from grafana.generate.promql import (
    by_currency,
    daily_loss_limit_used,
    data_age,
    drawdown_limit_used,
    latest,
    leverage,
    money,
    normalised_equity,
    status,
)

_LINK = (
    f"/d/{OVERVIEW}?${{datasource:queryparam}}&${{job:queryparam}}"
    "&var-project_id=${__data.fields.Id}&${__url_time_range}"
)
_TOTAL = "{{account_currency}}{{project}}"


def fleet_page() -> Page:
    """Return the Fleet."""
    return Page(
        uid="quantconnect-fleet",
        title="QuantConnect / Fleet",
        description="Every project side by side, and what they are worth together in each account currency.",
        since="now-7d",
        variables=(job_variable(), project_variable()),
        annotations=(deployments(), firing_alerts()),
        sections=(
            Section("", [Line(6, [(8, _by_status()), (16, _totals())]), Line(14, [(24, _projects())])]),
            Section(
                "Over time",
                [Line(11, [(24, _normalised())]), Line(9, [(12, _total_equity()), (12, _drawdowns())])],
            ),
        ),
    )


def _by_status() -> Panel:
    return stat_panel(
        "Projects by status",
        "How many of the chosen projects are in each status.",
        [Query(f"count by (status) ({status()})", "{{status}}")],
        NUMBER,
        decimals=0,
    )


def _totals() -> Panel:
    return table_panel(
        "Totals by account currency",
        "Sums over the chosen projects, a row for each account currency: currencies are never added together. "
        "A project whose currency is not known yet has a row of its own.",
        [
            by_currency("equity", add="count"),
            by_currency("equity"),
            by_currency("holding_unrealized_pnl", inner="symbol_id"),
            by_currency("gross_exposure"),
            by_currency("net_exposure"),
            by_currency("cash_value", inner="currency"),
        ],
        [
            Column("account_currency", "Currency"),
            Column("project", "Project"),
            Column("A", "Projects", NUMBER),
            Column("B", "Equity", MONEY),
            Column("C", "Unrealized PnL", MONEY, steps=SIGN),
            Column("D", "Gross exposure", MONEY),
            Column("E", "Net exposure", MONEY),
            Column("F", "Cash", MONEY),
        ],
        sort="Currency",
    )


def _projects() -> Panel:
    return table_panel(
        "Projects",
        "A row for each project. Its name opens its Overview. A project that does not run keeps its status and "
        "times and has no values. Limits used are shares of the critical limits.",
        [
            status(),
            latest("algorithm_info", "account", "brokerage"),
            money("equity"),
            latest("daily_return_ratio"),
            latest("drawdown_ratio"),
            drawdown_limit_used(),
            daily_loss_limit_used(),
            leverage(),
            data_age(),
            f"1000 * {latest('algorithm_launched_timestamp_seconds')}",
            f"1000 * {latest('algorithm_stopped_timestamp_seconds')}",
        ],
        [
            Column("project", "Project", link=_LINK),
            Column("project_id", "Id", width=100),
            Column("account", "Account"),
            Column("brokerage", "Brokerage"),
            Column("status", "Status", words=STATUS_WORDS, width=130),
            Column("C", "Equity", MONEY),
            Column("account_currency", "Currency", width=90),
            Column("D", "Today", RATIO, decimals=2, steps=DAILY_RETURN),
            Column("E", "Drawdown", RATIO, decimals=1),
            Column("F", "Drawdown limit used", RATIO, decimals=0, steps=LIMIT_USED),
            Column("G", "Loss limit used", RATIO, decimals=0, steps=LIMIT_USED),
            Column("H", "Leverage", TIMES, decimals=2, steps=LEVERAGE),
            Column("I", "Data age", SECONDS, decimals=0, steps=DATA_AGE),
            Column("J", "Launched", MILLISECONDS_AGO),
            Column("K", "Stopped", MILLISECONDS_AGO),
        ],
        sort="Project",
    )


def _normalised() -> Panel:
    return chart_panel(
        "Equity, 100 at the start",
        "Equity of every project as 100 at the start of the time range, so that accounts of any size and currency "
        "compare. A project not known then is 100 at its launch. Deposits and withdrawals show as steps.",
        [Query(normalised_equity(), "{{project}}")],
        NUMBER,
        decimals=2,
    )


def _total_equity() -> Panel:
    return chart_panel(
        "Equity by account currency",
        "Sum of the chosen projects' equity, a line for each account currency. It falls when a project stops.",
        [Query(by_currency("equity"), _TOTAL)],
        MONEY,
        decimals=0,
    )


def _drawdowns() -> Panel:
    return chart_panel(
        "Drawdown by project",
        "Fall of each project from its highest equity since launch, below zero.",
        [Query(f"-{latest('drawdown_ratio')}", "{{project}}")],
        RATIO,
        highest=0,
        decimals=1,
        calcs=("lastNotNull", "min"),
        looks={"A": Look(fill=5)},
    )
