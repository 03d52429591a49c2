"""The queue that an account's workers share: who waits, who is woken, and what a successor takes over."""

from threading import Thread

import pytest

from exporter.config.model import Account, Polling, ProjectSettings
from exporter.config.secret import Secret
from exporter.errors import RateLimited, Unauthorized
from exporter.polling.job_specs import LISTING, JobSpec, listing_job, status_job
from exporter.polling.jobs import JobQueue
from exporter.polling.schedule import JobKey
from exporter.polling.state import Source, new_project
from tests.programs import wait_until

SETTINGS = ProjectSettings(polling=Polling(status=60, portfolio=60, equity=60, statistics=300))
PROJECT = new_project(7, "main", SETTINGS)
PORTFOLIO = JobKey(Source.PORTFOLIO, 7)


@pytest.fixture
def make_queue(clock):
    def make(requests_per_minute: int = 1000, **more: float) -> JobQueue:
        account = Account("main", 1, Secret("token"), requests_per_minute=requests_per_minute)
        return JobQueue(account, clock, lambda: 0.5, **more)

    return make


def test_values_of_a_running_project_are_due_at_once(make_queue):
    """A project that begins to run is asked for its portfolio, equity, statistics and orders, in that order."""
    queue = make_queue()
    queue.begin(PROJECT)
    taken = []
    while (due := queue.take()) is not None:
        taken.append(due.key.kind)
        queue.succeeded(due.key)

    assert taken == [Source.PORTFOLIO, Source.EQUITY, Source.STATISTICS, Source.ORDERS]
    assert queue.running_projects() == 1


def test_values_of_an_ended_project_are_not_asked_for(make_queue):
    """A project that has ended has no jobs left."""
    queue = make_queue()
    queue.begin(PROJECT)
    queue.end(7)

    assert queue.take() is None
    assert queue.running_projects() == 0
    assert PORTFOLIO not in queue


def test_interval_of_a_listed_status_is_the_lists(make_queue):
    """A project without a status job of its own shows the list's interval, and no interval for what is not polled."""
    queue = make_queue()
    queue.add(JobSpec(LISTING, 30))
    assert queue.intervals(7, (Source.STATUS, Source.EQUITY)) == {Source.STATUS: 30, Source.EQUITY: None}
    queue.add(status_job(7, SETTINGS))

    assert queue.intervals(7, (Source.STATUS,)) == {Source.STATUS: 60}


def test_successor_keeps_the_due_times(make_queue, clock):
    """A queue that takes over asks when its predecessor would have, and not later than an interval from now."""
    queue = make_queue()
    queue.begin(PROJECT)
    queue.succeeded(queue.take().key)
    planned = queue.planned()
    successor = make_queue()
    successor.begin(PROJECT, planned)
    clock.advance(1)
    first = successor.take()

    assert planned.due[PORTFOLIO] > clock.monotonic()
    assert first.key.kind == Source.EQUITY


@pytest.mark.parametrize(
    ("error", "is_quiet"), [(RateLimited("slow", 600), True), (Unauthorized("no"), False)]
)
def test_only_a_rate_limit_is_handed_over(make_queue, error, is_quiet):
    """A successor stays quiet for as long as QuantConnect asked, but tries credentials again."""
    queue = make_queue()
    queue.add(listing_job(SETTINGS, ()))
    queue.failed(queue.take().key, error)
    successor = make_queue(rate_limited_until=queue.planned().rate_limited_until)
    successor.add(listing_job(SETTINGS, ()))

    due = successor.take()
    assert (due is None or due.held is not None) == is_quiet


def test_waiting_workers_are_woken(make_queue):
    """Workers that wait for a job far away return as soon as they are woken."""
    queue = make_queue()
    workers = [Thread(target=queue.wait, args=(60,), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()

    def ended() -> bool:
        queue.wake()
        return not any(worker.is_alive() for worker in workers)

    wait_until(ended)


def test_version_changes_with_the_jobs(make_queue):
    """The version tells that intervals may have changed: when a job comes and when it goes."""
    queue = make_queue()
    versions = [queue.version]
    queue.begin(PROJECT)
    versions.append(queue.version)
    queue.end(7)
    versions.append(queue.version)

    assert len(set(versions)) == 3


def test_redeployed_project_is_asked_for_its_statistics_first(make_queue):
    """After a redeployment the answer that names its deployment comes before the one that does not."""
    queue = make_queue()
    queue.begin(PROJECT, is_redeployed=True)

    assert queue.take().key.kind == Source.STATISTICS
