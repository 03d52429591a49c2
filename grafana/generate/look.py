"""Units, colours, thresholds and value mappings that all dashboards share.

Green and red show a sign or a state, orange a warning. Anything else is blue, purple or grey.
Nothing that is not known has a colour.
"""

from collections.abc import Mapping
from itertools import product

from grafana_foundation_sdk.models import dashboard, units

from exporter.config.model import Polling
from exporter.domain.deployment import AlgorithmStatus

MONEY = units.LocaleFormat
"""Digits with thousands separators; the currency is named once, in a header or a column."""

RATIO = units.PercentUnit
SECONDS = units.Seconds
UPTIME = units.DurationSeconds
MONEY_DECIMALS = 4
"""At most so many: queries round amounts, finer where an account is held in coins."""

NUMBER = units.NoUnit
BYTES = units.BytesIEC
COUNT = units.LocaleFormat
TIMES = "suffix:×"  # noqa: RUF001 - the sign of a multiple
MILLISECONDS_AGO = units.DateTimeFromNow
AGO_WIDTH = 136
"""Pixels that the longest such text, "a few seconds ago", needs. Cut, "10 minutes ago" reads "0 minutes ago"."""

RED, ORANGE, GREEN, BLUE, PURPLE = "red", "orange", "green", "blue", "purple"
NEUTRAL, GREY = "text", "#8e8e8e"

UNKNOWN = "–"  # noqa: RUF001 - as tables of figures have it
"""Shown for a value that is not known."""

