"""The exporter itself: requests, failures, latency, budget, freshness, resources."""

from grafana.generate.charts import lines
from grafana.generate.fleet import accounts_panel
from grafana.generate.frame import Line, Page, Section, job_variable, label_variable, project_variable
from grafana.generate.health_now import exporters_panel, tiles
from grafana.generate.health_queries import (
    RATE,
    SOURCE,
    age,
    failed_requests,
    interval,
    of_project,
    own,
    share_of_budget,
)
from grafana.generate.look import (
    BYTES,
    INTERVALS_LATE,
    NOTHING,
    NUMBER,
    POLL_WORDS,
    RATIO,
    SECONDS,
    SOURCE_WORDS,
    TIMES,
)
from grafana.generate.panels import Panel, Query
from grafana.generate.tables import Column, Rows, table

_REQUESTS_PER_MINUTE = "reqpm"
_QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def exporter_page() -> Page:
    """Return the exporter's own dashboard."""
    instances = label_variable(
        "instance", "Instance", 'label_values(quantconnect_exporter_build_info{job=~"$job"}, instance)'
    )
    return Page(
        uid="quantconnect-exporter",
        title="QuantConnect / Exporter",
        description="Whether the exporter reaches QuantConnect, keeps up with it, and what that costs.",
        since="now-6h",
        variables=(job_variable(), instances, project_variable()),
        annotations=(),
        sections=(
            Section(
                "",
                [
                    Line(3, [(3, each) for each in tiles()]),
                    Line(6, [(15, exporters_panel()), (9, accounts_panel())]),
                ],
            ),
            Section(
                "Requests to QuantConnect",
                [
                    Line(9, [(8, _requests()), (8, _failures()), (8, _budget())]),
                    Line(9, [(8, _latency()), (8, _latency_by_endpoint()), (8, _throttled())]),
                ],
            ),
            Section(
                "Polling",
                [
                    Line(9, [(8, _freshness()), (8, _poll_failures()), (8, _polls())]),
                    Line(10, [(14, _sources()), (10, _failing())]),
                ],
            ),
            Section(
                "Process and scrapes",
                [
                    Line(8, [(8, _scrape_duration()), (8, _scrape_size()), (8, _skew())]),
                    Line(8, [(6, _memory()), (6, _cpu()), (6, _files()), (6, _log_lines())]),
                ],
            ),
        ),
    )


def _requests() -> Panel:
    rate = f"60 * sum by (api_endpoint) (rate({own('quantconnect_api_requests_total')}{RATE}))"
    return lines(
        "Requests by endpoint",
        "Requests per minute to each endpoint of the API that is asked.",
        [Query(f"{rate} > 0", "{{api_endpoint}}")],
        _REQUESTS_PER_MINUTE,
        lowest=0,
    )


def _failures() -> Panel:
    return lines(
        "Failed requests by reason",
        "Requests per minute without a usable answer, by what was wrong. The status of a project that was never "
        "deployed is no failure.",
        [Query(f"60 * sum by (result, account) ({failed_requests()}) > 0", "{{result}} · {{account}}")],
        _REQUESTS_PER_MINUTE,
        lowest=0,
        points=True,
        no_value="no failed request known",
    )


def _budget() -> Panel:
    return lines(
        "Budget in use over time",
        "Requests as a share of the configured requests per minute. At 100 % polls wait and intervals are stretched.",
        [Query(share_of_budget(), "{{account}} · {{instance}}")],
        RATIO,
        lowest=0,
        decimals=0,
    )


def _latency() -> Panel:
    buckets = f"sum by (le) (rate({own('quantconnect_api_request_duration_seconds_bucket')}{RATE}))"
    return lines(
        "Request latency",
        "Median, 95th and 99th percentile of how long requests take, from signing to the parsed answer.",
        [Query(f"histogram_quantile({quantile}, {buckets})", name) for name, quantile in _QUANTILES],
        SECONDS,
        lowest=0,
    )


def _latency_by_endpoint() -> Panel:
    def rate(suffix: str) -> str:
        series = own(f"quantconnect_api_request_duration_seconds_{suffix}")
        return f"sum by (api_endpoint) (rate({series}{RATE}))"

    return lines(
        "Mean latency by endpoint",
        "Mean duration of requests to each endpoint that was asked.",
        [Query(f"{rate('sum')} / ({rate('count')} > 0)", "{{api_endpoint}}")],
        SECONDS,
        lowest=0,
    )


def _throttled() -> Panel:
    waited = f"sum by (instance, account) (rate({own('quantconnect_api_throttled_seconds_total')}{RATE}))"
    return lines(
        "Time throttled",
        "Seconds that workers spent waiting for the request budget, in each second: 2 means that two waited.",
        [Query(waited, "{{account}} · {{instance}}")],
        SECONDS,
        lowest=0,
    )


