"""An order as one answer of the API states it, and what is remembered of it."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from math import isfinite, nan
from typing import NamedTuple

SETTLING_TIME = 3600.0
"""Seconds after its last event in which a closed order may still change: a late fill, a corrected fee."""

_ROUNDING = 1e-9
_MICROSECONDS = 6
_SLIPPAGE_DECIMALS = 12


class OrderStatus(StrEnum):
    """LEAN's order statuses (``Common/Orders/OrderTypes.cs``), plus ``unknown`` for any other."""

    NEW = "new"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    NONE = "none"
    INVALID = "invalid"
    CANCEL_PENDING = "cancel_pending"
    UPDATE_SUBMITTED = "update_submitted"
    UNKNOWN = "unknown"


class OrderType(StrEnum):
    """LEAN's order types (``Common/Orders/OrderTypes.cs``), plus ``unknown`` for any other."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    MARKET_ON_OPEN = "market_on_open"
    MARKET_ON_CLOSE = "market_on_close"
    OPTION_EXERCISE = "option_exercise"
    LIMIT_IF_TOUCHED = "limit_if_touched"
    COMBO_MARKET = "combo_market"
    COMBO_LIMIT = "combo_limit"
    COMBO_LEG_LIMIT = "combo_leg_limit"
    TRAILING_STOP = "trailing_stop"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """The side of a fill: the values of the label ``side``."""

    BUY = "buy"
    SELL = "sell"


class OpenKind(StrEnum):
    """Whether an open order should fill at once or waits for a price or a time."""

    MARKETABLE = "marketable"
    RESTING = "resting"


CLOSED_STATUSES = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID})
_FILL_STATUSES = frozenset({OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED})
"""LEAN's portfolio takes the fill quantity of events in these statuses only (``HandleOrderEvents``)."""


class OrderEvent(NamedTuple):
    """What happened to an order at ``time``, Unix seconds.

    ``fill_quantity`` is signed; ``fill_price`` is in the symbol's own currency. ``fee`` is in
    ``fee_currency``, negative for a rebate.
    """

    status: OrderStatus
    time: float | None
    fill_price: float | None = None
    fill_quantity: float = 0.0
    fee: float = 0.0
    fee_currency: str = "unknown"


class Quote(NamedTuple):
    """The market when an order was submitted, in the symbol's own currency; 0 is not known."""

    bid: float = 0.0
    ask: float = 0.0
    last: float = 0.0

    def mid(self) -> float | None:
        """Return the middle of bid and ask, or the last price where one of them is not known."""
        if self.bid > 0 and self.ask > 0:
            return (self.bid + self.ask) / 2
        return self.last if self.last > 0 else None


class Order(NamedTuple):
    """One order; ``quantity`` is signed, times are Unix seconds, prices in the symbol's own currency.

    ``id`` is unique within one deployment only. ``deploy_id`` is ``None`` when no event names it.
    ``changed`` is the latest time that the order itself states.
    """

    id: int
    type: OrderType
    status: OrderStatus
    quantity: float
    created: float | None
    changed: float | None
    deploy_id: str | None
    quote: Quote
    limit_price: float | None
    events: tuple[OrderEvent, ...]

    def belongs_to(self, deploy_id: str, launched: float | None) -> bool | None:
        """Tell whether the order belongs to that deployment; ``None`` while that is not known."""
        if self.deploy_id is not None:
            return self.deploy_id == deploy_id
        if self.created is None or launched is None:
            return None
        return self.created >= launched

    def is_marketable(self) -> bool:
        """Tell whether the order should fill at once, by LEAN's rule (``Order.IsMarketable``)."""
        if self.type is OrderType.LIMIT and self.limit_price is not None:
            bid, ask, _ = self.quote
            return 0 < ask <= self.limit_price if self.quantity > 0 else self.limit_price <= bid
        return self.type in (OrderType.MARKET, OrderType.COMBO_MARKET)


Amounts = tuple[tuple[str, Decimal], ...]
"""Amounts by currency: decimals, so that they add up exactly."""


class Execution(NamedTuple):
    """How a market order was filled: seconds from submission to last fill, and slippage as a ratio.

    Slippage is that of the average fill against the quote at submission. What is not known is ``None``.
    """

    duration: float | None
    slippage: float | None


