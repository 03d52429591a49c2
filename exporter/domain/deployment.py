"""A deployment of a live algorithm: its status, and what it says of itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import fsum, inf


class AlgorithmStatus(StrEnum):
    """LEAN's algorithm statuses (``Common/Global.cs``), plus ``unknown`` for any other."""

    DEPLOY_ERROR = "deploy_error"
    IN_QUEUE = "in_queue"
    RUNNING = "running"
    STOPPED = "stopped"
    LIQUIDATED = "liquidated"
    DELETED = "deleted"
    COMPLETED = "completed"
    RUNTIME_ERROR = "runtime_error"
    INVALID = "invalid"
    LOGGING_IN = "logging_in"
    INITIALIZING = "initializing"
    HISTORY = "history"
    PENDING_INPUT = "pending_input"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a project; times in Unix seconds, UTC."""

    deploy_id: str
    status: AlgorithmStatus
    launched: float | None
    stopped: float | None = None
    brokerage: str = ""

    @property
    def ended(self) -> float | None:
        """When it ended at the earliest, as far as QuantConnect says; ``None`` while it runs."""
        return None if self.is_running else self.stopped or self.launched

    @property
    def is_running(self) -> bool:
        """Whether the algorithm trades now, so that its values are alive."""
        return self.status is AlgorithmStatus.RUNNING


def latest_deployment(deployments: Iterable[Deployment]) -> Deployment | None:
    """Return the deployment that runs, else the one launched last: a project keeps a row for each it ever had.

    A running one counts although a later one failed to deploy: it is what trades.
    """
    return max(deployments, key=lambda each: (each.is_running, each.launched or -inf), default=None)


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """The machine an algorithm runs on: a ratio from 0 to 1, bytes and seconds."""

    cpu_usage_ratio: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    uptime_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """An algorithm's runtime statistics; money in account currency, ``fees`` as a positive cost.

    ``return_ratio`` and ``probabilistic_sharpe_ratio`` are ratios, not percent. ``custom`` holds
    the name and number of each further statistic that the algorithm sets, ``dropped`` how many more
    of them there were. ``deploy_id`` names the deployment they belong to, where the answer says so.
    ``net_profit`` is realised, after fees; ``unrealized_pnl`` is that of the open positions.
    """

    net_profit: float | None = None
    fees: float | None = None
    volume: float | None = None
    return_ratio: float | None = None
    probabilistic_sharpe_ratio: float | None = None
    custom: tuple[tuple[str, float], ...] = ()
    dropped: int = 0
    server: ServerStatistics = ServerStatistics()
    equity: float | None = None
    unrealized_pnl: float | None = None
    deploy_id: str | None = None

    @property
    def strategy_pnl(self) -> float | None:
        """What trading made since launch, N + U: no deposit or withdrawal moves it.

        ``None`` unless equity, net profit and unrealized profit are all known.
        """
        if self.equity is None or self.net_profit is None or self.unrealized_pnl is None:
            return None
        return _exact_sum(self.net_profit, self.unrealized_pnl)

    @property
    def capital(self) -> float | None:
        """The capital it was made with, E - N - U; ``None`` under the same condition."""
        if self.equity is None or self.net_profit is None or self.unrealized_pnl is None:
            return None
        return _exact_sum(self.equity, -self.net_profit, -self.unrealized_pnl)


def _exact_sum(*amounts: float) -> float:
    """Return a sum of amounts that LEAN states in cents, without a tail of binary fractions."""
    return round(fsum(amounts), 6)
