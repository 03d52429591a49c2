"""The order book: for any list and any server, its totals are what truly happened."""

import gc
import tracemalloc
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.order import OrderStatus, OrderType, Side
from exporter.domain.order_totals import OrderTotals
from exporter.domain.orders import OrderBook, Span
from tests.domain.cloud import Cloud, Placed

HOUR = 3600.0
CAPS = (100, 250, 1000)
S = OrderStatus

FILLED = (S.FILLED, S.PARTIALLY_FILLED)


def fills(order: Placed, sign: int) -> int:
    return sum(event.status in FILLED and event.fill_quantity * sign > 0 for event in order.events)


def lost(order: Placed) -> int:
    return sum(event.status not in FILLED and event.fill_quantity != 0 for event in order.events)


def assert_true(totals: OrderTotals, cloud: Cloud) -> None:
    """The totals are what happened to the running deployment's orders, neither more nor less."""
    statuses = cloud.statuses()
    assert {status: statuses[status] for status in S} == totals.by_status
    for order_type in OrderType:
        assert totals.placed[order_type] == cloud.counted(lambda each, t=order_type: each.type is t)
        still_open = [each for each in cloud.own() if each.type is order_type and each.status in OPEN]
        assert totals.open.get(order_type, 0) == len(still_open)
    assert totals.rejections == cloud.counted(
        lambda each: any(event.status is S.INVALID for event in each.events)
    )
    assert totals.fills[Side.BUY] == cloud.counted(lambda each: fills(each, 1))
    assert totals.fills[Side.SELL] == cloud.counted(lambda each: fills(each, -1))
    assert totals.fills_lost == cloud.counted(lost)
    paid = [event.fee for each in [*cloud.own(), *cloud.forgotten] for event in each.events]
    assert totals.fees.get("USD", Decimal(0)) == sum(Decimal(repr(fee)) for fee in paid if fee > 0)
    assert totals.rebates.get("USD", Decimal(0)) == -sum(Decimal(repr(fee)) for fee in paid if fee < 0)


OPEN = frozenset(S) - {S.FILLED, S.CANCELED, S.INVALID, S.UNKNOWN}


def counters(totals: OrderTotals) -> list[float]:
    """Return every number of the totals that must never fall."""
    return [
        *totals.placed.values(),
        totals.rejections,
        *totals.fills.values(),
        totals.fills_lost,
        float(totals.fees.get("USD", 0)),
        float(totals.rebates.get("USD", 0)),
        *totals.fill_duration.cumulative(),
        *totals.slippage.cumulative(),
    ]


def change(order: Placed, what: str, now: float) -> None:
    """Let one thing happen to an order that may still change."""
    match what:
        case "submit" if order.status is S.NEW:
            order.happen(S.SUBMITTED, now)
        case "fill part":
            order.happen(S.PARTIALLY_FILLED, now, 0.25, 0.1)
        case "fill":
            order.happen(S.FILLED, now, -1.5, 0.2)
        case "rebate":
            order.happen(S.FILLED, now, 1.0, -0.05)
        case "lose" if order.status not in (S.FILLED, S.CANCELED, S.INVALID):
            order.happen(S.UPDATE_SUBMITTED, now, 3.0)
        case "cancel" if order.status is not S.FILLED:
            order.happen(S.CANCELED, now)
        case "reject" if order.status not in (S.FILLED, S.CANCELED):
            order.happen(S.INVALID, now)
        case "correct" if order.events:
            fee = order.events[-1].fee
            order.events[-1] = order.events[-1]._replace(fee=fee - 0.3 if fee < 0 else fee + 0.3)


CHANGES = ("submit", "fill part", "fill", "rebate", "lose", "cancel", "reject", "correct")
ACTIONS = st.one_of(
    st.tuples(st.just("place"), st.sampled_from([1, 2, 7, 99, 100, 101, 260])),
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 2**16)),
    st.tuples(st.just("wait"), st.sampled_from([60, 300, 2000, 3700])),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("redeploy"), st.just(0)),
    st.tuples(st.just("forget first"), st.sampled_from([1, 5, 150])),
    st.tuples(st.just("forget last"), st.sampled_from([1, 5, 150])),
    st.tuples(st.just("omit first"), st.sampled_from([1, 5, 150])),
    st.tuples(st.just("omit last"), st.sampled_from([1, 5, 150])),
)


@given(
    cap=st.sampled_from(CAPS),
    refuses=st.booleans(),
    actions=st.lists(ACTIONS, max_size=40),
)
def test_totals_equal_the_truth_at_every_poll(
    cap: int,
    refuses: bool,  # noqa: FBT001
    actions: list[tuple[str, int]],
):
    """Whatever happens between two polls, every number is right after each, and no counter falls."""
    cloud = Cloud(cap, refuses)
    book, published = cloud.new_book(), None
    for action, number in [*actions, ("poll", 0)]:
        if action == "place":
            for count in range(number):
                cloud.place(list(OrderType)[count % 3])
        elif action == "wait":
            cloud.now += number
        elif action == "redeploy":
            cloud.redeploy()
            book, published = cloud.new_book(), None
        elif action.startswith(("forget", "omit")):
            book = left_out(cloud, book, action, number)
        elif action == "poll":
            book = complete(cloud, book)
            totals = book.totals()
            assert_true(totals, cloud)
            if published is not None:
                assert all(now >= then for now, then in zip(counters(totals), published, strict=True))
            published = counters(totals)
        elif changeable := [each for each in cloud.orders if may_change(each, cloud.now)]:
            change(changeable[number % len(changeable)], action, cloud.now)


