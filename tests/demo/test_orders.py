"""Orders of the simulated accounts: what is listed is what the ledger holds, in both grammars."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

STOCKS = "US Equities/Long Short Momentum"
STATUSES = {0, 1, 2, 3, None, 6, 7, 8, 9}


def page(client, project_id, start=0, end=1000):
    body = client.ask("live/orders/read", projectId=project_id, start=start, end=end)
    assert body["success"], body
    return body["orders"]


def every_order(client, project_id):
    """Return the whole list in camelCase, page by page."""
    orders: list[Any] = []
    while True:
        body = client.ask("live/orders/read", projectId=project_id, start=len(orders), end=len(orders) + 1000)
        if not body["success"] or not body["orders"]:
            return [as_camel(order) for order in orders]
        orders += body["orders"]


def as_camel(order):
    if "id" in order:
        return order
    made = {name[0].lower() + name[1:]: value for name, value in order.items()}
    return made | {
        "events": [{camel(name): value for name, value in each.items()} for each in made["events"]]
    }


def camel(kebab):
    first, *rest = kebab.split("-")
    return first + "".join(word.capitalize() for word in rest)


def test_fills_and_fees_are_the_ledgers(client, api, clock):
    """For every project, orders, fills and fees of the list are those that its ledger holds."""
    clock.time += 3 * 3600
    for project in api.projects.values():
        state = project.state(api.snapshot_time())
        if state.status != "Running":
            continue
        own = [
            each
            for each in every_order(client, project.project_id)
            if not each["events"] or each["events"][0]["algorithmId"] == state.deploy_id
        ]
        events = [event for order in own for event in order["events"]]
        fills = [
            event
            for event in events
            if event["fillQuantity"] and event["status"] in ("filled", "partiallyFilled")
        ]
        truth = project.trading(api.snapshot_time())
        assert len(own) == truth.orders
        assert sum(event["fillQuantity"] > 0 for event in fills) == truth.buys
        assert sum(event["fillQuantity"] < 0 for event in fills) == truth.sells
        assert amounts(fills, 1) == truth.fees
        assert amounts(fills, -1) == truth.rebates


def amounts(fills, sign):
    """Return the fees of a sign by currency, added up exactly."""
    found: dict[str, Decimal] = {}
    for event in fills:
        amount = Decimal(repr(event.get("orderFeeAmount", 0))) * sign
        if amount > 0:
            currency = event["orderFeeCurrency"]
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found


def test_every_status_over_a_day(client, ids, clock):
    """Looked at every quarter of an hour for a day, orders of one project have each of LEAN's statuses."""
    seen = set()
    for _ in range(96):
        clock.time += 900
        for name in (STOCKS, "Futures Trend"):
            seen |= {order["status"] for order in page(client, ids[name])}
    assert seen == STATUSES


def test_earlier_deployment_has_the_same_ids(client, api, ids):
    """Both deployments count from 1, the earlier one comes first, and one of its orders was never closed."""
    orders = page(client, ids[STOCKS])
    numbers = [order["id"] for order in orders]
    runs = Counter(event["algorithmId"] for order in orders for event in order["events"])
    dead, running = (run.deploy_id for run in api.projects[ids[STOCKS]].deployments)
    assert numbers == [1, 2, 3, 4, *range(1, len(numbers) - 3)]
    assert set(runs) == {dead, running}
    assert [each["status"] for each in orders[:4]].count(1) == 1


def test_each_engine_has_its_grammar(client, ids):
    """Today's engine writes camelCase, older ones PascalCase with kebab-case events."""
    (today, *_), (older, *_) = page(client, ids[STOCKS]), page(client, ids["Perpetuals"])
    assert {"id", "createdTime", "orderSubmissionData", "events"} <= today.keys()
    assert {"algorithmId", "fillQuantity", "orderEventId"} <= today["events"][0].keys()
    assert {"Id", "CreatedTime", "OrderSubmissionData", "Events"} <= older.keys()
    assert {"BidPrice", "AskPrice"} <= older["OrderSubmissionData"].keys()
    assert {"algorithm-id", "fill-quantity", "order-event-id"} <= older["Events"][0].keys()
    assert set(as_camel(older)) <= set(today) | {"limitPrice"}


