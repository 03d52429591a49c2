"""The page at ``/``: every project on a row, readable without Grafana and on a phone.

Its script renews it in place, and says so when it cannot; its style is beside it. Both stand in the
page itself, which loads nothing from anywhere.
"""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.resources import files

from exporter import __version__
from exporter.domain.deployment import AlgorithmStatus
from exporter.polling.state import ProjectState, Source, SourceHealth

_BESIDE = files("exporter.web")
_STYLE = _BESIDE.joinpath("status_page.css").read_text("utf-8")
_SCRIPT = _BESIDE.joinpath("status_page.js").read_text("utf-8")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 13l4-5 3 2 6-8' fill='none' stroke='%23178a4c' stroke-width='2.2'/%3E%3C/svg%3E"
)


def _only(text: str) -> str:
    """Return the source expression that allows one inline text (Content Security Policy Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    # Were a name ever not escaped, the browser would still run and load nothing that is not ours.
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_only(_SCRIPT)}; style-src {_only(_STYLE)}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # a page from a cache looks alive
}
"""What the page is to be sent with."""

_ENDED_BADLY = frozenset(
    {AlgorithmStatus.RUNTIME_ERROR, AlgorithmStatus.DEPLOY_ERROR, AlgorithmStatus.LIQUIDATED}
)


def status_page(states: Iterable[ProjectState], telemetry_path: str, now: float) -> str:
    """Return the status page as HTML; every text from outside is escaped, what is not known is blank.

    Projects that fail come first. ``now`` is in Unix seconds, UTC.
    """
    ordered = sorted(states, key=lambda state: not _fails(state))
    sources = "".join(f'<th scope="col">{source}</th>' for source in Source)
    rows = "\n".join(_row(state, now) for state in ordered)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>QuantConnect exporter</title>
<link rel="icon" href="{_ICON}">
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>QuantConnect exporter <small>{escape(__version__)}</small></h1>
<nav><a href=".{escape(telemetry_path)}">metrics</a> <a href="./-/healthy">health</a>
<a href="./-/ready">readiness</a></nav>
</header>
<p id="notice" role="alert">Without its script this page does not renew itself. <a href="">Load it again</a></p>
<script>{_SCRIPT}</script>
<main>
<p id="summary">{_summary(ordered)} <span>as of {_time(now)}</span></p>
<table id="projects">
<thead>
<tr><th scope="col" rowspan="2">Project</th><th scope="col" rowspan="2">Status</th>
<th scope="col" rowspan="2" class="number">Equity</th><th scope="col" rowspan="2" class="number">Drawdown</th>
<th scope="col" rowspan="2" class="number">Unrealized PnL</th><th scope="col" rowspan="2" class="number">Cash</th>
<th scope="colgroup" colspan="{len(Source)}">Last success, seconds ago</th>
<th scope="col" rowspan="2">Failing</th></tr>
<tr class="sources">{sources}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def _summary(states: list[ProjectState]) -> str:
    running = sum(state.current_deployment is not None for state in states)
    failing = sum(_fails(state) for state in states)
    return (
        f"<span><b>{len(states)}</b> project{'s'[: len(states) != 1]}</span> "
        f"<span><b>{running}</b> running</span> "
        f'<span class="{"bad" if failing else ""}"><b>{failing}</b> failing</span>'
    )


def _fails(state: ProjectState) -> bool:
    deployment = state.deployment.value if state.deployment else None
    ended_badly = deployment is not None and deployment.status in _ENDED_BADLY
    return ended_badly or any(health.up is False for health in state.health.values())


def _row(state: ProjectState, now: float) -> str:
    cells = (
        _project(state),
        _status(state),
        _number("Equity", _equity(state), "{:,.2f}"),
        _number("Drawdown", state.equity.value.drawdown_ratio() if state.equity else None, "{:.2%}"),
        _number("Unrealized PnL", _unrealized(state), "{:+,.2f}"),
        _number("Cash", _cash(state), "{:,.2f}"),
        *(
            _age(source, state.health.get(source), state.settings.polling.stale_after, now)
            for source in Source
        ),
        f'<td class="bad failures">{escape(_failing(state))}</td>',
    )
    return f'<tr class="{"failing" if _fails(state) else ""}">{"".join(cells)}</tr>'


def _project(state: ProjectState) -> str:
    about = (str(state.project_id), state.account, state.account_currency)
    shown = " · ".join(escape(each) for each in about if each)
    # Isolated, for a name written from right to left would turn round what follows it.
    return f'<th scope="row"><bdi>{escape(state.name)}</bdi> <small>{shown}</small></th>'


def _status(state: ProjectState) -> str:
    if state.deployment is None:
        return '<td class="status"></td>'
    deployment = state.deployment.value
    if deployment is None:
        return '<td class="status muted">never deployed</td>'
    look = "good" if deployment.is_running else "bad" if deployment.status in _ENDED_BADLY else "muted"
    return f'<td class="status {look}">{escape(deployment.status.replace("_", " "))}</td>'


def _equity(state: ProjectState) -> float | None:
    latest = state.equity.value.latest if state.equity else None
    return latest.value if latest else None


def _unrealized(state: ProjectState) -> float | None:
    if state.portfolio is None:
        return None
    return _sum([holding.unrealized_pnl for holding in state.portfolio.value.holdings])


def _cash(state: ProjectState) -> float | None:
    return _sum([balance.value for balance in state.portfolio.value.cash]) if state.portfolio else None


def _sum(terms: list[float | None]) -> float | None:
    known = [term for term in terms if term is not None]
    return sum(known) if len(known) == len(terms) else None


def _age(source: Source, health: SourceHealth | None, stale_after: float, now: float) -> str:
    if health is None or health.last_success is None:
        return '<td class="age"></td>'
    age = now - health.last_success
    is_polled = health.up is not None
    look = "age bad" if is_polled and (not health.up or age >= stale_after) else "age"
    return f'<td class="{look}" data-label="{source}" title="{_utc(health.last_success)}">{age:.0f}</td>'


def _failing(state: ProjectState) -> str:
    sources: defaultdict[str, list[str]] = defaultdict(list)
    for source, health in state.health.items():
        if health.up is False:
            sources[str(health.last_failure)].append(source)
    return "; ".join(f"{', '.join(failing)}: {reason}" for reason, failing in sources.items())


def _number(label: str, value: float | None, pattern: str) -> str:
    shown = "" if value is None else pattern.format(value)
    return f'<td class="number" data-label="{label}">{shown}</td>'


def _time(moment: float) -> str:
    return f'<time datetime="{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}">{_utc(moment)}</time>'


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
