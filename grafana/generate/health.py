"""The exporter itself: requests, failures, latency, budget, freshness, resources."""

from grafana.generate.frame import Line, Page, Section, job_variable, label_variable, project_variable
from grafana.generate.look import (
    CLOCK_SKEW,
    GREEN,
    INTERVALS_LATE,
    MILLISECONDS_AGO,
    NUMBER,
    ORANGE,
    RATIO,
    RED,
    SECONDS,
    SHARE_IN_USE,
    TIMES,
    TRUE_IS_GOOD,
    words,
)
from grafana.generate.panels import Column, Look, Panel, Query, chart_panel, stat_panel, table_panel

_CHOSEN = 'job=~"$job",instance=~"$instance"'
_SOURCE = "instance, project_id, project, source"
_BYTES = "bytes"
_REQUESTS_PER_MINUTE = "reqpm"
_RATE = "[$__rate_interval]"
_QUANTILES = ("0.5", "0.95", "0.99")


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
                    Line(
                        5,
                        [
                            (3, _up()),
                            (3, _version()),
                            (3, _configuration()),
                            (3, _configuration_age()),
                            (3, _projects()),
                            (3, _budget_now()),
                            (3, _skew_now()),
                            (3, _uptime()),
                        ],
                    )
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
                    Line(8, [(8, _memory()), (8, _cpu()), (8, _files())]),
                ],
            ),
        ),
    )


def _own(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join((_CHOSEN, *matchers))}}}"


def _of_project(metric: str) -> str:
    return _own(metric, 'project_id=~"$project_id"')


def _up() -> Panel:
    return stat_panel(
        "Exporter up",
        "Whether Prometheus reaches each exporter.",
        [Query(f"min by (instance) ({_own('up')})", "{{instance}}")],
        NUMBER,
        TRUE_IS_GOOD,
        words=words(_1=("Up", GREEN), _0=("Down", RED)),
    )


def _version() -> Panel:
    build = f"count by (version, revision, python_version) ({_own('quantconnect_exporter_build_info')})"
    return stat_panel(
        "Version",
        "How many exporters run each version, its revision, and their Python.",
        [Query(build, "{{version}} ({{revision}}), Python {{python_version}}")],
        NUMBER,
        decimals=0,
    )


def _configuration() -> Panel:
    loaded = _own("quantconnect_exporter_config_last_reload_successful")
    return stat_panel(
        "Configuration",
        "Whether the configuration was last loaded successfully; the one before stays in force when it was not.",
        [Query(f"min by (instance) ({loaded})", "{{instance}}")],
        NUMBER,
        TRUE_IS_GOOD,
        words=words(_1=("Loaded", GREEN), _0=("Failed", RED)),
    )


def _configuration_age() -> Panel:
    loaded = _own("quantconnect_exporter_config_last_reload_success_timestamp_seconds")
    return stat_panel(
        "Configuration loaded",
        "When the configuration in force was loaded.",
        [Query(f"1000 * max by (instance) ({loaded})", "{{instance}}")],
        MILLISECONDS_AGO,
    )


def _projects() -> Panel:
    return stat_panel(
        "Live algorithms",
        "Live algorithms that each exporter polls, by QuantConnect account.",
        [
            Query(
                f"max by (instance, account) ({_own('quantconnect_projects')})", "{{account}} · {{instance}}"
            )
        ],
        NUMBER,
        ((None, ORANGE), (1.0, "text")),
        decimals=0,
    )


def _share_of_budget() -> str:
    sent = f"sum by (instance, account) (rate({_own('quantconnect_api_requests_total')}{_RATE}))"
    limit = f"max by (instance, account) ({_own('quantconnect_api_requests_per_minute_limit')})"
    return f"60 * {sent} / ({limit} > 0)"


def _budget_now() -> Panel:
    return stat_panel(
        "Budget in use",
        "Requests of the last minutes as a share of the configured requests per minute.",
        [Query(_share_of_budget(), "{{account}} · {{instance}}")],
        RATIO,
        SHARE_IN_USE,
        decimals=0,
    )


