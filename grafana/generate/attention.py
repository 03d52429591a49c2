"""The panel that says what needs somebody: which project, why, and since when, worst first."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from exporter.domain.deployment import AlgorithmStatus
from grafana.generate.look import (
    AGO_WIDTH,
    BLUE,
    CRASHED,
    GREEN,
    MILLISECONDS_AGO,
    NEUTRAL,
    NOTHING_BLANK,
    ORANGE,
    RATIO,
    RED,
    STOPPED,
    words,
)
from grafana.generate.panels import Panel
from grafana.generate.promql import EACH, PROJECT, any_of, labelled, measured, select
from grafana.generate.tables import Column, Rows, table

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
REPOSITORY = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]

CRITICAL, WARNING, OLD_CRITICAL, OLD_WARNING, WATCH, WELL, IDLE, NO_ROW = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "9",
)
"""Levels, in the order in which they are shown. What ended more than a day ago is old: it must not hide
what happens now. The last one keeps a column and is not shown."""

_ROW = ("level", "alertname", "what", *PROJECT)
_FIRING = 'alertstate="firing"'
_CHOSEN = 'project_id=~"$project_id"'
_NO_ACCOUNT = 'account=""'
_NO_PROJECT = 'project_id=""'
_DEPLOYED = f'status!="{AlgorithmStatus.UNKNOWN}"'
_NOT_RUNNING = "QuantConnectAlgorithmNotRunning"
_STUCK_SECONDS = 900
_DAY = 86_400

ALERT_WORDS = {
    "QuantConnectDrawdown": "Drawdown over its limit",
    "QuantConnectDrawdownOverDeployments": "Drawdown over deployments",
    "QuantConnectDailyLoss": "Today's loss over its limit",
    "QuantConnectStrategyDrawdown": "Strategy drawdown over limit",
    "QuantConnectStrategyLoss": "Strategy loss over its limit",
    "QuantConnectLeverage": "Leverage over its limit",
    "QuantConnectConcentration": "One position is too large",
    "QuantConnectCashLow": "Cash below its limit",
    "QuantConnectCapitalChanged": "Capital was paid in or out",
    _NOT_RUNNING: "Does not run",
    "QuantConnectAlgorithmVanished": "Gone from QuantConnect",
    "QuantConnectCrashLoop": "Crashes again and again",
    "QuantConnectMemoryHigh": "Server is short of memory",
    "QuantConnectStatusStale": "Status not read",
    "QuantConnectPortfolioStale": "Portfolio not read",
    "QuantConnectEquityStale": "Equity not read",
    "QuantConnectEquityAge": "Equity has no new point",
    "QuantConnectEquityMismatch": "Value differs from equity",
    "QuantConnectOrderRejected": "Orders are rejected",
    "QuantConnectOrderStuck": "A market order is stuck",
    "QuantConnectFillLost": "A fill was lost",
    "QuantConnectSlippage": "Slippage over its limit",
    "QuantConnectLimitUnknown": "A limit cannot be checked",
    "QuantConnectAccountUnread": "Account cannot be read",
    "QuantConnectApiUnauthorized": "Credentials refused",
    "QuantConnectApiRateLimited": "Too many requests",
    "QuantConnectApiFailing": "QuantConnect's API fails",
    "QuantConnectClockSkew": "Clock is off",
    "QuantConnectExporterDown": "Exporter is down",
    "QuantConnectConfigReloadFailed": "Configuration refused",
    "QuantConnectRulesFailing": "Alert rules fail",
}
_OTHER_WORDS = {
    "runtime_error": "Crashed: runtime error",
    "deploy_error": "Could not be deployed",
    "liquidated": "Liquidated",
    "invalid": "Invalid",
    "stopped": "Stopped by its owner",
    "completed": "Completed",
    "deleted": "Deleted",
    "half_drawdown": "Drawdown over half its limit",
    "half_loss": "Daily loss over half its limit",
    "half_strategy_drawdown": "Strategy drawdown: half used",
    "half_strategy_loss": "Strategy loss: half used",
    "late": "Not read in time",
    "stuck": "A market order is stuck",
    "no_status": "Its status is not known",
    "nothing": "No exporter shows it",
    "no_rules": "Alert rules are not loaded",
    "well": " ",
    "not_deployed": "Not deployed",
}
_LEVEL_WORDS = words(
    {
        CRITICAL: ("● Critical", RED),
        WARNING: ("● Warning", ORANGE),
        OLD_CRITICAL: ("● Critical", RED),
        OLD_WARNING: ("● Warning", ORANGE),
        WATCH: ("● Watch", BLUE),
        WELL: ("✔ All well", GREEN),
        IDLE: ("○ Idle", NEUTRAL),
    }
)
_OVER_WARNING = {
    "QuantConnectDrawdown": "Drawdown over its warning",
    "QuantConnectDailyLoss": "Today's loss over its warning",
    "QuantConnectStrategyDrawdown": "Strategy drawdown at warning",
    "QuantConnectStrategyLoss": "Strategy loss over its warning",
}
"""What a warning says of a loss: the share beside it is of the critical limit where there is one."""

_AT_WARNING = ":warning"
_WORDS = ALERT_WORDS | _OTHER_WORDS | {name + _AT_WARNING: text for name, text in _OVER_WARNING.items()}

_ANCHORS = words({name: name.lower() for name in ALERT_WORDS})


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit on a loss: the alert about it, what says that half of it is used, and what is compared."""

    alert: str
    half: str
    value: str
    limit: str
    join: str = ""

    def used(self, severity: str = "") -> str:
        """Return the share of the limit that is used, by project."""
        return f"{self.value} / {self.join}{EACH.limit(self.limit, severity)}"


