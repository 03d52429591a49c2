"""What a loaded configuration is: frozen values, defaults in place, nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from exporter.config.secret import Secret

DEFAULT_BASE_URL = "https://www.quantconnect.com/api/v2/"


class Severity(StrEnum):
    """How loud a crossed limit is: the values of the label ``severity``."""

    WARNING = "warning"
    CRITICAL = "critical"


class LimitName(StrEnum):
    """What a limit bounds: the values of the label ``limit``. All are ratios, not percent."""

    DRAWDOWN_RATIO = "drawdown_ratio"
    DAILY_LOSS_RATIO = "daily_loss_ratio"
    GROSS_LEVERAGE_RATIO = "gross_leverage_ratio"
    CONCENTRATION_RATIO = "concentration_ratio"
    CASH_RATIO_MIN = "cash_ratio_min"


Limits = Mapping[tuple[LimitName, Severity], float]

DEFAULT_LIMITS: Limits = MappingProxyType(
    {
        (LimitName.DRAWDOWN_RATIO, Severity.WARNING): 0.10,
        (LimitName.DRAWDOWN_RATIO, Severity.CRITICAL): 0.20,
        (LimitName.DAILY_LOSS_RATIO, Severity.WARNING): 0.03,
        (LimitName.DAILY_LOSS_RATIO, Severity.CRITICAL): 0.06,
    }
)


@dataclass(frozen=True, slots=True)
class Account:
    """One QuantConnect user and this exporter's share of its API."""

    name: str
    user_id: int
    api_token: Secret
    base_url: str = DEFAULT_BASE_URL
    requests_per_minute: int = 30
    max_concurrent_requests: int = 4
    discover: bool = True


@dataclass(frozen=True, slots=True)
class Polling:
    """How often each source of a project is asked for, and how long a value may be quoted: seconds."""

    status: float = 60.0
    portfolio: float = 60.0
    equity: float = 60.0
    statistics: float = 300.0
    charts: float = 300.0
    timeout: float = 30.0
    stale_after: float = 900.0


@dataclass(frozen=True, slots=True)
class Cardinality:
    """How many series one project may have of what only QuantConnect decides the number of."""

    holdings: int = 10_000
    runtime_statistics: int = 50
    chart_series: int = 100


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """How one project is polled and judged; the defaults serve every discovered project."""

    name: str | None = None
    account_currency: str | None = None
    charts: tuple[str, ...] = ()
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
    """The whole configuration; ``defaults`` serves the projects that are discovered."""

    accounts: tuple[Account, ...]
    projects: tuple[NamedProject, ...] = ()
    defaults: ProjectSettings = field(default_factory=ProjectSettings)
