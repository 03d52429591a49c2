"""``live/portfolio/read``: holdings in three generations of keys, and the cash book."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice
from math import isfinite
from typing import Any

from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.errors import Malformed, NotReady
from exporter.quantconnect import identifier
from exporter.quantconnect.wire.reader import (
    first_member,
    malformed,
    mapping,
    member_path,
    number,
    shortened,
    text,
)

_SYMBOL = ("symbol", "Symbol")
_TYPE = ("type", "Type")
_CURRENCY_SYMBOL = ("c", "currencySymbol", "CurrencySymbol")
_AVERAGE_PRICE = ("a", "averagePrice", "AveragePrice")
_QUANTITY = ("q", "quantity", "Quantity")
_MARKET_PRICE = ("p", "marketPrice", "MarketPrice")
_CONVERSION_RATE = ("r", "conversionRate", "ConversionRate")
_MARKET_VALUE = ("v", "marketValue", "MarketValue")
_UNREALIZED_PNL = ("u", "unrealizedPnl", "unrealizedPnL", "UnrealizedPnl", "UnrealizedPnL")
_UNREALIZED_PERCENT = (
    "up",
    "unrealizedPnlPercent",
    "unrealizedPnLPercent",
    "UnrealizedPnlPercent",
    "UnrealizedPnLPercent",
)

_HOLDING_MEMBERS = frozenset(
    (
        *_SYMBOL,
        *_TYPE,
        *_CURRENCY_SYMBOL,
        *_AVERAGE_PRICE,
        *_QUANTITY,
        *_MARKET_PRICE,
        *_CONVERSION_RATE,
        *_MARKET_VALUE,
        *_UNREALIZED_PNL,
        *_UNREALIZED_PERCENT,
    )
)

_PLAIN_NUMBERS = (("q", 0.0), ("a", 0.0), ("p", 0.0), ("r", 1.0), ("v", 0.0), ("u", 0.0))
"""The numbers of today's keys in the order of a :class:`Holding`, and what each is when it is left out."""
_PLAIN_MEMBERS = {"c", "up", *(name for name, _ in _PLAIN_NUMBERS)}
_NUMBER_KINDS = frozenset({float, int})
_ONE_CENT = 0.01
_EXACT = 2**53
"""Whole numbers up to here are floats without rounding."""
_KEPT_SECURITIES = 32_768
_TOGETHER = 64
"""How many holdings are read at once: one that is not plain takes so many the long way."""
_LONGEST_KEPT = 100
"""Characters of an identifier that is remembered: a genuine one has at most 60."""


def parse_portfolio(body: Mapping[str, Any]) -> Portfolio:
    """Return the portfolio of an answer to ``live/portfolio/read``.

    Raises NotReady without a portfolio in it, Malformed with the path of what is wrong.
    """
    if body.get("portfolio") is None:
        raise NotReady("the answer has no portfolio in it yet")
    portfolio = mapping(body["portfolio"], "portfolio")
    holdings = _map_of(portfolio, "holdings", "Holdings")
    cash = _map_of(portfolio, "cash", "Cash")
    unknown = _unknown_members(holdings)
    return Portfolio(
        holdings=_holdings(holdings, any_unknown=bool(unknown)),
        cash=tuple([_cash_balance(key, value) for key, value in cash.items()]),
        unknown_members=frozenset(repr(shortened(name))[1:-1] for name in unknown),
    )


def _unknown_members(holdings: Mapping[str, Any]) -> set[str]:
    """Return the names of members that no generation of LEAN known here has given a holding."""
    members: set[str] = set()
    return members.union(*[each for each in holdings.values() if isinstance(each, dict)]) - _HOLDING_MEMBERS


