"""The table of projects: a column is a title, a value to sort by, and how it is shown."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from exporter.config.model import LimitName, Severity
from exporter.polling.state import ProjectState
from exporter.web.status.problems import ENDED_BADLY, Entry
from exporter.web.status.text import ago, coloured, duration, number, percent, safe

PROJECT_ADDRESS = "https://www.quantconnect.com/project/"


class Column(NamedTuple):
    """``value`` is what rows are sorted by, ``html`` how it is shown where it is known, ``limit`` what bounds it."""

    title: str
    value: Callable[[Entry], float | str | None]
    html: Callable[[Entry, Any], str]
    limit: LimitName | None = None
    is_money: bool = False


def projects_table(entries: Sequence[Entry], sort: str, now: float) -> str:
    """Return the table, sorted by a column's name, after a minus for the largest first; else by urgency."""
    if not entries:
        return '<p id="projects">No project is known yet.</p>'
    heads = "".join(_sortable(name, column, sort) for name, column in COLUMNS.items())
    rows = "\n".join(_row(entry, now) for entry in _sorted(entries, sort))
    return (
        '<table id="projects"><thead><tr><th scope="col"><a href="?sort=project">Project</a></th>'
        f'<th scope="col">Status</th>{heads}<th scope="col">Data</th></tr></thead>\n<tbody>\n{rows}\n</tbody></table>'
    )


def status_of(state: ProjectState) -> str:
    """Return a project's status in words."""
    if state.deployment is None:
        return "not known"
    deployment = state.deployment.value
    if deployment is None:
        return "never deployed"
    words = ENDED_BADLY.get(deployment.status, deployment.status.replace("_", " "))
    return words.removeprefix("was ")


def _money(amount: float) -> str:
    return coloured(number(amount, signed=True))


def _equity(entry: Entry, equity: float) -> str:
    currency = entry.state.account_currency
    return number(equity) + (f' <small class="unit">{safe(currency)}</small>' if currency else "")


def _today(entry: Entry, ratio: float) -> str:
    today = entry.figures.today
    money = "" if today is None else f"<small>{number(today, signed=True)}</small>"
    return coloured(percent(ratio, signed=True)) + money


def _drawdown(entry: Entry, ratio: float) -> str:
    """Return the ratio over a bar, which ends a quarter beyond the last limit and has a mark for each."""
    limits = [
        threshold
        for (limit, _), threshold in entry.state.settings.limits.items()
        if limit is LimitName.DRAWDOWN_RATIO
    ]
    if not limits:
        return percent(ratio)
    scale = 100 / (1.25 * max(limits))
    marks = "".join(f'<rect class="mark" x="{scale * each:.1f}" width="1" height="6"/>' for each in limits)
    return (
        f'{percent(ratio)}<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="6"/>'
        f'<rect class="fill" width="{min(100.0, scale * ratio):.1f}" height="6"/>{marks}</svg>'
    )


COLUMNS: Mapping[str, Column] = {
    "equity": Column("Equity", lambda entry: entry.figures.equity, _equity, is_money=True),
    "today": Column("Today", lambda entry: entry.figures.today_ratio, _today, LimitName.DAILY_LOSS_RATIO),
    "drawdown": Column("Drawdown", lambda entry: entry.figures.drawdown, _drawdown, LimitName.DRAWDOWN_RATIO),
    "unrealized": Column(
        "Unrealized PnL",
        lambda entry: entry.figures.unrealized,
        lambda _, value: _money(value),
        is_money=True,
    ),
    "cash": Column(
        "Cash",
        lambda entry: entry.figures.cash,
        lambda _, value: number(value),
        LimitName.CASH_RATIO_MIN,
        is_money=True,
    ),
    "leverage": Column(
        "Leverage",
        lambda entry: entry.figures.leverage,
        lambda _, value: f"{value:.2f} ×",
        LimitName.GROSS_LEVERAGE_RATIO,
    ),
}
"""What projects can be sorted by, beside ``project``."""


def is_order(sort: str) -> bool:
    """Tell whether projects can be sorted so."""
    return sort == "project" or sort.removeprefix("-") in COLUMNS


