"""The Fleet: what needs attention, what made money, and every project on a row."""

from exporter.domain.deployment import AlgorithmStatus
from grafana.generate.attention import attention_panel
from grafana.generate.charts import bars, lines, ranking
from grafana.generate.frame import (
    Line,
    Page,
    Section,
    deployments,
    ended_variable,
    firing_alerts,
    job_variable,
    project_variable,
)
from grafana.generate.look import (
    AGO_WIDTH,
    BLUE,
    CRASHED,
    DATA_AGE,
    GREEN,
    LIMIT_USED,
    MILLISECONDS_AGO,
    MONEY,
    NEUTRAL,
    NOTHING,
    NUMBER,
    ORANGE,
    RATIO,
    RED,
    RUNNING,
    SECONDS,
    SHARE_IN_USE,
    SIGN_OF_MONEY,
    SIGN_OF_RATIO,
    STARTING,
    STATUS_WORDS,
    STOPPED,
    TIMES,
    words,
)
from grafana.generate.money import change, return_at_end, return_over_range, return_since_start
from grafana.generate.overview import UID as OVERVIEW
from grafana.generate.panels import Figure, Panel, Query, figures
from grafana.generate.promql import (
    CURRENCY,
    EACH,
    NOW,
    any_of,
    by_currency,
    in_currency,
    labelled,
    rounded_by_currency,
    select,
    short_project,
    status,
    with_status,
)
from grafana.generate.tables import TREND, Column, Rows, table

_LINK = (
    f"/d/{OVERVIEW}?${{datasource:queryparam}}&${{job:queryparam}}"
    "&var-project_id=${__data.fields.project_id}&${__url_time_range}"
)
_DAY = 86_400
_STATUS_SOURCE = 'source="status"'
_UNKNOWN = 'status="unknown"'
_ACCOUNT_WORDS = words({"0": ("Unreachable", RED), "1": ("Signed in", GREEN), "2": ("Refused", RED)})


def fleet_page() -> Page:
    """Return the Fleet."""
    return Page(
        uid="quantconnect-fleet",
        title="QuantConnect / Fleet",
        description="Which project needs somebody, what made money, and every project on a row.",
        since="now-7d",
        variables=(job_variable(), project_variable(), ended_variable()),
        annotations=(deployments(shown=False), firing_alerts(shown=False)),
        sections=(
            Section(
                "",
                [
                    Line(
                        4,
                        [(14, attention_panel(OVERVIEW, projects=True)), (10, _by_state())],
                        taller={0: 9},
                    ),
                    Line(5, [(10, _totals())], left=14),
                    Line(9, [(9, _movers()), (15, _returns())]),
                    Line(18, [(24, _projects())]),
                ],
            ),
            Section("Over time", [Line(9, [(6, _profit()), (11, _drawdowns()), (7, accounts_panel())])]),
        ),
    )


def _by_state() -> Panel:
    groups = (
        ("Running", RUNNING, GREEN),
        ("Crashed", CRASHED, RED),
        ("Stopped", STOPPED, ORANGE),
        ("Starting", STARTING, BLUE),
    )
    shown = [
        Figure(name, with_status(group), NUMBER, 0, ((None, NEUTRAL), (0.5, color)))
        for name, group, color in groups
    ]
    return figures(
        "Projects by state",
        "How many of the chosen projects run, crashed or were liquidated, were stopped, are starting, or have never "
        "been deployed. Red or orange: see Needs attention.",
        [*shown, Figure("Not deployed", with_status([AlgorithmStatus.UNKNOWN]), NUMBER, 0)],
        side_by_side=True,
    )