NO_POSITION = 1e-9
"""Stands for the profit of an empty portfolio, so that a panel can say *none* instead of 0."""

Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: the colour from each value on, the first one from below everything."""

ValueMapping = dashboard.ValueMap | dashboard.RangeMap | dashboard.RegexMap | dashboard.SpecialValueMap

_MONEY_EPSILON, _RATIO_EPSILON = 5e-9, 5e-5
_STALE_AFTER_INTERVALS = 3

PLAIN: Steps = ((None, NEUTRAL),)
SIGN_OF_MONEY: Steps = ((None, RED), (-_MONEY_EPSILON, NEUTRAL), (_MONEY_EPSILON, GREEN))
SIGN_OF_RATIO: Steps = ((None, RED), (-_RATIO_EPSILON, NEUTRAL), (_RATIO_EPSILON, GREEN))
LONG_OR_SHORT: Steps = ((None, PURPLE), (0.0, BLUE))
LIMIT_USED: Steps = ((None, NEUTRAL), (0.5, ORANGE), (1.0, RED))
NEGATIVE_IS_BAD: Steps = ((None, RED), (0.0, NEUTRAL))
SOME_IS_ODD: Steps = ((None, NEUTRAL), (0.5, ORANGE))
SOME_IS_BAD: Steps = ((None, NEUTRAL), (0.5, RED))
DATA_AGE: Steps = (
    (None, NEUTRAL),
    (_STALE_AFTER_INTERVALS * Polling().portfolio, ORANGE),
    (Polling().stale_after, RED),
)
ORDER_AGE: Steps = ((None, NEUTRAL), (300.0, ORANGE), (900.0, RED))
INTERVALS_LATE: Steps = ((None, NEUTRAL), (float(_STALE_AFTER_INTERVALS), ORANGE), (10.0, RED))
SHARE_IN_USE: Steps = ((None, NEUTRAL), (0.8, ORANGE), (1.0, RED))
CLOCK_SKEW: Steps = ((None, RED), (-300.0, ORANGE), (-20.0, NEUTRAL), (20.0, ORANGE), (300.0, RED))


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return thresholds by value."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value, color) for value, color in steps],
    )


def words(texts: Mapping[str, tuple[str, str | None] | str]) -> dashboard.ValueMap:
    """Return a mapping of values to a text, or to a text and its colour."""
    pairs = {value: (entry, None) if isinstance(entry, str) else entry for value, entry in texts.items()}
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(pairs.items())
        }
    )


def _special(match: dashboard.SpecialValueMatch, text: str) -> dashboard.SpecialValueMap:
    return dashboard.SpecialValueMap(
        dashboard.DashboardSpecialValueMapOptions(
            match=match, result=dashboard.ValueMappingResult(text=text, color=NEUTRAL, index=0)
        )
    )


NOTHING = _special(dashboard.SpecialValueMatch.NULL_AND_NAN, UNKNOWN)
"""Shows a value that is not known without a colour."""

NOTHING_BLANK = _special(dashboard.SpecialValueMatch.NULL_AND_NAN, " ")
"""Leaves a cell empty that need not have a value."""

NO_POSITION_WORD = dashboard.RangeMap(
    dashboard.DashboardRangeMapOptions(
        from_val=NO_POSITION / 2,
        to=NO_POSITION * 2,
        result=dashboard.ValueMappingResult(text="none", color=NEUTRAL, index=1),
    )
)


def replace(pattern: str, text: str, index: int = 0) -> dashboard.RegexMap:
    """Return a mapping of texts that match a pattern; ``$1`` is its first group."""
    return dashboard.RegexMap(
        dashboard.DashboardRegexMapOptions(
            pattern=pattern, result=dashboard.ValueMappingResult(text=text, index=index)
        )
    )


SORTED_WORDS = replace("^\\d (.*)$", "$1")
"""Drops the digit that puts rows into their order."""


def _grouped_digits() -> list[ValueMapping]:
    """Return mappings that write a number's text with thousands separators and at least two decimals.

    Decimals of a column are the same in every row otherwise, and a share price needs two where a
    currency pair needs five.
    """
    decimals = (("", ".00"), ("\\.(\\d)", ".${}0"), ("\\.(\\d{2,})", ".${}"))
    found: list[ValueMapping] = [words({"null": UNKNOWN, "undefined": UNKNOWN, "NaN": UNKNOWN})]
    for groups, (tail, shown) in product((1, 2, 3, 4), decimals):
        pattern = "^(-?\\d{1,3})" + "(\\d{3})" * (groups - 1) + tail + "$"
        text = ",".join(f"${number}" for number in range(1, groups + 1)) + shown.format(groups + 1)
        found.append(replace(pattern, text, len(found)))
    return found


GROUPED_DIGITS = _grouped_digits()

RUNNING = (AlgorithmStatus.RUNNING,)
STARTING = (
    AlgorithmStatus.IN_QUEUE,
    AlgorithmStatus.LOGGING_IN,
    AlgorithmStatus.INITIALIZING,
    AlgorithmStatus.HISTORY,
    AlgorithmStatus.PENDING_INPUT,
    AlgorithmStatus.IDLE,
)
CRASHED = (
    AlgorithmStatus.RUNTIME_ERROR,
    AlgorithmStatus.DEPLOY_ERROR,
    AlgorithmStatus.LIQUIDATED,
    AlgorithmStatus.INVALID,
)
STOPPED = (AlgorithmStatus.STOPPED, AlgorithmStatus.COMPLETED, AlgorithmStatus.DELETED)

_STATUS_TEXTS = {
    AlgorithmStatus.RUNTIME_ERROR: "Crashed",
    AlgorithmStatus.DEPLOY_ERROR: "Deploy failed",
    AlgorithmStatus.UNKNOWN: "Not deployed",
    AlgorithmStatus.HISTORY: "Loading history",
}


def _status_color(status: AlgorithmStatus) -> str:
    for group, color in ((RUNNING, GREEN), (STARTING, BLUE), (CRASHED, RED), (STOPPED, ORANGE)):
        if status in group:
            return color
    return GREY


STATUS_WORDS = words(
    {
        status.value: (
            _STATUS_TEXTS.get(status, status.value.replace("_", " ").capitalize()),
            _status_color(status),
        )
        for status in AlgorithmStatus
    }
)
TYPE_WORDS = words(
    {
        "equity": "Stock",
        "option": "Option",
        "index_option": "Index opt.",
        "future": "Future",
        "future_option": "Future opt.",
        "forex": "Forex",
        "cfd": "CFD",
        "crypto": "Coin",
        "crypto_future": "Perpetual",
        "index": "Index",
        "commodity": "Commodity",
        "unknown": "Unknown",
    }
)
SOURCE_WORDS = words(
    {
        source: source.capitalize()
        for source in ("status", "portfolio", "equity", "statistics", "charts", "orders")
    }
)
ORDER_WORDS = words(
    {
        "filled": "Filled",
        "submitted": "Submitted",
        "partially_filled": "Partly filled",
        "canceled": "Canceled",
        "invalid": "Rejected",
        "update_submitted": "Changed",
        "cancel_pending": "Being canceled",
        "new": "New",
        "unknown": "Unknown",
    }
)
POLL_WORDS = words({"1": ("ok", GREEN), "0": ("failed", RED)})
