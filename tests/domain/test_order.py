"""One order: how it was filled, what LEAN's portfolio ignores, when it is final."""

from decimal import Decimal

import pytest

from exporter.domain.order import (
    Execution,
    Order,
    OrderEvent,
    OrderStatus,
    OrderType,
    Quote,
    record,
)

S = OrderStatus
TIME = 1_795_789_860.0
LATER = TIME + 24 * 3600


QUOTE = Quote(601.18, 601.22, 601.2)


def order(
    *events: OrderEvent,
    quantity: float = -10.0,
    order_type: OrderType = OrderType.MARKET,
    status: OrderStatus = S.FILLED,
    quote: Quote = QUOTE,
    limit_price: float | None = None,
) -> Order:
    return Order(7, order_type, status, quantity, TIME, TIME, "L-ab", quote, limit_price, events)


def executed(made: Order) -> Execution:
    execution = record(made, TIME + 60).execution
    assert execution is not None
    return execution


SUBMITTED = OrderEvent(S.SUBMITTED, TIME + 0.1)
SOLD = OrderEvent(S.FILLED, TIME + 4.0, 601.12, -10.0, 1.0, "USD")


def test_a_sale_below_the_mid_is_a_cost():
    """Sold at 601.12 with a mid of 601.20: 1.331e-04 of slippage, 3.9 s after it was submitted."""
    assert executed(order(SUBMITTED, SOLD)) == Execution(
        pytest.approx(3.9), pytest.approx(1.3307e-4, rel=1e-4)
    )


def test_a_purchase_above_the_mid_is_a_cost():
    """The genuine order of 2024: bought at 138.513986945 between 138.505714984 and that, 2.986e-05."""
    bought = OrderEvent(S.FILLED, TIME, 138.513986945, 720.0, 3.6, "USD")
    quote = Quote(138.505714984, 138.513986945, 138.505714984)
    made = executed(order(OrderEvent(S.SUBMITTED, TIME), bought, quantity=720.0, quote=quote))
    assert made == Execution(0.0, pytest.approx(2.986e-05, rel=1e-3))


@pytest.mark.parametrize(
    ("quote", "slippage"),
    [
        (Quote(0.0, 601.22, 600.0), pytest.approx(-1.12 / 600)),
        (Quote(601.18, 0.0, 602.0), pytest.approx(0.88 / 602)),
        (Quote(0.0, 0.0, 0.0), None),
    ],
)
def test_mid_is_the_last_price_without_a_bid_or_an_ask(quote: Quote, slippage: float | None):
    """One side alone makes no mid; without a last price there is no slippage."""
    assert executed(order(SUBMITTED, SOLD, quote=quote)).slippage == slippage


def test_average_fill_is_weighted_by_quantity():
    """Two fills, 2 at 100 and 8 at 101, average to 100.8."""
    fills = (
        OrderEvent(S.PARTIALLY_FILLED, TIME + 1, 100.0, 2.0),
        OrderEvent(S.FILLED, TIME + 9, 101.0, 8.0),
    )
    made = executed(order(*fills, quantity=10.0, quote=Quote(99.0, 101.0)))
    assert made == Execution(9.0, pytest.approx(0.008))


def test_execution_is_not_told_before_every_fill_has_come():
    """A status may be ahead of its events: nothing is observed that another fill would change."""
    part = OrderEvent(S.PARTIALLY_FILLED, TIME + 1, 601.12, -4.0)
    assert record(order(SUBMITTED, part), TIME + 60).execution is None
    assert record(order(SUBMITTED, part), LATER).execution is not None
    assert record(order(SUBMITTED, SOLD), TIME + 60).execution is not None


def test_only_market_orders_have_an_execution():
    """How long a limit order waits says nothing of the broker."""
    limit = order(SUBMITTED, SOLD, order_type=OrderType.LIMIT, limit_price=601.1)
    assert record(limit, LATER).execution is None


