"""What a loaded configuration is: frozen values, defaults in place, nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from exporter.config.secret import Secret
from exporter.config.shard import Shard

DEFAULT_BASE_URL = "https://www.quantconnect.com/api/v2/"

STALE_INTERVALS = 2.5
"""A value stays on the page for at least that many intervals, so that one failed poll never removes it."""


class Severity(StrEnum):
    """How urgent a crossed limit is: the values of the label ``severity``."""

    WARNING = "warning"
    CRITICAL = "critical"


class LimitName(StrEnum):
    """What a limit bounds: the values of the label ``limit``.

    Those named ratio are ratios, not percent; ages are in seconds, ``strategy_loss`` in account currency.
    """

    DRAWDOWN_RATIO = "drawdown_ratio"
    DAILY_LOSS_RATIO = "daily_loss_ratio"
    GROSS_LEVERAGE_RATIO = "gross_leverage_ratio"
    CONCENTRATION_RATIO = "concentration_ratio"
    CASH_RATIO_MIN = "cash_ratio_min"
    MEMORY_RATIO = "memory_ratio"
    STRATEGY_LOSS = "strategy_loss"
    SLIPPAGE_RATIO = "slippage_ratio"
    OPEN_ORDER_AGE = "open_order_age"
    EQUITY_AGE = "equity_age"


Limits = Mapping[tuple[LimitName, Severity], float]

DEFAULT_LIMITS: Limits = MappingProxyType(
    {
        (LimitName.DRAWDOWN_RATIO, Severity.WARNING): 0.10,
        (LimitName.DRAWDOWN_RATIO, Severity.CRITICAL): 0.20,
        (LimitName.DAILY_LOSS_RATIO, Severity.WARNING): 0.03,
        (LimitName.DAILY_LOSS_RATIO, Severity.CRITICAL): 0.06,
        (LimitName.MEMORY_RATIO, Severity.WARNING): 0.80,
        (LimitName.MEMORY_RATIO, Severity.CRITICAL): 0.95,
        (LimitName.OPEN_ORDER_AGE, Severity.WARNING): 900.0,
    }
)


Labels = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""


@dataclass(frozen=True, slots=True)
class Account:
    """One QuantConnect user and this exporter's share of its API.

    ``labels`` belong to all its projects.
    """

    name: str
    user_id: int
    api_token: Secret
    base_url: str = DEFAULT_BASE_URL
    requests_per_minute: int = 30
    max_concurrent_requests: int = 4
    discover: bool = True
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Polling:
    """Seconds between two polls of each source of a project, and how long its values are shown.

    ``orders`` is ``None`` where orders are not asked for. ``keep_ended_for`` is how long a discovered
    algorithm that has ended stays on the page.
    """

    status: float = 60.0
    portfolio: float = 60.0
    equity: float = 60.0
    statistics: float = 300.0
    charts: float = 300.0
    timeout: float = 30.0
    stale_after: float = 900.0
    orders: float | None = 300.0
    keep_ended_for: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Cardinality:
    """How many series one project may have of what only QuantConnect decides the number of.

    ``projects`` bounds the running algorithms that are discovered for an account.
    """

    holdings: int = 10_000
    runtime_statistics: int = 50
    chart_series: int = 100
    projects: int = 1000


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """How one project is polled and judged; the defaults serve every discovered project.

    ``peak_since`` in Unix seconds: earlier equity does not count for the peak.
    """

    name: str | None = None
    account_currency: str | None = None
    charts: tuple[str, ...] = ()
    peak_since: float | None = None
    labels: Labels = ()
    polling: Polling = field(default_factory=Polling)
    cardinality: Cardinality = field(default_factory=Cardinality)
    limits: Limits = field(default_factory=lambda: DEFAULT_LIMITS)


@dataclass(frozen=True, slots=True)
class NamedProject:
    """A project that the configuration names."""

    id: int
    account: str
    settings: ProjectSettings


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of one exporter: ``shard`` is which of several, ``projects`` are its own."""

    accounts: tuple[Account, ...]
    projects: tuple[NamedProject, ...] = ()
    defaults: ProjectSettings = field(default_factory=ProjectSettings)
    shard: Shard = field(default_factory=Shard)

    def discovered(self, account: Account) -> ProjectSettings:
        """Return the settings of a project that is discovered for the account."""
        return replace(self.defaults, labels=account.labels)
