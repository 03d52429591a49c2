"""Orders in both grammars, what is never read of them, and what an answer costs."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from exporter.domain.order import Order, OrderEvent, OrderStatus, OrderType, Quote, Side
from exporter.domain.orders import OrderBook
from exporter.errors import Malformed, NotReady
from exporter.quantconnect.wire.orders import parse_orders
from tests.quantconnect.conftest import SAMPLES
from tests.support import ABSENT_SAMPLE

GENUINE = SAMPLES / "qc_api_orders_read_response_2024.json"
GENUINE_DEPLOYMENT = "c8760ee32f7aa8212b6ccf04571c817f"
S = OrderStatus

SUBMITTED = {
    "id": "L-ab-7-1",
    "algorithmId": "L-ab",
    "orderId": 7,
    "orderEventId": 1,
    "symbol": "SPY R735QTJ8XC9X",
    "time": 1795789860.1,
    "status": "submitted",
    "fillPrice": 0.0,
    "fillQuantity": 0.0,
    "direction": "sell",
    "quantity": -10.0,
}
FILLED = {
    **SUBMITTED,
    "id": "L-ab-7-2",
    "orderEventId": 2,
    "time": 1795789864.0,
    "status": "filled",
    "orderFeeAmount": 1.0,
    "orderFeeCurrency": "USD",
    "fillPrice": 601.12,
    "fillQuantity": -10.0,
}
CAMEL = {
    "type": 1,
    "id": 7,
    "brokerId": ["88"],
    "symbol": {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"},
    "price": 601.2,
    "priceCurrency": "USD",
    "time": "2026-11-27T14:31:00Z",
    "createdTime": "2026-11-27T14:31:00Z",
    "lastFillTime": "2026-11-27T14:31:04Z",
    "quantity": -10.0,
    "status": 3,
    "securityType": 1,
    "direction": 1,
    "orderSubmissionData": {"bidPrice": 601.18, "askPrice": 601.22, "lastPrice": 601.2},
    "limitPrice": 601.1,
    "events": [SUBMITTED, FILLED],
}
CREATED = 1795789860.0

KEBAB = {
    "algorithmId": "algorithm-id",
    "fillPrice": "fill-price",
    "fillQuantity": "fill-quantity",
    "orderFeeAmount": "order-fee-amount",
    "orderFeeCurrency": "order-fee-currency",
}


def pascal(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order in PascalCase with events in kebab-case, as older engines write it."""
    made = {name[0].upper() + name[1:]: value for name, value in order.items()}
    made["OrderSubmissionData"] = {
        name[0].upper() + name[1:]: value for name, value in made["OrderSubmissionData"].items()
    }
    made["Events"] = [
        {KEBAB.get(name, name): value for name, value in each.items()} for each in made["Events"]
    ]
    return made


def parsed(**changes: Any) -> Order:
    (order,) = parse_orders({"orders": [{**CAMEL, **changes}], "success": True})
    return order


def genuine() -> Any:
    if not GENUINE.exists():
        pytest.skip(ABSENT_SAMPLE)
    return json.loads(GENUINE.read_text("utf-8"))


@pytest.mark.parametrize("row", [CAMEL, pascal(CAMEL)], ids=["camel", "pascal"])
def test_both_grammars_say_the_same(row: Mapping[str, Any]):
    """An order reads the same in camelCase and in PascalCase with kebab-case events."""
    (order,) = parse_orders({"orders": [row], "length": 1, "success": True})
    assert order == Order(
        id=7,
        type=OrderType.LIMIT,
        status=S.FILLED,
        quantity=-10.0,
        created=CREATED,
        changed=CREATED,
        deploy_id="L-ab",
        quote=Quote(601.18, 601.22, 601.2),
        limit_price=601.1,
        events=(
            OrderEvent(S.SUBMITTED, 1795789860.1, 0.0, 0.0, 0.0, "unknown"),
            OrderEvent(S.FILLED, 1795789864.0, 601.12, -10.0, 1.0, "USD"),
        ),
    )


