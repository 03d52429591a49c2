"""The totals of one deployment's orders: counters that never fall, and what is open now."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.order import Amounts, OpenKind, OrderRecord, OrderStatus, OrderType, Side, latest

FILL_DURATION_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 14400.0)
"""Seconds."""
SLIPPAGE_BOUNDS = (-0.01, -0.001, -0.0005, 0.0, 0.0005, 0.001, 0.0025, 0.005, 0.01)
"""Ratios of the price; positive is a cost."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of values by upper bound, the last count for those above every bound.

    ``counts`` are not cumulative; ``sum`` is that of all values, in their unit.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> "Histogram":
        """Return a histogram without values."""
        return cls(bounds, (0,) * (len(bounds) + 1))

    def plus(self, values: Iterable[float]) -> "Histogram":
        """Return the histogram with further values."""
        counts, total = list(self.counts), self.sum
        for value in values:
            counts[bisect_left(self.bounds, value)] += 1
            total += value
        return Histogram(self.bounds, tuple(counts), total)

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.counts)

    def cumulative(self) -> tuple[int, ...]:
        """Return how many values are at or below each bound, and last how many there are."""
        return tuple(accumulate(self.counts))


_NO_DURATIONS = Histogram.empty(FILL_DURATION_BOUNDS)
_NO_SLIPPAGE = Histogram.empty(SLIPPAGE_BOUNDS)


class OrderTotals(NamedTuple):
    """What one deployment's orders add up to.

    ``by_status`` has every status and ``placed`` every type, so that a series begins at 0. ``open``
    and ``oldest_open`` have only what is there. ``fees`` are costs and ``rebates`` gains by currency,
    both positive. Times are Unix seconds, ``fill_duration`` is in seconds, ``slippage`` a ratio; both
    are of market orders.
    """

    by_status: Mapping[OrderStatus, int] = MappingProxyType(dict.fromkeys(OrderStatus, 0))
    placed: Mapping[OrderType, int] = MappingProxyType(dict.fromkeys(OrderType, 0))
    rejections: int = 0
    fills: Mapping[Side, int] = MappingProxyType(dict.fromkeys(Side, 0))
    fills_lost: int = 0
    fees: Mapping[str, Decimal] = MappingProxyType({})
    rebates: Mapping[str, Decimal] = MappingProxyType({})
    open: Mapping[OrderType, int] = MappingProxyType({})
    oldest_open: Mapping[OpenKind, float] = MappingProxyType({})
    last_order: float | None = None
    last_fill: float | None = None
    fill_duration: Histogram = _NO_DURATIONS
    slippage: Histogram = _NO_SLIPPAGE

    def with_fees_in(self, currency: str | None) -> "OrderTotals":
        """Return the totals with fees in a currency, 0 where there are none: a counter begins at 0."""
        if currency is None or currency in self.fees:
            return self
        return self._replace(fees={currency: Decimal(0), **self.fees})

    def plus(self, records: Iterable[OrderRecord]) -> "OrderTotals":
        """Return the totals with further orders, each counted once."""
        records = tuple(records)
        if not records:
            return self
        by_status, placed = dict(self.by_status), dict(self.placed)
        fees, rebates = dict(self.fees), dict(self.rebates)
        still_open: dict[OrderType, int] = dict(self.open)
        oldest = dict(self.oldest_open)
        for each in records:
            by_status[each.status] += 1
            placed[each.type] += 1
            _add(fees, each.fees)
            _add(rebates, each.rebates)
            if each.is_open:
                still_open[each.type] = still_open.get(each.type, 0) + 1
                if each.created is not None:
                    kind = OpenKind.MARKETABLE if each.is_marketable else OpenKind.RESTING
                    oldest[kind] = min(each.created, oldest.get(kind, each.created))
        executions = [each.execution for each in records if each.execution is not None]
        return OrderTotals(
            by_status=by_status,
            placed=placed,
            rejections=self.rejections + sum(each.rejected for each in records),
            fills={
                Side.BUY: self.fills[Side.BUY] + sum(each.buys for each in records),
                Side.SELL: self.fills[Side.SELL] + sum(each.sells for each in records),
            },
            fills_lost=self.fills_lost + sum(each.fills_lost for each in records),
            fees=fees,
            rebates=rebates,
            open=still_open,
            oldest_open=oldest,
            last_order=latest((self.last_order, *(each.created for each in records))),
            last_fill=latest((self.last_fill, *(each.last_fill for each in records))),
            fill_duration=self.fill_duration.plus(
                each.duration for each in executions if each.duration is not None
            ),
            slippage=self.slippage.plus(each.slippage for each in executions if each.slippage is not None),
        )


NO_ORDERS = OrderTotals()
"""The totals of a deployment that has placed no order."""


def _add(totals: dict[str, Decimal], amounts: Amounts) -> None:
    for currency, amount in amounts:
        totals[currency] = totals.get(currency, Decimal(0)) + amount
