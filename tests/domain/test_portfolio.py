"""What a portfolio is worth, holding by holding, and the currency it is in."""

import pytest

from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType


def security(security_type: SecurityType, name: str = "X") -> Security:
    return Security(symbol_id=f"{name} {security_type}", ticker=name, type=security_type)


def holding(
    security_type: SecurityType,
    quantity: float | None = 10.0,
    value: float | None = 1000.0,
    profit: float | None = 50.0,
) -> Holding:
    return Holding(
        security=security(security_type),
        quantity=quantity,
        average_price=95.0,
        market_price=100.0,
        conversion_rate=1.0,
        market_value=value,
        unrealized_pnl=profit,
    )


def cash(currency: str, amount: float, rate: float | None = 1.0) -> CashBalance:
    return CashBalance(currency, amount, rate, None if rate is None else amount * rate)


USD = cash("USD", 20_000.0)

# Cash is what is left after the trade, so that each row adds up to what the account is worth.
BY_TYPE = [
    # 10 units at 2,000: the value replaces the cash spent.
    (SecurityType.BASE, (cash("USD", 80_000.0),), 10.0, 20_000.0, 55.0, 80_000.0 + 20_000.0),
    # 120 shares sold short at 500: cash holds the proceeds, the value is what it costs to buy them back.
    (SecurityType.EQUITY, (cash("USD", 160_000.0),), -120.0, -61_200.0, -1_201.0, 160_000.0 - 61_200.0),
    # 2 calls at 7.50 x 100: the multiplier is inside the value.
    (SecurityType.OPTION, (cash("USD", 8_500.0),), 2.0, 1_500.0, -12.6, 8_500.0 + 1_500.0),
    # 100 units at 80.
    (SecurityType.COMMODITY, (cash("USD", 2_000.0),), 100.0, 8_000.0, 400.0, 2_000.0 + 8_000.0),
    # 10,000 EURUSD: euros bought and dollars paid are both in the cash book already.
    (
        SecurityType.FOREX,
        (cash("USD", 39_200.0), cash("EUR", 10_000.0, 1.1)),
        10_000.0,
        11_000.0,
        200.0,
        39_200.0 + 10_000.0 * 1.1,
    ),
    # 3 contracts: how much of the profit has been settled into cash is not told.
    (SecurityType.FUTURE, (cash("USD", 100_000.0),), 3.0, 1_000_000.0, 4_500.0, None),
    # 3 CFDs on 18,000: cash untouched at entry, only the profit counts, not the 54,000.
    (SecurityType.CFD, (cash("EUR", 60_000.0),), 3.0, 54_000.0, 1_234.5, 60_000.0 + 1_234.5),
    # 0.5 bitcoin at 60,000: the coins are a row of the cash book.
    (
        SecurityType.CRYPTO,
        (cash("USD", 20_000.0), cash("BTC", 0.5, 60_000.0)),
        0.5,
        30_000.0,
        -150.0,
        20_000.0 + 0.5 * 60_000.0,
    ),
    # 1 put on a future at 12.25 x 50: paid for with cash.
    (SecurityType.FUTURE_OPTION, (cash("USD", 5_000.0),), 1.0, 612.5, 10.0, 5_000.0 + 612.5),
    (SecurityType.INDEX, (cash("USD", 1_000.0),), 1.0, 5_000.0, 20.0, 1_000.0 + 5_000.0),
    # 2 calls sold at 31.40 x 100: owed at market value.
    (SecurityType.INDEX_OPTION, (cash("USD", 56_280.0),), -2.0, -6_280.0, -3.4, 56_280.0 - 6_280.0),
    # 0.25 perpetuals on 60,000, in an account in euros: profit is stated in euros already.
    (
        SecurityType.CRYPTO_FUTURE,
        (cash("EUR", 20_000.0), cash("USDT", 50_000.0, 0.9)),
        0.25,
        13_500.0,
        -321.09,
        20_000.0 + 50_000.0 * 0.9 - 321.09,
    ),
    (SecurityType.UNKNOWN, (cash("USD", 1_000.0),), 1.0, 500.0, 5.0, None),
]


@pytest.mark.parametrize(
    ("security_type", "book", "quantity", "value", "profit", "expected"),
    BY_TYPE,
    ids=[row[0].value for row in BY_TYPE],
)
def test_value_follows_the_rule_of_the_security_type(security_type, book, quantity, value, profit, expected):
    """A holding adds its value, its profit or nothing to the cash, as LEAN does for its security type."""
    portfolio = Portfolio((holding(security_type, quantity, value, profit),), book)
    assert expected == portfolio.value()


def test_every_security_type_has_a_rule():
    """The table of expected values leaves out no security type."""
    assert set(SecurityType) == {row[0] for row in BY_TYPE}


