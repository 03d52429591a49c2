"""A security, as far as its identifier describes it reliably."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class SecurityType(StrEnum):
    """LEAN's security types (``Common/Global.cs``), plus ``unknown``."""

    BASE = "base"
    EQUITY = "equity"
    OPTION = "option"
    COMMODITY = "commodity"
    FOREX = "forex"
    FUTURE = "future"
    CFD = "cfd"
    CRYPTO = "crypto"
    FUTURE_OPTION = "future_option"
    INDEX = "index"
    INDEX_OPTION = "index_option"
    CRYPTO_FUTURE = "crypto_future"
    UNKNOWN = "unknown"


class OptionRight(StrEnum):
    """Call or put."""

    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, slots=True)
class Security:
    """A security as its identifier describes it.

    ``symbol_id`` is the whole LEAN identifier and the only unique text. ``ticker`` is the first
    ticker the security was listed under, or a derivative's root; ``current_ticker`` is today's,
    where the API sends one. There is no strike on purpose: its scale in the identifier changed on
    2025-11-18, so it cannot be read reliably.
    """

    symbol_id: str
    ticker: str
    type: SecurityType
    market: str | None = None
    expiry: date | None = None
    right: OptionRight | None = None
    current_ticker: str | None = None

    @property
    def symbol(self) -> str:
        """A readable name, such as ``SPY``, ``ES 2021-03-19`` or ``SPX 2021-01-15 C``; not unique."""
        if self.current_ticker:
            return self.current_ticker
        details = (self.expiry.isoformat() if self.expiry else None, self.right)
        return " ".join((self.ticker, *(detail for detail in details if detail)))
