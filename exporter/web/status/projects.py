"""The table of projects: what each column shows, and how the server sorts it."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import inf

from exporter.config.model import LimitName
from exporter.polling.state import ProjectState
from exporter.web.status.project import ENDED_BADLY, Project
from exporter.web.status.table import Column, table
from exporter.web.status.text import UNKNOWN, ago, duration, number, percent, profit, safe

PROJECT_ADDRESS = "https://www.quantconnect.com/project/"
_LIMITS_WITHOUT_COLUMN = {"concentration_ratio", "memory_ratio", "open_order_age", "equity_age"}


def projects_table(projects: Sequence[Project], sort: str) -> str:
    """Return the table, sorted by a column's name, after a minus for the largest first; else by urgency."""
    shown = table("projects", _COLUMNS, _sorted(projects, sort), sort, _attributes)
    return shown or '<p id="projects">No project is known yet.</p>'


def is_order(sort: str) -> bool:
    """Tell whether projects can be sorted so."""
    return sort.removeprefix("-") in {each.sort.removeprefix("-") for each in _COLUMNS if each.sort}


def status_of(state: ProjectState) -> str:
    """Return a project's status in words."""
    if state.deployment is None or state.deployment.value is None:
        return "not known" if state.deployment is None else "never deployed"
    status = state.deployment.value.status
    return ENDED_BADLY.get(status, status.replace("_", " "))


def _sorted(projects: Sequence[Project], sort: str) -> list[Project]:
    """Return projects in the chosen order; those without a value last, money within its currency."""
    ordered = sorted(projects, key=lambda each: each.state.name.casefold())
    ordered.sort(key=lambda each: each.problems[0].urgency if each.problems else (True, True, inf))
    name = sort.removeprefix("-")
    if name == "project":
        ordered.sort(key=lambda each: each.state.name.casefold(), reverse=name != sort)
    elif is_order(sort):
        ordered.sort(key=lambda each: each.figures[name] or 0.0, reverse=name != sort)
        if name in {"equity", "unrealized", "cash"}:
            counts = Counter(each.state.account_currency or "" for each in projects)
            currencies = sorted(counts, key=lambda currency: (-counts[currency], currency))
            ordered.sort(key=lambda each: currencies.index(each.state.account_currency or ""))
        ordered.sort(key=lambda each: each.figures[name] is None)
    return ordered


def _attributes(project: Project) -> str:
    look = project.problems[0].severity if project.problems else ""
    return f' id="p{project.state.project_id}" class="{look}"'


def _project(project: Project) -> str:
    state = project.state
    brokerage = state.deployment.value.brokerage if state.deployment and state.deployment.value else ""
    about = " · ".join(safe(each) for each in (str(state.project_id), state.account, brokerage) if each)
    # Isolated: a name written from right to left would turn what follows it around.
    name = f"<bdi>{safe(state.name)}</bdi>"
    return f'<a href="{PROJECT_ADDRESS}{state.project_id}">{name}</a> <small>{about}</small>'


def _status(project: Project) -> str:
    deployment = project.state.deployment.value if project.state.deployment else None
    status, since = status_of(project.state), ""
    if deployment is not None and deployment.is_running and deployment.launched is not None:
        since = f"for {duration(project.now - deployment.launched)}"
    elif deployment is not None and deployment.stopped is not None:
        since = ago(deployment.stopped, project.now)
    look = "bad" if status in ENDED_BADLY.values() else "good" if status == "running" else ""
    others = [each for each in project.problems if each.limit in _LIMITS_WITHOUT_COLUMN]
    exceeded = "".join(f'<small class="{each.severity}">{each.what}</small>' for each in others)
    return f'<span class="{look}">{status}</span><small>{since}</small>{exceeded}'


def _figure(
    title: str, name: str, show: Callable[[Project, float], str], limit: LimitName | None = None
) -> Column[Project]:
    """Return the column of a number, in the colour of the limit that it exceeds."""

    def html(project: Project) -> str:
        value = project.figures[name]
        looks = [each.severity for each in project.problems if limit and each.limit is limit]
        shown = UNKNOWN if value is None else show(project, value)
        return f'<b class="{looks[0]}">{shown}</b>' if looks else shown

    return Column(title, html, sort=f"-{name}")


def _equity(project: Project, equity: float) -> str:
    return f"{number(equity)} {safe(project.state.account_currency or '')}"


def _today(project: Project, ratio: float) -> str:
    return f"{profit(100 * ratio, ' %')}<small>{number(project.figures['gain'] or 0.0, signed=True)}</small>"


def _drawdown(project: Project, ratio: float) -> str:
    """Return the ratio over a bar, which changes colour at each limit and ends a quarter beyond the last."""
    limits = project.state.settings.limits.items()
    bounds = sorted(bound for (limit, _), bound in limits if limit is LimitName.DRAWDOWN_RATIO)
    if not bounds:
        return percent(ratio)
    scale = f'low="{bounds[0]}" high="{bounds[-1]}" max="{1.25 * bounds[-1]}" optimum="0"'
    return f'{percent(ratio)}<small><meter {scale} value="{ratio}" aria-hidden="true"></meter></small>'


def _data(project: Project) -> str:
    """Return how old the values are, which opens to every source."""
    health = project.state.health
    reasons = [each.last_failure for each in health.values() if each.up is False]
    failure = f'<small class="warning">{reasons[0]}</small>' if reasons else ""
    sources = "".join(
        f"<dt>{source}</dt><dd>{ago(each.last_success, project.now)}"
        f"{f', every {duration(each.interval)}' if each.interval else ''}"
        f"{f', {each.last_failure}' if each.up is False else ''}</dd>"
        for source, each in health.items()
    )
    summary = f"<summary>{ago(project.figures['read_at'], project.now)}{failure}</summary>"
    return f'<details id="d{project.state.project_id}">{summary}<dl>{sources}</dl></details>'


_COLUMNS = (
    Column("Project", _project, "name", sort="project"),
    Column("Status", _status, "status"),
    _figure("Equity", "equity", _equity),
    _figure("Today", "today", _today, LimitName.DAILY_LOSS_RATIO),
    _figure("Drawdown", "drawdown", _drawdown, LimitName.DRAWDOWN_RATIO),
    _figure("Unrealized PnL", "unrealized", lambda _, pnl: profit(pnl)),
    _figure("Cash", "cash", lambda _, cash: number(cash), LimitName.CASH_RATIO_MIN),
    _figure("Leverage", "leverage", lambda _, times: f"{times:.2f} ×", LimitName.GROSS_LEVERAGE_RATIO),
    Column("Data", _data, "data"),
)