def test_one_list_may_have_both_grammars():
    """Deployments of different engines stand in one list."""
    orders = parse_orders({"orders": [pascal(CAMEL), CAMEL, pascal(CAMEL)], "success": True})
    assert orders == (orders[0],) * 3


def test_genuine_body():
    """The body of 2024: one filled market order, one buy, 3.6 USD of fees, 2.986e-05 of slippage."""
    book = OrderBook(GENUINE_DEPLOYMENT, None).with_page(parse_orders(genuine()), 1_800_000_000.0)
    totals = book.totals()
    assert totals.by_status[S.FILLED] == totals.placed[OrderType.MARKET] == 1
    assert totals.fills == {Side.BUY: 1, Side.SELL: 0}
    assert totals.fees == {"USD": Decimal("3.6")}
    assert totals.slippage.sum == pytest.approx(2.986e-05, rel=1e-3)
    assert totals.fill_duration.sum == 0.0
    assert totals.last_fill == 1381152660.0


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        (0, S.NEW),
        (1, S.SUBMITTED),
        (2, S.PARTIALLY_FILLED),
        (3, S.FILLED),
        (4, S.UNKNOWN),
        (5, S.CANCELED),
        (6, S.NONE),
        (7, S.INVALID),
        (8, S.CANCEL_PENDING),
        (9, S.UPDATE_SUBMITTED),
        (10, S.UNKNOWN),
        (None, S.CANCELED),
        ("3", S.FILLED),
        ("filled", S.FILLED),
        ("PartiallyFilled", S.PARTIALLY_FILLED),
        ("updateSubmitted", S.UPDATE_SUBMITTED),
        ("cancel-pending", S.CANCEL_PENDING),
        ("Halted", S.UNKNOWN),
        (True, S.UNKNOWN),
        (3.5, S.UNKNOWN),
        ([], S.UNKNOWN),
    ],
)
def test_status_by_number_and_by_name(stated: Any, status: OrderStatus):
    """Numbers, texts and null; what LEAN does not have is unknown, for orders and for events."""
    assert parsed(status=stated).status is status
    assert parsed(events=[{**FILLED, "status": stated}]).events[0].status is status


def test_status_that_is_missing_is_not_canceled():
    """Only null means canceled."""
    assert parse_orders({"orders": [{"id": 1}]})[0].status is S.UNKNOWN


@pytest.mark.parametrize(
    ("stated", "order_type"),
    [
        (0, OrderType.MARKET),
        (4, OrderType.MARKET_ON_OPEN),
        (6, OrderType.OPTION_EXERCISE),
        (11, OrderType.TRAILING_STOP),
        (12, OrderType.UNKNOWN),
        ("stopMarket", OrderType.STOP_MARKET),
        (None, OrderType.UNKNOWN),
    ],
)
def test_type_by_number_and_by_name(stated: Any, order_type: OrderType):
    """LEAN's numbering; a type that it does not have is unknown."""
    assert parsed(type=stated).type is order_type


@pytest.mark.parametrize("stated", [None, "0001-01-01T00:00:00", ""])
def test_time_without_a_creation(stated: str | None):
    """Either time will do where the other is not given; C#'s default value is none."""
    assert parsed(createdTime=stated).created == CREATED
    assert parsed(time=stated).created == CREATED
    assert parsed(time=stated, createdTime=stated).created is None


def test_times_have_fractions():
    """C# writes seven digits of a second."""
    assert parsed(createdTime="2026-11-27T14:31:00.2500000Z").created == CREATED + 0.25


@pytest.mark.parametrize("events", [None, [], {}])
def test_events_may_be_absent(events: Any):
    """Without events an order names no deployment, and its last fill is its last change."""
    order = parsed(events=events)
    assert (order.events, order.deploy_id, order.changed) == ((), None, CREATED + 4)