_BY_ID = "on (project_id) group_right () "
_LIMITS = (
    _Limit("QuantConnectDrawdown", "half_drawdown", EACH.latest("drawdown_ratio"), "drawdown_ratio"),
    _Limit("QuantConnectDailyLoss", "half_loss", EACH.daily_loss(), "daily_loss_ratio"),
    _Limit(
        "QuantConnectStrategyDrawdown",
        "half_strategy_drawdown",
        measured("strategy_drawdown_ratio"),
        "drawdown_ratio",
        _BY_ID,
    ),
    _Limit(
        "QuantConnectStrategyLoss", "half_strategy_loss", measured("strategy_loss"), "strategy_loss", _BY_ID
    ),
)
_DESCRIPTION = (
    "What fires, does not run, is not read in time or has used half of a limit, worst and newest first, "
    "with the share of the limit that is used and since when. What ended more than a day ago comes after warnings. "
    "Red is critical, orange a warning: click the reason for what to do. "
    "All well: everything runs, is fresh, and is within half of its limits. Idle: nothing is deployed."
)


def attention_panel(overview: str, *, projects: bool) -> Panel:
    """Return the panel; with ``projects`` it names the project of each row, as a link to its Overview."""
    link = f"/d/{overview}?${{datasource:queryparam}}&${{job:queryparam}}&var-project_id=${{__data.fields.project_id}}"
    runbook = f"{REPOSITORY}/blob/main/docs/runbook.md#${{__data.fields.alertname}}"
    columns = [
        Column("level", "level", words=(_LEVEL_WORDS,), width=84),
        Column("what", "what", words=(words(_WORDS),), least=160, link=runbook, new_tab=True),
        Column("B", "used", RATIO, decimals=0, words=(NOTHING_BLANK,), width=52, align="right"),
        Column(
            "A",
            "since",
            MILLISECONDS_AGO,
            words=(words({"0": " "}), NOTHING_BLANK),
            width=AGO_WIDTH,
            align="right",
        ),
        Column("project_id", "project_id", hidden=True),
        Column("alertname", "alertname", words=(_ANCHORS,), hidden=True),
    ]
    if projects:
        columns.insert(
            1, Column("project", "project", width=250, no_value=" ", link=f"{link}&${{__url_time_range}}")
        )
    return table(
        "Needs attention",
        _DESCRIPTION,
        [_rows(all_accounts=projects), _shares()],
        columns,
        Rows(order=(("A", True), ("level", False)), without=("level", NO_ROW)),
        header=False,
        no_value="The query failed",
    )


