"""One live run of a project: its ledger, its orders, and what it does all day."""

import math
from dataclasses import dataclass, field

from exporter.demo.activity import Activity, Desk
from exporter.demo.ledger import Ledger
from exporter.demo.market import Quotes
from exporter.demo.orders import Order, OrderLog, Trading, trading


@dataclass(slots=True)
class Deployment:
    """One live run. ``stopped`` may lie ahead: until then the status is ``Running``. Unix seconds."""

    deploy_id: str
    launched: float
    ledger: Ledger
    opening_equity: float
    stopped: float | None = None
    final_status: str = "Stopped"
    error: str = ""
    orders: OrderLog = field(default_factory=OrderLog)
    _plans: dict[Activity, int] = field(default_factory=dict)

    def has_ended(self, time: float) -> bool:
        """Tell whether the run is over at a time."""
        return self.stopped is not None and self.stopped <= time

    def status(self, time: float) -> str:
        """Return LEAN's status at a time."""
        return self.final_status if self.has_ended(time) else "Running"

    def last_moment(self, time: float) -> float:
        """Return the time, or the end of the run when that came before."""
        return self.stopped if self.stopped is not None and self.stopped <= time else time

    def desk(self, quotes: Quotes) -> Desk:
        """Return what places orders at a project's prices."""
        return Desk(self.ledger, self.orders, quotes)

    @property
    def activities(self) -> tuple[Activity, ...]:
        """What is done again and again."""
        return tuple(self._plans)

    def plan(self, *activities: Activity) -> None:
        """Do something again and again."""
        self._plans.update(dict.fromkeys(activities, 0))

    def advance(self, time: float, quotes: Quotes) -> None:
        """Place what was planned up to a time; orders that were placed before stay as they are."""
        end = self.last_moment(time)
        for activity, done in self._plans.items():
            first = self.launched + activity.after
            count = max(done, math.floor((end - first) / activity.every) + 1)
            for number in range(done, count):
                activity.act(self.desk(quotes), activity, number, first + number * activity.every)
            self._plans[activity] = count

    def placed_orders(self, time: float) -> list[Order]:
        """Return the orders created up to a time; the first has the id 1."""
        return self.orders.placed(self.last_moment(time))

    def trading(self, time: float) -> Trading:
        """Return what trading came to up to a time."""
        end = self.last_moment(time)
        return trading(self.orders.placed(end), self.ledger.fills(end), end)
