"""What a security identifier tells."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.security import OptionRight, Security, SecurityType
from exporter.quantconnect.identifier import decode, security_type_of

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text or "0"


CALL, PUT = OptionRight.CALL, OptionRight.PUT
KNOWN = [
    ("SPY R735QTJ8XC9X", SecurityType.EQUITY, "usa", None, None, "SPY"),
    ("BTCUSD 2XR", SecurityType.CRYPTO, "coinbase", None, None, "BTCUSD"),
    ("EURUSD 8G", SecurityType.FOREX, "oanda", None, None, "EURUSD"),
    ("ES XMXYBDF3IXHD", SecurityType.FUTURE, "cme", date(2021, 3, 19), None, "ES 2021-03-19"),
    ("SPX 31", SecurityType.INDEX, "usa", None, None, "SPX"),
    (
        "SPX XL80P3GHIA9A|SPX 31",
        SecurityType.INDEX_OPTION,
        "usa",
        date(2021, 1, 15),
        CALL,
        "SPX 2021-01-15 C",
    ),
    (
        "GOOCV W78ZERHAT67A|GOOCV VP83T1ZUHROL",
        SecurityType.OPTION,
        "usa",
        date(2016, 1, 15),
        CALL,
        "GOOCV 2016-01-15 C",
    ),
    (
        "AAPL 2ZQGWTST4Z8NA|AAPL R735QTJ8XC9X",
        SecurityType.OPTION,
        "usa",
        date(2014, 6, 13),
        PUT,
        "AAPL 2014-06-13 P",
    ),
    (
        "SPY 31PB4NZP2BWX2|SPY R735QTJ8XC9X",
        SecurityType.OPTION,
        "usa",
        date(2021, 7, 16),
        PUT,
        "SPY 2021-07-16 P",
    ),
]


@pytest.mark.parametrize(("symbol_id", "security_type", "market", "expiry", "right", "symbol"), KNOWN)
def test_genuine_identifiers(symbol_id, security_type, market, expiry, right, symbol):
    """Identifiers that LEAN wrote give type, market, expiry and right."""
    ticker = symbol_id.split(" ", maxsplit=1)[0]
    assert Security(symbol_id, ticker, security_type, market, expiry, right) == decode(symbol_id)
    assert symbol == decode(symbol_id).symbol


@pytest.mark.parametrize("number", range(12))
def test_low_digits_are_the_security_type(number):
    """The two lowest digits are LEAN's number of the security type."""
    assert list(SecurityType)[number] == decode(f"X {base36(100 + number)}").type


def test_every_numbered_type_is_known():
    """There are twelve security types beside the unknown one."""
    assert len(SecurityType) == 12 + 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "base"), (1, "equity"), (7, "crypto"), (11, "crypto_future"), (12, "unknown"), (-1, "unknown")],
)
def test_stated_type_numbers(number, expected):
    """A type that is stated beside the identifier is numbered as in LEAN, and any other is unknown."""
    assert expected == security_type_of(number)


@pytest.mark.parametrize(
    ("market", "expected"),
    [
        (1, "usa"),
        (2, "fxcm"),
        (5, "bitfinex"),
        (6, "cmeglobex"),
        (11, "india"),
        (12, "coinbase"),
        (16, "binance"),
        (23, "cme"),
        (33, "cfe"),
        (37, "bybit"),
        (42, "dydx"),
        (43, "krx"),
        (44, None),
        (27, None),
        (0, None),
        (999, None),
    ],
)
def test_markets(market, expected):
    """The three digits above the type are LEAN's number of the market; one that is not known is not guessed."""
    assert expected == decode(f"X {base36(market * 100 + 7)}").market


@given(
    day=st.integers(1, 80_000),  # until 2119: beyond, puts leave the 64 bits
    strike=st.integers(0, 99_999_999),
    european=st.booleans(),
    put=st.booleans(),
    security_type=st.sampled_from([2, 8, 10]),
)
def test_any_option(day, strike, european, put, security_type):
    """Expiry and right of an option are read whatever its strike and style."""
    properties = int(f"{put:d}{day:05}{european:d}{strike:08}001{security_type:02}")
    decoded = decode(f"X {base36(properties)}|X 31")
    assert date(1899, 12, 30) + timedelta(days=day) == decoded.expiry
    assert (PUT if put else CALL) == decoded.right


def test_continuous_future_has_no_expiry():
    """A continuous future has day 0, which is no date."""
    decoded = decode(f"ES {base36(2305)}")
    assert (decoded.type, decoded.expiry, decoded.symbol) == (SecurityType.FUTURE, None, "ES")


def test_first_day_of_an_equity_is_no_expiry():
    """The date in an equity's identifier is its first day, and equities do not expire."""
    assert decode("SPY R735QTJ8XC9X").expiry is None


def test_strike_is_not_told():
    """No field of a security could hold the strike, whose scale is not safe to read."""
    assert "strike" not in Security.__slots__


@pytest.mark.parametrize(
    ("symbol_id", "ticker"),
    [
        ("", ""),
        (" ", " "),
        ("SPY", "SPY"),
        ("SPY ", "SPY"),
        (" R735QTJ8XC9X", " R735QTJ8XC9X"),
        ("|", ""),
        ("|SPY R735QTJ8XC9X", ""),
        ("SPY R735QTJ8XC9X1", "SPY"),  # more digits than 64 bits
        (f"SPY {base36(2**64 + 85)}", "SPY"),  # as many digits, but more than 64 bits; type 1
        ("SPY ZZZZZZZZZZZZZ", "SPY"),
        ("SPY r735qtj8xc9x", "SPY"),  # LEAN writes upper case
        ("hello world", "hello"),
        ("SPY R735-QTJ8", "SPY"),
        ("SPY +2T", "SPY"),
        ("SPY 1_0", "SPY"),
        ("SPY \u0661", "SPY"),  # a digit, but not of base 36
        ("SPY 1S", "SPY"),  # type 64
        ("SPY C", "SPY"),  # type 12
        ("BRK B 1S", "BRK B"),
    ],
)
def test_what_is_no_identifier_is_unknown(symbol_id, ticker):
    """A text that LEAN would not have written gives the type unknown and nothing else."""
    expected = Security(symbol_id, ticker or symbol_id.split("|")[0], SecurityType.UNKNOWN)
    assert expected == decode(symbol_id)


def test_largest_identifier():
    """The largest number of 64 bits that has a type is still read."""
    assert decode(f"X {base36(2**64 - 105)}").type == SecurityType.CRYPTO_FUTURE


def test_ticker_may_hold_blanks():
    """Only the last part of an identifier is the number."""
    assert decode("BRK B R735QTJ8XC9X").ticker == "BRK B"


@given(st.text() | st.text(alphabet=DIGITS + " |", max_size=30))
def test_any_text_keeps_its_symbol_id(text):
    """Whatever the text, decoding gives a security that carries the text whole."""
    decoded = decode(text)
    assert text == decoded.symbol_id
    assert isinstance(decoded.symbol, str)
