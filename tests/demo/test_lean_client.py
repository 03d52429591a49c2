"""QuantConnect's own client, ``lean``, takes the simulator for QuantConnect and sees what ``/metrics`` shows."""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exporter.config.model import ProjectSettings
from tests.support import config_of

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("lean_client.py")


@pytest.fixture(scope="module")
def interpreter() -> str:
    """An interpreter that has ``lean``: it needs a lot of packages, so it has an environment of its own."""
    path = Path(os.environ.get("LEAN_PYTHON", ROOT / ".venv-lean" / "bin" / "python"))
    if not path.exists():
        pytest.skip("no environment with lean: CONTRIBUTING.md says how to make it")
    return str(path)


def seen_by_lean(interpreter: str, api: Any, account: Any) -> Any:
    command = (interpreter, str(SCRIPT), api.base_url, str(account.user_id), account.api_token)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_lean_sees_what_the_page_shows(interpreter, make_bench, api):
    """Projects, live algorithms, holdings, cash and orders of both accounts, number by number."""
    bench = make_bench(config_of(api, ProjectSettings()))
    bench.poll()
    samples = bench.samples()
    compared = 0
    for account in api.accounts:
        seen = seen_by_lean(interpreter, api, account)
        own = {each.project_id: each for each in api.projects.values() if each.account == account.name}
        assert {int(number): name for number, name in seen["projects"].items()} == {
            number: each.name for number, each in own.items()
        }
        assert {row["projectId"] for row in seen["listed"]} == {int(number) for number in seen["live"]}
        for project_id, live in seen["live"].items():
            (info,) = samples.labels("quantconnect_algorithm_info", project_id=project_id)
            assert (info["deploy_id"], live["status"]) == (live["deploy_id"], "Running")
            assert_same_holdings(samples, project_id, live["portfolio"]["holdings"] or {})
            assert_same_cash(samples, project_id, live["portfolio"]["cash"])
            assert_same_orders(samples, project_id, live["deploy_id"], live["orders"])
            compared += 1
    assert compared == 13


def assert_same_holdings(samples, project_id, holdings):
    quantities = {
        symbol_id: next((each[key] for key in ("q", "quantity", "Quantity") if key in each), 0)
        for symbol_id, each in holdings.items()
    }
    shown = {
        each["symbol_id"]: samples.one("quantconnect_holding_quantity", **each)
        for each in samples.labels("quantconnect_holding_quantity", project_id=project_id)
    }
    assert {key: value for key, value in shown.items() if value} == {
        key: value for key, value in quantities.items() if value
    }


def assert_same_cash(samples, project_id, cash):
    shown = {
        each["currency"]: samples.one("quantconnect_cash_amount", **each)
        for each in samples.labels("quantconnect_cash_amount", project_id=project_id)
    }
    assert shown == {currency: pytest.approx(each["amount"]) for currency, each in cash.items()}


def assert_same_orders(samples, project_id, deploy_id, orders):
    """Compare the deployment's own orders by status, and its fills by side."""
    statuses: Counter[str] = Counter()
    sides: Counter[str] = Counter()
    for order in orders:
        events = order.get("events", order.get("Events"))
        if events and deploy_id not in (events[0].get("algorithmId"), events[0].get("algorithm-id")):
            continue
        statuses[STATUSES[order["status"] if "status" in order else order["Status"]]] += 1
        for event in events:
            quantity = event.get("fillQuantity", event.get("fill-quantity"))
            if quantity and event["status"] in ("filled", "partiallyFilled"):
                sides["buy" if quantity > 0 else "sell"] += 1
    labels = {"project_id": project_id}
    shown = {
        each["status"]: samples.one("quantconnect_orders", **each)
        for each in samples.labels("quantconnect_orders", **labels)
    }
    assert {status: count for status, count in shown.items() if count} == statuses
    for side in ("buy", "sell"):
        assert samples.one("quantconnect_fills_total", side=side, **labels) == sides[side]


STATUSES = {
    0: "new",
    1: "submitted",
    2: "partially_filled",
    3: "filled",
    None: "canceled",
    6: "none",
    7: "invalid",
    8: "cancel_pending",
    9: "update_submitted",
}
