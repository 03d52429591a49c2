"""What deployments do all day: orders of every status, planned ahead and filled from the market."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exporter.demo.ledger import Fill, Ledger, Transfer
from exporter.demo.market import Quotes, Security
from exporter.demo.orders import Order, OrderEvent, OrderLog, OrderStatus, OrderType

_REASON: Final = (
    "Order Error: Insufficient buying power to complete order, "
    "account DU1234567, Reason: margin of 1,234,567.89"
)
_TICKS_AWAY: Final = 25


@dataclass(frozen=True, slots=True)
class Desk:
    """Places a deployment's orders: each fill goes into the ledger."""

    ledger: Ledger
    orders: OrderLog
    quotes: Quotes

    def place(
        self,
        kind: OrderType,
        time: float,
        security: Security,
        quantity: float,
        *events: OrderEvent,
        limit_price: float | None = None,
    ) -> None:
        """Record an order with everything that will happen to it."""
        quotes = self.quotes
        order = Order(
            kind=kind,
            security=security,
            created=time,
            quantity=quantity,
            bid=quotes.bid(security, time),
            ask=quotes.ask(security, time),
            last=quotes.price(security, time),
            limit_price=limit_price,
            events=events,
        )
        self.orders.add(order)
        self.ledger.add(*(event.fill for event in events if event.fill))

    def market(
        self, time: float, security: Security, quantity: float, latency: float = 0.0, ticks: int = 0
    ) -> None:
        """Trade at what the market asks or bids some seconds later, or some ticks worse."""
        filled = self.filled(time + latency, security, quantity, ticks=ticks)
        self.place(OrderType.MARKET, time, security, quantity, _submitted(time), filled)

    def filled(
        self,
        time: float,
        security: Security,
        quantity: float,
        status: OrderStatus = OrderStatus.FILLED,
        *,
        ticks: int = 0,
        price: float | None = None,
        fee_rate: float | None = None,
    ) -> OrderEvent:
        """Return the event of a fill, at the market's price unless one is given, with the security's fee."""
        if price is None:
            quote = (self.quotes.ask if quantity > 0 else self.quotes.bid)(security, time)
            price = round(quote + (ticks if quantity > 0 else -ticks) * security.tick, 10)
        fee = security.fee(quantity, price)
        if fee_rate is not None:
            fee = abs(quantity) * price * security.multiplier * fee_rate
        # LEAN computes fees in decimals: a tail of binary fractions is not on the wire.
        return OrderEvent(time, status, Fill(time, security, quantity, price, round(fee, 6)))


@dataclass(frozen=True, slots=True)
class Activity:
    """Something done ``after`` so many seconds from the launch, and again ``every`` so many.

    ``act`` gets the desk, the activity, how often it was done before, and the time.
    """

    after: float
    every: float
    security: Security
    quantity: float
    act: Callable[[Desk, "Activity", int, float], None]


def trade_around(desk: Desk, plan: Activity, number: int, time: float) -> None:
    """Buy, sell, change, cancel and wait in turn: after six orders the position is what it was."""
    _TURNS[number % len(_TURNS)](desk, plan, number, time)


def be_rejected(desk: Desk, plan: Activity, _number: int, time: float) -> None:
    """Place a market order that the brokerage refuses."""
    rejected = OrderEvent(time + 0.4, OrderStatus.INVALID, message=_REASON)
    desk.place(OrderType.MARKET, time, plan.security, plan.quantity, rejected)


def pay_in(desk: Desk, plan: Activity, _number: int, time: float) -> None:
    """Pay in an amount of the account currency: the quantity."""
    desk.ledger.add(Transfer(time, desk.ledger.account_currency, plan.quantity))


def earn_rebates(desk: Desk, plan: Activity, number: int, time: float) -> None:
    """Buy and sell in turn as a maker, who is paid for it."""
    quantity = plan.quantity if number % 2 == 0 else -plan.quantity
    price = (desk.quotes.bid if quantity > 0 else desk.quotes.ask)(plan.security, time)
    filled = desk.filled(time + plan.every / 3, plan.security, quantity, price=price, fee_rate=-0.0001)
    desk.place(OrderType.LIMIT, time, plan.security, quantity, _submitted(time), filled, limit_price=price)


