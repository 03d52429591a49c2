"""States and projects as the members of API answers, in the spelling of three generations of LEAN."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from exporter.demo.deployment import Deployment
from exporter.demo.lean import (
    currency_symbol,
    fees_text,
    money_text,
    return_text,
    rounded,
    smart_rounding_short,
    uptime_text,
)
from exporter.demo.ledger import CashRow, HoldingState
from exporter.demo.market import Security
from exporter.demo.phpjson import LongFloat, PlainObject
from exporter.demo.project import Generation, ProjectState, SimulatedProject

_HOLDING_KEYS: Final[Mapping[Generation, Mapping[str, str]]] = {
    Generation.SHORT: {
        "currency": "c",
        "average": "a",
        "quantity": "q",
        "price": "p",
        "rate": "r",
        "value": "v",
        "unrealized": "u",
        "percent": "up",
    },
    Generation.CAMEL: {
        "symbol": "symbol",
        "type": "type",
        "currency": "currencySymbol",
        "average": "averagePrice",
        "quantity": "quantity",
        "price": "marketPrice",
        "rate": "conversionRate",
        "value": "marketValue",
        "unrealized": "unrealizedPnl",
        "percent": "unrealizedPnLPercent",
    },
    Generation.PASCAL: {
        "symbol": "Symbol",
        "type": "Type",
        "currency": "CurrencySymbol",
        "average": "AveragePrice",
        "quantity": "Quantity",
        "price": "MarketPrice",
        "rate": "ConversionRate",
        "value": "MarketValue",
        "unrealized": "UnrealizedPnl",
        "percent": "UnrealizedPnLPercent",
    },
}

_ENGINES: Final = {Generation.SHORT: 17_210, Generation.CAMEL: 15_430, Generation.PASCAL: 9_120}
"""The LEAN version number each generation stands for."""

_MEGABYTES: Final = 1024

_SOURCE: Final = '''from AlgorithmImports import *


class SimulatedAlgorithm(QCAlgorithm):
    """SECRET ALPHA: the whole source code of a project is part of this answer."""

    def initialize(self):
        self.set_cash(100000)
        self.add_equity("SPY")
'''


def date_text(time: float | None) -> str | None:
    """Return Unix seconds as the API writes times: naive, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S") if time is not None else None


# Portfolio


def portfolio(state: ProjectState, project: SimulatedProject) -> dict[str, Any]:
    """Return the member ``portfolio`` of live/portfolio/read."""
    generation = project.generation
    holdings: dict[str, Any] = {}
    # Flat subscribed assets are written while the algorithm runs; the stored last status leaves them out.
    if state.status == "Running":
        holdings = {security.symbol_id: PlainObject() for security in project.subscribed}
    for holding in state.holdings:
        holdings[holding.symbol_id] = _holding(holding, generation)
    return {"holdings": holdings, "cash": {row.currency: _cash(row, generation) for row in state.cash}}


def _holding(holding: HoldingState, generation: Generation) -> PlainObject:
    security = holding.security
    price = rounded(holding.price, _decimals(security))
    members = {
        "symbol": _symbol(security, generation),
        "type": int(security.kind),
        "currency": currency_symbol(security.currency),
        "average": rounded(holding.average_price, _decimals(security)),
        "quantity": holding.quantity,
        # One price in a few has been through PHP arithmetic.
        "price": LongFloat(price) if round(price / security.tick) % 3 == 0 else price,
        "rate": holding.rate,
        "value": smart_rounding_short(rounded(holding.value, 2)),
        "unrealized": smart_rounding_short(rounded(holding.unrealized, 2)),
        "percent": smart_rounding_short(rounded(holding.unrealized_percent, 2)),
    }
    omitted: Mapping[str, Any] = {}
    if generation is Generation.SHORT:
        omitted = {"currency": "$", "rate": 1.0, "average": 0, "quantity": 0, "price": 0}
    if generation is not Generation.PASCAL:
        omitted = {**omitted, "value": 0, "unrealized": 0, "percent": 0}
    return PlainObject(
        (key, members[name])
        for name, key in _HOLDING_KEYS[generation].items()
        if name not in omitted or members[name] != omitted[name]
    )


def _symbol(security: Security, generation: Generation) -> dict[str, str]:
    symbol = {
        "value": security.ticker,
        "id": security.symbol_id,
        "permtick": security.symbol_id.split(" ")[0],
    }
    if generation is Generation.PASCAL:
        return {"Value": symbol["value"], "ID": symbol["id"], "Permtick": symbol["permtick"]}
    return symbol


def _cash(row: CashRow, generation: Generation) -> dict[str, Any]:
    """Return a row of the cash book, whose keys were never abbreviated."""
    members: dict[str, Any] = {
        "symbol": row.currency,
        "amount": row.amount,
        "conversionRate": row.rate,
        "currencySymbol": currency_symbol(row.currency),
        "valueInAccountCurrency": row.value,
    }
    symbols = [_symbol(row.converted_by, generation)] if row.converted_by else []
    if generation is Generation.PASCAL:
        return {**members, "securitySymbol": symbols[0] if symbols else None}
    return {**members, "securitySymbols": symbols}


def _decimals(security: Security) -> int:
    exponent = Decimal(repr(security.tick)).normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


