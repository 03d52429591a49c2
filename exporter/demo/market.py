"""Prices as a closed form of (seed, security, time): any moment is computed without stepping to it."""

import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from exporter.demo.lean import SecurityType

_YEAR: Final = 365.25 * 86400
_PERIODS: Final = (23.0, 61.0, 190.0, 660.0, 2800.0, 13_300.0, 68_400.0, 371_500.0, 1_468_800.0)
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """What makes a contract an option; ``expiry`` in Unix seconds, ``strike`` in the quote currency."""

    underlying: "Security"
    strike: float
    expiry: float
    put: bool
    volatility: float = 0.2


@dataclass(frozen=True, slots=True)
class Security:
    """Something traded. Prices, ticks and fees are in ``currency``, the quote currency.

    ``fee_unit`` is charged per unit traded and ``fee_rate`` per unit of traded value, ``fee_minimum`` at
    least. ``path`` bends the price: pairs of a time and a logarithmic factor, joined by lines.
    """

    symbol_id: str
    ticker: str
    kind: SecurityType
    level: float
    tick: float = 0.01
    currency: str = "USD"
    volatility: float = 0.25
    multiplier: float = 1.0
    lot: float = 1.0
    fee_unit: float = 0.0
    fee_rate: float = 0.0
    fee_minimum: float = 0.0
    base_currency: str | None = None
    option: OptionTerms | None = None
    path: tuple[tuple[float, float], ...] = ()

    def fee(self, quantity: float, price: float) -> float:
        """Return the fee of trading a quantity, in the quote currency."""
        value = abs(quantity) * price * self.multiplier
        return max(abs(quantity) * self.fee_unit + value * self.fee_rate, self.fee_minimum)


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a currency becomes US dollars: by the price of a pair, by its inverse, or one to one."""

    pair: Security | None = None
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Shock:
    """From ``time`` on prices are multiplied by ``factor``, those of ``spared`` identifiers excepted."""

    time: float
    factor: float
    spared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Market:
    """The prices of every security, and how each known currency becomes US dollars."""

    seed: int
    conversions: Mapping[str, Conversion]

    def price(self, security: Security, time: float) -> float:
        """Return the last price, in the quote currency, on a tick."""
        raw = self._option(security.option, time) if security.option else self._spot(security, time)
        # Two ticks at least, so that the bid stays above zero.
        return round(max(round(raw / security.tick), 2) * security.tick, 10)

    def _spot(self, security: Security, time: float) -> float:
        swing = 0.0
        # A plain loop: a month of candles runs it a hundred thousand times, and a generator is slower.
        for amplitude, frequency, phase in _waves(self.seed, security.symbol_id):
            swing += amplitude * math.sin(frequency * time + phase)
        return security.level * math.exp(security.volatility * swing + _along(security.path, time))

    def _option(self, terms: OptionTerms, time: float) -> float:
        """Return the Black-Scholes price without interest."""
        sign = -1 if terms.put else 1
        spot = self.price(terms.underlying, time)
        deviation = terms.volatility * math.sqrt(max(terms.expiry - time, 0) / _YEAR)
        if deviation == 0:
            return max(sign * (spot - terms.strike), 0.0)
        upper = math.log(spot / terms.strike) / deviation + deviation / 2
        return sign * (
            spot * _NORMAL.cdf(sign * upper) - terms.strike * _NORMAL.cdf(sign * (upper - deviation))
        )


@dataclass(frozen=True, slots=True)
class Quotes:
    """The market as one project sees it: with the shocks that were aimed at that project."""

    market: Market
    shocks: tuple[Shock, ...] = ()

    def price(self, security: Security, time: float) -> float:
        """Return the last price, in the quote currency."""
        price = self.market.price(security, time)
        for shock in self.shocks:
            if shock.time <= time and security.symbol_id not in shock.spared:
                price *= shock.factor
        return price

    def bid(self, security: Security, time: float) -> float:
        """Return what a seller gets: a tick below the last price."""
        return self.price(security, time) - security.tick

    def ask(self, security: Security, time: float) -> float:
        """Return what a buyer pays: a tick above the last price."""
        return self.price(security, time) + security.tick

    def rate(self, currency: str, account_currency: str, time: float) -> float:
        """Return the conversion rate into the account currency; 0 while none is known, as in LEAN."""
        if currency == account_currency:
            return 1.0
        return self._dollars(currency, time) / self._dollars(account_currency, time)

    def pair(self, currency: str) -> Security | None:
        """Return the security whose price converts a currency."""
        conversion = self.market.conversions.get(currency)
        return conversion.pair if conversion else None

    def _dollars(self, currency: str, time: float) -> float:
        conversion = self.market.conversions.get(currency)
        if conversion is None:
            return 0.0
        if conversion.pair is None:
            return 1.0
        price = self.price(conversion.pair, time)
        return 1 / price if conversion.inverse else price


@lru_cache(maxsize=1024)
def _waves(seed: int, symbol_id: str) -> tuple[tuple[float, float, float], ...]:
    """Return (amplitude, frequency, phase): slow waves larger, as the spread of a random walk grows."""
    dice = random.Random(f"{seed}:{symbol_id}")
    waves = []
    for typical in _PERIODS:
        period = typical * dice.uniform(0.8, 1.25)
        waves.append((math.sqrt(period / _YEAR), math.tau / period, dice.uniform(0, math.tau)))
    return tuple(waves)


def _along(path: tuple[tuple[float, float], ...], time: float) -> float:
    """Interpolate a path, level before its first and after its last knot."""
    if not path:
        return 0.0
    after = bisect_right(path, time, key=lambda knot: knot[0])
    if after in (0, len(path)):
        return path[min(after, len(path) - 1)][1]
    (start, low), (end, high) = path[after - 1], path[after]
    return low + (high - low) * (time - start) / (end - start)