def _skew_query() -> Query:
    skew = f"max by (instance, account) ({_own('quantconnect_api_clock_skew_seconds')})"
    return Query(skew, "{{account}} · {{instance}}")


def _skew_now() -> Panel:
    return stat_panel(
        "Clock skew",
        "The exporter's clock minus QuantConnect's, to the second. Requests are signed with the time: far apart, "
        "they are refused.",
        [_skew_query()],
        SECONDS,
        CLOCK_SKEW,
        decimals=1,
    )


def _uptime() -> Panel:
    started = f"max by (instance) ({_own('process_start_time_seconds')})"
    return stat_panel(
        "Exporter started",
        "When each exporter process was started.",
        [Query(f"1000 * {started}", "{{instance}}")],
        MILLISECONDS_AGO,
    )


def _requests() -> Panel:
    rate = f"60 * sum by (api_endpoint, account) (rate({_own('quantconnect_api_requests_total')}{_RATE}))"
    return chart_panel(
        "Requests by endpoint",
        "Requests per minute to each endpoint of the API.",
        [Query(rate, "{{api_endpoint}} · {{account}}")],
        _REQUESTS_PER_MINUTE,
        lowest=0,
    )


def _failures() -> Panel:
    failed = _own("quantconnect_api_requests_total", 'result!="ok"')
    return chart_panel(
        "Failed requests by reason",
        "Requests per minute without a usable answer, by what was wrong.",
        [Query(f"60 * sum by (result, account) (rate({failed}{_RATE}))", "{{result}} · {{account}}")],
        _REQUESTS_PER_MINUTE,
        lowest=0,
        looks={"A": Look(fill=15)},
    )


def _budget() -> Panel:
    return chart_panel(
        "Budget in use over time",
        "Requests as a share of the configured requests per minute. At 100 % polls wait and intervals are stretched.",
        [Query(_share_of_budget(), "{{account}} · {{instance}}")],
        RATIO,
        lowest=0,
        decimals=0,
    )


def _latency() -> Panel:
    buckets = (
        f"sum by (le, account) (rate({_own('quantconnect_api_request_duration_seconds_bucket')}{_RATE}))"
    )
    return chart_panel(
        "Request latency",
        "Median, 95th and 99th percentile of how long requests take, from signing to the parsed answer.",
        [
            Query(f"histogram_quantile({quantile}, {buckets})", f"{quantile} quantile · {{{{account}}}}")
            for quantile in _QUANTILES
        ],
        SECONDS,
        lowest=0,
    )


def _latency_by_endpoint() -> Panel:
    def rate(suffix: str) -> str:
        series = _own(f"quantconnect_api_request_duration_seconds_{suffix}")
        return f"sum by (api_endpoint, account) (rate({series}{_RATE}))"

    return chart_panel(
        "Mean latency by endpoint",
        "Mean duration of requests to each endpoint that was asked.",
        [Query(f"{rate('sum')} / ({rate('count')} > 0)", "{{api_endpoint}} · {{account}}")],
        SECONDS,
        lowest=0,
    )


def _throttled() -> Panel:
    waited = f"sum by (instance, account) (rate({_own('quantconnect_api_throttled_seconds_total')}{_RATE}))"
    return chart_panel(
        "Time throttled",
        "Seconds that workers spent waiting for the request budget, in each second: 2 means that two waited.",
        [Query(waited, "{{account}} · {{instance}}")],
        SECONDS,
        lowest=0,
    )


def _age() -> str:
    return f"time() - max by ({_SOURCE}) ({_of_project('quantconnect_last_success_timestamp_seconds')})"


def _interval() -> str:
    return f"max by ({_SOURCE}) ({_of_project('quantconnect_poll_interval_seconds')})"


def _freshness() -> Panel:
    late = f"({_age()}) / ({_interval()} > 0)"
    return chart_panel(
        "Age of data in intervals",
        "Age of the chosen project that is furthest behind, by source, as a multiple of the polling interval in "
        "force. Up to about 1 is normal.",
        [Query(f"max by (source, instance) ({late})", "{{source}} · {{instance}}")],
        TIMES,
        lowest=0,
        decimals=1,
    )


