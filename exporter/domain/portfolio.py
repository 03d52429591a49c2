"""Holdings, cash book, and LEAN's rule for their total value."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from exporter.domain.security import Security, SecurityType

VALUE_COUNTS = frozenset(
    {
        SecurityType.BASE,
        SecurityType.EQUITY,
        SecurityType.OPTION,
        SecurityType.COMMODITY,
        SecurityType.FUTURE_OPTION,
        SecurityType.INDEX,
        SecurityType.INDEX_OPTION,
    }
)
"""Bought with cash, so the market value replaces the cash spent."""

PROFIT_COUNTS = frozenset({SecurityType.CFD, SecurityType.CRYPTO_FUTURE})
"""Cash is untouched at entry and the market value is notional, so only the profit counts."""

CASH_COUNTS = frozenset({SecurityType.FOREX, SecurityType.CRYPTO})
"""Both legs are rows of the cash book already: the holding itself would count twice."""


class Holding(NamedTuple):
    """One position. ``None`` is "not known", which is never the same as 0.

    ``quantity`` in units or contracts, signed. ``average_price`` and ``market_price`` in the
    security's own currency. ``conversion_rate`` from that currency to the account currency.
    ``market_value`` (signed; notional for futures, CFDs and perpetuals) and ``unrealized_pnl``
    (after estimated exit fee) in the account currency. ``currency_symbol`` is for display: ``$``
    stands for several currencies.
    """

    security: Security
    quantity: float | None
    average_price: float | None
    market_price: float | None
    conversion_rate: float | None
    market_value: float | None
    unrealized_pnl: float | None
    currency_symbol: str = "$"


class CashBalance(NamedTuple):
    """One row of the cash book: ``amount`` in ``currency``, ``value`` in the account currency.

    ``conversion_rate`` and ``value`` are ``None`` while the rate is not known.
    """

    currency: str
    amount: float
    conversion_rate: float | None
    value: float | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The holdings and cash of a live algorithm in one answer of the API.

    ``unknown_members`` are members of its holdings that this version does not know.
    """

    holdings: tuple[Holding, ...] = ()
    cash: tuple[CashBalance, ...] = ()
    unknown_members: frozenset[str] = frozenset()

    def largest_holdings(self, count: int) -> tuple[Holding, ...]:
        """Return the holdings, or the ``count`` of them with the largest absolute market values."""
        if len(self.holdings) <= count:
            return self.holdings
        by_size = sorted(self.holdings, key=lambda holding: abs(holding.market_value or 0), reverse=True)
        return tuple(by_size[:count])

    def gross_exposure(self) -> float | None:
        """Return the sum of absolute market values in account currency; ``None`` if one is unknown."""
        return _sum_known([holding.market_value and abs(holding.market_value) for holding in self.holdings])

    def net_exposure(self) -> float | None:
        """Return the sum of signed market values in account currency; ``None`` if one is unknown."""
        return _sum_known([holding.market_value for holding in self.holdings])

    def unrealized_pnl(self) -> float | None:
        """Return the sum of unrealized profits in account currency; ``None`` if one is unknown."""
        return _sum_known([holding.unrealized_pnl for holding in self.holdings])

    def cash_value(self) -> float | None:
        """Return the value of the cash book in account currency; ``None`` if a row's is unknown, or without rows."""
        return _sum_known([balance.value for balance in self.cash]) if self.cash else None

    def value(self) -> float | None:
        """Return the portfolio's value in account currency, or ``None`` when it cannot be exact to rounding.

        The rule is LEAN's (``SecurityPortfolioManager.TotalPortfolioValue``): settled cash, plus for
        each position of at least one lot a term that depends on its security type. LEAN's cash book
        always has a row for the account currency: one without rows is not known yet.
        """
        if not self.cash:
            return None
        return _sum_known(
            [balance.value for balance in self.cash] + [_contribution(holding) for holding in self.holdings]
        )

    def infer_account_currency(self, known: str | None = None) -> str | None:
        """Return the only currency whose rate to the account currency is 1, else ``None``.

        The API does not name the account currency. Stablecoins and currencies at parity have rate 1 too.
        Then ``known``, from an earlier answer for the same deployment, is kept if it is among them. An
        empty cash book does not contradict it.
        """
        if not self.cash:
            return known
        candidates = [balance.currency for balance in self.cash if balance.conversion_rate == 1]
        if known in candidates:
            return known
        return candidates[0] if len(candidates) == 1 else None


def _contribution(holding: Holding) -> float | None:
    """Return what a holding adds to the portfolio's value beside the cash book, ``None`` if unknown."""
    security_type = holding.security.type
    if holding.quantity == 0 or security_type in CASH_COUNTS:
        return 0.0
    if security_type in VALUE_COUNTS:
        return None if _may_be_below_one_lot(holding) else holding.market_value
    if security_type in PROFIT_COUNTS:
        return holding.unrealized_pnl
    # A future's daily settlement has moved part of its profit into cash; how much is not sent.
    return None


def _may_be_below_one_lot(holding: Holding) -> bool:
    """Whether the position may be smaller than a lot: LEAN then does not count it, and states no profit."""
    return holding.quantity is None or (abs(holding.quantity) < 1 and holding.unrealized_pnl in (0, None))


def _sum_known(terms: Sequence[float | None]) -> float | None:
    known = [term for term in terms if term is not None]
    if len(known) < len(terms):
        return None
    try:
        return fsum(known)
    except OverflowError:
        return None
