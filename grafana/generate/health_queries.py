"""Queries about the exporter itself, for the chosen jobs and instances."""

RATE = "[$__rate_interval]"
SOURCE = "instance, project_id, project, source"

_CHOSEN = 'job=~"$job",instance=~"$instance"'


def own(metric: str, *matchers: str) -> str:
    """Return a selector of a metric of the chosen exporters."""
    return f"{metric}{{{','.join((_CHOSEN, *matchers))}}}"


def of_project(metric: str, *matchers: str) -> str:
    """Return a selector of a metric of the chosen exporters and projects."""
    return own(metric, 'project_id=~"$project_id"', *matchers)


def failed_requests() -> str:
    """Return the rate of requests without a usable answer.

    The status of a project that was never deployed is refused again and again, which is an answer.
    """
    plain = own("quantconnect_api_requests_total", 'result!~"ok|rejected"')
    rejected = own("quantconnect_api_requests_total", 'result="rejected"', 'api_endpoint!="live/read"')
    return f"rate({plain}{RATE}) or rate({rejected}{RATE})"


def share_of_budget() -> str:
    """Return the requests of each account as a share of its configured requests per minute."""
    sent = f"sum by (instance, account) (rate({own('quantconnect_api_requests_total')}{RATE}))"
    limit = f"max by (instance, account) ({own('quantconnect_api_requests_per_minute_limit')})"
    return f"60 * {sent} / ({limit} > 0)"


def age() -> str:
    """Return how old the data of each source that is polled were when they were scraped."""
    success = of_project("quantconnect_last_success_timestamp_seconds")
    return f"min by ({SOURCE}) (timestamp({success}) - {success}) and {interval()}"


def interval() -> str:
    """Return the polling interval in force of each source of each project."""
    return f"max by ({SOURCE}) ({of_project('quantconnect_poll_interval_seconds')})"
