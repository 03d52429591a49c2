"""``live/portfolio/read``: holdings in three generations of keys, and the cash book."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypedDict

from msgspec import Struct

from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.errors import Malformed, NotReady
from exporter.quantconnect import identifier
from exporter.quantconnect.envelope import Envelope
from exporter.quantconnect.wire.reader import (
    cut,
    first_member,
    malformed,
    mapping,
    member_path,
    number,
    optional_text,
    shortened,
    text,
)

MOST_HOLDINGS = 20_000
"""More than any account has. An answer with more is refused before it fills memory."""

_SYMBOL = ("symbol", "Symbol")
_TYPE = ("type", "Type")
_CURRENCY_SYMBOL = ("c", "currencySymbol", "CurrencySymbol")
_NUMBERS = {
    "q": ("q", "quantity", "Quantity"),
    "a": ("a", "averagePrice", "AveragePrice"),
    "p": ("p", "marketPrice", "MarketPrice"),
    "r": ("r", "conversionRate", "ConversionRate"),
    "v": ("v", "marketValue", "MarketValue"),
    "u": ("u", "unrealizedPnl", "unrealizedPnL", "UnrealizedPnl", "UnrealizedPnL"),
}
_PERCENT = (
    "up",
    "unrealizedPnlPercent",
    "unrealizedPnLPercent",
    "UnrealizedPnlPercent",
    "UnrealizedPnLPercent",
)
_MEMBERS = frozenset((*_SYMBOL, *_TYPE, *_CURRENCY_SYMBOL, *_PERCENT, *sum(_NUMBERS.values(), ())))

_ONE_CENT = 0.01
_KEPT_SECURITIES = 32_768
_LONGEST_KEPT = 100
"""Characters of an identifier that is remembered: a genuine one has at most 60."""
_MOST_UNKNOWN = 10
"""Unknown members that are named: enough to see which version of LEAN they come from."""


class StatedHolding(Struct, forbid_unknown_fields=True, gc=False):
    """A holding under today's keys, with LEAN's defaults for those left out; ``None`` is "not known"."""

    q: float | None = 0.0
    a: float | None = 0.0
    p: float | None = 0.0
    r: float | None = 1.0
    v: float | None = 0.0
    u: float | None = 0.0
    up: float | None = 0.0
    c: str | None = "$"


class _StatedCash(TypedDict):
    amount: float
    conversionRate: float
    valueInAccountCurrency: float


class _StatedPortfolio(TypedDict):
    holdings: dict[str, StatedHolding]
    cash: dict[str, _StatedCash]


class PortfolioShape(Envelope):
    """Today's shape of the answer."""

    portfolio: _StatedPortfolio


def parse_portfolio(body: Mapping[str, Any]) -> Portfolio:
    """Return the portfolio of an answer to ``live/portfolio/read``.

    Each holding is a :class:`StatedHolding`, or an object of any generation. Raises NotReady without a
    portfolio in it, Malformed with the path of what is wrong.
    """
    if body.get("portfolio") is None:
        raise NotReady("the answer has no portfolio in it yet")
    portfolio = mapping(body["portfolio"], "portfolio")
    holdings = _map_of(portfolio, "holdings", "Holdings")
    cash = _map_of(portfolio, "cash", "Cash")
    if len(holdings) > MOST_HOLDINGS:
        raise Malformed(f"portfolio.holdings: more than {MOST_HOLDINGS}")
    unknown = _unknown_members(holdings)
    return Portfolio(
        holdings=tuple(
            [
                _holding(_security(key), each)
                if type(each) is StatedHolding
                else _any_holding(key, each, any_unknown=bool(unknown))
                for key, each in holdings.items()
            ]
        ),
        cash=tuple([_cash_balance(key, value) for key, value in cash.items()]),
        unknown_members=frozenset(repr(shortened(name))[1:-1] for name in sorted(unknown)[:_MOST_UNKNOWN]),
    )


def _unknown_members(holdings: Mapping[str, Any]) -> set[str]:
    """Return the names of members that no known generation of LEAN has."""
    members: set[str] = set()
    return members.union(*[each for each in holdings.values() if isinstance(each, dict)]) - _MEMBERS


