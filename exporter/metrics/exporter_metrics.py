"""The exporter's own metrics: requests, budget, build, and those of its process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from exporter.metrics.exposition import Format, Kind, header, label_pairs
from exporter.metrics.frame import Frame, SharedLabels, render_metrics
from exporter.metrics.process_metrics import ProcessMetrics
from exporter.metrics.table import (
    Labels,
    Metrics,
    Rows,
    Table,
    V,
    families_of,
    histogram_rows,
    one_row,
    rows_of,
)
from exporter.polling.state import SourceHealth
from exporter.quantconnect.telemetry import DURATION_BUCKETS, Requests

ACCOUNT = ("account",)


@dataclass(frozen=True, slots=True)
class AccountView:
    """What is shown of an account: ``running_projects`` is how many live algorithms are polled.

    ``projects_dropped`` is how many more run, ``listing`` is how listing the live algorithms goes.
    """

    name: str
    requests_per_minute: int
    running_projects: int
    requests: Requests
    listing: SourceHealth = field(default_factory=SourceHealth)
    projects_dropped: int = 0


@dataclass(frozen=True, slots=True)
class ExporterView:
    """What is shown of the exporter itself; ``config_loaded_at`` in Unix seconds.

    ``log_lines_dropped`` counts the log lines that nobody took in time.
    """

    version: str
    revision: str
    python_version: str
    config_loaded_at: float
    config_load_succeeded: bool = True
    log_lines_dropped: int = 0


def _durations(account: AccountView) -> Rows[Labels, float]:
    return histogram_rows(
        DURATION_BUCKETS,
        [((name,), each.counts, each.total) for name, each in account.requests.durations.items()],
    )


def _build(exporter: ExporterView) -> Rows[Labels, float]:
    return rows_of({(exporter.version, exporter.revision, exporter.python_version): 1.0})


_ACCOUNT: Table[AccountView, Labels, AccountView] = Table(one_row)
_REQUESTS: Table[AccountView, tuple[str, str], int] = Table(
    lambda value: rows_of(value.requests.results), ("api_endpoint", "result")
)
_DURATIONS: Table[AccountView, Labels, float] = Table(_durations, ("api_endpoint", "le"))
_EXPORTER: Table[ExporterView, Labels, ExporterView] = Table(one_row)
_BUILD: Table[ExporterView, Labels, float] = Table(_build, ("version", "revision", "python_version"))

_ACCOUNT_METRICS: Metrics[AccountView] = {
    "account_up": _ACCOUNT.gauge(
        "1 if the account's live algorithms could last be listed, else 0.",
        lambda row: None if row.listing.up is None else float(row.listing.up),
    ),
    "account_last_success_timestamp_seconds": _ACCOUNT.gauge(
        "When the account's live algorithms were last listed.", lambda row: row.listing.last_success
    ),
    "projects": _ACCOUNT.gauge("Live algorithms polled.", lambda row: row.running_projects),
    "projects_dropped": _ACCOUNT.gauge(
        "Running algorithms beyond cardinality.projects, which are not polled.",
        lambda row: row.projects_dropped,
    ),
    "api_requests_total": _REQUESTS.counter(
        "Requests to the API by endpoint and result: ok, or why there was no usable answer.", lambda row: row
    ),
    "api_request_duration_seconds": _DURATIONS.metric(
        "Duration of requests to the API, from signing to the parsed answer.", lambda row: row, Kind.HISTOGRAM
    ),
    "api_throttled_seconds_total": _ACCOUNT.counter(
        "Time that workers spent waiting for the request budget.", lambda row: row.requests.throttled_seconds
    ),
    "api_requests_per_minute_limit": _ACCOUNT.gauge(
        "The configured request budget.", lambda row: row.requests_per_minute
    ),
    "api_clock_skew_seconds": _ACCOUNT.gauge(
        "Our clock minus the API's, from the Date header of its last answer.",
        lambda row: row.requests.clock_skew_seconds,
    ),
}

_EXPORTER_METRICS: Metrics[ExporterView] = {
    "exporter_build_info": _BUILD.gauge(
        "1, with the versions of the exporter and of Python.", lambda row: row
    ),
    "exporter_config_last_reload_successful": _EXPORTER.gauge(
        "1 if the configuration was last loaded successfully, else 0.",
        lambda row: float(row.config_load_succeeded),
    ),
    "exporter_config_last_reload_success_timestamp_seconds": _EXPORTER.gauge(
        "When the configuration was last loaded successfully.", lambda row: row.config_loaded_at
    ),
    "exporter_log_lines_dropped_total": _EXPORTER.counter(
        "Log lines that were lost because nobody read them.", lambda row: row.log_lines_dropped
    ),
}

ACCOUNT_FAMILIES = families_of(_ACCOUNT_METRICS, ACCOUNT)
EXPORTER_FAMILIES = families_of(_EXPORTER_METRICS, ())


class ExporterMetrics:
    """The lines that are rewritten at each scrape; ``accounts`` and ``exporter`` return what is known now.

    Only the numbers are rewritten: the text of a series is kept while it exists.
    """

    def __init__(
        self, accounts: Callable[[], Iterable[AccountView]], exporter: Callable[[], ExporterView]
    ) -> None:
        self._accounts = accounts
        self._exporter = exporter
        self._frames: dict[str | None, Frame] = {}
        self._headers = {
            page_format: [
                header(page_format, family.name, family.kind, family.help)
                for family in (*ACCOUNT_FAMILIES, *EXPORTER_FAMILIES)
            ]
            for page_format in Format
        }
        self._process = ProcessMetrics()

    def lines(self, page_format: Format) -> bytes:
        """Return headers and samples of every family of the exporter itself."""
        accounts = [
            self._render(
                _ACCOUNT_METRICS, account, account.name, f"{{{label_pairs(ACCOUNT, (account.name,))}"
            )
            for account in self._accounts()
        ]
        families = [*zip(*accounts, strict=True)] or [()] * len(ACCOUNT_FAMILIES)
        families += [(lines,) for lines in self._render(_EXPORTER_METRICS, self._exporter(), None, "")]
        pieces: list[bytes] = []
        for head, lines in zip(self._headers[page_format], families, strict=True):
            if shown := [each for each in lines if each]:
                pieces += (head, *[each + b"\n" for each in shown])
        return b"".join((*pieces, self._process.lines(page_format)))

    def _render(self, metrics: Metrics[V], value: V, name: str | None, first: str) -> tuple[bytes, ...]:
        lines, self._frames[name] = render_metrics(
            metrics, value, SharedLabels(first), self._frames.get(name)
        )
        return lines
