"""The exporter's own lines: written anew for each scrape, with texts that are kept while they hold."""

from dataclasses import replace
from math import inf

import pytest

from exporter.errors import Reason
from exporter.metrics.exporter_metrics import AccountView, ExporterMetrics, ExporterView
from exporter.metrics.exposition import Format
from exporter.polling.state import SourceHealth
from exporter.quantconnect.telemetry import RequestLog
from tests.support import parse_page

EXPORTER = ExporterView("1.2.3", "abc", "3.11", 1_790_000_000.0)


def account(name: str, clock_skew: float | None = None) -> AccountView:
    log = RequestLog(("live/list",), ("ok", "timeout"))
    log.record("live/list", "ok", 0.2)
    if clock_skew is not None:
        log.record_clock_skew(clock_skew)
    return AccountView(name, requests_per_minute=30, running_projects=4, requests=log.requests)


def pages_of(*accounts: tuple[AccountView, ...]):
    """Return the page of one exporter for each of these moments."""
    moments = iter(accounts)
    own = ExporterMetrics(lambda: next(moments), lambda: EXPORTER)
    return [parse_page(own.lines(Format.TEXT).decode()) for _ in accounts]


def test_what_is_shown_of_an_account():
    """Requests by result, their durations, budget and projects of an account, and who the exporter is."""
    (page,) = pages_of((account("main"),))

    assert page.one("quantconnect_projects", account="main") == 4
    assert page.one("quantconnect_api_requests_total", account="main", result="ok") == 1
    assert page.one("quantconnect_api_requests_total", account="main", result="timeout") == 0
    assert page.one("quantconnect_api_request_duration_seconds_bucket", le="0.1") == 0
    assert page.one("quantconnect_api_request_duration_seconds_bucket", le="0.25") == 1
    assert page.one("quantconnect_api_request_duration_seconds_bucket", le="+Inf") == 1
    assert page.one("quantconnect_api_request_duration_seconds_count") == 1
    assert page.one("quantconnect_api_request_duration_seconds_sum") == 0.2
    assert page.labels("quantconnect_exporter_build_info") == [
        {"version": "1.2.3", "revision": "abc", "python_version": "3.11"}
    ]


def test_other_accounts_have_other_labels():
    """After a reload that replaces, adds or removes an account, no label of before is left."""
    main, europe = account("main"), account("europe")
    for page, names in zip(
        pages_of((main,), (europe,), (main, europe), (main,)),
        (["main"], ["europe"], ["main", "europe"], ["main"]),
        strict=True,
    ):
        for name in ("quantconnect_projects", "quantconnect_api_requests_per_minute_limit"):
            assert [labels["account"] for labels in page.labels(name)] == names


@pytest.mark.parametrize("missing", [None, inf], ids=["unknown", "not finite"])
def test_what_is_not_known_has_no_line_and_moves_no_other(missing):
    """A clock skew that is known of one account is never shown as another's."""
    first, second = pages_of(
        (account("main", missing), account("europe", 2.5)), (account("main", 1.5), account("europe", missing))
    )

    assert first.labels("quantconnect_api_clock_skew_seconds") == [{"account": "europe"}]
    assert first.one("quantconnect_api_clock_skew_seconds") == 2.5
    assert second.labels("quantconnect_api_clock_skew_seconds") == [{"account": "main"}]
    assert second.one("quantconnect_api_clock_skew_seconds") == 1.5


def test_an_account_that_was_never_listed_is_neither_up_nor_down():
    """Before the first list nothing is known; a failed one is 0 and keeps when the last came."""
    new, listed = account("main"), SourceHealth().succeeded(1000.0)
    pages = pages_of(
        (new,), (replace(new, listing=listed),), (replace(new, listing=listed.failed(Reason.TIMEOUT)),)
    )

    assert [page.all("quantconnect_account_up") for page in pages] == [[], [1], [0]]
    times = [page.all("quantconnect_account_last_success_timestamp_seconds") for page in pages]
    assert times == [[], [1000.0], [1000.0]]


def test_dropped_log_lines_and_projects_are_counted():
    """Lines that nobody read and algorithms beyond the bound are numbers, not a log line that may be missed."""
    view = replace(EXPORTER, log_lines_dropped=7)
    own = ExporterMetrics(lambda: (replace(account("main"), projects_dropped=2),), lambda: view)
    page = parse_page(own.lines(Format.TEXT).decode())

    assert page.one("quantconnect_exporter_log_lines_dropped_total") == 7
    assert page.one("quantconnect_projects_dropped", account="main") == 2