def _rows(*, all_accounts: bool) -> str:
    """Return a row for each problem, its value since when in milliseconds, 0 where that is not known."""
    limits = (f"0 * {row}" for limit in _LIMITS for row in _near(limit))
    states = (_ended(), _late(), _stuck(), _no_status())
    parts = (_alerts(all_accounts=all_accounts), *states, *limits)
    known = f"(({' or '.join(parts)}) or on () {_nothing()}) or {_no_rules()}"
    return f"({known}) or on () {_idle()} or on () {_well()}"


def _shares() -> str:
    """Return the share of the limit that is used, for the rows that are about one."""
    near = (row for limit in _LIMITS for row in _near(limit))
    over = (_share_of_alert(limit) for limit in _LIMITS)
    return " or ".join((*near, *over, labelled("vector(0)", level=NO_ROW)))


def _firing(*matchers: str) -> str:
    """Return the firing alerts that match; a warning gives way to its critical twin."""
    chosen = ",".join((_FIRING, *matchers))
    critical = f'ALERTS{{severity="critical",{chosen}}}'
    others = f'ALERTS{{severity!="critical",{chosen}}}'
    return f"({critical} or ({others} unless on (alertname, project_id, account, instance) {critical}))"


def _alerts(*, all_accounts: bool) -> str:
    """Return what fires for the chosen projects, for accounts, and for exporters.

    Without ``all_accounts`` an account's alerts are left out unless a chosen project belongs to it. That
    a project does not run is left out where its status says so, with the reason.
    """
    named = ('alertname=~"QuantConnect.*"', f'alertname!~"QuantConnectWatchdog|{_NOT_RUNNING}"')
    not_running = _firing(f'alertname="{_NOT_RUNNING}"', _CHOSEN)
    stopped = f"({not_running} unless on (project_id) {EACH.ended()})"
    if all_accounts:
        firing = _firing(*named, 'project_id=~"$project_id|"')
    else:
        of_account = _firing(*named, _NO_PROJECT, 'account!=""')
        own = f"max by (account) ({select('algorithm_info')})"
        firing = (
            f"{_firing(*named, _CHOSEN)} or {_firing(*named, _NO_PROJECT, _NO_ACCOUNT)} "
            f"or ({of_account} and on (account) {own})"
        )
    states = 'ALERTS_FOR_STATE{alertname=~"QuantConnect.*"}'
    since = f"1000 * ({states} and ignoring (alertstate) ({firing} or {stopped}))"
    owner = f'label_join({_by_severity(since)}, "owner", ";", "project", "account")'
    return _row(f'label_replace({owner}, "project", "$1", "owner", ";(.+)")', "min")


def _by_severity(expression: str) -> str:
    for severity, level in (("critical", CRITICAL), ("warning", WARNING), ("info", WATCH)):
        expression = f'label_replace({expression}, "level", "{level}", "severity", "{severity}")'
    expression = f'label_replace({expression}, "what", "$1", "alertname", "(.*)")'
    loss = f"{WARNING};({'|'.join(_OVER_WARNING)})"
    joined = f'label_join({expression}, "loss", ";", "level", "alertname")'
    return f'label_replace({joined}, "what", "$1{_AT_WARNING}", "loss", "{loss}")'


def _row(expression: str, operation: str = "max") -> str:
    return f"{operation} by ({', '.join(_ROW)}) ({expression})"


def _ended() -> str:
    statuses = any_of("status", (*CRASHED, *STOPPED))
    ended = f"max by ({', '.join(PROJECT)}, status) ({select('algorithm_status', statuses)} == 1)"
    stopped = EACH.latest("algorithm_stopped_timestamp_seconds")
    old = f"({stopped} < time() - {_DAY})"
    since = f"({ended} * {EACH.on} group_left () {stopped} or 0 * {ended})"
    return " or ".join(
        (
            _ended_row(f"{since} unless {EACH.on} {old}", CRITICAL, WARNING),
            _ended_row(f"{since} and {EACH.on} {old}", OLD_CRITICAL, OLD_WARNING),
        )
    )


