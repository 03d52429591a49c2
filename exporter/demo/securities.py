"""What is traded in the demo: securities with identifiers as LEAN writes them, fees, and volatilities."""

import calendar
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from exporter.demo.lean import MarketId, SecurityType, security_id
from exporter.demo.market import Conversion, OptionTerms, Security


def _stock(ticker: str, symbol_id: str, level: float, volatility: float = 0.28) -> Security:
    return Security(
        symbol_id, ticker, SecurityType.EQUITY, level, volatility=volatility, fee_unit=0.005, fee_minimum=1.0
    )


def _pair(ticker: str, level: float, tick: float) -> Security:
    return Security(
        security_id(ticker, SecurityType.FOREX, MarketId.OANDA),
        ticker,
        SecurityType.FOREX,
        level,
        tick,
        currency=ticker[3:],
        volatility=0.08,
        fee_rate=0.00002,
        base_currency=ticker[:3],
    )


def _coin(coin: str, level: float, tick: float, lot: float) -> Security:
    return Security(
        security_id(f"{coin}USD", SecurityType.CRYPTO, MarketId.COINBASE),
        f"{coin}USD",
        SecurityType.CRYPTO,
        level,
        tick,
        volatility=0.6,
        lot=lot,
        fee_rate=0.0006,
        base_currency=coin,
    )


def _perpetual(coin: str, level: float, tick: float) -> Security:
    return Security(
        security_id(f"{coin}USDT", SecurityType.CRYPTO_FUTURE, MarketId.BINANCE),
        f"{coin}USDT",
        SecurityType.CRYPTO_FUTURE,
        level,
        tick,
        currency="USDT",
        volatility=0.6,
        lot=0.001,
        fee_rate=0.0004,
        base_currency=coin,
    )


def _cfd(ticker: str, currency: str, level: float, tick: float, volatility: float) -> Security:
    return Security(
        security_id(ticker, SecurityType.CFD, MarketId.OANDA),
        ticker,
        SecurityType.CFD,
        level,
        tick,
        currency=currency,
        volatility=volatility,
        fee_rate=0.00005,
    )


SPY: Final = _stock("SPY", "SPY R735QTJ8XC9X", 662.0, 0.16)
AAPL: Final = _stock("AAPL", "AAPL R735QTJ8XC9X", 268.0)
MSFT: Final = _stock("MSFT", "MSFT R735QTJ8XC9X", 512.0, 0.24)
# The ticker in an identifier is the one of the first listing: Google's class A was not GOOGL then.
GOOGL: Final = _stock("GOOGL", "GOOG T1AZ164W5VTX", 281.0, 0.3)
TSLA: Final = _stock("TSLA", "TSLA UNU3P8Y3WFAD", 404.0, 0.55)
QQQ: Final = _stock("QQQ", "QQQ RIWIV7K5Z9LX", 611.0, 0.2)
IWM: Final = _stock("IWM", "IWM RV0PWMLXVHPH", 238.0, 0.22)
TLT: Final = _stock("TLT", "TLT SGNKIKYGE9NP", 89.4, 0.13)
IEF: Final = _stock("IEF", "IEF SGNKIKYGE9NP", 96.2, 0.07)
AMD: Final = _stock("AMD", "AMD R735QTJ8XC9X", 231.0, 0.45)
NFLX: Final = _stock("NFLX", "NFLX SEWJWLJNHZDX", 1120.0, 0.06)
SPX: Final = Security(
    security_id("SPX", SecurityType.INDEX, MarketId.USA), "SPX", SecurityType.INDEX, 6640.0, volatility=0.16
)

EURUSD: Final = _pair("EURUSD", 1.1568, 0.00001)
GBPUSD: Final = _pair("GBPUSD", 1.3142, 0.00001)
USDJPY: Final = _pair("USDJPY", 154.62, 0.001)

BTCUSD: Final = _coin("BTC", 96_400.0, 0.01, 0.00000001)
ETHUSD: Final = _coin("ETH", 3180.0, 0.01, 0.00000001)
DOGEUSD: Final = _coin("DOGE", 0.1624, 0.00001, 0.1)

BTC_PERPETUAL: Final = _perpetual("BTC", 96_450.0, 0.1)
ETH_PERPETUAL: Final = _perpetual("ETH", 3181.0, 0.01)

DAX: Final = _cfd("DE30EUR", "EUR", 23_880.0, 0.1, 0.18)
GOLD: Final = _cfd("XAUUSD", "USD", 4085.0, 0.005, 0.17)

CONVERSIONS: Final[Mapping[str, Conversion]] = {
    "USD": Conversion(),
    # LEAN takes stablecoins without a pair at one to one, so several rows of a cash book can have rate 1.
    "USDC": Conversion(),
    "USDT": Conversion(),
    "EUR": Conversion(EURUSD),
    "GBP": Conversion(GBPUSD),
    "JPY": Conversion(USDJPY, inverse=True),
    "BTC": Conversion(BTCUSD),
    "ETH": Conversion(ETHUSD),
    "DOGE": Conversion(DOGEUSD),
}


def third_friday(after: float) -> date:
    """Return the first third Friday of a month, four weeks or more after a time."""
    day = datetime.fromtimestamp(after, UTC).date() + timedelta(days=28)
    while day.weekday() != calendar.FRIDAY or not 15 <= day.day <= 21:
        day += timedelta(days=1)
    return day


def option(
    underlying: Security, expiry: date, strike: float, *, put: bool, european: bool = False
) -> Security:
    """Return a contract on a hundred shares, or units of an index, of an underlying."""
    is_index = underlying.kind is SecurityType.INDEX
    kind = SecurityType.INDEX_OPTION if is_index else SecurityType.OPTION
    root = underlying.symbol_id.split(" ")[0]
    return Security(
        security_id(
            root,
            kind,
            MarketId.USA,
            day=expiry,
            strike=strike,
            put=put,
            european=european,
            underlying=underlying.symbol_id,
        ),
        # The 21 characters of the Options Clearing Corporation.
        f"{root:<6}{expiry:%y%m%d}{'P' if put else 'C'}{round(strike * 1000):08d}",
        kind,
        level=0.0,
        multiplier=100.0,
        fee_unit=0.65,
        option=OptionTerms(
            underlying, strike, _midnight(expiry) + 21 * 3600, put, volatility=underlying.volatility + 0.03
        ),
    )


def future(
    root: str, market: MarketId, expiry: date | None, level: float, tick: float, multiplier: float
) -> Security:
    """Return a futures contract in US dollars, the continuous one without an expiry."""
    code = f"{root}{expiry.day:02d}{'FGHJKMNQUVXZ'[expiry.month - 1]}{expiry:%y}" if expiry else f"/{root}"
    return Security(
        security_id(root, SecurityType.FUTURE, market, day=expiry),
        code,
        SecurityType.FUTURE,
        level,
        tick,
        volatility=0.17,
        multiplier=multiplier,
        fee_unit=2.25,
    )


def falling(security: Security, peak_time: float, low_time: float, logarithm: float) -> Security:
    """Return a security that climbs to a peak and falls by a logarithmic factor until a later time."""
    rise = peak_time - 12 * 86400
    return replace(security, path=((rise, -0.08), (peak_time, 0.0), (low_time, logarithm)))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