def test_deployment_stands_at_the_front_of_an_id():
    """An event without ``algorithmId`` names the deployment in its id, hyphens included."""
    event = {name: value for name, value in FILLED.items() if name != "algorithmId"}
    assert parsed(events=[event]).deploy_id == "L-ab"
    assert parsed(events=[{**event, "id": 5}]).deploy_id is None
    assert parsed(events=[{**event, "id": "7-2"}]).deploy_id is None


def test_rebate_and_missing_fee():
    """A fee may be negative, or absent."""
    events = [{**FILLED, "orderFeeAmount": -0.2}, SUBMITTED, {**FILLED, "orderFeeCurrency": None}]
    fees = [(event.fee, event.fee_currency) for event in parsed(events=events).events]
    assert fees == [(-0.2, "USD"), (0.0, "unknown"), (1.0, "unknown")]


@pytest.mark.parametrize("submission", [None, [], {}])
def test_quote_may_be_absent(submission: Any):
    """Without a quote at submission there is no mid."""
    assert parsed(orderSubmissionData=submission).quote.mid() is None


@pytest.mark.parametrize(
    "body",
    [
        {"progress": 0.4, "status": "loading", "success": True},
        {"orders": [], "length": 0, "status": "loading", "success": True},
        {"orders": None, "success": True},
        {"length": 0, "success": True},
    ],
)
def test_loading_is_not_ready(body: Mapping[str, Any]):
    """The list is prepared some ten minutes after a launch; until then nothing is known, which is not 0."""
    with pytest.raises(NotReady, match="still loading"):
        parse_orders(body)


@pytest.mark.parametrize("orders", [[], {}])
def test_no_orders(orders: Any):
    """An empty list is no orders, also in PHP's form."""
    assert parse_orders({"orders": orders, "length": 0}) == ()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": None}, "orders[0].id"),
        ({"quantity": "10"}, "orders[0].quantity"),
        ({"createdTime": "yesterday"}, "orders[0].createdTime"),
        ({"events": [{**FILLED, "fillQuantity": "secret"}]}, "orders[0].events[0].fillQuantity"),
        ({"events": [{**FILLED, "time": "14:31"}]}, "orders[0].events[0].time"),
        ({"events": [SUBMITTED, None]}, "orders[0].events[1]"),
        ({"events": {"1": FILLED}}, "orders[0].events"),
        ({"quantity": float("nan")}, "orders[0]"),
        ({"events": [{**FILLED, "fillPrice": float("inf")}]}, "orders[0].events[0]"),
        ({"events": [{**FILLED, "time": 1795789864000.0}]}, "orders[0].events[0].time"),
        ({"createdTime": "2027-11-27T14:31:00Z", "events": []}, "orders[0].time"),
    ],
)
def test_what_is_wrong_is_named(changes: Mapping[str, Any], path: str):
    """The error names the member, and holds no text of the answer's own."""
    with pytest.raises(Malformed) as raised:
        parse_orders({"orders": [{**CAMEL, **changes}]}, latest_time=CREATED + 3600)
    assert str(raised.value).startswith(f"{path}:")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["orderFeeCurrency", "\ud800"])
def test_half_a_surrogate_pair_is_malformed(name: str):
    """What cannot be written as UTF-8 is refused where it is read; in a tag it does no harm."""
    assert parsed(tag="\ud800") == parsed()
    with pytest.raises(Malformed):
        parse_orders({"orders": [{**CAMEL, "events": [{**FILLED, name: "\ud800"}]}]})


def test_message_and_tag_are_not_read():
    """Nothing of a message or a tag is in an order, whatever they are."""
    told = [{**FILLED, "message": "account U1234567"}, {**FILLED, "message": None}]
    for tag in ("my own words", None, {"a": 1}):
        assert parsed(tag=tag, events=told) == parsed(events=[FILLED, FILLED])
