from datetime import date

import pytest

from exporter.demo.lean import (
    SecurityType,
    fees_text,
    money_text,
    return_text,
    security_id,
    smart_rounding,
    smart_rounding_short,
    uptime_text,
)


@pytest.mark.parametrize(
    ("made", "genuine"),
    [
        (security_id("SPY", SecurityType.EQUITY, 1, day=date(1998, 1, 2)), "SPY R735QTJ8XC9X"),
        (security_id("BTCUSD", SecurityType.CRYPTO, 38), "BTCUSD 2XR"),
        (security_id("EURUSD", SecurityType.FOREX, 3), "EURUSD 8G"),
        (security_id("BTCUSDT", SecurityType.CRYPTO_FUTURE, 16), "BTCUSDT 18R"),
        (security_id("ES", SecurityType.FUTURE, 23, day=date(2021, 3, 19)), "ES XMXYBDF3IXHD"),
        (security_id("SPX", SecurityType.INDEX, 1), "SPX 31"),
        (
            security_id(
                "SPX",
                SecurityType.INDEX_OPTION,
                1,
                day=date(2021, 1, 15),
                strike=3200,
                european=True,
                underlying="SPX 31",
            ),
            "SPX XL80P3GHIA9A|SPX 31",
        ),
        (
            security_id("GOOCV", SecurityType.OPTION, 1, day=date(2016, 1, 15), strike=745),
            "GOOCV W78ZERHAT67A",
        ),
        (
            security_id(
                "AAPL", SecurityType.OPTION, 1, day=date(2014, 6, 13), strike=660, put=True, strike_scale=4
            ),
            "AAPL 2ZQGWTST4Z8NA",
        ),
        (
            security_id(
                "SPY", SecurityType.OPTION, 1, day=date(2021, 7, 16), strike=385, put=True, strike_scale=4
            ),
            "SPY 31PB4NZP2BWX2",
        ),
    ],
)
def test_identifiers_are_those_lean_makes(made, genuine):
    """The encoder yields genuine identifiers, with the strike scaling of before and after 2025-11."""
    assert made == genuine


def test_fractional_strike_keeps_its_digits():
    """A strike of 102.5 is stored as 1025, and one with more than six digits is refused."""
    assert security_id("A", SecurityType.OPTION, 1, strike=102.5) != security_id(
        "A", SecurityType.OPTION, 1, strike=102
    )
    with pytest.raises(ValueError, match="six"):
        security_id("A", SecurityType.OPTION, 1, strike=1234.567)


@pytest.mark.parametrize(
    ("exact", "short"),
    [
        (27880.32, 27880),
        (-27880.32, -27880.32),
        (100.99, 100),
        (100, 100),
        (99.95, 100.0),
        (55.25, 55.2),
        (9.999, 10.0),
        (1.005, 1.0),
        (1.015, 1.02),
        (1, 1),
        (0.123, 0.123),
        (0, 0),
        (-0.5, -0.5),
    ],
)
def test_short_rounding_is_coarser_upwards_and_spares_negatives(exact, short):
    """Holding values lose their decimals as they grow; up to 1, and below 0, they stay as they are."""
    assert smart_rounding_short(exact) == short


def test_chart_values_keep_four_decimals_or_seven_digits():
    """Above 1000 four decimals, else seven significant digits."""
    assert smart_rounding(98410.399449) == 98410.3994
    assert smart_rounding(1.23456789) == 1.234568
    assert smart_rounding(-98410.399449) == -98410.4


def test_statistics_texts_have_leans_forms():
    """The minus sign stands after the symbol of money, before that of fees; returns have a space."""
    assert money_text(-3348.57, "USD") == "$-3,348.57"
    assert money_text(5741.19, "EUR") == "€5,741.19"
    assert money_text(5, "SEK") == "SEK5.00"
    assert fees_text(84.48, "USD") == "-$84.48"
    assert fees_text(0.0, "USD") == "-$0.00"
    assert return_text(-0.42594) == "-42.59 %"
    assert uptime_text(3 * 86400 + 4 * 3600 + 5 * 60 + 6.7) == "3d 04:05:06"