def left_out(cloud: Cloud, book: OrderBook, action: str, number: int) -> OrderBook:
    """Take orders off the list for good, or omit them from one poll alone."""
    positions = slice(number) if action.endswith("first") else slice(-number, None)
    if action.startswith("forget"):
        book = complete(cloud, book)
        cloud.forget(positions)
        return book
    listed = list(cloud.orders)
    del cloud.orders[positions]
    book = complete(cloud, book)
    cloud.orders = listed
    return book


def may_change(order: Placed, now: float) -> bool:
    times = [event.time or 0.0 for event in order.events]
    return order.status in OPEN or not times or now - max(times) < HOUR


def complete(cloud: Cloud, book: OrderBook) -> OrderBook:
    """Poll until nothing is wanted."""
    book = cloud.polled(book)
    while book.wanted is not None:
        book = cloud.polled(book)
    return book


@given(actions=st.lists(ACTIONS, max_size=20), cap=st.sampled_from(CAPS))
def test_restart_forgets_nothing(actions: list[tuple[str, int]], cap: int):
    """A new book reads the same totals that a book of all along has, but for orders no longer listed."""
    cloud = Cloud(cap, refuses=True)
    book = cloud.new_book()
    for action, number in [*actions, ("poll", 0)]:
        if action == "place":
            for _ in range(number):
                cloud.place(OrderType.MARKET)
        elif action == "poll":
            book = complete(cloud, book)
        elif cloud.orders and action in CHANGES:
            change(cloud.orders[number % len(cloud.orders)], action, cloud.now)
    assert complete(cloud, cloud.new_book()).totals() == book.totals()


def test_a_rebate_that_turns_into_a_fee_stays_counted():
    """A later answer that takes a rebate back makes no counter fall: the fee is counted beside it."""
    cloud = Cloud(cap=1000, refuses=True)
    order = cloud.place(OrderType.MARKET)
    order.happen(S.FILLED, cloud.now, 1.0, -0.05)
    book = complete(cloud, cloud.new_book())
    order.events[-1] = order.events[-1]._replace(fee=0.3)
    totals = complete(cloud, book).totals()
    assert (totals.rebates, totals.fees) == ({"USD": Decimal("0.05")}, {"USD": Decimal("0.3")})


@pytest.mark.parametrize(("cap", "expected"), [(1000, 3), (250, 6), (100, 13)])
def test_first_poll_reads_every_page(cap: int, expected: int):
    """1,237 old orders are read in one poll, whatever the server sends at once."""
    cloud = Cloud(cap, refuses=False)
    for _ in range(1237):
        cloud.place().happen(S.FILLED, cloud.now, 10.0)
    cloud.now += 2 * HOUR
    book = cloud.polled(cloud.new_book())
    assert (cloud.requests, book.wanted, book.totals().fills[Side.BUY]) == (expected, None, 1237)


@pytest.mark.parametrize(("cap", "most"), [(1000, 1.01), (250, 1.1), (100, 1.2)])
def test_a_poll_costs_little_more_than_one_request(cap: int, most: float):
    """A week of a deployment that trades every quarter of an hour and leaves orders open for hours."""
    dice = Random(11)  # noqa: S311
    cloud = Cloud(cap, refuses=True)
    book = complete(cloud, cloud.new_book())
    cloud.requests = 0
    waiting = []
    for _ in range(2000):
        cloud.now += 300
        if dice.random() < 0.3:
            order = cloud.place()
            order.happen(S.SUBMITTED, cloud.now)
            if dice.random() < 0.9:
                order.happen(S.FILLED, cloud.now, 10.0)
            else:
                waiting.append(order)
        for order in waiting:
            if dice.random() < 0.02:
                order.happen(S.CANCELED, cloud.now)
        waiting = [order for order in waiting if order.status is S.SUBMITTED]
        book = cloud.polled(book)
        assert book.wanted is None
    assert_true(book.totals(), cloud)
    assert cloud.requests / 2000 < most


def test_long_list_is_read_over_several_polls():
    """3,000 orders in pages of a hundred take more than one poll, and nothing is complete before the last."""
    cloud = Cloud(cap=100, refuses=True)
    for _ in range(3000):
        cloud.place().happen(S.CANCELED, cloud.now)
    cloud.now += 2 * HOUR
    book = cloud.polled(cloud.new_book())
    assert (cloud.requests, book.wanted) == (20, Span(2000, 3000))
    book = cloud.polled(book)
    assert book.wanted is None
    assert book.totals().by_status[S.CANCELED] == 3000