# Status


def live_row(project: SimulatedProject, run: Deployment, time: float) -> dict[str, Any]:
    """Return one deployment as a row of live/list."""
    return {
        "projectId": project.project_id,
        "deployId": run.deploy_id,
        "status": run.status(time),
        "launched": date_text(run.launched),
        "stopped": date_text(run.stopped) if run.has_ended(time) else None,
        "brokerage": project.brokerage,
        "subscription": "",
        "equity": rounded(project.equity(run, time), 2),
        "environment": "live",
        "description": "",
        "error": run.error if run.has_ended(time) else "",
        "leagues": [],
        "projectName": project.name,
    }


def live_read(state: ProjectState, project: SimulatedProject) -> dict[str, Any]:
    """Return the members of live/read: status, statistics, names of charts, and all source code."""
    running = state.status == "Running"
    held = sorted({holding.security.kind.name.title().replace("_", "") for holding in state.holdings})
    return {
        "message": state.error,
        "deployId": state.deploy_id,
        "status": state.status,
        "cloneId": project.project_id,
        "launched": date_text(state.launched),
        "stopped": date_text(state.stopped),
        "brokerage": project.brokerage,
        "securityTypes": ",".join(held),
        "projectName": project.name,
        "datacenter": "NY7",
        "public": False,
        "isPublicStreaming": False,
        "description": "",
        "files": [
            {"projectId": project.project_id, "name": "main.py", "content": _SOURCE, "isLibrary": False}
        ],
        "runtimeStatistics": runtime_statistics(state, project) if running else {},
        **({"serverStatistics": server_statistics(state, project)} if running else {}),
        "charts": {name: {"name": name} for name in chart_names(project)},
        "deploymentDetails": {"nodeName": "L-MICRO node 1f7e"},
    }


def chart_names(project: SimulatedProject) -> tuple[str, ...]:
    """Return the names of the charts a deployed project has."""
    common = ("Strategy Equity", "Drawdown", "Benchmark", "Exposure")
    return (*common, project.custom_chart) if project.custom_chart else common


def runtime_statistics(state: ProjectState, project: SimulatedProject) -> dict[str, str]:
    """Return the runtime statistics as LEAN writes them, and those the algorithm sets."""
    statistics, currency = state.statistics, state.account_currency
    if statistics is None:
        return {}
    return {
        "Equity": money_text(statistics.equity, currency),
        "Fees": fees_text(statistics.fees, currency),
        "Holdings": money_text(statistics.holdings, currency),
        "Net Profit": money_text(statistics.net_profit, currency),
        "Probabilistic Sharpe Ratio": _sharpe_text(statistics.return_ratio),
        "Return": return_text(statistics.return_ratio),
        "Unrealized": money_text(statistics.unrealized, currency),
        "Volume": money_text(statistics.volume, currency),
        **project.own_statistics(state),
    }


def _sharpe_text(return_ratio: float) -> str:
    """Return a probability that grows with the return: ``9.145%``, or ``0%`` without any."""
    return "0%" if return_ratio == 0 else f"{100 / (1 + math.exp(-20 * return_ratio)):.3f}%"


def server_statistics(state: ProjectState, project: SimulatedProject) -> dict[str, str]:
    """Return what LEAN says about the machine it runs on."""
    swing = math.sin(state.time / 97 + project.project_id)
    return {
        "CPU Usage": f"{12 + 9 * swing:.1f}%",
        "Used RAM (MB)": str(round(_MEGABYTES * project.memory_ratio(state))),
        "Total RAM (MB)": str(_MEGABYTES),
        "Hostname": f"simulated-{project.project_id}",
        "LEAN Version": f"2.5.0.0.{_ENGINES[project.generation]}",
        "Up Time": uptime_text(state.time - (state.launched or state.time)),
    }


# Projects


def project_row(project: SimulatedProject, time: float) -> dict[str, Any]:
    """Return a project as a row of projects/read."""
    run = project.deployment(time)
    engine = _ENGINES[project.generation]
    current = project.generation is Generation.SHORT
    return {
        "projectId": project.project_id,
        "organizationId": hashlib.md5(b"organization", usedforsecurity=False).hexdigest(),
        "name": project.name,
        "description": "",
        "created": date_text(project.created),
        "modified": date_text(run.launched if run else project.created),
        "ownerId": 1,
        "language": "Py",
        "collaborators": [
            {
                "uid": 1,
                "liveControl": True,
                "permission": "write",
                "profileImage": "",
                "name": "Simulated Owner",
                "email": "owner@example.com",
                "owner": True,
            }
        ],
        "leanVersionId": engine,
        "leanPinnedToMaster": current,
        "leanEnvironment": 1,
        "parameters": [],
        "libraries": [],
        "paperEquity": 100_000,
        "lastLiveDeployment": date_text(run.launched) if run else None,
        "liveForm": None,
        "codeRunning": run is not None and not run.has_ended(time),
        "encrypted": False,
        "grid": PlainObject(),
    }


def versions() -> list[dict[str, Any]]:
    """Return the LEAN versions projects/read lists beside the projects."""
    return [
        {"id": number, "name": f"LEAN {number}", "public": 1, "description": generation.value}
        for generation, number in _ENGINES.items()
    ]
