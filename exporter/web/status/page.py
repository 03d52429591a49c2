"""The status page as HTML. It loads nothing from anywhere: its script and style are in it."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import fsum

from exporter import __version__
from exporter.polling.state import ProjectState
from exporter.web.status.problems import AccountStatus, Problem
from exporter.web.status.project import Figures, Project, project_of
from exporter.web.status.projects import PROJECT_ADDRESS, projects_table, status_of
from exporter.web.status.table import Column, table
from exporter.web.status.text import UNKNOWN, ago, number, profit, safe, utc

_STYLE = files("exporter.web.status").joinpath("status.css").read_text("utf-8")
_SCRIPT = files("exporter.web.status").joinpath("status.js").read_text("utf-8")
_LISTED_PROBLEMS = 8
_ALL_IS_WELL = "Nothing needs attention"


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


def status_page(
    states: list[ProjectState], accounts: list[AccountStatus], links: dict[str, str], now: float, sort: str
) -> str:
    """Return the page at a time in Unix seconds; ``links`` are addresses by title, ``sort`` orders the projects."""
    of_accounts = {account.name: account.problem for account in accounts}
    projects = [project_of(state, now, is_asked=not of_accounts.get(state.account)) for state in states]
    problems = [problem for project in projects for problem in project.problems]
    problems += filter(None, of_accounts.values())
    verdict = _verdict(len(problems), accounts, projects)
    look = "bad" if problems else "good" if verdict == _ALL_IS_WELL else ""
    navigation = "".join(f'<a href="{escape(address)}">{title}</a>' for title, address in links.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{verdict} · QuantConnect exporter</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<header><h1>QuantConnect exporter <small>{escape(__version__)}</small></h1><nav>{navigation}</nav></header>
<p id="notice" role="alert">Without its script this page does not renew itself. <a href="">Load it again</a></p>
<script>{_SCRIPT}</script>
<main>
<p id="verdict"><strong class="{look}" role="status">{verdict}</strong>
<span>{_counts(projects)}</span> <span>as of <time id="now" datetime="{utc(now)}">{utc(now)}</time></span></p>
<div id="overview">{_attention(problems, now)}<div>{_currencies(projects)}{_accounts(accounts, now)}</div></div>
{projects_table(projects, sort)}
</main>
<footer><small>Times are UTC. Today counts from midnight, drawdown from the peak since launch. A dash is no value.
Limits of strategy loss and slippage are for alerts only.</small></footer>
</body>
</html>
"""


def _verdict(problems: int, accounts: Sequence[AccountStatus], projects: Sequence[Project]) -> str:
    if problems:
        return "1 thing needs attention" if problems == 1 else f"{problems} things need attention"
    if any(account.state == "signing in" for account in accounts):
        return "Signing in"
    is_running = any(project.state.current_deployment for project in projects)
    return _ALL_IS_WELL if is_running else "Nothing is running"


def _counts(projects: Sequence[Project]) -> str:
    statuses = Counter(status_of(project.state) for project in projects).most_common()
    listed = ", ".join(f"{count} {status}" for status, count in statuses)
    return f"{len(projects)} project{'s' * (len(projects) != 1)}" + (f": {listed}" if listed else "")


def _attention(problems: Iterable[Problem], now: float) -> str:
    items = [_problem(problem, now) for problem in sorted(problems, key=lambda problem: problem.urgency)]
    if rest := items[_LISTED_PROBLEMS:]:
        more = f"<summary>{len(rest)} more</summary><ol>{''.join(rest)}</ol>"
        items[_LISTED_PROBLEMS:] = [f'<li><details id="more">{more}</details></li>']
    return f'<ol id="attention">{"".join(items)}</ol>'


def _problem(problem: Problem, now: float) -> str:
    subject = f"<bdi>{safe(problem.subject)}</bdi>"
    if problem.project_id is not None:
        subject = f'<a href="{PROJECT_ADDRESS}{problem.project_id}">{subject}</a>'
    since = ago(problem.since, now) if problem.since else ""
    return (
        f'<li class="{problem.severity}"><span>{problem.severity.capitalize()}</span>'
        f"<b>{subject} {problem.what}</b> {since}<p>{problem.advice}</p></li>"
    )


def _currencies(projects: Sequence[Project]) -> str:
    """Return the sums of running projects by currency: amounts in different ones are never added."""
    running: dict[str, list[Figures]] = {}
    for project in projects:
        if project.state.current_deployment and project.state.account_currency:
            running.setdefault(project.state.account_currency, []).append(project.figures)
    columns: list[Column[tuple[str, list[Figures]]]] = [
        Column("Currency", lambda each: f"{safe(each[0])} <small>{len(each[1])} running</small>", "name"),
        Column("Equity", lambda each: _sum("equity", each[1], number)),
        Column("Today", lambda each: _sum("gain", each[1], profit)),
        Column("Unrealized PnL", lambda each: _sum("unrealized", each[1], profit)),
        Column("Cash", lambda each: _sum("cash", each[1], number)),
        Column("Gross exposure", lambda each: _sum("exposure", each[1], number)),
    ]
    return table("currencies", columns, sorted(running.items(), key=lambda each: -len(each[1])))


def _sum(name: str, figures: Sequence[Figures], show: Callable[[float], str]) -> str:
    known = [amount for each in figures if (amount := each[name]) is not None]
    missing = len(figures) - len(known)
    note = f'<small class="warning">{missing} not known</small>' if missing else ""
    return show(fsum(known)) + note if known else UNKNOWN


def _accounts(accounts: Sequence[AccountStatus], now: float) -> str:
    def state(account: AccountStatus) -> str:
        look = {"signed in": "good", "signing in": ""}.get(account.state, "bad")
        since = ago(account.problem.since, now) if account.problem and account.problem.since else ""
        return f'<span class="{look}">{account.state}</span><small>{since}</small>'

    columns: list[Column[AccountStatus]] = [
        Column("Account", lambda each: f"<bdi>{safe(each.name)}</bdi>", "name"),
        Column("State", state, "status"),
        Column("Requests a minute", lambda each: f"{each.requests} of {each.requests_per_minute}"),
        Column("Last listed", lambda each: ago(each.listing.last_success, now)),
    ]
    return table("accounts", columns, accounts)
