"""Totals of orders: buckets, and what is open."""

from decimal import Decimal

import pytest

from exporter.domain.order import Execution, OpenKind, OrderRecord, OrderStatus, OrderType
from exporter.domain.order_totals import NO_ORDERS, Histogram


def record(
    order_type: OrderType = OrderType.MARKET,
    status: OrderStatus = OrderStatus.SUBMITTED,
    created: float | None = 100.0,
    execution: Execution | None = None,
    *,
    marketable: bool = True,
) -> OrderRecord:
    return OrderRecord(1, order_type, status, created, created, marketable, execution=execution)


@pytest.mark.parametrize(("value", "bucket"), [(0.5, 0), (1.0, 0), (1.5, 1), (5.0, 1), (5.1, 2)])
def test_value_on_a_bound_is_in_its_bucket(value: float, bucket: int):
    """Bounds are inclusive, as ``le`` says."""
    filled = Histogram.empty((1.0, 5.0)).plus([value])
    assert filled.counts[bucket] == 1
    assert (filled.count, filled.sum) == (1, value)
    assert filled.cumulative()[-1] == 1


def test_executions_are_observed():
    """Durations and slippage go into their histograms; one that is not known into none."""
    made = NO_ORDERS.plus(
        [record(execution=Execution(3.9, -0.0007)), record(execution=Execution(None, 0.0)), record()]
    )
    assert made.fill_duration.cumulative() == (0, 1, 1, 1, 1, 1, 1, 1)
    assert made.slippage.cumulative() == (0, 0, 1, 2, 2, 2, 2, 2, 2, 2)
    assert made.slippage.sum == pytest.approx(-0.0007)


def test_oldest_open_order_of_each_kind():
    """An order that should fill at once is told apart from one that waits for its price."""
    made = NO_ORDERS.plus(
        [
            record(created=300.0),
            record(created=200.0),
            record(OrderType.LIMIT, created=50.0, marketable=False),
            record(created=10.0, status=OrderStatus.FILLED),
            record(created=20.0, status=OrderStatus.UNKNOWN),
            record(created=None),
        ]
    )
    assert made.oldest_open == {OpenKind.MARKETABLE: 200.0, OpenKind.RESTING: 50.0}
    assert made.open == {OrderType.MARKET: 3, OrderType.LIMIT: 1}
    assert made.last_order == 300.0


def test_fees_begin_at_zero_in_the_account_currency():
    """The first fee is an increase of a series that is there; a fee that is known stays."""
    assert NO_ORDERS.with_fees_in("USD").fees == {"USD": 0}
    assert NO_ORDERS.with_fees_in(None).fees == {}
    paid = NO_ORDERS._replace(fees={"USD": Decimal(3)})
    assert paid.with_fees_in("USD") is paid
    assert paid.with_fees_in("EUR").fees == {"EUR": 0, "USD": 3}
