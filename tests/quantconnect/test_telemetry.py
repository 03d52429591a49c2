"""The exporter's own account of its requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.quantconnect.telemetry import DURATION_BUCKETS, OK, Durations, RequestLog


@pytest.fixture
def log() -> RequestLog:
    return RequestLog(("live/list", "live/read"), (OK, "timeout"))


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (0.0, 0),
        (0.05, 0),  # a bound belongs to its bucket, as Prometheus' le says
        (0.050001, 1),
        (0.1, 1),
        (1.0, 4),
        (2.6, 6),
        (30.0, 8),
        (30.001, 9),
        (1e6, 9),
    ],
)
def test_observation_falls_in_its_bucket(seconds, bucket):
    """A request counts in the first bucket whose bound it does not exceed, and once."""
    counts = Durations().with_observation(seconds).counts
    assert [int(index == bucket) for index in range(len(DURATION_BUCKETS) + 1)] == list(counts)


def test_durations_add_up():
    """The histogram keeps the sum of what it saw."""
    durations = Durations().with_observation(0.25).with_observation(0.5).with_observation(40.0)
    assert (durations.counts, durations.total) == ((0, 0, 1, 1, 0, 0, 0, 0, 0, 1), 40.75)


def test_buckets_rise():
    """The bounds are in rising order."""
    assert sorted(set(DURATION_BUCKETS)) == list(DURATION_BUCKETS)


def test_every_combination_is_there_from_the_start(log):
    """Each endpoint has each result at 0, so that the first failure is an increase."""
    assert log.requests.results == {
        ("live/list", "ok"): 0,
        ("live/list", "timeout"): 0,
        ("live/read", "ok"): 0,
        ("live/read", "timeout"): 0,
    }
    assert {"live/list": Durations(), "live/read": Durations()} == log.requests.durations


def test_requests_count_by_endpoint_and_result(log):
    """A request counts under its endpoint and result alone."""
    log.record("live/list", OK, 0.2)
    log.record("live/list", "timeout", 30.0)
    log.record("live/list", OK, 0.2)
    assert list(log.requests.results.values()) == [2, 1, 0, 0]
    assert tuple(sum(each.counts) for each in log.requests.durations.values()) == (3, 0)


def test_throttled_time_adds_up_and_skew_does_not(log):
    """Time spent waiting adds up; the latest clock skew replaces the one before."""
    assert log.requests.clock_skew_seconds is None
    for seconds in (1.5, 2.0):
        log.record_throttled(seconds)
        log.record_clock_skew(-seconds)
    assert (log.requests.throttled_seconds, log.requests.clock_skew_seconds) == (3.5, -2.0)


def test_what_was_read_does_not_change(log):
    """A reader's value stays as it was while workers go on."""
    before = log.requests
    log.record("live/list", OK, 1.0)
    assert before.results["live/list", OK] == 0


def test_no_request_is_lost_between_threads(log):
    """Requests recorded by several workers at once are all counted."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: log.record("live/list", OK, 0.5), range(2000)))
    assert (
        log.requests.results["live/list", OK],
        log.requests.durations["live/list"].total,
    ) == (2000, 1000.0)