def test_value_of_a_mixed_portfolio():
    """Each holding of a mixed portfolio counts by its own rule."""
    portfolio = Portfolio(
        (
            holding(SecurityType.EQUITY, 100, 50_000.0, 700.0),
            holding(SecurityType.OPTION, -2, -900.0, 35.0),
            holding(SecurityType.CRYPTO, 0.5, 30_000.0, 99.0),
            holding(SecurityType.CFD, -5, -9_000.0, -44.0),
            holding(SecurityType.FOREX, 1_000, 1_100.0, 3.0),
            holding(SecurityType.FUTURE, 0, 0.0, 0.0),
        ),
        (cash("USD", 10_000.0), cash("BTC", 0.5, 60_000.0), cash("EUR", 1_000.0, 1.1)),
    )
    # cash 10,000 + 30,000 + 1,100, shares 50,000, options -900, CFD profit -44
    assert portfolio.value() == 41_100.0 + 50_000.0 - 900.0 - 44.0


def test_cents_do_not_get_lost_in_a_sum():
    """Many small amounts add up exactly."""
    portfolio = Portfolio(cash=tuple(cash(f"C{number}", 0.1) for number in range(10)))
    assert portfolio.value() == 1.0


@pytest.mark.parametrize("security_type", SecurityType)
def test_flat_holding_counts_nothing(security_type):
    """A holding of quantity 0 adds 0, whatever its security type and however little is known of it."""
    flat = holding(security_type, 0.0, None, None)
    assert Portfolio((flat,), (USD,)).value() == 20_000.0


@pytest.mark.parametrize("security_type", [SecurityType.FUTURE, SecurityType.UNKNOWN])
def test_value_is_not_given_beside_what_has_no_rule(security_type):
    """One held future, or one holding of unknown type, leaves the whole value unknown."""
    portfolio = Portfolio((holding(SecurityType.EQUITY), holding(security_type)), (USD,))
    assert portfolio.value() is None


@pytest.mark.parametrize(
    ("unknown", "security_type"),
    [
        ({"market_value": None}, SecurityType.EQUITY),
        ({"market_value": None}, SecurityType.OPTION),
        ({"quantity": None}, SecurityType.EQUITY),
        ({"quantity": None}, SecurityType.FUTURE),
        ({"unrealized_pnl": None}, SecurityType.CFD),
        ({"unrealized_pnl": None}, SecurityType.CRYPTO_FUTURE),
    ],
)
def test_value_is_not_given_without_the_number_that_counts(unknown, security_type):
    """The value is unknown when the number that counts for the security type is."""
    assert Portfolio((holding(security_type)._replace(**unknown),), (USD,)).value() is None


@pytest.mark.parametrize(
    ("unknown", "security_type", "expected"),
    [
        ({"unrealized_pnl": None}, SecurityType.EQUITY, 21_000.0),
        ({"market_value": None}, SecurityType.CFD, 20_050.0),
        ({"market_value": None, "unrealized_pnl": None, "quantity": None}, SecurityType.CRYPTO, 20_000.0),
        ({"market_price": None, "conversion_rate": None}, SecurityType.FOREX, 20_000.0),
    ],
)
def test_value_does_not_need_a_number_that_does_not_count(unknown, security_type, expected):
    """A number that the rule does not use may be unknown."""
    assert expected == Portfolio((holding(security_type)._replace(**unknown),), (USD,)).value()


@pytest.mark.parametrize(
    ("quantity", "profit", "expected"),
    [
        (0.5, 0.0, None),  # LEAN may leave it out as smaller than a lot, and it states no profit then
        (-0.5, 0.0, None),
        (0.5, None, None),
        (0.5, 0.01, 21_000.0),  # a profit is stated, so LEAN counts the position
        (0.5, -0.01, 21_000.0),
        (1.0, 0.0, 21_000.0),
        (-1.0, 0.0, 21_000.0),
    ],
)
def test_value_is_not_given_for_what_may_be_below_one_lot(quantity, profit, expected):
    """A fraction of a share without a profit may be below one lot, and then LEAN does not count it."""
    assert expected == Portfolio((holding(SecurityType.EQUITY, quantity, 1000.0, profit),), (USD,)).value()


def test_position_below_one_lot_counts_nothing_where_profit_counts():
    """A CFD below one lot is stated with profit 0, which is also what LEAN counts."""
    assert Portfolio((holding(SecurityType.CFD, 0.5, 900.0, 0.0),), (USD,)).value() == 20_000.0


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        ((), None),
        ((cash("USD", 0.0),), 0.0),
        ((cash("USD", -500.25),), -500.25),
        ((USD, cash("SEK", 100.0, None)), None),
        ((USD, CashBalance("SEK", 0.0, None, 0.0)), 20_000.0),
    ],
)
def test_value_of_cash_alone(book, expected):
    """Cash counts in account currency, and an amount whose rate is not known leaves the value unknown."""
    assert expected == Portfolio(cash=book).value()


