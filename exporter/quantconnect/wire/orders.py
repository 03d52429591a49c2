"""``live/orders/read``: orders and their events, in camelCase, or in PascalCase and kebab-case.

One list may have both: each deployment is written by the engine of its time. ``message`` may hold
account numbers and ``tag`` is the user's own text, so neither is read.
"""

import re
from collections.abc import Mapping
from math import inf, isfinite
from typing import Any, NotRequired, TypeVar

from msgspec import UNSET, Struct, ValidationError, convert, field

from exporter.domain.order import Order, OrderEvent, OrderStatus, OrderType, Quote, latest
from exporter.errors import Malformed, NotReady
from exporter.quantconnect.envelope import Envelope
from exporter.quantconnect.wire.reader import array, cut, first_member, optional_time, text, whole_number

MOST_ORDERS = 2_000
"""Twice what one request may ask for: an answer with more is refused before it fills memory."""
MOST_EVENTS = 30_000
"""Of all orders in an answer."""

_STATUS_NUMBERS = {
    0: OrderStatus.NEW,
    1: OrderStatus.SUBMITTED,
    2: OrderStatus.PARTIALLY_FILLED,
    3: OrderStatus.FILLED,
    5: OrderStatus.CANCELED,
    6: OrderStatus.NONE,
    7: OrderStatus.INVALID,
    8: OrderStatus.CANCEL_PENDING,
    9: OrderStatus.UPDATE_SUBMITTED,
}
_TYPE_NUMBERS = dict(enumerate(each for each in OrderType if each is not OrderType.UNKNOWN))
_UNKNOWN_CURRENCY = "unknown"
_PARTS_OF_AN_ID = 3
"""Deployment, order and event, joined by hyphens; a deployment's id has hyphens too."""

_Named = TypeVar("_Named", OrderStatus, OrderType)
_Number = float | None
_Text = str | None


class _Event(Struct, gc=False):
    """What is read of an event, under the names of either grammar."""

    status: Any
    id: Any = None
    time: _Number = None
    algorithm_id: _Text = field(name="algorithmId", default=None)
    algorithm_id_: _Text = field(name="algorithm-id", default=None)
    fill_price: _Number = field(name="fillPrice", default=None)
    fill_price_: _Number = field(name="fill-price", default=None)
    fill_quantity: _Number = field(name="fillQuantity", default=None)
    fill_quantity_: _Number = field(name="fill-quantity", default=None)
    fee: _Number = field(name="orderFeeAmount", default=None)
    fee_: _Number = field(name="order-fee-amount", default=None)
    fee_currency: _Text = field(name="orderFeeCurrency", default=None)
    fee_currency_: _Text = field(name="order-fee-currency", default=None)


class _Submission(Struct, gc=False):
    """The quote at submission, under the names of either grammar."""

    bid: _Number = field(name="bidPrice", default=None)
    bid_: _Number = field(name="BidPrice", default=None)
    ask: _Number = field(name="askPrice", default=None)
    ask_: _Number = field(name="AskPrice", default=None)
    last: _Number = field(name="lastPrice", default=None)
    last_: _Number = field(name="LastPrice", default=None)


class _Order(Struct, gc=False):
    """What is read of an order, under the names of either grammar."""

    id: Any = None
    id_: Any = field(name="Id", default=None)
    type: Any = None
    type_: Any = field(name="Type", default=None)
    status: Any = UNSET
    status_: Any = field(name="Status", default=UNSET)
    quantity: _Number = None
    quantity_: _Number = field(name="Quantity", default=None)
    time: Any = None
    time_: Any = field(name="Time", default=None)
    created: Any = field(name="createdTime", default=None)
    created_: Any = field(name="CreatedTime", default=None)
    last_fill: Any = field(name="lastFillTime", default=None)
    last_fill_: Any = field(name="LastFillTime", default=None)
    limit_price: _Number = field(name="limitPrice", default=None)
    limit_price_: _Number = field(name="LimitPrice", default=None)
    submission: _Submission | list[Any] | None = field(name="orderSubmissionData", default=None)
    submission_: _Submission | list[Any] | None = field(name="OrderSubmissionData", default=None)
    events: list[_Event] | dict[str, Any] | None = None
    events_: list[_Event] | dict[str, Any] | None = field(name="Events", default=None)


class OrdersShape(Envelope):
    """Today's shape of an answer to ``live/orders/read``: what is read of it."""

    orders: list[_Order]
    status: NotRequired[str | None]


def _by_spelling(numbers: Mapping[int, _Named]) -> Mapping[Any, _Named]:
    """Return each value under its number, as a number and as text, and under its name in two spellings."""
    plain = {name.replace("_", ""): name for name in numbers.values()}
    camel = {re.sub("_(.)", lambda match: match[1].upper(), name): name for name in numbers.values()}
    return {**numbers, **{str(key): name for key, name in numbers.items()}, **plain, **camel}


_STATUSES = _by_spelling(_STATUS_NUMBERS)
_TYPES = _by_spelling(_TYPE_NUMBERS)


