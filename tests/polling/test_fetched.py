"""What a poll has to ask with."""

from exporter.config.model import ProjectSettings
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.polling.fetched import MOST_REQUESTS, Poll, read_clock
from exporter.polling.state import new_project


def test_poll_reads_both_clocks(bench, clock):
    """A poll knows the time by both clocks, and may make ten requests unless told otherwise."""
    state = new_project(7, "main", ProjectSettings())
    poll = Poll(bench.client(), state, Deployment("L-1", AlgorithmStatus.RUNNING, 1.0), clock)
    before = poll.now
    clock.advance(5)

    assert before == (clock.wall() - 5, clock.monotonic() - 5)
    assert poll.now == read_clock(clock)
    assert poll.most_requests == MOST_REQUESTS