def test_value_is_not_given_without_a_cash_book():
    """Holdings beside an empty cash book are not all there is: LEAN's cash book is never empty."""
    assert Portfolio((holding(SecurityType.EQUITY),)).value() is None


def test_sum_too_large_to_hold_is_unknown():
    """Amounts whose sum no float can hold give no value and no exception."""
    assert Portfolio(cash=(cash("A", 1.7e308), cash("B", 1.7e308))).value() is None


EXPOSED = (
    holding(SecurityType.EQUITY, 10, 1_000.0),
    holding(SecurityType.EQUITY, -3, -400.5),
    holding(SecurityType.FUTURE, 1, 250_000.0),
    holding(SecurityType.EQUITY, 0, 0.0),
)


def test_gross_exposure_sums_absolute_values():
    """Gross exposure is the sum of absolute market values, a future's notional included."""
    assert Portfolio(EXPOSED).gross_exposure() == 1_000.0 + 400.5 + 250_000.0


def test_net_exposure_sums_signed_values():
    """Net exposure is the sum of signed market values."""
    assert Portfolio(EXPOSED).net_exposure() == 1_000.0 - 400.5 + 250_000.0


@pytest.mark.parametrize("exposure", [Portfolio.gross_exposure, Portfolio.net_exposure])
def test_exposure_is_unknown_with_one_unknown_value(exposure):
    """An exposure that leaves one holding out would be wrong, so there is none."""
    assert exposure(Portfolio((*EXPOSED, holding(SecurityType.EQUITY, 5, None)))) is None


def test_unrealized_profit_is_summed():
    """A holding whose profit is not known leaves the sum unknown; without holdings it is 0."""
    gain, loss = (holding(SecurityType.EQUITY, 1, 5.0)._replace(unrealized_pnl=pnl) for pnl in (7.5, -2.0))
    assert Portfolio((gain, loss)).unrealized_pnl() == 5.5
    assert Portfolio((gain, loss._replace(unrealized_pnl=None))).unrealized_pnl() is None
    assert Portfolio(cash=(USD,)).unrealized_pnl() == 0.0


def test_cash_is_summed_in_account_currency():
    """A row without a rate leaves the sum unknown, and so does a cash book without rows."""
    book = (cash("EUR", 5.0), cash("USD", 10.0, 0.9))
    assert Portfolio(cash=book).cash_value() == 14.0
    assert Portfolio(cash=(*book, cash("SEK", 5.0, None))).cash_value() is None
    assert Portfolio().cash_value() is None


@pytest.mark.parametrize("exposure", [Portfolio.gross_exposure, Portfolio.net_exposure])
def test_exposure_of_nothing_is_zero(exposure):
    """Without holdings nothing is exposed, which is known."""
    assert exposure(Portfolio(cash=(USD,))) == 0.0


@pytest.mark.parametrize(
    ("book", "known", "expected"),
    [
        ((USD,), None, "USD"),
        ((cash("EUR", 5.0), cash("USD", 7.0, 0.9)), None, "EUR"),
        ((cash("EUR", 0.0), cash("USD", 7.0, 0.9)), None, "EUR"),  # nothing in it, still the account's
        ((USD, cash("USDC", 5.0)), None, None),  # a stablecoin at parity
        ((USD, cash("USDC", 5.0)), "USD", "USD"),
        ((USD, cash("USDC", 5.0)), "USDC", "USDC"),
        ((USD, cash("USDC", 5.0)), "EUR", None),
        ((USD, cash("EUR", 5.0, 1.1)), "EUR", "USD"),  # what was known has been wrong
        ((USD, cash("EUR", 5.0, 1.0)), "USD", "USD"),  # the euro happens to be at parity
        ((cash("SEK", 5.0, None),), None, None),
        ((cash("SEK", 5.0, None),), "SEK", None),
        ((), None, None),
        ((), "USD", "USD"),  # an empty book says nothing
        ((cash("USD", 5.0, 0.999999),), None, None),
    ],
)
def test_account_currency_is_the_one_with_rate_one(book, known, expected):
    """The account currency is the only one with rate 1, or the remembered one among several."""
    assert expected == Portfolio(cash=book).infer_account_currency(known)


def test_portfolios_with_the_same_content_are_equal():
    """Two answers that say the same give equal portfolios, which is how a change is noticed."""
    one = Portfolio((holding(SecurityType.EQUITY),), (cash("USD", 1.0),))
    assert one == Portfolio((holding(SecurityType.EQUITY),), (cash("USD", 1.0),))
    assert one != Portfolio((holding(SecurityType.EQUITY, 11.0),), (cash("USD", 1.0),))
