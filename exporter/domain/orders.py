"""The order book of one deployment: which pages of the list to ask for, and the totals they give.

QuantConnect lists the orders of all deployments of a project in launch order, so a new order is always
at the end of the list. Order ids begin at 1 again in each deployment.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from exporter.domain.order import Order, OrderRecord, OrderStatus, record
from exporter.domain.order_totals import NO_ORDERS, OrderTotals

LARGEST_SPAN = 100
"""Orders asked for again in one request: every server sends that many."""
LARGEST_PAGE = 1000
"""Orders asked for in one request where new ones may follow, the most that the API allows."""


class Span(NamedTuple):
    """The positions from ``first`` up to, not including, ``end`` in the list of orders."""

    first: int
    end: int


class Identity(NamedTuple):
    """What tells one order of a project from another: ids alone begin again in each deployment."""

    order_id: int
    created: float | None
    deploy_id: str | None

    def matches(self, order: Order) -> bool:
        """Tell whether the order may be this one; its deployment may not have been known before."""
        if (order.id, order.created) != (self.order_id, self.created):
            return False
        return self.deploy_id is None or order.deploy_id is None or order.deploy_id == self.deploy_id


Ranges = tuple[tuple[int, int], ...]
"""Whole numbers as their ranges, first and last, in rising order: a few for thousands of order ids."""


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The orders of the deployment ``deploy_id``, which was ``launched`` at Unix seconds.

    A poll calls :meth:`begun`, asks for :attr:`wanted` and adds the answer, until nothing is wanted.
    Then :meth:`totals` equal what the list says. Orders that are final are kept as totals only. When the
    list turns out to have changed, it is read again from the start, which ``rereads`` counts. Orders
    counted before are recognised by their ids, so that no counter falls and none is counted twice.
    ``_unlisted`` are those that the list has left out since: a later answer may have them again.
    """

    deploy_id: str
    launched: float | None
    rereads: int = 0
    _length: int = 0
    _page: int = LARGEST_SPAN
    _last: Identity | None = None
    _spans: tuple[Span, ...] = ()
    _tail: int | None = 0
    _changeable: Mapping[int, OrderRecord] = field(default_factory=dict)
    _unattributed: frozenset[int] = frozenset()
    _final: OrderTotals = NO_ORDERS
    _final_ids: Ranges = ()
    _unlisted: Mapping[int, OrderRecord] = field(default_factory=dict)

    @property
    def wanted(self) -> Span | None:
        """What to ask for next; ``None`` when the book is complete."""
        if self._spans:
            return self._spans[0]
        return None if self._tail is None else Span(self._tail, self._tail + LARGEST_PAGE)

    @property
    def requests_left(self) -> int:
        """How many requests complete the book at least."""
        return len(self._spans) + (self._tail is not None)

    def begun(self) -> "OrderBook":
        """Return the book at the beginning of a poll; one that is not complete continues where it was.

        What the largest page so far would hold is asked for together with new orders. The last known
        order is asked for again even when it is final: it tells whether the list has moved.
        """
        if self.wanted is not None:
            return self
        spans = _cover(sorted({*self._changeable, *self._unattributed}))
        in_one_page = self._length - self._page
        apart = tuple(span for span in spans if span.first < in_one_page)
        tail = min([span.first for span in spans[len(apart) :]], default=max(0, self._length - 1))
        return replace(self, _spans=apart, _tail=tail)

    def with_page(self, orders: Sequence[Order], now: float) -> "OrderBook":
        """Return the book with the answer to :attr:`wanted`; ``now`` is in Unix seconds, UTC."""
        span = self._asked()
        orders = orders[: span.end - span.first]
        end = span.first + len(orders)
        is_short = len(orders) < LARGEST_SPAN and end < span.end
        if (is_short and end < min(span.end, self._length)) or self._has_moved(span.first, orders):
            return self._reread()
        book = self._with_orders(span.first, orders, now)
        if self._spans:
            return replace(book, _spans=self._spans[1:])
        if is_short:
            return book.completed(now)
        return replace(book, _tail=end)

    def with_refusal(self, now: float) -> "OrderBook":
        """Return the book after the API refused :attr:`wanted` at ``now``: the list ends before it."""
        span = self._asked()
        if span.first < self._length:
            return self._reread()
        return self.completed(now)

    def totals(self) -> OrderTotals:
        """Return the totals of every order read; the status of an open one no longer listed is unknown."""
        unlisted = [
            each._replace(status=OrderStatus.UNKNOWN) if each.is_open else each
            for each in self._unlisted.values()
        ]
        return self._final.plus([*self._changeable.values(), *unlisted])

    def _asked(self) -> Span:
        if self.wanted is None:
            raise ValueError("the order book is complete and has asked for nothing")
        return self.wanted

    def _has_moved(self, first: int, orders: Sequence[Order]) -> bool:
        """Tell whether a known position holds another order than before."""
        for position, order in enumerate(orders, first):
            known = self._changeable.get(position)
            if known is not None and (known.id, known.created) != (order.id, order.created):
                return True
            if position == self._length - 1 and self._last is not None and not self._last.matches(order):
                return True
        return False

    def _reread(self) -> "OrderBook":
        """Return the book at the beginning of the list, with everything counted so far."""
        known = {each.id: each for each in self._changeable.values()}
        return replace(
            self,
            rereads=self.rereads + 1,
            _length=0,
            _last=None,
            _spans=(),
            _tail=0,
            _changeable={},
            _unattributed=frozenset(),
            _unlisted={**self._unlisted, **known},
        )

    def _with_orders(self, first: int, orders: Sequence[Order], now: float) -> "OrderBook":
        changeable, unattributed = dict(self._changeable), set(self._unattributed)
        unlisted = dict(self._unlisted)
        final = []
        for position, order in enumerate(orders, first):
            known = changeable.pop(position, None)
            if known is None:
                if position < self._length and position not in unattributed:
                    continue  # final, or another deployment's
                unattributed.discard(position)
                is_ours = order.belongs_to(self.deploy_id, self.launched)
                if is_ours is None:
                    unattributed.add(position)
                if not is_ours or self._is_counted(order):
                    continue
                known = unlisted.pop(order.id, None)
            current = record(order, now)
            if known is not None:
                current = current.after(known)
            if current.is_final(now):
                final.append(current)
            else:
                changeable[position] = current
        end = first + len(orders)
        last = self._last
        if orders and end >= self._length:
            last = Identity(orders[-1].id, orders[-1].created, orders[-1].deploy_id)
        return replace(
            self,
            _length=max(self._length, end),
            _page=max(self._page, len(orders)),
            _last=last,
            _changeable=changeable,
            _unattributed=frozenset(unattributed),
            _unlisted=unlisted,
        ).with_final(final)

    def _is_counted(self, order: Order) -> bool:
        """Tell whether an order new to the list is a final one that an earlier answer had.

        Ids may begin again under one deployment id, so one created after all of them is another order.
        """
        if not self.rereads or not _contains(self._final_ids, order.id):
            return False
        newest = self._final.last_order
        return order.created is None or newest is None or order.created <= newest

    def with_final(self, records: Sequence[OrderRecord]) -> "OrderBook":
        """Return the book with orders that will not change any more."""
        if not records:
            return self
        return replace(
            self,
            _final=self._final.plus(records),
            _final_ids=_with_numbers(self._final_ids, (each.id for each in records)),
        )

    def completed(self, now: float) -> "OrderBook":
        """Return the complete book; an order no longer listed is kept while it may change."""
        final = [each for each in self._unlisted.values() if each.is_final(now)]
        unlisted = {key: each for key, each in self._unlisted.items() if not each.is_final(now)}
        return replace(self, _tail=None, _unlisted=unlisted).with_final(final)


def _cover(positions: Sequence[int]) -> tuple[Span, ...]:
    """Return the fewest spans that cover rising positions."""
    spans: list[Span] = []
    for position in positions:
        if spans and position < spans[-1].first + LARGEST_SPAN:
            spans[-1] = Span(spans[-1].first, position + 1)
        else:
            spans.append(Span(position, position + 1))
    return tuple(spans)


def _contains(ranges: Ranges, number: int) -> bool:
    place = bisect_right(ranges, number, key=lambda each: each[0])
    return place > 0 and number <= ranges[place - 1][1]


def _with_numbers(ranges: Ranges, numbers: Iterable[int]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for first, last in sorted([*ranges, *((number, number) for number in numbers)]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