def _freshness() -> Panel:
    success = f"max by ({SOURCE}) ({of_project('quantconnect_last_success_timestamp_seconds')})"
    late = f"(time() - {success}) / ({interval()} > 0)"
    return lines(
        "Age of data in intervals",
        "Age of the chosen project that is furthest behind, by source, as a multiple of the polling interval in "
        "force. Up to about 1 is normal.",
        [Query(f"max by (source) ({late})", "{{source}}")],
        TIMES,
        lowest=0,
        decimals=1,
        coarse=True,
    )


def _rate_of_polls(metric: str) -> str:
    return f"sum by (source) (rate({of_project(metric)}{RATE}))"


def _poll_failures() -> Panel:
    share = (
        f"{_rate_of_polls('quantconnect_poll_failures_total')} "
        f"/ ({_rate_of_polls('quantconnect_polls_total')} > 0)"
    )
    return lines(
        "Share of polls that fail",
        "Failed polls to all polls of the chosen projects, by source.",
        [Query(share, "{{source}}")],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _polls() -> Panel:
    return lines(
        "Polls by source",
        "Polls per minute of the chosen projects, failed ones included.",
        [Query(f"60 * {_rate_of_polls('quantconnect_polls_total')} > 0", "{{source}}")],
        "cpm",
        lowest=0,
    )


def _sources() -> Panel:
    return table(
        "Sources by project",
        "Each source that is polled of each project: whether its last poll succeeded, how old its data are, and the "
        "interval in force; the furthest behind first. Red: its last poll failed, or it is ten intervals late.",
        [
            f"max by ({SOURCE}) ({of_project('quantconnect_up')}) and ({interval()})",
            age(),
            interval(),
            f"({age()}) / ({interval()} > 0)",
        ],
        [
            Column("project", "Project", least=170),
            Column("source", "Source", words=(SOURCE_WORDS,), width=90),
            Column("A", "Last poll", words=(POLL_WORDS, NOTHING), width=84, align="left"),
            Column("B", "Age", SECONDS, decimals=0, width=80),
            Column("C", "Every", SECONDS, decimals=0, width=76),
            Column("D", "Intervals", TIMES, decimals=1, steps=INTERVALS_LATE, width=84),
            Column("instance", "Instance", width=130),
        ],
        Rows(order=(("D", True),)),
        no_value="no poll known",
    )


def _failing() -> Panel:
    failures = of_project("quantconnect_poll_failures_total")
    return table(
        "Failures in the time range",
        "Polls that failed within the time range, by project, source and reason, the most frequent first.",
        [f"round(sum by (project_id, project, source, reason) (increase({failures}[$__range]))) > 0"],
        [
            Column("project", "Project", least=170),
            Column("source", "Source", words=(SOURCE_WORDS,), width=90),
            Column("reason", "Reason", width=112),
            Column("A", "Failures", NUMBER, decimals=0, width=78),
        ],
        Rows(order=(("A", True),)),
        no_value="no failed poll known",
    )


def _scrape_duration() -> Panel:
    return lines(
        "Scrape duration",
        "How long Prometheus takes to scrape each exporter. A scrape never waits for QuantConnect.",
        [Query(f"max by (instance) ({own('scrape_duration_seconds')})", "{{instance}}")],
        SECONDS,
        lowest=0,
    )


def _scrape_size() -> Panel:
    return lines(
        "Samples per scrape",
        "Samples on the page of each exporter.",
        [Query(f"max by (instance) ({own('scrape_samples_scraped')})", "{{instance}}")],
        NUMBER,
        lowest=0,
        decimals=0,
    )


def _skew() -> Panel:
    skew = f"max by (instance, account) ({own('quantconnect_api_clock_skew_seconds')})"
    return lines(
        "Clock skew",
        "The exporter's clock minus QuantConnect's, which tells its time to the second only. Requests are signed with "
        "the time: far apart, they are refused.",
        [Query(skew, "{{account}} · {{instance}}")],
        SECONDS,
        decimals=1,
    )


def _memory() -> Panel:
    return lines(
        "Memory",
        "Resident memory of each exporter process.",
        [Query(f"max by (instance) ({own('process_resident_memory_bytes')})", "{{instance}}")],
        BYTES,
        lowest=0,
    )


def _cpu() -> Panel:
    return lines(
        "CPU",
        "CPU time of each exporter process, as a share of one core.",
        [Query(f"sum by (instance) (rate({own('process_cpu_seconds_total')}{RATE}))", "{{instance}}")],
        RATIO,
        lowest=0,
        decimals=1,
    )


def _files() -> Panel:
    used, allowed = (f"max by (instance) ({own(name)})" for name in ("process_open_fds", "process_max_fds"))
    return lines(
        "Open files",
        "Open file descriptors of each exporter process, as a share of what it may open.",
        [Query(f"{used} / ({allowed} > 0)", "{{instance}}")],
        RATIO,
        lowest=0,
        decimals=2,
    )


def _log_lines() -> Panel:
    dropped = own("quantconnect_exporter_log_lines_dropped_total")
    return lines(
        "Log lines dropped",
        "Log lines per minute that were dropped since nobody read them fast enough.",
        [Query(f"60 * sum by (instance) (rate({dropped}{RATE}))", "{{instance}}")],
        NUMBER,
        lowest=0,
    )