def _map_of(portfolio: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return a map that may be missing because it is empty, but not because it has a new name."""
    path = f"portfolio.{names[0]}"
    unknown = portfolio.keys() - {"holdings", "Holdings", "cash", "Cash"}
    if unknown and portfolio.keys().isdisjoint(names):
        raise Malformed(f"{path}: missing, while there is an unknown member {min(unknown)[:60]!r}")
    if any(name in portfolio and portfolio[name] is None for name in names):
        raise NotReady(f"{path}: null, which LEAN sends before it knows")
    return mapping(first_member(portfolio, *names), path)


def _holdings(holdings: Mapping[str, Any], *, any_unknown: bool) -> tuple[Holding, ...]:
    found: list[Holding] = []
    items = iter(holdings.items())
    while some := dict(islice(items, _TOGETHER)):
        found += _plain_holdings(some) or [
            _holding(key, value, any_unknown=any_unknown) for key, value in some.items()
        ]
    return tuple(found)


def _plain_holdings(holdings: Mapping[str, Any]) -> list[Holding] | None:
    """Return holdings of which nothing needs to be asked twice, as most are; ``None`` if one is another.

    It says the same as the long way does, in a third of the time, because each question is put to all
    holdings at once.
    """
    members = holdings.values()
    if {*map(type, members)} != {dict} or not set().union(*members) <= _PLAIN_MEMBERS:
        return None
    columns = _plain_columns(
        [[each.get(name, default) for each in members] for name, default in _PLAIN_NUMBERS]
    )
    signs = [each.get("c", "$") for each in members]
    if (
        columns is None
        or {*map(type, signs)} != {str}
        or not "".join(chain(holdings, signs)).isascii()
        or max(map(len, holdings)) > _LONGEST_KEPT
    ):
        return None
    return [*map(Holding, map(decode, holdings), *columns, signs)]


def _plain_columns(stated: Sequence[Sequence[Any]]) -> list[list[float]] | None:
    """Return the numbers of holdings, unless some are none, or are 0 where that says that they are not known."""
    if not _NUMBER_KINDS.issuperset(map(type, chain.from_iterable(stated))):
        return None
    try:
        columns = [[*map(float, column)] for column in stated]
    except OverflowError:
        return None
    _, _, prices, rates, market_values, _ = columns
    plain = isfinite(sum(map(sum, columns))) and all(prices) and all(rates) and all(market_values)
    return columns if plain else None


def _holding(symbol_id: str, value: Any, *, any_unknown: bool) -> Holding:
    members = value if isinstance(value, dict) else mapping(value, _path(symbol_id))
    complete = not any_unknown or members.keys() <= _HOLDING_MEMBERS
    reader = _HoldingReader(symbol_id, members, complete=complete)
    quantity = reader.number(_QUANTITY)
    price = reader.number(_MARKET_PRICE)  # LEAN leaves the price out until there is one
    rate = reader.number(_CONVERSION_RATE, default=1.0)  # 0 is LEAN's "not known yet"
    market_price, conversion_rate = price or None, rate or None
    # Value and profit mean nothing before there is a price and a rate. Where only the member is not
    # told, they are still what LEAN states.
    market_value = reader.number(_MARKET_VALUE)
    # LEAN rounds the price to the security's tick and leaves out 0: a stated value proves that there is one.
    priced = quantity == 0 or (rate != 0 and bool(price != 0 or market_value))
    if market_value == 0 and not _rounds_to_zero(quantity, market_price, conversion_rate):
        market_value = None
    return Holding(
        security=_security(symbol_id, members),
        quantity=quantity,
        average_price=reader.number(_AVERAGE_PRICE),
        market_price=market_price,
        conversion_rate=conversion_rate,
        market_value=market_value if priced else None,
        unrealized_pnl=reader.number(_UNREALIZED_PNL) if priced else None,
        currency_symbol=_currency_symbol(symbol_id, members),
    )


def _path(symbol_id: str) -> str:
    """Return the path of a holding, which takes too long to write where nothing is wrong with it."""
    return member_path("portfolio.holdings", symbol_id)


class _HoldingReader:
    """Numbers of one holding, whose members LEAN leaves out when they have their default value.

    Left out means the default only while every member is one we know. Beside an unknown member it
    may as well mean that the number has a new name, and then it is not known. Nor is a ``null``.
    """

    def __init__(self, symbol_id: str, members: Mapping[str, Any], *, complete: bool) -> None:
        self._symbol_id = symbol_id
        self._members = members
        self._complete = complete

    def number(self, names: tuple[str, ...], default: float = 0.0) -> float | None:
        members = self._members
        stated = False
        for name in names:
            if name in members:
                value = members[name]
                kind = type(value)
                if (kind is float and isfinite(value)) or (kind is int and -_EXACT <= value <= _EXACT):
                    return float(value)
                if value is not None:
                    return number(value, f"{_path(self._symbol_id)}.{name}")
                stated = True
        return default if self._complete and not stated else None


def _rounds_to_zero(quantity: float | None, price: float | None, rate: float | None) -> bool:
    """Tell whether a position's value can be 0 to the cent, so that LEAN leaves it out."""
    if quantity is None or price is None or rate is None:
        return quantity == 0
    return abs(quantity * price * rate) < _ONE_CENT


def _security(symbol_id: str, members: Mapping[str, Any]) -> Security:
    if symbol_id.isascii() and len(symbol_id) <= _LONGEST_KEPT:
        security = decode(symbol_id)
    else:
        security = identifier.decode(text(symbol_id, _path(symbol_id)))
    if security.type is SecurityType.UNKNOWN:
        security = replace(security, type=_stated_type(members, _path(symbol_id)))
    symbol = first_member(members, *_SYMBOL)
    if not isinstance(symbol, dict):
        return security
    current = first_member(symbol, "value", "Value")
    if not current:
        return security
    ticker = " ".join(text(current, f"{_path(symbol_id)}.symbol.value").split())
    return replace(security, current_ticker=ticker)


@lru_cache(_KEPT_SECURITIES)
def decode(symbol_id: str) -> Security:
    """Return what an identifier tells, as the same object for each answer that holds it."""
    return identifier.decode(symbol_id)


def _stated_type(members: Mapping[str, Any], path: str) -> SecurityType:
    """Return the type that older engines state beside the identifier: a number, or its name."""
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


def _currency_symbol(symbol_id: str, members: Mapping[str, Any]) -> str:
    symbol = first_member(members, *_CURRENCY_SYMBOL)
    return "$" if symbol is None else text(symbol, f"{_path(symbol_id)}.currencySymbol")


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