def test_rejections_come_once_an_hour(client, ids, clock):
    """One project is refused an order each hour; what the brokerage says names an account."""
    before = len(page(client, ids["Futures Trend"]))
    clock.time += 5 * 3600
    orders = page(client, ids["Futures Trend"])
    assert len(orders) == before + 5
    assert orders[-1]["status"] == 7
    assert "DU1234567" in orders[-1]["events"][-1]["message"]


def test_stuck_market_order(client, ids):
    """One market order has waited longer than a quarter of an hour."""
    (stuck,) = [order for order in page(client, ids["Volatility/Short Puts"]) if order["status"] == 1]
    assert (stuck["type"], stuck["createdTime"]) == (0, "2026-11-20T17:56:48Z")


def test_list_is_loading_after_a_launch(client, api, ids, clock):
    """For ten seconds the list of a new deployment is not ready, then it has the old orders and the new."""
    project = api.projects[ids[STOCKS]]
    before = len(page(client, project.project_id))
    project.launch()
    loading = {"progress": 0.4, "status": "loading", "success": True}
    assert client.ask("live/orders/read", projectId=project.project_id, start=0, end=100) == loading
    clock.time += 10
    assert len(page(client, project.project_id)) == before
    clock.time += 5 * 3600
    assert page(client, project.project_id)[before]["id"] == 1


def test_accounts_differ_in_what_they_send_at_once(client, ids):
    """One account sends a thousand orders and an empty page; the other a hundred, and refuses."""
    rejected, europe = ids["Futures Trend"], ids["US Stocks from Europe"]
    whole = client.ask("live/orders/read", projectId=rejected, start=0, end=1000)
    assert whole["length"] == len(whole["orders"]) > 300
    assert page(client, rejected, 5000, 5001) == []
    some = client.ask("live/orders/read", projectId=europe, start=0, end=1000)
    assert some["length"] == len(some["orders"]) == 100
    answer = client.ask("live/orders/read", projectId=europe, start=5000, end=5001)
    assert answer["errors"][0].startswith("Invalid argument: start")


@pytest.mark.parametrize(("start", "end"), [(0, 1001), (5, 5), (-1, 5), (0, None)])
def test_span_is_refused(client, ids, start, end):
    """A span is from 1 to 1,000 orders."""
    answer = client.ask("live/orders/read", projectId=ids[STOCKS], start=start, end=end)
    assert not answer["success"]


def test_launch_begins_anew(api, ids, clock):
    """A new deployment's trading begins at nothing, and goes on as the one before did."""
    project = api.projects[ids['Research/Lab "Signal" 7']]
    clock.time += 600
    assert project.trading(api.snapshot_time()).orders > 10
    project.launch()
    assert project.trading(api.snapshot_time()).orders == 0
    clock.time += 2 * 86_400
    assert project.trading(api.snapshot_time()).orders > 0


def test_capital_is_what_was_paid_in(client, api, ids, clock):
    """Equity less net and unrealized profit is what was paid in, but for estimated exit fees and spreads."""
    project = api.projects[ids['Research/Lab "Signal" 7']]

    def capital():
        statistics = client.ask("live/read", projectId=project.project_id)["runtimeStatistics"]
        equity, net, unrealized = (
            float(statistics[name].replace("$", "").replace(",", ""))
            for name in ("Equity", "Net Profit", "Unrealized")
        )
        return equity - net - unrealized

    assert capital() == pytest.approx(80_000 + 2 * 10_000, abs=20)
    project.deposit(5000)
    clock.time += 5
    assert capital() == pytest.approx(85_000 + 2 * 10_000, abs=20)


def test_order_without_an_event_goes_with_its_deployment(client, api, ids, clock):
    """What was placed at the moment of a new launch, and has no event, is not listed as if it were the new one's."""
    project = api.projects[ids['Research/Lab "Signal" 7']]
    clock.time += 2 * 120
    before = every_order(client, project.project_id)
    assert (before[-1]["events"], before[-1]["createdTime"]) == ([], "2026-11-20T18:44:00Z")
    project.launch()
    clock.time += 300
    assert every_order(client, project.project_id) == before[:-1]
