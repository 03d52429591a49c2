"""The page at ``/``: every project on a row, readable without Grafana."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from exporter import __version__
from exporter.domain.deployment import AlgorithmStatus
from exporter.polling.state import ProjectState, Source

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; }
p { margin: .3rem 0 1.2rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #8884; text-align: left; white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
th.group { text-align: center; border-bottom: 1px solid #8888; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.small { opacity: .65; font-size: .85em; }
.good { color: #1a9850; }
.bad { color: #e5484d; }
"""

_ENDED_BADLY = frozenset(
    {AlgorithmStatus.RUNTIME_ERROR, AlgorithmStatus.DEPLOY_ERROR, AlgorithmStatus.LIQUIDATED}
)


def status_page(states: Iterable[ProjectState], telemetry_path: str, now: float) -> str:
    """Return the status page as HTML; every text from outside is escaped, what is not known is blank.

    ``now`` is in Unix seconds, UTC.
    """
    sources = "".join(f'<th class="number">{source}</th>' for source in Source)
    rows = "\n".join(f"<tr>{''.join(_cells(state, now))}</tr>" for state in states)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>QuantConnect exporter</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>QuantConnect exporter</h1>
<p class="small">{escape(__version__)} · <a href="{escape(telemetry_path)}">metrics</a> ·
<a href="/-/healthy">health</a> · <a href="/-/ready">readiness</a> · {_utc(now)}</p>
<div class="table">
<table>
<thead>
<tr><th rowspan="2">Project</th><th rowspan="2">Account</th><th rowspan="2">Status</th>
<th rowspan="2"></th><th rowspan="2" class="number">Equity</th><th rowspan="2" class="number">Drawdown</th>
<th rowspan="2" class="number">Unrealized PnL</th><th rowspan="2" class="number">Cash</th>
<th colspan="{len(Source)}" class="group">last success, seconds ago</th><th rowspan="2">Failing</th></tr>
<tr>{sources}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


def _cells(state: ProjectState, now: float) -> list[str]:
    return [
        f'<td>{escape(state.name)} <span class="small">{state.project_id}</span></td>',
        f"<td>{escape(state.account)}</td>",
        _status(state),
        f'<td class="small">{escape(state.account_currency or "")}</td>',
        _number(_equity(state), "{:,.2f}"),
        _number(state.equity.value.drawdown_ratio() if state.equity else None, "{:.2%}"),
        _number(_unrealized(state), "{:+,.2f}"),
        _number(_cash(state), "{:,.2f}"),
        *(_age(state, source, now) for source in Source),
        f'<td class="bad">{escape(_failing(state))}</td>',
    ]


def _status(state: ProjectState) -> str:
    if state.deployment is None:
        return "<td></td>"
    deployment = state.deployment.value
    if deployment is None:
        return '<td class="small">never deployed</td>'
    look = "good" if deployment.is_running else "bad" if deployment.status in _ENDED_BADLY else "small"
    return f'<td class="{look}">{escape(deployment.status.replace("_", " "))}</td>'


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


def _age(state: ProjectState, source: Source, now: float) -> str:
    health = state.health.get(source)
    if health is None or health.last_success is None:
        return "<td></td>"
    return (
        f'<td class="number small" title="{_utc(health.last_success)}">{now - health.last_success:.0f}</td>'
    )


def _failing(state: ProjectState) -> str:
    failing = [
        f"{source}: {health.last_failure}" for source, health in state.health.items() if health.last_failure
    ]
    return ", ".join(failing)


def _number(value: float | None, pattern: str) -> str:
    shown = "" if value is None else pattern.format(value)
    return f'<td class="number">{shown}</td>'


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
