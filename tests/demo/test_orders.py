"""Orders of the simulated accounts: what is listed is what the ledger holds."""

from dataclasses import replace
from decimal import Decimal

from exporter.demo.ledger import Fill
from exporter.demo.orders import Order, OrderEvent, OrderLog, OrderStatus, OrderType
from exporter.demo.securities import SPY
from tests.demo.world import every_order

ORDER = Order(OrderType.LIMIT, SPY, created=100, quantity=10, bid=1, ask=3, last=2, limit_price=1, events=())


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


def test_status_is_that_of_the_last_change():
    """An order is new until something happens; a change that no event tells counts as any other."""
    quiet = OrderEvent(101, OrderStatus.NONE, is_told=False)
    told = OrderEvent(102, OrderStatus.SUBMITTED)
    order = replace(ORDER, events=(quiet, told))
    assert [order.status(time) for time in (100, 101, 102)] == [
        OrderStatus.NEW,
        OrderStatus.NONE,
        OrderStatus.SUBMITTED,
    ]
    assert [order.events_told(time) for time in (101, 102)] == [(), (told,)]


def test_last_fill_is_the_latest_so_far():
    """An order has no time of a last fill before its first, and then the latest."""
    events = [OrderEvent(time, OrderStatus.FILLED, Fill(time, SPY, 5, 1, 0)) for time in (102, 104)]
    order = replace(ORDER, events=(*events, OrderEvent(106, OrderStatus.UPDATE_SUBMITTED)))
    assert [order.last_fill(time) for time in (101, 103, 110)] == [None, 102, 104]


def test_ids_count_in_the_order_of_creation():
    """Whatever is planned first, orders stand by their creation, those of one moment as they were added."""
    log = OrderLog()
    times_and_quantities = [(300, 1), (100, 2), (200, 3), (100, 4)]
    for created, quantity in times_and_quantities:
        log.add(replace(ORDER, created=created, quantity=quantity))
    assert [order.quantity for order in log.placed(300)] == [2, 4, 3, 1]
    assert [order.quantity for order in log.placed(200)] == [2, 4, 3]
    assert log.placed(99) == []
