"""Orders as engines of each generation write them."""

import pytest

from exporter.demo.activity import Activity, lose_fill, stay_open, trade_around
from exporter.demo.orders import ListedOrder, OrderType
from exporter.demo.orders_wire import orders_list
from exporter.demo.project import Generation
from exporter.demo.securities import SPY
from tests.demo.world import START, STOCKS, as_camel, page

LATER = START + 86_400


def written(desk):
    """Return the only order of a desk as today's engine writes it, as the seventh of the deployment L-1."""
    (order,) = desk.orders.placed(LATER)
    (row,) = orders_list([ListedOrder("L-1", 7, order, LATER)], Generation.SHORT)
    return row


@pytest.mark.parametrize(
    ("kind", "has_limit", "has_stop"),
    [
        (OrderType.MARKET, False, False),
        (OrderType.LIMIT, True, False),
        (OrderType.STOP_MARKET, False, True),
    ],
)
def test_prices_are_those_of_the_type(desk, kind, has_limit, has_stop):
    """A limit order has the price of its limit, a stop order that of its stop, a market order neither."""
    stay_open(desk, START, SPY, 5, kind)
    row = written(desk)
    assert (row["type"], "limitPrice" in row, "stopPrice" in row) == (kind, has_limit, has_stop)


def test_events_count_from_one(desk):
    """Events are numbered as they are told, and a change that none tells takes no number."""
    trade_around(desk, Activity(0, 3600, SPY, 10, trade_around), 5, START)
    events = written(desk)["events"]
    assert [(event["id"], event["orderEventId"], event["status"]) for event in events] == [
        ("L-1-7-1", 1, "submitted"),
        ("L-1-7-2", 2, "canceled"),
    ]


def test_lost_fill_comes_with_an_update(desk):
    """What LEAN's portfolio misses stands in an event of an update, and the one that says filled is empty."""
    lose_fill(desk, START, SPY, 5)
    events = [(event["status"], event["fillQuantity"]) for event in written(desk)["events"]]
    assert events == [("submitted", 0), ("updateSubmitted", 5), ("filled", 0)]


def test_each_engine_has_its_grammar(client, ids):
    """Today's engine writes camelCase, older ones PascalCase with kebab-case events."""
    (today, *_), (older, *_) = page(client, ids[STOCKS]), page(client, ids["Perpetuals"])
    assert {"id", "createdTime", "orderSubmissionData", "events"} <= today.keys()
    assert {"algorithmId", "fillQuantity", "orderEventId"} <= today["events"][0].keys()
    assert {"Id", "CreatedTime", "OrderSubmissionData", "Events"} <= older.keys()
    assert {"BidPrice", "AskPrice"} <= older["OrderSubmissionData"].keys()
    assert {"algorithm-id", "fill-quantity", "order-event-id"} <= older["Events"][0].keys()
    assert set(as_camel(older)) <= set(today) | {"limitPrice"}
