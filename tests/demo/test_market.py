from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.demo import securities
from exporter.demo.market import Market, Quotes, Shock
from tests.demo.world import START

MARKET = Market(7, securities.CONVERSIONS)


@pytest.mark.parametrize("security", [securities.SPY, securities.EURUSD, securities.BTCUSD, securities.TLT])
def test_prices_move_within_ten_seconds(security):
    """Nearly every ten seconds bring another price, and a month keeps it within reason."""
    prices = [MARKET.price(security, START + 10 * step) for step in range(60)]
    assert sum(a != b for a, b in pairwise(prices)) > 45
    month = [MARKET.price(security, START - 3600 * step) for step in range(720)]
    assert security.level / 2 < min(month) < max(month) < security.level * 2


def test_seed_decides_the_market():
    """The same seed gives the same price, another seed another."""
    assert MARKET.price(securities.SPY, START) == Market(7, securities.CONVERSIONS).price(
        securities.SPY, START
    )
    assert MARKET.price(securities.SPY, START) != replace(MARKET, seed=8).price(securities.SPY, START)


def test_option_is_worth_its_intrinsic_value_at_expiry():
    """After the expiry nothing but the intrinsic value is left, two ticks at least."""
    expiry = securities.third_friday(START)
    put = securities.option(securities.SPY, expiry, 700, put=True)
    assert put.option is not None
    end = put.option.expiry
    spot = MARKET.price(securities.SPY, end)
    assert MARKET.price(put, end) == pytest.approx(max(700 - spot, 0.02))
    assert MARKET.price(put, START) > max(700 - MARKET.price(securities.SPY, START), 0)


def test_rates_convert_through_the_dollar():
    """A currency in itself is 1, an unknown one 0, and there and back is 1."""
    quotes = Quotes(MARKET)
    assert quotes.rate("EUR", "EUR", START) == 1
    assert quotes.rate("SEK", "USD", START) == 0
    assert quotes.rate("USDC", "USD", START) == 1
    there, back = quotes.rate("JPY", "EUR", START), quotes.rate("EUR", "JPY", START)
    assert there * back == pytest.approx(1)


def test_shock_counts_from_its_time_and_spares_some():
    """Prices halve from the shock on, except those spared."""
    quotes = Quotes(MARKET, (Shock(START, 0.5, frozenset({securities.EURUSD.symbol_id})),))
    assert quotes.price(securities.SPY, START - 1) == MARKET.price(securities.SPY, START - 1)
    assert quotes.price(securities.SPY, START) == MARKET.price(securities.SPY, START) / 2
    assert quotes.price(securities.EURUSD, START) == MARKET.price(securities.EURUSD, START)