def _totals() -> Panel:
    equity, gross = by_currency("equity"), by_currency("gross_exposure")
    return table(
        "Totals by currency",
        "Sums over the chosen projects that run, a row for each account currency: currencies are never added "
        "together. P&L is over the time range, without deposits. A project of unknown currency has its own row.",
        [
            by_currency("equity", add="count"),
            rounded_by_currency(equity),
            rounded_by_currency(in_currency(change(EACH, "strategy_pnl"))),
            rounded_by_currency(by_currency("unrealized_pnl")),
            f"({gross}) / (({equity}) > 0)",
        ],
        [
            Column(CURRENCY, "Currency", words=(words({"": "unknown"}), NOTHING), least=66),
            Column("A", "Projects", NUMBER, decimals=0, width=76),
            Column("B", "Equity", MONEY, width=98),
            Column("C", "P&L", MONEY, steps=SIGN_OF_MONEY, width=86),
            Column("D", "Unrealised", MONEY, steps=SIGN_OF_MONEY, width=92),
            Column("E", "Leverage", TIMES, decimals=2, width=82),
        ],
        Rows(order=(("B", True),)),
    )


def _movers() -> Panel:
    made = return_over_range(EACH)
    return bars(
        "Best and worst over the range",
        "Profit over the time range to the equity at its beginning, without deposits and withdrawals, or since a "
        "later launch: the five best and the five worst.",
        short_project(f"topk(5, {made}) or bottomk(5, {made})", 20),
        "owner",
        RATIO,
        SIGN_OF_RATIO,
        extent=made,
        decimals=1,
    )


def _returns() -> Panel:
    now = return_at_end(EACH)
    chosen = f"(topk(5, {now}) or bottomk(5, {now}))"
    return ranking(
        "Return over the range",
        "Profit since the start of the time range, or since a later launch: the five that are best now and the "
        "five that are worst.",
        Query(f"{return_since_start(EACH)} and {EACH.on} {chosen}", "{{project}}"),
        RATIO,
        decimals=1,
    )


def _projects() -> Panel:
    stopped = f"{EACH.latest('algorithm_stopped_timestamp_seconds')} and {EACH.on} {EACH.ended()}"
    launched = EACH.latest("algorithm_launched_timestamp_seconds")
    known = select("up", _STATUS_SOURCE, at=NOW)
    return table(
        "Projects",
        "Every project, the most troubled first: critical alerts, what crashed within a day, warnings, then by the "
        "share of a loss limit that is used; what ended longer ago is at the end. Since is the launch, or the end. "
        "Ended projects keep their last equity of the time range. Click one for its Overview.",
        [
            EACH.rounded(EACH.known("equity")),
            EACH.latest("daily_return_ratio"),
            return_over_range(EACH),
            EACH.known("drawdown_ratio"),
            EACH.limits_used(),
            EACH.leverage(),
            EACH.rounded(EACH.open_pnl(), running=True),
            EACH.data_age(),
            f"1000 * ({stopped} or {launched})",
            status(),
            _trouble(),
            EACH.known("equity", CURRENCY, matchers=(f'{CURRENCY}!=""',)),
        ],
        [
            Column("project", "Project", least=190, link=_LINK),
            Column("status", "Status", words=(STATUS_WORDS,), width=104),
            Column("I", "Since", MILLISECONDS_AGO, width=AGO_WIDTH),
            Column("A", "Equity", MONEY, width=94),
            Column(CURRENCY, "Ccy", words=(NOTHING,), width=52),
            Column(TREND, "Equity trend", width=100),
            Column("B", "Today", RATIO, decimals=2, steps=SIGN_OF_RATIO, width=72),
            Column("C", "Range", RATIO, decimals=2, steps=SIGN_OF_RATIO, width=76),
            Column("D", "Drawdown", RATIO, decimals=1, width=88),
            Column("E", "Limit used", RATIO, decimals=0, steps=LIMIT_USED, width=90),
            Column("F", "Leverage", TIMES, decimals=2, width=82),
            Column("G", "Unrealised", MONEY, steps=SIGN_OF_MONEY, width=94),
            Column("H", "Data age", SECONDS, decimals=0, steps=DATA_AGE, width=80),
            Column("project_id", "project_id", hidden=True),
        ],
        Rows(order=(("project", False), ("I", True), ("K", True))),
        trend=f"{EACH.latest('equity')} and {EACH.on} {EACH.over('max', known)}",
    )