def _sortable(name: str, column: Column, sort: str) -> str:
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
    next_sort = name if order == "descending" else f"-{name}"
    link = f'<a href="?sort={next_sort}">{column.title}</a>'
    return f'<th scope="col" class="number" aria-sort="{order}">{link}</th>'


def _sorted(entries: Sequence[Entry], sort: str) -> list[Entry]:
    """Return projects in the chosen order; those without a value last, money within its currency."""
    ordered = sorted(entries, key=lambda entry: (*_rank(entry), entry.state.name.casefold()))
    column = COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        return sorted(ordered, key=lambda each: each.state.name.casefold()) if sort == "project" else ordered
    valued = [(value, entry) for entry in ordered if (value := column.value(entry)) is not None]
    valued.sort(key=lambda each: each[0], reverse=sort.startswith("-"))
    if column.is_money:
        currencies = Counter(entry.state.account_currency for _, entry in valued)
        most_first = [currency for currency, _ in currencies.most_common()]
        valued.sort(key=lambda each: most_first.index(each[1].state.account_currency))
    return [entry for _, entry in valued] + [entry for entry in ordered if column.value(entry) is None]


def _rank(entry: Entry) -> tuple[int, bool]:
    """Return what projects are sorted by: critical problems first, and of those what does not run."""
    severity = entry.problems[0].severity if entry.problems else None
    return {Severity.CRITICAL: 0, Severity.WARNING: 1, None: 2}[severity], bool(entry.exceeded)


def _row(entry: Entry, now: float) -> str:
    cells = "".join(_cell(entry, column) for column in COLUMNS.values())
    look = entry.problems[0].severity if entry.problems else ""
    return (
        f'<tr id="p{entry.state.project_id}" class="{look}">{_project(entry.state)}{_status(entry, now)}'
        f"{cells}{_data(entry, now)}</tr>"
    )


def _cell(entry: Entry, column: Column) -> str:
    value = column.value(entry)
    exceeded = entry.exceeded.get(column.limit) if column.limit else None
    look = f"number {exceeded.severity}" if exceeded else "number"
    shown = "–" if value is None else column.html(entry, value)
    return f'<td class="{look}" data-label="{column.title}">{shown}</td>'


def _project(state: ProjectState) -> str:
    brokerage = state.deployment.value.brokerage if state.deployment and state.deployment.value else ""
    about = " · ".join(safe(each) for each in (str(state.project_id), state.account, brokerage) if each)
    # Isolated: a name written from right to left would turn what follows it around.
    name = f'<a href="{PROJECT_ADDRESS}{state.project_id}"><bdi>{safe(state.name)}</bdi></a>'
    return f'<th scope="row">{name} <small>{about}</small></th>'


def _status(entry: Entry, now: float) -> str:
    deployment = entry.state.deployment.value if entry.state.deployment else None
    look, since = "muted", ""
    if deployment is not None:
        look = "good" if deployment.is_running else "bad" if deployment.status in ENDED_BADLY else "muted"
        if deployment.is_running and deployment.launched is not None:
            since = f"<small>for {duration(now - deployment.launched)}</small>"
        elif deployment.stopped is not None:
            since = f"<small>{ago(deployment.stopped, now)}</small>"
    return f'<td class="status {look}">{status_of(entry.state)}{since}</td>'


def _data(entry: Entry, now: float) -> str:
    """Return how old the values are, which opens to every source."""
    state = entry.state
    failing = [health for health in state.health.values() if health.up is False]
    read = ago(entry.figures.read_at, now) if entry.figures.read_at else "–"
    reason = f'<small class="warning">{failing[0].last_failure}</small>' if failing else ""
    sources = "".join(
        f"<dt>{source}</dt><dd>{ago(health.last_success, now) if health.last_success else '–'}"
        f"{f', every {duration(health.interval)}' if health.interval else ''}"
        f"{f', {health.last_failure}' if health.up is False else ''}</dd>"
        for source, health in state.health.items()
    )
    return (
        f'<td class="data" data-label="Data"><details id="d{state.project_id}"><summary>{read}{reason}</summary>'
        f"<dl>{sources}</dl></details></td>"
    )
