"""Orders as the members of ``live/orders/read``: camelCase, or PascalCase with kebab-case events."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exporter.demo.market import Security
from exporter.demo.orders import ListedOrder, Order, OrderEvent, OrderStatus, OrderType
from exporter.demo.phpjson import PlainObject
from exporter.demo.project import Generation

_CAPITALS: Final = re.compile("[A-Z]+")
_EVENT_STATUSES: Final = {
    status: status.name.title().replace("_", "")[0].lower() + status.name.title().replace("_", "")[1:]
    for status in OrderStatus
}


def orders_list(orders: Sequence[ListedOrder], generation: Generation) -> list[Any]:
    """Return orders as an engine of a generation writes them."""
    rows = [_order(*each) for each in orders]
    return rows if generation is Generation.SHORT else [_pascal(row) for row in rows]


def _order(deploy_id: str, order_id: int, order: Order, time: float) -> dict[str, Any]:
    status, last_fill = order.status(time), order.last_fill(time)
    created = _time_text(order.created)
    members: dict[str, Any] = {
        "type": int(order.kind),
        "id": order_id,
        "contingentId": 0,
        "brokerId": [str(4_200_000 + order_id)],
        "symbol": _symbol(order.security),
        "price": order.limit_price or order.last,
        "priceCurrency": order.security.currency,
        "time": created,
        "createdTime": created,
        "lastFillTime": None if last_fill is None else _time_text(last_fill),
        "quantity": order.quantity,
        # The converter of the cloud writes null for a canceled order.
        "status": None if status is OrderStatus.CANCELED else int(status),
        "tag": "SECRET TAG: the user's own words",
        "properties": {"timeInForce": PlainObject()},
        "securityType": int(order.security.kind),
        "direction": 0 if order.quantity > 0 else 1,
        "value": order.quantity * order.last,
        "orderSubmissionData": {"bidPrice": order.bid, "askPrice": order.ask, "lastPrice": order.last},
        "isMarketable": order.kind is OrderType.MARKET,
        "priceAdjustmentMode": 1,
    }
    if order.kind is OrderType.LIMIT:
        members["limitPrice"] = order.limit_price
    if order.kind is OrderType.STOP_MARKET:
        members["stopPrice"] = order.last
    told = order.events_told(time)
    members["events"] = [
        _event(deploy_id, order_id, number, order, event) for number, event in enumerate(told, 1)
    ]
    return members


def _event(deploy_id: str, order_id: int, number: int, order: Order, event: OrderEvent) -> dict[str, Any]:
    fill = event.fill
    security = order.security
    fee = {"orderFeeAmount": fill.fee, "orderFeeCurrency": security.currency} if fill and fill.fee else {}
    return {
        "symbolValue": security.ticker,
        "symbolPermtick": security.symbol_id.split(" ")[0],
        "id": f"{deploy_id}-{order_id}-{number}",
        "algorithmId": deploy_id,
        "orderId": order_id,
        "orderEventId": number,
        "symbol": security.symbol_id,
        "time": event.time,
        "status": _EVENT_STATUSES[event.status],
        **fee,
        "fillPrice": fill.price if fill else event.lost_price,
        "fillPriceCurrency": security.currency,
        "fillQuantity": fill.quantity if fill else event.lost_quantity,
        "direction": "buy" if order.quantity > 0 else "sell",
        "message": event.message,
        "isAssignment": False,
        "quantity": order.quantity,
    }


def _symbol(security: Security) -> dict[str, str]:
    return {
        "value": security.ticker,
        "id": security.symbol_id,
        "permtick": security.symbol_id.split(" ")[0],
    }


def _pascal(order: Mapping[str, Any]) -> dict[str, Any]:
    members = {_capital(name): value for name, value in order.items()}
    symbol = {("ID" if name == "id" else _capital(name)): value for name, value in order["symbol"].items()}
    return {
        **members,
        "Symbol": symbol,
        "Properties": {"TimeInForce": PlainObject()},
        "OrderSubmissionData": {
            _capital(name): value for name, value in order["orderSubmissionData"].items()
        },
        "Events": [{_kebab(name): value for name, value in event.items()} for event in order["events"]],
    }


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _kebab(name: str) -> str:
    return _CAPITALS.sub(lambda match: f"-{match[0].lower()}", name)


def _time_text(time: float) -> str:
    """Return a time as C# writes it, with the fraction only when there is one."""
    text = datetime.fromtimestamp(time, UTC).isoformat().removesuffix("+00:00")
    return f"{text}Z"