class OrderRecord(NamedTuple):
    """What an order adds to the totals. Times are Unix seconds, ``changed`` is the last of them.

    ``fees`` and ``rebates`` are amounts by currency, both positive. ``rejected`` is whether it ever had
    an ``invalid`` event, ``fills_lost`` how many fills came with events that LEAN's portfolio ignores.
    ``execution`` is set once nothing about it can change, for market orders.
    """

    id: int
    type: OrderType
    status: OrderStatus
    created: float | None
    changed: float | None
    is_marketable: bool
    rejected: bool = False
    buys: int = 0
    sells: int = 0
    fills_lost: int = 0
    last_fill: float | None = None
    fees: Amounts = ()
    rebates: Amounts = ()
    execution: Execution | None = None

    @property
    def is_open(self) -> bool:
        """Whether the order waits for a fill; not known of a status that LEAN does not have."""
        return self.status not in CLOSED_STATUSES and self.status is not OrderStatus.UNKNOWN

    def is_final(self, now: float) -> bool:
        """Tell whether nothing of the order will change after ``now``, Unix seconds."""
        return _is_final(self.status, self.changed, now)

    def after(self, before: "OrderRecord") -> "OrderRecord":
        """Return the record after ``before``, an earlier one of the same order.

        What is counted never falls: a later answer may lack events of an earlier one.
        """
        return self._replace(
            type=before.type,
            rejected=self.rejected or before.rejected,
            buys=max(self.buys, before.buys),
            sells=max(self.sells, before.sells),
            fills_lost=max(self.fills_lost, before.fills_lost),
            last_fill=latest((self.last_fill, before.last_fill)),
            fees=_largest(before.fees, self.fees),
            rebates=_largest(before.rebates, self.rebates),
            execution=before.execution or self.execution,
        )


def record(order: Order, now: float) -> OrderRecord:  # noqa: C901 - one pass over thousands of events
    """Return what an order adds to the totals at ``now``, Unix seconds."""
    rejected = order.status is OrderStatus.INVALID
    buys = sells = lost = 0
    changed, submitted, last_fill = order.changed, None, None
    quantity = value = lost_quantity = 0.0
    fees: dict[str, Decimal] = {}
    rebates: dict[str, Decimal] = {}
    for status, time, fill_price, fill_quantity, fee, currency in order.events:
        if time is not None and (changed is None or time > changed):
            changed = time
        if status is OrderStatus.SUBMITTED and submitted is None:
            submitted = time
        elif status is OrderStatus.INVALID:
            rejected = True
        if fee:
            amounts = fees if fee > 0 else rebates
            amount = Decimal(repr(abs(fee)))
            amounts[currency] = amounts[currency] + amount if currency in amounts else amount
        if not fill_quantity or status is OrderStatus.UNKNOWN:
            continue
        if status not in _FILL_STATUSES:
            lost += 1
            lost_quantity += fill_quantity
            continue
        if fill_quantity > 0:
            buys += 1
        else:
            sells += 1
        if time is not None and (last_fill is None or time > last_fill):
            last_fill = time
        quantity += fill_quantity
        value += nan if fill_price is None else fill_price * fill_quantity
    execution = None
    if order.type is OrderType.MARKET and (buys or sells):
        filled = abs(quantity + lost_quantity)
        # The status may be ahead of the events: an execution counts once no other fill can change it.
        is_whole = order.status is OrderStatus.FILLED and filled >= abs(order.quantity) * (1 - _ROUNDING)
        if is_whole or _is_final(order.status, changed, now):
            execution = Execution(
                _duration(order.created if submitted is None else submitted, last_fill),
                _slippage(order.quote.mid(), quantity, value),
            )
    return OrderRecord(
        order.id,
        order.type,
        order.status,
        order.created,
        changed,
        order.status not in CLOSED_STATUSES and order.is_marketable(),
        rejected,
        buys,
        sells,
        lost,
        last_fill,
        tuple(fees.items()) if fees else (),
        tuple(rebates.items()) if rebates else (),
        execution,
    )


def _is_final(status: OrderStatus, changed: float | None, now: float) -> bool:
    return status in CLOSED_STATUSES and changed is not None and now - changed > SETTLING_TIME


def _duration(submitted: float | None, filled: float | None) -> float | None:
    if submitted is None or filled is None:
        return None
    return max(0.0, round(filled - submitted, _MICROSECONDS))


def _slippage(mid: float | None, quantity: float, value: float) -> float | None:
    """Return side * (average fill - mid) / mid, with a side of 1 to buy and -1 to sell: positive is a cost."""
    if mid is None or not quantity:
        return None
    ratio = (value / quantity - mid) / mid
    if not isfinite(ratio):
        return None
    return round(ratio if quantity > 0 else -ratio, _SLIPPAGE_DECIMALS)


def latest(times: Iterable[float | None]) -> float | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)


def _largest(one: Amounts, other: Amounts) -> Amounts:
    """Return the larger amount of each currency."""
    if one == other:
        return one
    amounts = dict(one)
    for currency, amount in other:
        amounts[currency] = max(amount, amounts.get(currency, amount))
    return tuple(amounts.items())
