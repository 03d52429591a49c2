"""The status page as HTML. It loads nothing from anywhere: its script and style are in it."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files

from exporter import __version__
from exporter.polling.state import ProjectState
from exporter.web.status.figures import figures_of
from exporter.web.status.problems import (
    AccountState,
    AccountStatus,
    Entry,
    Problem,
    account_problems,
    entry_of,
    urgency,
)
from exporter.web.status.projects import PROJECT_ADDRESS, projects_table, status_of
from exporter.web.status.text import ago, coloured, iso, number, safe, utc

_BESIDE = files("exporter.web.status")
_STYLE = _BESIDE.joinpath("status.css").read_text("utf-8")
_SCRIPT = _BESIDE.joinpath("status.js").read_text("utf-8")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 13l4-5 3 2 6-8' fill='none' stroke='%23{}' stroke-width='2.2'/%3E%3C/svg%3E"
)
_LISTED_PROBLEMS = 8
_WHOLE_FROM = 1000
"""From this amount on, sums are shown without decimals; an account in BTC needs them."""


def _only(text: str) -> str:
    """Return the source expression that allows one inline text (Content Security Policy Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    # Should a name ever go unescaped, the browser would still run and load nothing that is not ours.
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_only(_SCRIPT)}; style-src {_only(_STYLE)}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # a page from a cache looks alive
}
"""What the page is to be sent with."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page leads: to the metrics, relative to it, and to addresses elsewhere."""

    metrics: str
    documentation: str
    grafana: str | None = None


