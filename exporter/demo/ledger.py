"""What an algorithm did, folded into cash and positions, and what those are worth by LEAN's rules."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from exporter.demo.lean import SecurityType
from exporter.demo.market import Quotes, Security

_CASH_LEGS: Final = frozenset({SecurityType.FOREX, SecurityType.CRYPTO})
_MARGINED: Final = frozenset({SecurityType.CFD, SecurityType.CRYPTO_FUTURE, SecurityType.FUTURE})


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade. ``price`` and ``fee`` in the quote currency; a negative fee is a rebate."""

    time: float
    security: Security
    quantity: float
    price: float
    fee: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money paid in, or out when negative, in its own currency."""

    time: float
    currency: str
    amount: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """A futures exchange's daily settlement: open profit becomes cash (FutureSettlementModel.cs)."""

    time: float


Event = Fill | Transfer | Settlement


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; ``average_price`` and ``settled`` profit in the quote currency."""

    security: Security
    quantity: float
    average_price: float
    settled: float = 0.0


@dataclass(frozen=True, slots=True)
class Book:
    """Cash by currency, positions by identifier, and totals in the account currency."""

    cash: Mapping[str, float]
    positions: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    gross_profit: float = 0.0
    fees: float = 0.0
    volume: float = 0.0

    def paid(self, currency: str, amount: float) -> "Book":
        """Return the book after an amount was added to a currency."""
        return replace(self, cash={**self.cash, currency: self.cash.get(currency, 0.0) + amount})

    def holding(self, position: Position) -> "Book":
        """Return the book with a position in place of the one before, without it when it is flat."""
        positions = {**self.positions, position.security.symbol_id: position}
        if not position.quantity:
            del positions[position.security.symbol_id]
        return replace(self, positions=positions)


@dataclass(frozen=True, slots=True)
class CashRow:
    """A row of the cash book: ``amount`` in ``currency``, ``value`` in the account currency."""

    currency: str
    amount: float
    rate: float
    converted_by: Security | None

    @property
    def value(self) -> float:
        """The amount in the account currency."""
        return self.amount * self.rate


@dataclass(frozen=True, slots=True)
class HoldingState:
    """A position with its exact worth.

    ``average_price`` and ``price`` in the quote currency; ``value``, ``unrealized`` and ``equity_term``,
    the part of equity it makes, in the account currency; ``unrealized_percent`` in percent points.
    """

    security: Security
    quantity: float
    average_price: float
    price: float
    rate: float
    value: float
    unrealized: float
    unrealized_percent: float
    equity_term: float

    @property
    def symbol_id(self) -> str:
        """The security identifier."""
        return self.security.symbol_id


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a book is worth at one moment, in the account currency."""

    cash: tuple[CashRow, ...]
    holdings: tuple[HoldingState, ...]

    @property
    def equity(self) -> float:
        """Cash and what the holdings add to it (TotalPortfolioValue)."""
        return sum(row.value for row in self.cash) + sum(holding.equity_term for holding in self.holdings)

    @property
    def gross_exposure(self) -> float:
        """The sum of absolute market values, notional included: the statistic ``Holdings``."""
        return sum(abs(holding.value) for holding in self.holdings)

    @property
    def unrealized(self) -> float:
        """The open profit of every holding."""
        return sum(holding.unrealized for holding in self.holdings)


class Ledger:
    """The events of a deployment, past and planned. The books between them are computed once."""

    def __init__(self, opening: Mapping[str, float], account_currency: str) -> None:
        self.account_currency = account_currency
        self._events: list[Event] = []
        self._books = [Book(cash=dict(opening))]

    def add(self, *events: Event) -> None:
        """Record events, each after those of the same time."""
        for event in events:
            place = bisect_right(self._events, event.time, key=_time_of)
            self._events.insert(place, event)
            del self._books[place + 1 :]

    def fills(self, time: float) -> list[Fill]:
        """Return the trades up to a time."""
        happened = self._events[: bisect_right(self._events, time, key=_time_of)]
        return [event for event in happened if isinstance(event, Fill)]

    def book(self, time: float, quotes: Quotes) -> Book:
        """Return the book after the last event up to a time."""
        wanted = bisect_right(self._events, time, key=_time_of)
        for event in self._events[len(self._books) - 1 : wanted]:
            self._books.append(_APPLY[type(event)](self._books[-1], event, quotes, self.account_currency))
        return self._books[wanted]

    def valuation(self, time: float, quotes: Quotes) -> Valuation:
        """Return what everything is worth at a time."""
        book = self.book(time, quotes)
        account = self.account_currency
        return Valuation(
            cash=tuple(
                CashRow(
                    currency,
                    amount,
                    quotes.rate(currency, account, time),
                    None if currency == account else quotes.pair(currency) or quotes.pair(account),
                )
                for currency, amount in book.cash.items()
            ),
            holdings=tuple(_holding(position, quotes, account, time) for position in book.positions.values()),
        )


