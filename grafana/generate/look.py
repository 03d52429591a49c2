"""Units, colours, thresholds and value mappings that all dashboards share."""

from grafana_foundation_sdk.models import dashboard, units

from exporter.config.model import DEFAULT_LIMITS, LimitName, Polling, Severity
from exporter.domain.deployment import AlgorithmStatus

MONEY = units.LocaleFormat
"""Plain digits: a unit cannot come from a label, so the currency stands in the legend or in a column."""

RATIO = units.PercentUnit
SECONDS = units.Seconds
NUMBER = units.NoUnit
TIMES = units.Short
MILLISECONDS_AGO = units.DateTimeFromNow

RED, ORANGE, YELLOW, GREEN, BLUE, NEUTRAL = "red", "orange", "yellow", "green", "blue", "text"

Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: the colour from each value on, the first one from below everything."""

PLAIN: Steps = ((None, NEUTRAL),)
SIGN: Steps = ((None, RED), (0.0, GREEN))
LIMIT_USED: Steps = ((None, GREEN), (0.5, ORANGE), (1.0, RED))
DAILY_RETURN: Steps = (
    (None, RED),
    (-DEFAULT_LIMITS[LimitName.DAILY_LOSS_RATIO, Severity.CRITICAL], ORANGE),
    (-DEFAULT_LIMITS[LimitName.DAILY_LOSS_RATIO, Severity.WARNING], YELLOW),
    (0.0, GREEN),
)
LEVERAGE: Steps = ((None, NEUTRAL), (2.0, ORANGE), (4.0, RED))
CONCENTRATION: Steps = ((None, GREEN), (0.5, ORANGE), (0.8, RED))
CASH_SHARE: Steps = ((None, RED), (0.0, ORANGE), (0.02, GREEN))
DATA_AGE: Steps = ((None, GREEN), (3 * Polling().portfolio, ORANGE), (Polling().stale_after, RED))
INTERVALS_LATE: Steps = ((None, GREEN), (3.0, ORANGE), (10.0, RED))
SHARE_IN_USE: Steps = ((None, GREEN), (0.8, ORANGE), (1.0, RED))
CLOCK_SKEW: Steps = ((None, RED), (-300.0, ORANGE), (-20.0, GREEN), (20.0, ORANGE), (300.0, RED))
TRUE_IS_GOOD: Steps = ((None, RED), (1.0, GREEN))

_STATUS_COLORS = {
    AlgorithmStatus.RUNNING: GREEN,
    AlgorithmStatus.IN_QUEUE: BLUE,
    AlgorithmStatus.LOGGING_IN: BLUE,
    AlgorithmStatus.INITIALIZING: BLUE,
    AlgorithmStatus.HISTORY: BLUE,
    AlgorithmStatus.STOPPED: ORANGE,
    AlgorithmStatus.COMPLETED: ORANGE,
    AlgorithmStatus.DELETED: ORANGE,
    AlgorithmStatus.UNKNOWN: ORANGE,
}


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return thresholds by value."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value, color) for value, color in steps],
    )


def words(**texts: tuple[str, str]) -> dashboard.ValueMap:
    """Return a mapping of values to a text and its colour; a number is written ``_1``."""
    return dashboard.ValueMap(
        {
            value.lstrip("_"): dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(texts.items())
        }
    )


STATUS_WORDS = words(
    **{
        status.value: (status.value.replace("_", " ").capitalize(), _STATUS_COLORS.get(status, RED))
        for status in AlgorithmStatus
    }
)
