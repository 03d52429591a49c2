"""What deployments do all day, and what it leaves behind."""

from decimal import Decimal

import pytest

from exporter.demo.activity import (
    Activity,
    be_rejected,
    earn_rebates,
    lose_fill,
    stay_open,
    trade_around,
)
from exporter.demo.orders import OrderStatus, OrderType, trading
from exporter.demo.securities import SPY
from tests.demo.world import START, STOCKS, page

HOUR = 3600
LATER = START + 24 * HOUR
STATUSES = {0, 1, 2, 3, None, 6, 7, 8, 9}


def book(desk, time=LATER):
    return desk.ledger.book(time, desk.quotes)


def totals(desk, time=LATER):
    return trading(desk.orders.placed(time), desk.ledger.fills(time), time)


@pytest.mark.parametrize(("quantity", "side"), [(10, 1), (-10, -1)])
def test_market_order_pays_for_its_delay(desk, quantity, side):
    """A market order is filled at what is asked, or bid, when it is filled, and some ticks worse."""
    desk.market(START, SPY, quantity, latency=300, ticks=2)
    (order,), (fill,) = desk.orders.placed(START), desk.ledger.fills(LATER)
    assert (order.bid, order.last, order.ask) == (
        desk.quotes.bid(SPY, START),
        desk.quotes.price(SPY, START),
        desk.quotes.ask(SPY, START),
    )
    assert (fill.time, fill.quantity, fill.fee) == (START + 300, quantity, 1.0)
    assert fill.price == pytest.approx(desk.quotes.price(SPY, START + 300) + side * 3 * SPY.tick)


def test_each_six_orders_end_flat(desk):
    """After every sixth order nothing is held and nothing is open, whatever was slow or came in parts."""
    plan = Activity(0, HOUR, SPY, 10, trade_around)
    held = []
    for number in range(60):
        trade_around(desk, plan, number, START + number * HOUR)
        end = START + (number + 1) * HOUR
        held.append(sum(position.quantity for position in book(desk, end).positions.values()))
        assert all(
            order.status(end) in (OrderStatus.FILLED, OrderStatus.CANCELED)
            for order in desk.orders.placed(end)
        )
    assert held == [10, 0, 0, 10, 0, 0] * 10


def test_rejected_order_changes_no_money(desk):
    """An order that is refused is counted, and neither held nor paid for."""
    be_rejected(desk, Activity(0, HOUR, SPY, 10, be_rejected), 0, START)
    before, after = totals(desk, START), totals(desk)
    assert (before.orders, before.rejections) == (1, 0)
    assert (after.orders, after.rejections, after.buys) == (1, 1, 0)
    assert book(desk).cash == {"USD": 100_000}


def test_makers_are_paid_for_trading(desk):
    """Bought at the bid and sold at the ask, each for a rebate of a ten-thousandth of the value."""
    plan = Activity(0, HOUR, SPY, 10, earn_rebates)
    for number in (0, 1):
        earn_rebates(desk, plan, number, START + number * HOUR)
    bought, sold = desk.quotes.bid(SPY, START), desk.quotes.ask(SPY, START + HOUR)
    assert [(fill.quantity, fill.price) for fill in desk.ledger.fills(LATER)] == [(10, bought), (-10, sold)]
    assert totals(desk).fees == {}
    assert totals(desk).rebates == {"USD": pytest.approx(Decimal((bought + sold) * 10 / 10_000))}
    assert not book(desk).positions


@pytest.mark.parametrize(
    ("kind", "quantity", "factor"),
    [(OrderType.MARKET, 5, None), (OrderType.LIMIT, 5, 0.75), (OrderType.LIMIT, -5, 1.25)],
)
def test_open_orders_stay_open(desk, kind, quantity, factor):
    """A market order hangs; a limit lies a quarter below the price to buy, above it to sell."""
    stay_open(desk, START, SPY, quantity, kind)
    (order,) = desk.orders.placed(START)
    assert order.status(LATER) is OrderStatus.SUBMITTED
    assert not desk.ledger.fills(LATER)
    limit = None if factor is None else pytest.approx(factor * desk.quotes.price(SPY, START), abs=0.005)
    assert order.limit_price == limit


def test_lost_fill_is_unknown_to_the_ledger(desk):
    """The order says that it is filled, and the algorithm neither holds nor paid for anything."""
    lose_fill(desk, START, SPY, 5)
    (order,) = desk.orders.placed(START)
    assert order.status(LATER) is OrderStatus.FILLED
    assert (totals(desk, START).fills_lost, totals(desk).fills_lost, totals(desk).buys) == (0, 1, 0)
    assert (book(desk).cash, book(desk).positions) == ({"USD": 100_000}, {})


def test_every_status_over_a_day(client, ids, clock):
    """Looked at every quarter of an hour for a day, orders of one project have each of LEAN's statuses."""
    seen = set()
    for _ in range(96):
        clock.time += 900
        for name in (STOCKS, "Futures Trend"):
            seen |= {order["status"] for order in page(client, ids[name])}
    assert seen == STATUSES


def test_rejections_come_once_an_hour(client, ids, clock):
    """One project is refused an order each hour; what the brokerage says names an account."""
    before = len(page(client, ids["Futures Trend"]))
    clock.time += 5 * 3600
    orders = page(client, ids["Futures Trend"])
    assert len(orders) == before + 5
    assert orders[-1]["status"] == 7
    assert "DU1234567" in orders[-1]["events"][-1]["message"]