def status_page(
    states: Iterable[ProjectState],
    accounts: Sequence[AccountStatus],
    links: Links,
    now: float,
    sort: str = "",
) -> str:
    """Return the status page; what is not known is a dash.

    Projects with the most urgent problem come first, unless ``sort`` names a column, after a minus for
    the largest first. ``now`` in Unix seconds.
    """
    by_name = {account.name: account for account in accounts}
    entries = [entry_of(state, figures_of(state, now), by_name.get(state.account), now) for state in states]
    of_projects = (problem for entry in entries for problem in entry.problems)
    problems = sorted([*account_problems(accounts), *of_projects], key=urgency)
    verdict = _verdict(len(problems), accounts, entries)
    look, colour = ("bad", "c1272d") if problems else ("good", "178a4c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{verdict} · QuantConnect exporter</title>
<link id="icon" rel="icon" href="{_ICON.format(colour)}">
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>QuantConnect exporter <small>{escape(__version__)}</small></h1>
<nav aria-label="Pages">{_navigation(links)}</nav>
</header>
<p id="notice" role="alert">Without its script this page does not renew itself. <a href="">Load it again</a></p>
<script>{_SCRIPT}</script>
<main>
<p id="verdict"><strong class="{look}" role="status">{verdict}</strong>
<span>{_counts(entries)}</span> <span>as of <time id="now" datetime="{iso(now)}">{utc(now)}</time></span></p>
<div id="overview">{_attention(problems, now)}<div>{_currencies(entries)}{_accounts(accounts, now)}</div></div>
{projects_table(entries, sort, now)}
</main>
<footer><small>Times are UTC. Today counts from midnight, drawdown from the peak since launch; the marks on its bar are
the limits. A dash is no value: the algorithm does not run, or the value is not known.</small></footer>
</body>
</html>
"""


def _navigation(links: Links) -> str:
    pages = {
        "Metrics": links.metrics,
        "Health": "-/healthy",
        "Readiness": "-/ready",
        "Configuration": "-/config",
        "Documentation": links.documentation,
        "Grafana": links.grafana,
    }
    return "".join(f'<a href="{escape(to)}">{name}</a>' for name, to in pages.items() if to)


def _verdict(problems: int, accounts: Sequence[AccountStatus], entries: Sequence[Entry]) -> str:
    if problems:
        return "1 thing needs attention" if problems == 1 else f"{problems} things need attention"
    if any(account.state is AccountState.SIGNING_IN for account in accounts):
        return "Signing in"
    is_running = any(entry.state.current_deployment for entry in entries)
    return "Nothing needs attention" if is_running else "Nothing is running"


def _counts(entries: Sequence[Entry]) -> str:
    statuses = Counter(status_of(entry.state) for entry in entries).most_common()
    listed = ", ".join(f"{count} {status}" for status, count in statuses)
    return f"{_projects(len(entries))}: {listed}" if listed else _projects(0)


def _projects(count: int) -> str:
    return "1 project" if count == 1 else f"{count} projects"


def _attention(problems: Sequence[Problem], now: float) -> str:
    shown = "".join(_problem(each, now) for each in problems[:_LISTED_PROBLEMS])
    if rest := problems[_LISTED_PROBLEMS:]:
        more = "".join(_problem(each, now) for each in rest)
        shown += f'<li id="more"><details id="rest"><summary>{len(rest)} more</summary><ol>{more}</ol></details></li>'
    return f'<ol id="attention">{shown}</ol>'


def _problem(problem: Problem, now: float) -> str:
    subject = f"<bdi>{safe(problem.subject)}</bdi>"
    if problem.project_id is not None:
        subject = f'<a href="{PROJECT_ADDRESS}{problem.project_id}">{subject}</a>'
    since = ago(problem.since, now) if problem.since else ""
    return (
        f'<li class="{problem.severity}"><span class="severity">{problem.severity.capitalize()}</span>'
        f"<b>{subject} {problem.what}</b> <span>{since}</span><p>{problem.advice}</p></li>"
    )


_SUMS: dict[str, tuple[Callable[[Entry], float | None], bool]] = {
    "Equity": (lambda entry: entry.figures.equity, False),
    "Today": (lambda entry: entry.figures.today, True),
    "Unrealized PnL": (lambda entry: entry.figures.unrealized, True),
    "Cash": (lambda entry: entry.figures.cash, False),
    "Gross exposure": (lambda entry: entry.figures.exposure, False),
}
"""What is added up over running projects of one currency, and whether it is profit or loss."""


def _currencies(entries: Sequence[Entry]) -> str:
    running = [entry for entry in entries if entry.state.current_deployment and entry.state.account_currency]
    currencies = Counter(entry.state.account_currency for entry in running)
    rows = []
    for currency, count in currencies.most_common():
        own = [entry for entry in running if entry.state.account_currency == currency]
        sums = [_sum([value(entry) for entry in own], is_profit) for value, is_profit in _SUMS.values()]
        rows.append((f"{safe(currency or '')} <small>{_projects(count)}</small>", sums))
    return _table("currencies", ("Running, by currency", *_SUMS), rows)


def _sum(amounts: Sequence[float | None], is_profit: bool) -> str:  # noqa: FBT001 - a column's property
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return "–"
    summed = sum(known)
    text = number(summed, 0 if abs(summed) >= _WHOLE_FROM else 2, signed=is_profit)
    missing = len(amounts) - len(known)
    note = f'<small class="warning">{missing} not known</small>' if missing else ""
    return (coloured(text) if is_profit else text) + note


def _accounts(accounts: Sequence[AccountStatus], now: float) -> str:
    looks = {AccountState.SIGNED_IN: "good", AccountState.SIGNING_IN: "muted"}
    rows = []
    for account in accounts:
        state = f'<span class="{looks.get(account.state, "bad")}">{account.state}</span>'
        requests = f"{account.requests} of {account.requests_per_minute}"
        listed = ago(account.last_listed, now) if account.last_listed else "–"
        rows.append((f"<bdi>{safe(account.name)}</bdi>", [state, requests, listed]))
    return _table("accounts", ("Account", "State", "Requests a minute", "Last listed"), rows)


def _table(name: str, titles: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return a table whose first column names the row; nothing without rows."""
    if not rows:
        return ""
    first, *others = titles
    heads = "".join(f'<th scope="col" class="number">{title}</th>' for title in others)
    body = "".join(
        f'<tr><th scope="row">{head}</th>'
        + "".join(
            f'<td class="number" data-label="{title}">{cell}</td>'
            for title, cell in zip(others, cells, strict=True)
        )
        + "</tr>"
        for head, cells in rows
    )
    head = f'<thead><tr><th scope="col">{first}</th>{heads}</tr></thead>'
    return f'<table id="{name}">{head}<tbody>{body}</tbody></table>'