def stay_open(desk: Desk, time: float, security: Security, quantity: float, kind: OrderType) -> None:
    """Place an order that stays open: stuck if it is a market order, else far from the market."""
    price = None if kind is OrderType.MARKET else _far(desk, security, quantity, time)
    desk.place(kind, time, security, quantity, _submitted(time), limit_price=price)


def lose_fill(desk: Desk, time: float, security: Security, quantity: float) -> None:
    """Place a market order whose fill comes with an event that LEAN's portfolio ignores (TradeStation#79)."""
    price = desk.quotes.price(security, time)
    lost = OrderEvent(time + 2, OrderStatus.UPDATE_SUBMITTED, lost_quantity=quantity, lost_price=price)
    closing = OrderEvent(time + 2.5, OrderStatus.FILLED)
    desk.place(OrderType.MARKET, time, security, quantity, _submitted(time), lost, closing)


def _buy(desk: Desk, plan: Activity, number: int, time: float) -> None:
    """Buy at the market: one order in five takes some seconds and costs some ticks."""
    slow = number % 5
    desk.market(time, plan.security, plan.quantity, latency=0.8 + 2.7 * slow, ticks=slow)


def _sell_with_patience(desk: Desk, plan: Activity, _number: int, time: float) -> None:
    """Sell at a limit that is changed once and reached in two parts."""
    half = -plan.quantity / 2
    price = round(desk.quotes.ask(plan.security, time) + 3 * plan.security.tick, 10)
    part = desk.filled(
        time + plan.every * 0.4, plan.security, half, OrderStatus.PARTIALLY_FILLED, price=price
    )
    rest = desk.filled(time + plan.every * 0.7, plan.security, half, price=price)
    changed = OrderEvent(time + plan.every * 0.2, OrderStatus.UPDATE_SUBMITTED)
    desk.place(
        OrderType.LIMIT,
        time,
        plan.security,
        -plan.quantity,
        _submitted(time),
        changed,
        part,
        rest,
        limit_price=price,
    )


def _change_mind(desk: Desk, plan: Activity, _number: int, time: float) -> None:
    """Ask for a price far from the market and cancel: both take their time."""
    desk.place(
        OrderType.LIMIT,
        time,
        plan.security,
        plan.quantity,
        OrderEvent(time + plan.every * 0.1, OrderStatus.SUBMITTED),
        OrderEvent(time + plan.every * 0.5, OrderStatus.CANCEL_PENDING),
        OrderEvent(time + plan.every * 0.8, OrderStatus.CANCELED),
        limit_price=_far(desk, plan.security, plan.quantity, time),
    )


def _sell_in_parts(desk: Desk, plan: Activity, number: int, time: float) -> None:
    """Sell at the market in two parts."""
    half, wait = -plan.quantity / 2, 15.0 * (1 + number % 4)
    part = desk.filled(time + 4, plan.security, half, OrderStatus.PARTIALLY_FILLED)
    rest = desk.filled(time + wait, plan.security, half, ticks=1)
    desk.place(OrderType.MARKET, time, plan.security, -plan.quantity, _submitted(time), part, rest)


def _stop_in_vain(desk: Desk, plan: Activity, _number: int, time: float) -> None:
    """Place a stop order that has no status at first, is never triggered, and is canceled."""
    desk.place(
        OrderType.STOP_MARKET,
        time,
        plan.security,
        -plan.quantity,
        OrderEvent(time, OrderStatus.NONE, is_told=False),
        OrderEvent(time + plan.every * 0.2, OrderStatus.SUBMITTED),
        OrderEvent(time + plan.every * 0.9, OrderStatus.CANCELED),
    )


_TURNS: Final = (_buy, _sell_with_patience, _change_mind, _buy, _sell_in_parts, _stop_in_vain)


def _submitted(time: float) -> OrderEvent:
    return OrderEvent(time, OrderStatus.SUBMITTED)


def _far(desk: Desk, security: Security, quantity: float, time: float) -> float:
    """Return a price that the market will hardly reach."""
    away = -_TICKS_AWAY if quantity > 0 else _TICKS_AWAY
    return round(desk.quotes.price(security, time) * (1 + away / 100), 2)