def test_final_orders_are_not_kept():
    """Ten thousand final orders cost less than 64 KiB, while they are read too."""
    cloud = Cloud(cap=1000, refuses=False)
    for number in range(10_000):
        cloud.place(OrderType.MARKET).happen(S.FILLED, cloud.now + number, 10.0, 0.01)
    cloud.now += 1_000_000
    book = cloud.new_book()
    tracemalloc.start()
    try:
        while book.wanted is not None:
            page = cloud.page(*book.wanted)
            book = book.with_page(page or (), cloud.now)
            del page
        gc.collect()  # frees what the interpreter keeps for the next tuples
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert book.totals().fills[Side.BUY] == 10_000
    assert kept < 64 * 1024


def test_list_that_moved_is_told_and_read_anew():
    """LEAN keeps its latest 10,000 orders: what left the list stays counted, and the book says so."""
    cloud = Cloud(cap=1000, refuses=True)
    for _ in range(40):
        cloud.place().happen(S.FILLED, cloud.now, 10.0)
    book = complete(cloud, cloud.new_book())
    cloud.forget(slice(5))
    for _ in range(5):
        cloud.place().happen(S.FILLED, cloud.now, 10.0)
    book = complete(cloud, book)
    assert book.rereads == 1
    assert book.totals().fills[Side.BUY] == 45


@pytest.mark.parametrize("omitted", [slice(2), slice(-2, None)], ids=["first", "last"])
@pytest.mark.parametrize("later", [60.0, 2 * HOUR])
def test_order_that_one_list_leaves_out_is_counted_once(omitted: slice, later: float):
    """Orders that one answer leaves out and the next has again are those known before, and go on as such."""
    cloud = Cloud(cap=1000, refuses=False)
    placed = [cloud.place() for _ in range(6)]
    for order in placed[1:-1]:
        order.happen(S.FILLED, cloud.now, 10.0, 0.5)
    cloud.now += later
    book = complete(cloud, cloud.new_book())
    listed = list(cloud.orders)
    del cloud.orders[omitted]
    book = complete(cloud, book)
    assert sum(book.totals().placed.values()) == 6
    cloud.orders = listed
    for order in (placed[0], placed[-1]):
        order.happen(S.FILLED, cloud.now, 10.0, 0.5)
    assert_true(complete(cloud, book).totals(), cloud)


@pytest.mark.parametrize("later", [60.0, 2 * HOUR])
def test_ids_that_begin_again_are_other_orders(later: float):
    """An algorithm that is restarted under the same deployment id places new orders with the old ids."""
    cloud = Cloud(cap=100, refuses=False)
    book = cloud.new_book()
    for _ in range(3):
        for _ in range(120):
            cloud.place().happen(S.FILLED, cloud.now, 10.0, 0.5)
        book = complete(cloud, book)
        assert_true(book.totals(), cloud)
        cloud.now += later
        cloud.ids = 0
    assert_true(complete(cloud, cloud.new_book()).totals(), cloud)


def test_open_order_that_is_no_longer_listed_is_not_open():
    """Nobody knows the status of an order that left the list, so it never looks stuck."""
    cloud = Cloud(cap=1000, refuses=False)
    cloud.place(OrderType.MARKET)
    cloud.place(OrderType.MARKET).happen(S.SUBMITTED, cloud.now)
    book = complete(cloud, cloud.new_book())
    cloud.forget(slice(1, None))
    totals = complete(cloud, book).totals()
    assert totals.by_status[S.UNKNOWN] == 1
    assert totals.open == {OrderType.MARKET: 1}
    assert totals.placed[OrderType.MARKET] == 2


def test_earlier_deployment_never_counts():
    """Orders of an earlier deployment with the same ids, one of them never closed, add nothing."""
    cloud = Cloud(cap=100, refuses=True)
    for _ in range(30):
        cloud.place().happen(S.SUBMITTED, cloud.now)
    cloud.redeploy()
    cloud.place(OrderType.MARKET).happen(S.FILLED, cloud.now, 10.0)
    book = complete(cloud, cloud.new_book())
    assert sum(book.totals().placed.values()) == 1
    assert not book.totals().open
    cloud.requests = 0
    complete(cloud, book)
    assert cloud.requests == 1


def test_order_whose_deployment_nothing_tells_waits_for_it():
    """Without an event and a time an order is nobody's; it is counted when its deployment is known."""
    unknown = Cloud(cap=100, refuses=False).place().stated._replace(created=None)
    book = OrderBook("L-1", 0.0).with_page([unknown], 100.0)
    assert sum(book.totals().placed.values()) == 0
    book = book.begun()
    assert book.wanted == Span(0, 1000)
    known = unknown._replace(deploy_id="L-1")
    assert sum(book.with_page([known], 100.0).totals().placed.values()) == 1


def test_new_deployment_begins_at_zero():
    """A complete book without orders has every status and type at 0, so that an increase is seen."""
    totals = complete(Cloud(100, refuses=False), OrderBook("L-1", 0.0)).totals()
    assert set(totals.by_status) == set(S)
    assert set(totals.placed) == set(OrderType)
    assert not any([*totals.by_status.values(), *totals.placed.values(), *totals.fills.values()])
    assert (totals.last_order, totals.last_fill, totals.oldest_open) == (None, None, {})