def _ended_row(since: str, crashed: str, stopped: str) -> str:
    named = f'label_replace(1000 * ({since}), "what", "$1", "status", "(.*)")'
    leveled = labelled(named, level=stopped, alertname=_NOT_RUNNING)
    return _row(f'label_replace({leveled}, "level", "{crashed}", "status", "{"|".join(CRASHED)}")')


def _late() -> str:
    success = EACH.latest("last_success_timestamp_seconds", "source")
    interval = EACH.latest("poll_interval_seconds", "source")
    late = f"1000 * ({success} and (time() - {success} > 3 * {interval} + 30))"
    running = f"({EACH.over('min', late)} unless {EACH.on} {EACH.ended()})"
    return labelled(running, level=WARNING, alertname="QuantConnectPortfolioStale", what="late")


def _stuck() -> str:
    oldest = EACH.latest("oldest_open_order_timestamp_seconds", matchers=('kind="marketable"',))
    stuck = f"(1000 * ({oldest} < time() - {_STUCK_SECONDS}) {_unless('QuantConnectOrderStuck')})"
    return labelled(stuck, level=WARNING, alertname="QuantConnectOrderStuck", what="stuck")


def _no_status() -> str:
    polled = EACH.over("max", select("up", 'source="status"'))
    unknown = f"(0 * {polled} unless {EACH.on} {EACH.latest('algorithm_status')})"
    return labelled(unknown, level=WARNING, alertname="QuantConnectStatusStale", what="no_status")


def _near(limit: _Limit) -> tuple[str, str, str]:
    """Return the projects beyond a limit for which no alert fires yet, and those that used half of it."""
    quiet = _unless(limit.alert)
    critical = f"{limit.used('critical')} >= 1"
    warning = f"{limit.used('warning')} >= 1"
    half = f"({limit.used()} >= 0.5 unless {EACH.on} ({warning}) unless {EACH.on} ({critical}) {quiet})"
    return (
        labelled(
            f"({limit.used()} and {EACH.on} ({critical}) {quiet})",
            level=CRITICAL,
            alertname=limit.alert,
            what=limit.alert,
        ),
        labelled(
            f"({limit.used()} and {EACH.on} ({warning}) unless {EACH.on} ({critical}) {quiet})",
            level=WARNING,
            alertname=limit.alert,
            what=limit.alert + _AT_WARNING,
        ),
        labelled(half, level=WATCH, alertname=limit.alert, what=limit.half),
    )


def _unless(alert: str) -> str:
    """Return a clause that leaves out the projects for which the alert itself fires."""
    return f'unless on (project_id) max by (project_id) (ALERTS{{alertname="{alert}",{_FIRING}}})'


def _share_of_alert(limit: _Limit) -> str:
    firing = _firing(f'alertname="{limit.alert}"', _CHOSEN)
    return f"{_row(_by_severity(f'0 * {firing}'))} + {EACH.on} group_left () ({limit.used()})"


def _no_rules() -> str:
    missing = f'0 * max(absent(ALERTS{{alertname="QuantConnectWatchdog",{_FIRING}}}))'
    return labelled(missing, level=WATCH, alertname="", what="no_rules")


def _nothing() -> str:
    missing = f"0 * max(absent({select('up')}))"
    return labelled(missing, level=CRITICAL, alertname="QuantConnectExporterDown", what="nothing")


def _idle() -> str:
    polled, deployed = select("up", 'source="status"'), select("algorithm_status", _DEPLOYED)
    return labelled(f"0 * max({polled} unless on () ({deployed} == 1))", level=IDLE, what="not_deployed")


def _well() -> str:
    return labelled(f"0 * max({select('up')})", level=WELL, what="well")
