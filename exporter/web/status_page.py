"""The page at ``/``: every project on a row, readable without Grafana."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from exporter import __version__
from exporter.polling.state import ProjectState, Source

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid #8884; text-align: left; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def status_page(states: Iterable[ProjectState], telemetry_path: str) -> str:
    """Return the status page as HTML; every text from outside is escaped, what is not known is blank."""
    header = "".join(f"<th>{escape(title)}</th>" for title in _COLUMNS)
    rows = "\n".join(f"<tr>{''.join(_cells(state))}</tr>" for state in states)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>QuantConnect exporter</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>QuantConnect exporter {escape(__version__)}</h1>
<p><a href="{escape(telemetry_path)}">Metrics</a> · <a href="/-/healthy">Health</a> · \
<a href="/-/ready">Readiness</a></p>
<div class="table">
<table>
<thead><tr>{header}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


_COLUMNS = (
    "Project",
    "Id",
    "Account",
    "Status",
    "Currency",
    "Equity",
    "Drawdown",
    "Unrealized PnL",
    "Cash",
    *(f"Last {source} success" for source in Source),
    "Last error",
)


def _cells(state: ProjectState) -> list[str]:
    deployment = state.deployment.value if state.deployment else None
    return [
        _text(state.name),
        _text(str(state.project_id)),
        _text(state.account),
        _text(deployment.status if deployment else "never deployed" if state.deployment else ""),
        _text(state.account_currency or ""),
        _number(_equity(state), "{:,.2f}"),
        _number(state.equity.value.drawdown_ratio() if state.equity else None, "{:.2%}"),
        _number(_unrealized(state), "{:,.2f}"),
        _number(_cash(state), "{:,.2f}"),
        *(_text(_last_success(state, source)) for source in Source),
        _text(_last_error(state)),
    ]


def _equity(state: ProjectState) -> float | None:
    latest = state.equity.value.latest if state.equity else None
    return latest.value if latest else None


def _unrealized(state: ProjectState) -> float | None:
    return _sum(
        [holding.unrealized_pnl for holding in state.portfolio.value.holdings] if state.portfolio else [None]
    )


def _cash(state: ProjectState) -> float | None:
    return _sum([balance.value for balance in state.portfolio.value.cash] if state.portfolio else [None])


def _sum(terms: list[float | None]) -> float | None:
    known = [term for term in terms if term is not None]
    return sum(known) if len(known) == len(terms) else None


def _last_success(state: ProjectState, source: Source) -> str:
    health = state.health.get(source)
    if health is None or health.last_success is None:
        return ""
    return datetime.fromtimestamp(health.last_success, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _last_error(state: ProjectState) -> str:
    failing = [
        f"{source}: {health.last_failure}" for source, health in state.health.items() if health.last_failure
    ]
    return ", ".join(failing)


def _text(value: str) -> str:
    return f"<td>{escape(value)}</td>"


def _number(value: float | None, pattern: str) -> str:
    shown = "" if value is None else pattern.format(value)
    return f'<td class="number">{shown}</td>'
