"""Orders of a deployment: what happens to each is known when it is placed, and shown as time passes."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Final, NamedTuple

from exporter.demo.ledger import Fill
from exporter.demo.market import Security


class OrderType(IntEnum):
    """Numbers of the order types used here (Common/Orders/OrderTypes.cs)."""

    MARKET = 0
    LIMIT = 1
    STOP_MARKET = 2


class OrderStatus(IntEnum):
    """LEAN's order statuses (Common/Orders/OrderTypes.cs)."""

    NEW = 0
    SUBMITTED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 5
    NONE = 6
    INVALID = 7
    CANCEL_PENDING = 8
    UPDATE_SUBMITTED = 9


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A change of an order's status; with a fill when the ledger has it.

    ``lost_quantity`` was filled by the broker, at ``lost_price``, with an event that LEAN's portfolio
    ignores: the ledger does not know of it. Without ``is_told`` the status changes and no event says so.
    """

    time: float
    status: OrderStatus
    fill: Fill | None = None
    lost_quantity: float = 0.0
    lost_price: float = 0.0
    message: str | None = None
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """An order; prices in the quote currency, ``bid``, ``ask`` and ``last`` those of its submission."""

    kind: OrderType
    security: Security
    created: float
    quantity: float
    bid: float
    ask: float
    last: float
    limit_price: float | None
    events: tuple[OrderEvent, ...]

    def status(self, time: float) -> OrderStatus:
        """Return the status at a time."""
        happened = self.happened(time)
        return happened[-1].status if happened else OrderStatus.NEW

    def happened(self, time: float) -> tuple[OrderEvent, ...]:
        """Return the changes up to a time."""
        return tuple(event for event in self.events if event.time <= time)

    def events_told(self, time: float) -> tuple[OrderEvent, ...]:
        """Return the events up to a time."""
        return tuple(event for event in self.happened(time) if event.is_told)

    def last_fill(self, time: float) -> float | None:
        """Return when the order was last filled."""
        return max((event.time for event in self.happened(time) if event.fill), default=None)


class ListedOrder(NamedTuple):
    """An order with its deployment, its id in it, and the moment it is shown at: no later than the run's end."""

    deploy_id: str
    order_id: int
    order: Order
    time: float


@dataclass(slots=True)
class OrderLog:
    """The orders of one deployment. Their ids count from 1 in the order they were created."""

    _orders: list[Order] = field(default_factory=list)

    def add(self, order: Order) -> None:
        """Record an order."""
        self._orders.insert(bisect_right(self._orders, order.created, key=lambda each: each.created), order)

    def placed(self, time: float) -> list[Order]:
        """Return the orders created up to a time: the first has the id 1."""
        return self._orders[: bisect_right(self._orders, time, key=lambda each: each.created)]


_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trading:
    """What a deployment's trading truly came to.

    Fills and fees are those of the ledger; ``fees`` and ``rebates`` by currency, both positive.
    """

    orders: int = 0
    rejections: int = 0
    buys: int = 0
    sells: int = 0
    fills_lost: int = 0
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    rebates: Mapping[str, Decimal] = field(default_factory=dict)


def trading(orders: list[Order], fills: Iterable[Fill], time: float) -> Trading:
    """Return what the orders and the ledger's fills up to a time come to."""
    fees: dict[str, Decimal] = {}
    rebates: dict[str, Decimal] = {}
    buys = sells = 0
    for fill in fills:
        buys, sells = buys + (fill.quantity > 0), sells + (fill.quantity < 0)
        if fill.fee:
            sums, currency = (fees if fill.fee > 0 else rebates), fill.security.currency
            sums[currency] = sums.get(currency, _NOTHING) + abs(Decimal(repr(fill.fee)))
    changes = [(order, order.happened(time)) for order in orders]
    return Trading(
        orders=len(orders),
        rejections=sum(any(e.status is OrderStatus.INVALID for e in events) for _, events in changes),
        buys=buys,
        sells=sells,
        fills_lost=sum(bool(event.lost_quantity) for _, events in changes for event in events),
        fees=fees,
        rebates=rebates,
    )
