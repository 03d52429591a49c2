"""Small rules of LEAN: security types, identifiers, rounding, currency symbols, texts of statistics."""

from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import Final


class SecurityType(IntEnum):
    """LEAN's security types, by the number that ends every identifier (Common/Global.cs)."""

    BASE = 0
    EQUITY = 1
    OPTION = 2
    COMMODITY = 3
    FOREX = 4
    FUTURE = 5
    CFD = 6
    CRYPTO = 7
    FUTURE_OPTION = 8
    INDEX = 9
    INDEX_OPTION = 10
    CRYPTO_FUTURE = 11


class MarketId(IntEnum):
    """Numbers of the markets used here (Common/Market.cs)."""

    USA = 1
    OANDA = 3
    BINANCE = 16
    COMEX = 22
    CME = 23
    COINBASE = 38


STRIKE_SCALE: Final = 6
"""Decimal places a strike is stored with since November 2025; 4 before (Lean#9086)."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OLE_EPOCH: Final = date(1899, 12, 30)

# Several currencies share "$", which is why the symbol alone names none of them (Common/Currencies.cs).
_CURRENCY_SYMBOLS: Final = {
    **dict.fromkeys(("USD", "AUD", "CAD", "NZD", "HKD", "SGD", "MXN"), "$"),
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CHF": "Fr",
    "BTC": "₿",
    "ETH": "Ξ",
    "USDT": "₮",
}


def security_id(  # noqa: PLR0913 - the fields of an identifier
    ticker: str,
    kind: SecurityType,
    market: int,
    *,
    day: date | None = None,
    strike: float = 0,
    put: bool = False,
    european: bool = False,
    strike_scale: int = STRIKE_SCALE,
    underlying: str | None = None,
) -> str:
    """Return LEAN's identifier, ``TICKER PROPS`` or ``TICKER PROPS|UNDERLYING`` (SecurityIdentifier.cs).

    ``day`` is the first trading day of an equity and the expiry of a derivative.
    """
    digits, scale = _scaled_strike(strike, strike_scale)
    properties = (
        int(kind)
        + market * 10**2
        + scale * 10**5
        + digits * 10**7
        + european * 10**13
        + ((day - _OLE_EPOCH).days if day else 0) * 10**14
        + put * 10**19
    )
    identifier = f"{ticker} {base36(properties)}"
    return f"{identifier}|{underlying}" if underlying else identifier


def _scaled_strike(strike: float, decimals: int) -> tuple[int, int]:
    """Return the strike as at most six digits and a power of ten (NormalizeStrike)."""
    digits, scale = int(Decimal(repr(strike)).scaleb(decimals)), 0
    while digits and digits % 10 == 0:
        digits, scale = digits // 10, scale + 1
    if digits >= 10**6:
        raise ValueError(f"the strike {strike} has more than six significant digits")
    return digits, scale


def base36(number: int) -> str:
    """Return a number in base 36, upper case."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def rounded(number: float, places: int) -> float:
    """Round as C#'s ``Math.Round`` does on a decimal: half to even."""
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


def smart_rounding(number: float) -> float:
    """Round a chart value: four decimals above 1000, else seven significant digits (Extensions.cs)."""
    return round(number, 4) if number > 1000 else float(f"{number:.7g}")


def smart_rounding_short(number: float) -> float:
    """Round a holding's value: coarser as it grows, and never a negative one (Extensions.cs)."""
    if number <= 1:
        return number
    if number <= 10:
        return rounded(number, 2)
    if number <= 100:
        return rounded(number, 1)
    return float(Decimal(repr(number)).quantize(Decimal(1), ROUND_DOWN))


def currency_symbol(currency: str) -> str:
    """Return the display symbol of a currency, its code when it has none."""
    return _CURRENCY_SYMBOLS.get(currency, currency)


def money_text(amount: float, currency: str) -> str:
    """Return an amount as a runtime statistic, the minus sign after the symbol: ``$-3,348.57``."""
    return f"{currency_symbol(currency)}{amount:,.2f}"


def fees_text(fees: float, currency: str) -> str:
    """Return paid fees as a runtime statistic, the minus sign before the symbol: ``-$84.48``."""
    return f"-{currency_symbol(currency)}{fees:,.2f}"


def return_text(ratio: float) -> str:
    """Return a return as a runtime statistic, in percent with a space: ``-42.59 %``."""
    return f"{100 * ratio:.2f} %"


def uptime_text(seconds: float) -> str:
    """Return a time span as the server statistic ``Up Time``: ``3d 04:05:06``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour:02d}:{minute:02d}:{second:02d}"