def _rate_of_polls(metric: str) -> str:
    return f"sum by (source, instance) (rate({_of_project(metric)}{_RATE}))"


def _poll_failures() -> Panel:
    share = (
        f"{_rate_of_polls('quantconnect_poll_failures_total')} "
        f"/ ({_rate_of_polls('quantconnect_polls_total')} > 0)"
    )
    return chart_panel(
        "Share of polls that fail",
        "Failed polls to all polls of the chosen projects, by source.",
        [Query(share, "{{source}} · {{instance}}")],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _polls() -> Panel:
    return chart_panel(
        "Polls by source",
        "Polls per minute of the chosen projects, failed ones included.",
        [Query(f"60 * {_rate_of_polls('quantconnect_polls_total')}", "{{source}} · {{instance}}")],
        "cpm",
        lowest=0,
    )


def _sources() -> Panel:
    return table_panel(
        "Sources by project",
        "Each source of each project: whether its last poll succeeded, how old its data are, and the interval in "
        "force; the furthest behind first. A source that is not polled now has no state and no interval.",
        [
            f"max by ({_SOURCE}) ({_of_project('quantconnect_up')})",
            _age(),
            _interval(),
            f"({_age()}) / ({_interval()} > 0)",
        ],
        [
            Column("project", "Project"),
            Column("source", "Source"),
            Column("A", "Last poll", words=words(_1=("ok", GREEN), _0=("failed", RED)), width=90),
            Column("B", "Age", SECONDS, decimals=0),
            Column("C", "Interval", SECONDS, decimals=0),
            Column("D", "Intervals", TIMES, decimals=1, steps=INTERVALS_LATE),
            Column("instance", "Instance"),
        ],
        sort="Intervals",
        descending=True,
    )


def _failing() -> Panel:
    failures = _of_project("quantconnect_poll_failures_total")
    return table_panel(
        "Failures in the time range",
        "Polls that failed within the time range, by project, source and reason, the most frequent first.",
        [f"sum by (instance, project_id, project, source, reason) (increase({failures}[$__range])) > 0"],
        [
            Column("project", "Project"),
            Column("source", "Source"),
            Column("reason", "Reason"),
            Column("A", "Failures", NUMBER, decimals=0),
            Column("instance", "Instance"),
        ],
        sort="Failures",
        descending=True,
        no_value="No poll failed",
    )


def _scrape_duration() -> Panel:
    return chart_panel(
        "Scrape duration",
        "How long Prometheus takes to scrape each exporter. A scrape never waits for QuantConnect.",
        [Query(f"max by (instance) ({_own('scrape_duration_seconds')})", "{{instance}}")],
        SECONDS,
        lowest=0,
    )


def _scrape_size() -> Panel:
    return chart_panel(
        "Samples per scrape",
        "Samples on the page of each exporter.",
        [Query(f"max by (instance) ({_own('scrape_samples_scraped')})", "{{instance}}")],
        NUMBER,
        lowest=0,
        decimals=0,
    )


def _skew() -> Panel:
    return chart_panel(
        "Clock skew over time",
        "The exporter's clock minus QuantConnect's; the API tells its time to the second only.",
        [_skew_query()],
        SECONDS,
        decimals=1,
    )


def _memory() -> Panel:
    return chart_panel(
        "Memory",
        "Resident memory of each exporter process.",
        [Query(f"max by (instance) ({_own('process_resident_memory_bytes')})", "{{instance}}")],
        _BYTES,
        lowest=0,
    )


def _cpu() -> Panel:
    return chart_panel(
        "CPU",
        "CPU time of each exporter process, as a share of one core.",
        [Query(f"sum by (instance) (rate({_own('process_cpu_seconds_total')}{_RATE}))", "{{instance}}")],
        RATIO,
        lowest=0,
        decimals=1,
    )


def _files() -> Panel:
    used, allowed = (f"max by (instance) ({_own(name)})" for name in ("process_open_fds", "process_max_fds"))
    return chart_panel(
        "Open files",
        "Open file descriptors of each exporter process, as a share of what it may open.",
        [Query(f"{used} / ({allowed} > 0)", "{{instance}}")],
        RATIO,
        lowest=0,
        decimals=2,
    )