def parse_orders(body: Mapping[str, Any], latest_time: float = inf) -> tuple[Order, ...]:
    """Return the orders of an answer to ``live/orders/read``, in the order of the list.

    Raises NotReady while the list is loading, and Malformed with the path of what is wrong, a time
    after ``latest_time`` (Unix seconds) included: it would never look old.
    """
    stated = first_member(body, "orders", "Orders")
    if stated is None or (body.get("status") == "loading" and not stated):
        raise NotReady("the orders are still loading")  # not the same as no orders
    stated = array(stated, "orders")
    if len(stated) > MOST_ORDERS:
        raise Malformed(f"orders: expected at most {MOST_ORDERS}, found {len(stated)}")
    try:
        rows = convert(stated, list[_Order])
    except ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise Malformed(f"orders{place.rstrip('`')}: {problem}") from None
    except UnicodeEncodeError:
        raise Malformed("orders: a text with half a surrogate pair") from None
    if sum(len(row.events or row.events_ or ()) for row in rows) > MOST_EVENTS:
        raise Malformed(f"orders: more than {MOST_EVENTS} events")
    return tuple([_order(row, f"orders[{index}]", latest_time) for index, row in enumerate(rows)])


def _order(row: _Order, path: str, latest_time: float) -> Order:
    events = row.events or row.events_ or []
    if isinstance(events, dict):
        raise Malformed(f"{path}.events: expected an array, found an object")
    created = optional_time(row.created or row.created_, f"{path}.createdTime")
    if created is None:
        created = optional_time(row.time or row.time_, f"{path}.time")
    filled = None if events else optional_time(row.last_fill or row.last_fill_, f"{path}.lastFillTime")
    submission = row.submission or row.submission_
    order = Order(
        id=whole_number(row.id_ if row.id is None else row.id, f"{path}.id"),
        type=_named(_TYPES, row.type_ if row.type is None else row.type, OrderType.UNKNOWN),
        status=_status(row.status_ if row.status is UNSET else row.status),
        quantity=row.quantity or row.quantity_ or 0.0,
        created=created,
        changed=created if filled is None else latest((created, filled)),
        deploy_id=_deploy_id(events),
        quote=_quote(submission) if isinstance(submission, _Submission) else Quote(),
        limit_price=row.limit_price_ if row.limit_price is None else row.limit_price,
        events=tuple([_event(each, path) for each in events]),
    )
    _check(order, path, latest_time)
    return order


def _event(row: _Event, path: str) -> OrderEvent:
    fee = row.fee or row.fee_ or 0.0
    currency = row.fee_currency or row.fee_currency_
    return OrderEvent(
        _status(row.status),
        row.time,
        row.fill_price_ if row.fill_price is None else row.fill_price,
        row.fill_quantity or row.fill_quantity_ or 0.0,
        fee,
        cut(text(currency, f"{path}.events")) if currency else _UNKNOWN_CURRENCY,
    )


def _quote(row: _Submission) -> Quote:
    return Quote(row.bid or row.bid_ or 0.0, row.ask or row.ask_ or 0.0, row.last or row.last_ or 0.0)


def _check(order: Order, path: str, latest_time: float) -> None:
    """Raise Malformed for a number that is not finite, and for a time that cannot be true."""
    if not all(map(isfinite, (order.quantity, order.limit_price or 0.0, *order.quote))):
        raise Malformed(f"{path}: expected finite numbers")
    if order.changed is not None and order.changed > latest_time:
        raise Malformed(f"{path}.time: a time that has not come yet")
    for index, (_, time, price, quantity, fee, _) in enumerate(order.events):
        if not isfinite((time or 0.0) + (price or 0.0) + quantity + fee):
            raise Malformed(f"{path}.events[{index}]: expected finite numbers")
        if time is not None and time > latest_time:
            raise Malformed(f"{path}.events[{index}].time: a time that has not come yet")


def _deploy_id(events: list[_Event]) -> str | None:
    """Return the deployment that the events name, by itself or at the front of their ids: ``L-ab-7-1``."""
    for event in events:
        if stated := event.algorithm_id or event.algorithm_id_:
            return stated
        if isinstance(event.id, str):
            parts = event.id.rsplit("-", _PARTS_OF_AN_ID - 1)
            if len(parts) == _PARTS_OF_AN_ID and parts[1].isdecimal() and parts[2].isdecimal():
                return parts[0]
    return None


def _status(stated: Any) -> OrderStatus:
    """Return a status by its number or name; ``null`` is how a canceled order comes."""
    return OrderStatus.CANCELED if stated is None else _named(_STATUSES, stated, OrderStatus.UNKNOWN)


def _named(names: Mapping[Any, _Named], stated: Any, otherwise: _Named) -> _Named:
    if type(stated) is int:
        return names.get(stated, otherwise)
    if not isinstance(stated, str):
        return otherwise
    return names.get(stated) or names.get(re.sub("[ _-]", "", stated.lower()), otherwise)
