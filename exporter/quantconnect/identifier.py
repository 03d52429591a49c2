"""Security identifiers: type, market, expiry and right from ``SPX XL80P3GHIA9A|SPX 31``.

The rule is LEAN's ``Common/SecurityIdentifier.cs``: after the ticker comes one base-36 number whose
decimal digits are, from the low end, two for the security type, three for the market, two for the
strike's scale, six for the strike, one for the style, five for the day and one for the right. The
strike is not read: its scale changed on 2025-11-18, so the same digits mean two prices.
"""

from datetime import date, timedelta

from exporter.domain.security import OptionRight, Security, SecurityType

_TYPES = (
    SecurityType.BASE,
    SecurityType.EQUITY,
    SecurityType.OPTION,
    SecurityType.COMMODITY,
    SecurityType.FOREX,
    SecurityType.FUTURE,
    SecurityType.CFD,
    SecurityType.CRYPTO,
    SecurityType.FUTURE_OPTION,
    SecurityType.INDEX,
    SecurityType.INDEX_OPTION,
    SecurityType.CRYPTO_FUTURE,
)

_MARKETS = {
    1: "usa",
    2: "fxcm",
    3: "oanda",
    4: "dukascopy",
    5: "bitfinex",
    6: "cmeglobex",
    7: "nymex",
    8: "cbot",
    9: "ice",
    10: "cboe",
    11: "india",
    12: "coinbase",
    13: "kraken",
    14: "bittrex",
    15: "bithumb",
    16: "binance",
    17: "poloniex",
    18: "coinone",
    19: "hitbtc",
    20: "okcoin",
    21: "bitstamp",
    22: "comex",
    23: "cme",
    24: "sgx",
    25: "hkfe",
    26: "nyseliffe",
    33: "cfe",
    34: "ftx",
    35: "ftxus",
    36: "binanceus",
    37: "bybit",
    38: "coinbase",
    39: "interactivebrokers",
    40: "eurex",
    41: "ose",
    42: "dydx",
    43: "krx",
}
"""LEAN's ``Common/Market.cs``; a number that LEAN has not given has no name."""

_OPTIONS = frozenset({SecurityType.OPTION, SecurityType.FUTURE_OPTION, SecurityType.INDEX_OPTION})
_EXPIRING = _OPTIONS | {SecurityType.FUTURE}

_OLE_AUTOMATION_EPOCH = date(1899, 12, 30)
_TYPE, _MARKET, _DAY, _RIGHT = 100, 1_000, 100_000, 10
_BELOW_MARKET = 10**2
_BELOW_DAY = 10**14
_BELOW_RIGHT = 10**19
_DIGITS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LARGEST_PROPERTIES = 2**64 - 1
_LONGEST_PROPERTIES = 13
"""Base-36 digits of the largest 64-bit number, LEAN's type for the properties."""


def decode(symbol_id: str) -> Security:
    """Return the security that an identifier describes; of type ``unknown`` if the text is not an identifier."""
    own = symbol_id.split("|", 1)[0]
    ticker, _, text = own.rpartition(" ")
    properties = _base36(text)
    if not ticker or properties is None or properties % _TYPE >= len(_TYPES):
        return Security(symbol_id=symbol_id, ticker=ticker or own, type=SecurityType.UNKNOWN)
    security_type = _TYPES[properties % _TYPE]
    return Security(
        symbol_id=symbol_id,
        ticker=ticker,
        type=security_type,
        market=_MARKETS.get(properties // _BELOW_MARKET % _MARKET),
        expiry=_expiry(properties // _BELOW_DAY % _DAY) if security_type in _EXPIRING else None,
        right=_right(properties // _BELOW_RIGHT % _RIGHT) if security_type in _OPTIONS else None,
    )


def security_type_of(number: int) -> SecurityType:
    """Return LEAN's security type for its number, as older engines send it beside the identifier."""
    return _TYPES[number] if 0 <= number < len(_TYPES) else SecurityType.UNKNOWN


def _base36(text: str) -> int | None:
    """Return the number, or ``None`` for a text that LEAN does not write."""
    if not 0 < len(text) <= _LONGEST_PROPERTIES or not set(text) <= _DIGITS:
        return None
    number = int(text, 36)
    return number if number <= _LARGEST_PROPERTIES else None


def _expiry(day: int) -> date | None:
    """Return the date of an OLE automation day; day 0 marks a canonical future or chain."""
    return _OLE_AUTOMATION_EPOCH + timedelta(days=day) if day else None


def _right(digit: int) -> OptionRight | None:
    return {0: OptionRight.CALL, 1: OptionRight.PUT}.get(digit)
