"""Projects and their deployments: what runs when, in which state, and the hands-on control of both."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from threading import RLock
from typing import Final

from exporter.demo.candles import Candle, CandleCache, equity_candles, peak
from exporter.demo.deployment import Deployment
from exporter.demo.lean import SecurityType
from exporter.demo.ledger import CashRow, HoldingState, Ledger, Transfer, Valuation
from exporter.demo.market import Quotes, Security, Shock
from exporter.demo.orders import ListedOrder, Trading

_CACHED_CANDLES: Final = 10_000


class Generation(Enum):
    """The key spellings of the wire, by the engine a project is pinned to."""

    SHORT = "since February 2025"
    CAMEL = "2021 to early 2025"
    PASCAL = "before 2021"


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the runtime statistics are made of, in the account currency; ``return_ratio`` since launch."""

    equity: float
    holdings: float
    net_profit: float
    unrealized: float
    volume: float
    fees: float
    return_ratio: float


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The exact state of a project at the snapshot time, before any rounding. Unix seconds.

    ``equity`` moves with the market; ``shown_equity``, in chart and statistics, stands still while the
    exchange is closed, and ``peak_equity`` is its highest since the launch. A project that was never
    deployed has the status ``Undefined`` and no deployment.
    """

    project_id: int
    name: str
    account_currency: str
    time: float
    status: str
    deploy_id: str | None = None
    launched: float | None = None
    stopped: float | None = None
    error: str = ""
    cash: tuple[CashRow, ...] = ()
    holdings: tuple[HoldingState, ...] = ()
    equity: float = 0.0
    shown_equity: float = 0.0
    peak_equity: float = 0.0
    statistics: Statistics | None = None

    @property
    def drawdown_ratio(self) -> float:
        """How far the shown equity is below its peak: 0 to 1."""
        return 1 - self.shown_equity / self.peak_equity if self.peak_equity else 0.0

    def holding(self, symbol_id: str) -> HoldingState:
        """Return one holding."""
        return next(holding for holding in self.holdings if holding.symbol_id == symbol_id)


def _no_statistics(_state: ProjectState) -> Mapping[str, str]:
    return {}


def _usual_memory(state: ProjectState) -> float:
    return 0.42 + 0.06 * math.sin(state.time / 97 + state.project_id)


def _not_bound() -> float:
    raise RuntimeError("the project belongs to no server, which would tell the time")


@dataclass(slots=True)
class SimulatedProject:
    """A project of the simulated cloud. Every method may be called from any thread.

    ``subscribed`` securities are shown flat, as ``{}``, while there is no position in them; ``universe``
    is what ``open_position`` can trade; ``own_statistics`` are those that the algorithm itself sets, and
    ``memory_ratio`` is the share of its server's memory that it uses.
    """

    project_id: int
    account: str
    name: str
    account_currency: str
    created: float
    quotes: Quotes
    universe: Mapping[str, Security]
    generation: Generation = Generation.SHORT
    brokerage: str = "PaperBrokerage"
    subscribed: tuple[Security, ...] = ()
    custom_chart: str | None = None
    own_statistics: Callable[[ProjectState], Mapping[str, str]] = _no_statistics
    memory_ratio: Callable[[ProjectState], float] = _usual_memory
    deployments: list[Deployment] = field(default_factory=list)
    deleted: bool = False
    now: Callable[[], float] = _not_bound
    _closed: list[tuple[float, float]] = field(default_factory=list)
    _candles: dict[str, CandleCache] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    # What it is

    def deployment(self, time: float) -> Deployment | None:
        """Return the deployment launched last."""
        with self.lock:
            return next((run for run in reversed(self.deployments) if run.launched <= time), None)

    def state(self, time: float) -> ProjectState:
        """Return the exact state at a time."""
        with self.lock:
            state, run = self.state_without_peak(time), self.deployment(time)
            return replace(state, peak_equity=peak(self.candles(run, time))) if run else state

    def state_without_peak(self, time: float) -> ProjectState:
        """Return the state without ``peak_equity``, which needs the whole history."""
        with self.lock:
            run = self.deployment(time)
            if run is None:
                return ProjectState(self.project_id, self.name, self.account_currency, time, "Undefined")
            valuation = self._valuation(run, time)
            statistics = self._statistics(run, time)
            return ProjectState(
                project_id=self.project_id,
                name=self.name,
                account_currency=self.account_currency,
                time=time,
                status=run.status(time),
                deploy_id=run.deploy_id,
                launched=run.launched,
                stopped=run.stopped if run.has_ended(time) else None,
                error=run.error if run.has_ended(time) else "",
                cash=valuation.cash,
                holdings=valuation.holdings,
                equity=valuation.equity,
                shown_equity=statistics.equity,
                statistics=statistics,
            )

    def equity(self, run: Deployment, time: float) -> float:
        """Return the exact equity of a deployment, which stands still after its end."""
        with self.lock:
            return self._valuation(run, time).equity

    def shown(self, run: Deployment, time: float) -> Valuation:
        """Return the valuation behind chart and statistics: frozen while the exchange is closed."""
        with self.lock:
            return self._valuation(run, self._shown_time(time))

    def candles(self, run: Deployment, time: float) -> list[Candle]:
        """Return the equity candles of a deployment up to a time."""
        with self.lock:
            cache = self._candles.setdefault(run.deploy_id, {})
            if len(cache) > _CACHED_CANDLES:
                cache.clear()
            return equity_candles(
                lambda moment: self.shown(run, moment).equity,
                run.launched,
                run.last_moment(time),
                time,
                cache,
            )

    def listed_orders(self, time: float) -> list[ListedOrder]:
        """Return the orders of every deployment in launch order.

        What had no event when its deployment ended is not listed: nothing would tell whose it is.
        """
        with self.lock:
            runs = [run for run in self.deployments if run.launched <= time]
            for run in runs:
                run.advance(time, self.quotes)
            return [
                ListedOrder(run.deploy_id, order_id, order, run.last_moment(time))
                for run in runs
                for order_id, order in enumerate(run.placed_orders(time), 1)
                if order.events_told(run.last_moment(time)) or not run.has_ended(time)
            ]

    def trading(self, time: float) -> Trading:
        """Return what the orders of the deployment launched last came to up to a time."""
        with self.lock:
            run = self.deployment(time)
            if run is None:
                return Trading()
            run.advance(time, self.quotes)
            return run.trading(time)

    def _valuation(self, run: Deployment, time: float) -> Valuation:
        run.advance(time, self.quotes)
        return run.ledger.valuation(run.last_moment(time), self.quotes)

    def _statistics(self, run: Deployment, time: float) -> Statistics:
        shown_time = self._shown_time(time)
        valuation = self._valuation(run, shown_time)
        book = run.ledger.book(run.last_moment(shown_time), self.quotes)
        return Statistics(
            equity=valuation.equity,
            holdings=valuation.gross_exposure,
            net_profit=book.gross_profit - book.fees,
            unrealized=valuation.unrealized,
            volume=book.volume,
            fees=book.fees,
            return_ratio=valuation.equity / run.opening_equity - 1,
        )

    def _shown_time(self, time: float) -> float:
        return next((start for start, end in self._closed if start <= time < end), time)

    # What can be done to it

    def stop(self) -> None:
        """End the running deployment; its last positions stay visible."""
        self._end("Stopped")

    def crash(self, message: str) -> None:
        """End the running deployment with a runtime error."""
        self._end("RuntimeError", message)

    def liquidate(self) -> None:
        """Close every position and end the running deployment."""
        with self.lock:
            for holding in self.state_without_peak(self.now()).holdings:
                self._trade(holding.security, -holding.quantity)
            self._end("Liquidated")

    def launch(self) -> str:
        """Start a new deployment with the last equity in cash and the same plans, and return its id."""
        with self.lock:
            time = self.now()
            last = self.deployment(time)
            cash = self.equity(last, time) if last else 100_000.0
            if last and not last.has_ended(time):
                self.stop()
            run = self.add_deployment(time, {self.account_currency: cash})
            run.plan(*(last.activities if last else ()))
            return run.deploy_id

    def close_position(self, symbol_id: str) -> None:
        """Sell what is held of a security, or buy back what is short; KeyError when there is none."""
        with self.lock:
            run = self._running()
            position = run.ledger.book(self.now(), self.quotes).positions[symbol_id]
            self._trade(position.security, -position.quantity)

    def open_position(self, symbol_id: str, quantity: float) -> None:
        """Trade a quantity of a security of the universe, negative to sell."""
        self._trade(self.universe[symbol_id], quantity)

    def deposit(self, amount: float) -> None:
        """Pay in an amount of the account currency."""
        with self.lock:
            self._running().ledger.add(Transfer(self.now(), self.account_currency, amount))

    def withdraw(self, amount: float) -> None:
        """Pay out an amount of the account currency."""
        self.deposit(-amount)

    def rename(self, name: str) -> None:
        """Change the project's name."""
        with self.lock:
            self.name = name

    def delete(self) -> None:
        """Move the project to the recycle bin, where nothing but the project list knows it."""
        with self.lock:
            self.deleted = True
            self.name = f"Recycle Bin/{self.name}"

    def set_exchange_closed(self, closed: bool) -> None:  # noqa: FBT001 - the state itself
        """Close the exchange: chart and statistics freeze, the portfolio moves on. Open it with False.

        LEAN updates both only while an exchange of the algorithm is open (LiveTradingResultHandler.cs).
        """
        with self.lock:
            time = self.now()
            is_closed = bool(self._closed) and self._closed[-1][1] == math.inf
            if closed and not is_closed:
                self._closed.append((time, math.inf))
            elif is_closed and not closed:
                self._closed[-1] = (self._closed[-1][0], time)

    def set_price_shock(self, factor: float) -> None:
        """Multiply the prices this project sees by a factor from now on.

        Currency pairs are spared unless they are held, else the account's own money would change too.
        """
        with self.lock:
            time = self.now()
            run = self.deployment(time)
            held = run.ledger.book(time, self.quotes).positions if run else {}
            pairs = {
                security.symbol_id
                for security in self.universe.values()
                if security.kind is SecurityType.FOREX
            }
            shock = Shock(time, factor, frozenset(pairs - held.keys()))
            self.quotes = replace(self.quotes, shocks=(*self.quotes.shocks, shock))

    def add_deployment(
        self, launched: float, opening: Mapping[str, float], account_currency: str | None = None
    ) -> Deployment:
        """Add a deployment that starts with the given cash, in the account currency first."""
        ledger = Ledger(opening, account_currency or self.account_currency)
        run = Deployment(
            deploy_id=self._deploy_id(len(self.deployments)),
            launched=launched,
            ledger=ledger,
            opening_equity=ledger.valuation(launched, self.quotes).equity,
        )
        self.deployments.append(run)
        return run

    def _trade(self, security: Security, quantity: float) -> None:
        with self.lock:
            run, time = self._running(), self.now()
            run.advance(time, self.quotes)
            run.desk(self.quotes).market(time, security, quantity)

    def _running(self) -> Deployment:
        run = self.deployment(self.now())
        if run is None or run.has_ended(self.now()):
            raise RuntimeError(f"project {self.project_id} is not running")
        return run

    def _end(self, status: str, error: str = "") -> None:
        with self.lock:
            run = self._running()
            run.stopped, run.final_status, run.error = self.now(), status, error

    def _deploy_id(self, number: int) -> str:
        digest = hashlib.sha256(f"{self.project_id}:{number}".encode()).hexdigest()
        return f"L-{digest[:32]}"