@pytest.mark.parametrize("status", [S.UPDATE_SUBMITTED, S.SUBMITTED, S.CANCELED, S.NEW])
def test_fill_that_the_portfolio_ignores_is_lost(status: OrderStatus):
    """LEAN books fills of filled and partially filled events only, and none of quantity 0."""
    events = (SUBMITTED, OrderEvent(status, TIME + 1, 601.12, -10.0), OrderEvent(S.FILLED, TIME + 2))
    recorded = record(order(*events), LATER)
    assert (recorded.buys, recorded.sells, recorded.fills_lost, recorded.last_fill) == (0, 0, 1, None)


def test_fill_of_an_unknown_status_is_not_judged():
    """Whether LEAN books the fill of an event that we do not know is not known."""
    recorded = record(order(OrderEvent(S.UNKNOWN, TIME, 601.12, -10.0)), LATER)
    assert (recorded.sells, recorded.fills_lost) == (0, 0)


def test_fees_and_rebates_are_apart_and_exact():
    """0.1 and 0.2 are 0.3, and a rebate lowers no fee."""
    events = [OrderEvent(S.FILLED, TIME, 1.0, -1.0, fee, "USD") for fee in (0.1, 0.2, -0.05)]
    recorded = record(order(*events), LATER)
    assert recorded.fees == (("USD", Decimal("0.3")),)
    assert recorded.rebates == (("USD", Decimal("0.05")),)


@pytest.mark.parametrize(
    ("status", "age", "final"),
    [
        (S.FILLED, 3599.0, False),
        (S.FILLED, 3601.0, True),
        (S.CANCELED, 3601.0, True),
        (S.INVALID, 3601.0, True),
        (S.SUBMITTED, 1e6, False),
        (S.UPDATE_SUBMITTED, 1e6, False),
        (S.NONE, 1e6, False),
        (S.UNKNOWN, 1e6, False),
    ],
)
def test_order_is_final_an_hour_after_its_last_event(status: OrderStatus, age: float, final: bool):  # noqa: FBT001
    """A canceled order may still be filled, and a fee corrected, for a while."""
    last = OrderEvent(status, TIME)
    assert record(order(last, status=status), TIME + age).is_final(TIME + age) is final


@pytest.mark.parametrize(
    ("order_type", "quantity", "limit_price", "marketable"),
    [
        (OrderType.MARKET, 1.0, None, True),
        (OrderType.COMBO_MARKET, 1.0, None, True),
        (OrderType.MARKET_ON_OPEN, 1.0, None, False),
        (OrderType.STOP_MARKET, 1.0, None, False),
        (OrderType.LIMIT, 1.0, 601.22, True),
        (OrderType.LIMIT, 1.0, 601.21, False),
        (OrderType.LIMIT, -1.0, 601.18, True),
        (OrderType.LIMIT, -1.0, 601.19, False),
        (OrderType.LIMIT, 1.0, None, False),
    ],
)
def test_marketable_by_leans_rule(
    order_type: OrderType,
    quantity: float,
    limit_price: float | None,
    marketable: bool,  # noqa: FBT001
):
    """Market orders, and limit orders that reach the other side of the quote."""
    made = order(quantity=quantity, order_type=order_type, limit_price=limit_price, status=S.SUBMITTED)
    assert made.is_marketable() is marketable


def test_later_statement_never_takes_back_what_was_counted():
    """An answer without the events of an earlier one lowers no counter; the new status counts."""
    first = record(order(SUBMITTED, SOLD, OrderEvent(S.INVALID, TIME)), TIME)
    later = record(order(status=S.CANCELED, order_type=OrderType.UNKNOWN), TIME).after(first)
    assert later.status is S.CANCELED
    assert (later.type, later.rejected, later.sells) == (OrderType.MARKET, True, 1)
    assert (later.fees, later.last_fill, later.execution) == (first.fees, TIME + 4.0, first.execution)