def _map_of(portfolio: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return a map. It may be missing when it is empty, but not when it may have a new name."""
    path = f"portfolio.{names[0]}"
    unknown = portfolio.keys() - {"holdings", "Holdings", "cash", "Cash"}
    if unknown and portfolio.keys().isdisjoint(names):
        raise Malformed(f"{path}: missing, while there is an unknown member {min(unknown)[:60]!r}")
    if any(name in portfolio and portfolio[name] is None for name in names):
        raise NotReady(f"{path}: null, which LEAN sends before it knows")
    return mapping(first_member(portfolio, *names), path)


def _holding(security: Security, stated: StatedHolding) -> Holding:
    """Return the holding. A price or rate of 0 is one that LEAN does not know yet."""
    quantity, price, rate, value = stated.q, stated.p, stated.r, stated.v
    # LEAN rounds the price to the security's tick and leaves out 0: a stated value proves that there is one.
    priced = quantity == 0 or (rate != 0 and bool(price != 0 or value))
    if not priced or (value == 0 and not _rounds_to_zero(quantity, price, rate)):
        value = None
    # Null is not known, and then neither is a profit that may have been left out with it.
    is_known = quantity == 0 or bool(value or stated.u) or None not in (quantity, price, rate)
    return Holding(
        security,
        quantity,
        stated.a,
        price or None,
        rate or None,
        value,
        stated.u if priced and is_known else None,
        "$" if stated.c is None else cut(stated.c),
    )


def _rounds_to_zero(quantity: float | None, price: float | None, rate: float | None) -> bool:
    """Whether a position is worth less than a cent, so that LEAN omits its value."""
    if quantity is None or price is None or rate is None:
        return quantity == 0
    return abs(quantity * price * rate) < _ONE_CENT


def _security(symbol_id: str) -> Security:
    return decode(symbol_id) if len(symbol_id) <= _LONGEST_KEPT else identifier.decode(cut(symbol_id))


@lru_cache(_KEPT_SECURITIES)
def decode(symbol_id: str) -> Security:
    """Return the security of an identifier, as the same object for every answer."""
    return identifier.decode(symbol_id)


def _any_holding(symbol_id: str, value: Any, *, any_unknown: bool) -> Holding:
    """Return a holding of any generation.

    A missing member has its default only while all members are known. Beside an unknown member it may
    have a new name, so it is not known.
    """
    path = member_path("portfolio.holdings", symbol_id)
    members = mapping(value, path)
    complete = not any_unknown or members.keys() <= _MEMBERS
    stated = StatedHolding(
        c=optional_text(first_member(members, *_CURRENCY_SYMBOL), f"{path}.currencySymbol")
    )
    for key, names in _NUMBERS.items():
        given = [name for name in names if name in members]
        known = next((name for name in given if members[name] is not None), None)
        if known is not None:
            setattr(stated, key, number(members[known], f"{path}.{known}"))
        elif given or not complete:
            setattr(stated, key, None)
    return _holding(_stated_security(symbol_id, members, path), stated)


def _stated_security(symbol_id: str, members: Mapping[str, Any], path: str) -> Security:
    """Return the security with the type and current ticker that older engines state beside its identifier."""
    security = _security(text(symbol_id, path))
    if security.type is SecurityType.UNKNOWN:
        security = replace(security, type=_stated_type(members, path))
    symbol = first_member(members, *_SYMBOL)
    current = first_member(symbol, "value", "Value") if isinstance(symbol, dict) else None
    if not current:
        return security
    return replace(security, current_ticker=" ".join(text(current, f"{path}.symbol.value").split()))


def _stated_type(members: Mapping[str, Any], path: str) -> SecurityType:
    """Return the type that older engines state, by its number or name."""
    stated = first_member(members, *_TYPE)
    match stated:
        case None | bool():
            return SecurityType.UNKNOWN
        case int():
            return identifier.security_type_of(stated)
        case str():
            return _type_by_name(stated)
        case _:
            raise malformed(f"{path}.type", "a security type", stated)


def _type_by_name(name: str) -> SecurityType:
    spelled = name.replace("_", "").lower()
    return next((known for known in SecurityType if known.replace("_", "") == spelled), SecurityType.UNKNOWN)


def _cash_balance(key: str, value: Any) -> CashBalance:
    path = member_path("portfolio.cash", key)
    row = mapping(value, path)
    amount = number(first_member(row, "amount", "Amount"), f"{path}.amount")
    rate = first_member(row, "conversionRate", "ConversionRate")
    conversion_rate = None if rate is None else number(rate, f"{path}.conversionRate") or None
    return CashBalance(
        currency=text(key, path),  # the row's own symbol says the same, but could say it twice
        amount=amount,
        conversion_rate=conversion_rate,
        value=_cash_value(row, path, amount, conversion_rate),
    )


def _cash_value(row: Mapping[str, Any], path: str, amount: float, rate: float | None) -> float | None:
    if amount == 0:
        return 0.0
    if rate is None:
        return None
    stated = first_member(row, "valueInAccountCurrency", "ValueInAccountCurrency")
    return number(amount * rate if stated is None else stated, f"{path}.valueInAccountCurrency")
