"""A list of orders as QuantConnect keeps it, with what it truly adds up to."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from exporter.domain.order import Order, OrderEvent, OrderStatus, OrderType, Quote
from exporter.domain.orders import OrderBook

MOST_REQUESTS = 20


@dataclass(slots=True)
class Placed:
    """An order that changes over time, and what truly happened to it."""

    deploy_id: str
    id: int
    type: OrderType
    created: float
    status: OrderStatus = OrderStatus.NEW
    events: list[OrderEvent] = field(default_factory=list)

    @property
    def stated(self) -> Order:
        """The order as the API states it now."""
        return Order(
            id=self.id,
            type=self.type,
            status=self.status,
            quantity=10.0,
            created=self.created,
            changed=None,
            deploy_id=self.deploy_id if self.events else None,
            quote=Quote(99.0, 101.0, 100.0),
            limit_price=None,
            events=tuple(self.events),
        )

    def happen(self, status: OrderStatus, time: float, quantity: float = 0.0, fee: float = 0.0) -> None:
        """Record an event that also sets the status."""
        self.status = status
        self.events.append(OrderEvent(status, time, 100.5, quantity, fee, "USD"))


@dataclass(slots=True)
class Cloud:
    """The orders of every deployment of a project, in launch order.

    Pages have at most ``cap`` orders. With ``refuses``, asking from the end of the list on is refused.
    ``forgotten`` are orders of the running deployment that the list has left out since.
    """

    cap: int
    refuses: bool
    now: float = 1_000_000.0
    deployments: int = 1
    launched: float = 1_000_000.0
    orders: list[Placed] = field(default_factory=list)
    forgotten: list[Placed] = field(default_factory=list)
    ids: int = 0
    requests: int = 0

    @property
    def deploy_id(self) -> str:
        """The running deployment."""
        return f"L-{self.deployments}"

    def own(self) -> list[Placed]:
        """Return the listed orders of the running deployment."""
        return [order for order in self.orders if order.deploy_id == self.deploy_id]

    def place(self, order_type: OrderType = OrderType.LIMIT) -> Placed:
        """Place an order."""
        self.ids += 1
        self.orders.append(Placed(self.deploy_id, self.ids, order_type, self.now))
        return self.orders[-1]

    def redeploy(self) -> None:
        """Launch another deployment, whose ids begin at 1 again."""
        self.deployments += 1
        self.now += 60.0
        self.launched = self.now
        self.ids = 0
        self.forgotten = []

    def forget(self, positions: slice) -> None:
        """Take orders off the list, those of the running deployment with their counts kept."""
        self.forgotten += [order for order in self.orders[positions] if order.deploy_id == self.deploy_id]
        del self.orders[positions]

    def new_book(self) -> OrderBook:
        """Return an empty book of the running deployment."""
        return OrderBook(self.deploy_id, self.launched)

    def page(self, first: int, end: int) -> Sequence[Order] | None:
        """Return a page, ``None`` for a refusal."""
        self.requests += 1
        if self.refuses and first > 0 and first >= len(self.orders):
            return None
        return [order.stated for order in self.orders[first : min(end, first + self.cap)]]

    def polled(self, book: OrderBook) -> OrderBook:
        """Return the book after one poll, which may leave it incomplete."""
        book = book.begun()
        for _ in range(MOST_REQUESTS):
            if book.wanted is None:
                break
            orders = self.page(*book.wanted)
            book = book.with_refusal(self.now) if orders is None else book.with_page(orders, self.now)
        return book

    def counted(self, of: Callable[[Placed], int]) -> int:
        """Return a sum over every order of the running deployment."""
        return sum(of(order) for order in [*self.own(), *self.forgotten])

    def statuses(self) -> Counter[OrderStatus]:
        """Return how many orders have each status; an open one that is not listed has an unknown one."""
        closed = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)
        counter = Counter(order.status for order in self.own())
        counter.update(
            each.status if each.status in closed else OrderStatus.UNKNOWN for each in self.forgotten
        )
        return counter
