import pytest

from exporter.demo.activity import Activity, be_rejected, pay_in
from exporter.demo.deployment import Deployment
from exporter.demo.ledger import Ledger
from exporter.demo.market import Market, Quotes
from exporter.demo.securities import CONVERSIONS, SPY

QUOTES = Quotes(Market(7, CONVERSIONS))


@pytest.fixture
def run():
    """A deployment launched at 1000 that places an order after 10 s, and again every 5 s."""
    made = Deployment("L-1", 1000.0, Ledger({"USD": 500.0}, "USD"), opening_equity=500.0)
    made.plan(Activity(10, 5, SPY, 1, be_rejected))
    return made


def created(run, time):
    return [order.created for order in run.placed_orders(time)]


def test_each_planned_order_is_placed_once(run):
    """However often, and in whatever order of times, a deployment is looked at, each order is placed once."""
    for time in (1009, 1020, 1020, 1012, 1026):
        run.advance(time, QUOTES)
    assert created(run, 2000) == [1010, 1015, 1020, 1025]
    assert created(run, 1015) == [1010, 1015]


def test_each_activity_has_its_own_time(run):
    """Two activities go on side by side, each counted from the launch."""
    run.plan(Activity(0, 7, SPY, 100, pay_in))
    run.advance(1014, QUOTES)
    assert created(run, 1014) == [1010]
    assert run.ledger.book(1014, QUOTES).cash == {"USD": 800}


def test_nothing_is_placed_after_the_end(run):
    """A run that will end is running until then; afterwards it places nothing and stands at its last moment."""
    run.stopped, run.final_status = 1017.0, "RuntimeError"
    run.advance(3000, QUOTES)
    assert [run.status(time) for time in (1016.9, 1017)] == ["Running", "RuntimeError"]
    assert [run.last_moment(time) for time in (1016, 1017, 3000)] == [1016, 1017, 1017]
    assert [order.created for order in run.orders.placed(3000)] == [1010, 1015]


def test_early_end_takes_back_what_was_planned(run):
    """After an end that nobody knew of, orders placed later do not exist, and nothing more happens to earlier ones."""
    run.advance(1100, QUOTES)
    run.stopped = 1015.2
    assert created(run, 3000) == [1010, 1015]
    trading = run.trading(3000)
    assert (trading.orders, trading.rejections) == (2, 1)