def _time_of(event: Event) -> float:
    return event.time


def _fill(book: Book, fill: Fill, quotes: Quotes, account: str) -> Book:
    """Trade: cash for what is bought, profit alone for what is margined, both legs for currencies."""
    security = fill.security
    before = book.positions.get(security.symbol_id) or Position(security, 0.0, 0.0)
    after, profit, settled = _traded(before, fill.quantity, fill.price)
    rate = quotes.rate(security.currency, account, fill.time)
    worth = fill.quantity * fill.price * security.multiplier

    paid = profit - settled if security.kind in _MARGINED else -worth
    fee = fill.fee * rate
    book = book.holding(after).paid(security.currency, paid).paid(account, -fee)
    if security.kind in _CASH_LEGS and security.base_currency:
        book = book.paid(security.base_currency, fill.quantity)
    return replace(
        book,
        gross_profit=book.gross_profit + profit * rate,
        fees=book.fees + fee,
        volume=book.volume + abs(worth) * rate,
    )


def _traded(before: Position, quantity: float, price: float) -> tuple[Position, float, float]:
    """Return the position after a trade, the profit it realised, and how much of that was settled."""
    total = round(before.quantity + quantity, 12)
    if before.quantity * quantity >= 0:
        cost = before.quantity * before.average_price + quantity * price
        return replace(before, quantity=total, average_price=cost / total if total else 0.0), 0.0, 0.0
    closed = min(abs(quantity), abs(before.quantity)) * (1 if before.quantity > 0 else -1)
    profit = (price - before.average_price) * closed * before.security.multiplier
    settled = before.settled * closed / before.quantity
    turned = total * before.quantity < 0
    after = replace(
        before,
        quantity=total,
        average_price=price if turned else before.average_price,
        settled=before.settled - settled,
    )
    return after, profit, settled


def _transfer(book: Book, transfer: Transfer, _quotes: Quotes, _account: str) -> Book:
    return book.paid(transfer.currency, transfer.amount)


def _settlement(book: Book, settlement: Settlement, quotes: Quotes, _account: str) -> Book:
    """Move the open profit of every future into cash; what was settled earlier is there already."""
    for position in book.positions.values():
        security = position.security
        if security.kind is SecurityType.FUTURE:
            gain = quotes.price(security, settlement.time) - position.average_price
            profit = gain * position.quantity * security.multiplier
            book = book.paid(security.currency, profit - position.settled)
            book = book.holding(replace(position, settled=profit))
    return book


_APPLY: Final[Mapping[type[Event], Callable[..., Book]]] = {
    Fill: _fill,
    Transfer: _transfer,
    Settlement: _settlement,
}


def _holding(position: Position, quotes: Quotes, account: str, time: float) -> HoldingState:
    """Value a position: ``value`` at the last price, ``unrealized`` at the exit (SecurityHolding.cs)."""
    security, quantity = position.security, position.quantity
    price = quotes.price(security, time)
    rate = quotes.rate(security.currency, account, time)
    invested = abs(quantity) >= security.lot
    exit_price = quotes.bid(security, time) if quantity > 0 else quotes.ask(security, time)
    profit = (exit_price - position.average_price) * quantity * security.multiplier
    unrealized = (profit - security.fee(quantity, price)) * rate if invested else 0.0
    value = price * quantity * security.multiplier * rate
    cost = abs(position.average_price * quantity * security.multiplier * rate)
    return HoldingState(
        security=security,
        quantity=quantity,
        average_price=position.average_price,
        price=price,
        rate=rate,
        value=value,
        unrealized=unrealized,
        unrealized_percent=100 * unrealized / cost if cost else 0.0,
        equity_term=_equity_term(security.kind, value, unrealized, position.settled * rate)
        if invested
        else 0.0,
    )


def _equity_term(kind: SecurityType, value: float, unrealized: float, settled: float) -> float:
    """Return what a holding adds to cash, by its type (SecurityPortfolioManager.cs)."""
    if kind in _CASH_LEGS:
        return 0.0
    if kind is SecurityType.FUTURE:
        return unrealized - settled
    return unrealized if kind in _MARGINED else value