def _trouble() -> str:
    """Return how troubled each project is: a sum whose parts do not outweigh each other."""

    def alerts(severity: str) -> str:
        chosen = (
            'alertname=~"QuantConnect.*",alertname!="QuantConnectAlgorithmNotRunning",'
            f'severity="{severity}",alertstate="firing",project_id!="",project_id=~"$project_id"'
        )
        return f"max by (project_id, project) (ALERTS{{{chosen}}})"

    def crashed(statuses: str) -> str:
        return EACH.over("max", f"{select('algorithm_status', statuses)} == 1")

    stopped = EACH.latest("algorithm_stopped_timestamp_seconds")
    recent = f"({stopped} > time() - {_DAY})"
    old = f"({EACH.ended()} unless {EACH.on} {recent})"
    parts = (
        f"0 * {EACH.over('max', select('up', _STATUS_SOURCE))}",
        f"4000 * {alerts('critical')} unless {EACH.on} {EACH.ended()}",
        f"3000 * {crashed(any_of('status', CRASHED))} and {EACH.on} {recent}",
        f"1500 * {crashed(any_of('status', STOPPED))} and {EACH.on} {recent}",
        f"1000 * {alerts('warning')} unless {EACH.on} {EACH.ended()}",
        f"300 * ({EACH.data_age()} > bool {DATA_AGE[1][0]:g})",
        f"100 * ({EACH.limits_used()})",
        f"-1 * {crashed(_UNKNOWN)}",
        f"-2 * {old}",
    )
    named = " or ".join(labelled(f"({part})", part=str(number)) for number, part in enumerate(parts))
    return EACH.over("sum", named)


def _profit() -> Panel:
    given = (f'{CURRENCY}!=""',)
    now = EACH.latest("strategy_pnl", CURRENCY, matchers=given)
    start = EACH.latest("strategy_pnl", CURRENCY, matchers=given, at=" @ start()")
    return lines(
        "P&L by currency",
        "Profit since the start of the time range of the projects that were running then, without deposits and "
        "withdrawals.",
        [Query(f"sum by ({CURRENCY}) ({now} - {start})", "{{account_currency}}")],
        MONEY,
        coarse=True,
    )


def _drawdowns() -> Panel:
    deepest = f"topk(10, {EACH.latest('drawdown_ratio', at=NOW)})"
    return ranking(
        "Ten deepest drawdowns",
        "Fall from the highest equity since launch, of the ten projects that are deepest now.",
        Query(f"-({EACH.latest('drawdown_ratio')} and {EACH.on} {deepest})", "{{project}}"),
        RATIO,
        ascending=True,
        highest=0,
        decimals=1,
    )


def accounts_panel() -> Panel:
    """Return the table of accounts, which the exporter's own dashboard shows too."""
    chosen = '{job=~"$job"}'
    up = f"max by (account) (quantconnect_account_up{chosen})"
    refused = 'quantconnect_api_requests_total{job=~"$job",result="unauthorized"}[$__rate_interval]'
    sent = f"sum by (account) (rate(quantconnect_api_requests_total{chosen}[$__rate_interval]))"
    limit = f"sum by (account) (quantconnect_api_requests_per_minute_limit{chosen})"
    return table(
        "Accounts",
        "Whether each account can be read, how many live algorithms it has, how long ago it was listed, and how much "
        "of the request budget is used. Red: refused, renew the token; unreachable, see the Exporter dashboard.",
        [
            f"2 * ({up} == 0 and on (account) (sum by (account) (rate({refused})) > 0)) + 2 or {up}",
            f"max by (account) (quantconnect_projects{chosen})",
            f"time() - max by (account) (quantconnect_account_last_success_timestamp_seconds{chosen})",
            f"60 * {sent} / ({limit} > 0)",
            f"max by (account) (quantconnect_projects_dropped{chosen})",
        ],
        [
            Column("account", "Account", least=64),
            Column("A", "State", words=(_ACCOUNT_WORDS, NOTHING), width=92, align="left"),
            Column("B", "Projects", NUMBER, decimals=0, width=72),
            Column("C", "Read", SECONDS, decimals=0, width=60),
            Column("D", "Budget", RATIO, decimals=0, steps=SHARE_IN_USE, width=66),
        ],
        Rows(order=(("account", False),)),
        no_value="no account known",
    )
