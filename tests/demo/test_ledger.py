import math

import pytest

from exporter.demo.lean import SecurityType
from exporter.demo.ledger import Fill, Ledger, Settlement, Transfer
from exporter.demo.market import Conversion, Market, Quotes, Security

EURUSD = Security("EURUSD 8G", "EURUSD", SecurityType.FOREX, 1.25, 0.01, volatility=0, base_currency="EUR")
QUOTES = Quotes(Market(0, {"USD": Conversion(), "EUR": Conversion(EURUSD)}))


def security(kind, *, multiplier=1.0, base=None, fee_minimum=0.0):
    """Return something priced 100 until time 10 and 110 from time 20, with a tick of 1."""
    return Security(
        "X 1",
        "X",
        kind,
        100.0,
        tick=1.0,
        volatility=0,
        multiplier=multiplier,
        base_currency=base,
        fee_minimum=fee_minimum,
        path=((10, 0.0), (20, math.log(1.1))),
    )


def bought(what, quantity=10.0, currency="USD"):
    ledger = Ledger({currency: 10_000.0}, currency)
    ledger.add(Fill(5, what, quantity, 100.0, 2.0))
    return ledger


@pytest.mark.parametrize(
    "kind",
    [SecurityType.EQUITY, SecurityType.OPTION, SecurityType.INDEX_OPTION, SecurityType.FUTURE_OPTION],
)
def test_bought_holdings_add_their_value(kind):
    """10 at 100 and a fee of 2 leave 8998 of cash; 10 at 110 are worth 1100 more."""
    valuation = bought(security(kind)).valuation(20, QUOTES)
    assert valuation.cash[0].amount == 8998
    assert valuation.equity == 8998 + 1100


def test_short_stock_is_a_negative_value():
    """Ten sold at 100 bring 1000 of cash and owe 1100."""
    assert bought(security(SecurityType.EQUITY), -10.0).valuation(20, QUOTES).equity == 10_998 - 1100


@pytest.mark.parametrize("kind", [SecurityType.CFD, SecurityType.CRYPTO_FUTURE])
def test_margined_holdings_add_what_closing_would_bring(kind):
    """Cash is untouched but for the fee; the term is (109 - 100) x 10 x 5 less an exit fee of 3."""
    valuation = bought(security(kind, multiplier=5.0, fee_minimum=3.0)).valuation(20, QUOTES)
    assert valuation.cash[0].amount == 9998
    assert valuation.holdings[0].value == 5500
    assert valuation.holdings[0].unrealized == 447
    assert valuation.equity == 9998 + 447


def test_settled_profit_of_a_future_is_not_counted_twice():
    """A settlement moves 500 into cash; unrealized still says 450, so the term is 450 - 500."""
    ledger = bought(security(SecurityType.FUTURE, multiplier=5.0))
    before = ledger.valuation(20, QUOTES).equity
    ledger.add(Settlement(21))
    after = ledger.valuation(21, QUOTES)
    assert after.cash[0].amount == 9998 + 500
    assert after.holdings[0].unrealized == 450
    assert after.equity == before == 10_448


def test_closing_a_settled_future_pays_the_rest():
    """After a settlement of 500, selling at 109 pays 450 - 500: the profit is 450 in all."""
    future = security(SecurityType.FUTURE, multiplier=5.0)
    ledger = bought(future)
    ledger.add(Settlement(21), Fill(22, future, -10.0, 109.0, 2.0))
    valuation = ledger.valuation(23, QUOTES)
    assert valuation.holdings == ()
    assert valuation.equity == 10_000 + 450 - 4
    assert ledger.book(23, QUOTES).gross_profit == 450


@pytest.mark.parametrize("kind", [SecurityType.FOREX, SecurityType.CRYPTO])
def test_currencies_are_rows_of_cash(kind):
    """Ten coins at 110 are the second row of the cash book, and the holding adds nothing."""
    what = security(kind, base="COIN")
    quotes = Quotes(Market(0, {"USD": Conversion(), "COIN": Conversion(what)}))
    valuation = bought(what).valuation(20, quotes)
    assert [(row.currency, row.amount, row.rate) for row in valuation.cash] == [
        ("USD", 8998, 1.0),
        ("COIN", 10.0, 110.0),
    ]
    assert valuation.holdings[0].value == 1100
    assert valuation.holdings[0].equity_term == 0
    assert valuation.equity == 8998 + 1100


def test_foreign_stock_is_paid_in_its_own_currency():
    """In a euro account 10 at $100 make a debt of $1000, a fee of $2 costs 1.60, and 0.8 converts all."""
    valuation = bought(security(SecurityType.EQUITY), currency="EUR").valuation(20, QUOTES)
    assert [(row.currency, row.amount, row.rate) for row in valuation.cash] == [
        ("EUR", 9998.4, 1.0),
        ("USD", -1000, 0.8),
    ]
    assert valuation.equity == pytest.approx(9998.4 - 800 + 880)


def test_less_than_a_lot_is_not_invested():
    """Half a lot has a value, but neither profit nor a part in equity."""
    holding = bought(security(SecurityType.EQUITY), 0.5).valuation(20, QUOTES).holdings[0]
    assert (holding.value, holding.unrealized, holding.equity_term) == (55, 0, 0)


def test_turning_a_position_round_realises_the_closed_part():
    """From long 10 at 100, selling 15 at 110 realises 100 and leaves 5 short at 110."""
    stock = security(SecurityType.EQUITY)
    ledger = bought(stock)
    ledger.add(Fill(30, stock, -15.0, 110.0, 0.0))
    book = ledger.book(30, QUOTES)
    position = book.positions["X 1"]
    assert (position.quantity, position.average_price, book.gross_profit) == (-5, 110, 100)


def test_events_may_be_recorded_before_planned_ones():
    """A deposit recorded before a planned settlement counts from its own time on."""
    ledger = bought(security(SecurityType.EQUITY))
    ledger.add(Settlement(100))
    later = ledger.valuation(200, QUOTES).equity
    ledger.add(Transfer(50, "USD", 500.0))
    assert ledger.valuation(49, QUOTES).equity == later
    assert ledger.valuation(200, QUOTES).equity == later + 500
