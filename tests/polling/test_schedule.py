"""When jobs are due, with time as plain numbers."""

from itertools import pairwise

import pytest

from exporter.errors import (
    ApiError,
    Malformed,
    NotReady,
    RateLimited,
    Reason,
    Rejected,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from exporter.polling.hold import SHORTEST_REFUSAL
from exporter.polling.schedule import LONGEST_HOLD, SIGN_IN, Due, JobKey, Schedule


def schedule_of(count: int, interval: float = 60, requests_per_minute: int = 1000) -> Schedule:
    schedule = Schedule(requests_per_minute, lambda: 0.5)
    for number in range(count):
        schedule.add(JobKey("portfolio", number), interval, due=0)
    return schedule


def run_until(schedule: Schedule, end: float, step: float = 0.5) -> list[tuple[float, JobKey]]:
    """Take and finish every job that falls due until ``end``."""
    taken = []
    now = 0.0
    while now <= end:
        while (due := schedule.take(now)) is not None:
            taken.append((now, due.key))
            schedule.succeeded(due.key, now)
        now += step
    return taken


def fail(schedule: Schedule, error: ApiError | None, now: float) -> JobKey:
    due = schedule.take(now)
    assert due is not None
    schedule.failed(due.key, error, now)
    return due.key


def test_first_run_is_due_at_once():
    """A new job does not wait for its first interval to pass."""
    assert Due(JobKey("portfolio", 0)) == schedule_of(1).take(0)


def test_job_runs_once_each_interval():
    """Over ten intervals a job runs ten times after its first run, on a fixed grid."""
    times = [time for time, _ in run_until(schedule_of(1), 600)]

    assert times[0] == 0
    assert {60.0} == {later - earlier for earlier, later in pairwise(times[1:])}
    assert len(times) in (10, 11)


def test_late_run_does_not_move_the_grid():
    """A job that ends late is next due at its old grid point, not an interval after its end."""
    schedule = schedule_of(1)
    run_until(schedule, 100)
    due = schedule.next_due()
    schedule.take(due)
    schedule.succeeded(JobKey("portfolio", 0), due + 20)

    assert due + 60 == pytest.approx(schedule.next_due())


def test_missed_points_are_skipped():
    """A job that was stuck for many intervals runs once, not once for each missed point."""
    schedule = schedule_of(1)
    run_until(schedule, 100)
    due = schedule.next_due()
    schedule.take(due)
    schedule.succeeded(JobKey("portfolio", 0), due + 400)

    assert due + 430 < schedule.next_due() <= due + 490


def test_phases_are_spread():
    """Twenty jobs of one interval do not come due in bursts: no second sees more than two."""
    seconds = [int(time) for time, _ in run_until(schedule_of(20), 240) if time > 120]

    assert len(seconds) == 40
    assert max(seconds.count(second) for second in seconds) <= 2


def test_one_job_of_a_project_at_a_time():
    """While a project's job runs, no other of the same project is taken, and it is not reported as due."""
    schedule = Schedule(1000, lambda: 0.5)
    for kind in ("portfolio", "equity"):
        schedule.add(JobKey(kind, 7), 60, due=0)
    schedule.add(JobKey("portfolio", 8), 60, due=0)

    assert JobKey("portfolio", 7) == schedule.take(0).key
    assert JobKey("portfolio", 8) == schedule.take(0).key
    assert schedule.take(0) is None
    assert schedule.next_due() is None
    schedule.succeeded(JobKey("portfolio", 7), 1)
    assert JobKey("equity", 7) == schedule.take(1).key


def test_lowest_rank_runs_first_of_what_is_due_together():
    """Of jobs with the same due time those of priority 0 go first, in the order in which they were added."""
    schedule = Schedule(1000, lambda: 0.5)
    for project_id in (1, 2):
        for priority, kind in enumerate(("portfolio", "equity")):
            schedule.add(JobKey(kind, project_id), 60, due=0, priority=priority)

    assert [key for _, key in run_until(schedule, 0)] == [
        JobKey("portfolio", 1),
        JobKey("portfolio", 2),
        JobKey("equity", 1),
        JobKey("equity", 2),
    ]


def test_due_longest_runs_first():
    """Of several jobs that are due, the one that has waited longest is taken."""
    schedule = Schedule(1000, lambda: 0.5)
    schedule.add(JobKey("a", 1), 60, due=5)
    schedule.add(JobKey("b", 2), 60, due=3)

    assert JobKey("b", 2) == schedule.take(10).key


def test_intervals_stay_while_the_budget_suffices():
    """Thirty requests a minute fit into a budget of thirty, so nothing is stretched."""
    schedule = schedule_of(30, requests_per_minute=30)

    assert schedule.stretch() == 1
    assert schedule.interval(JobKey("portfolio", 0)) == 60


def test_intervals_stretch_evenly_when_the_budget_is_short():
    """Sixty jobs a minute on a budget of thirty run about half as often, each of them, and never more than thirty."""
    schedule = schedule_of(60, requests_per_minute=30)
    taken = [(time, key) for time, key in run_until(schedule, 1200) if time > 240]
    runs = [sum(key == JobKey("portfolio", number) for _, key in taken) for number in range(60)]

    assert schedule.interval(JobKey("portfolio", 0)) == pytest.approx(60 * 2 / 0.95)
    assert set(runs) <= {7, 8}
    assert len(taken) / (960 / 60) <= 30


def test_cost_counts_in_the_budget():
    """A job of four requests weighs as much as four jobs."""
    schedule = Schedule(4, lambda: 0.5)
    schedule.add(JobKey("charts", 1), 60, due=0, cost=4)
    assert schedule.stretch() == 1
    schedule.add(JobKey("portfolio", 1), 60, due=0)
    assert schedule.stretch() == pytest.approx(5 / 4 / 0.95)
    schedule.remove(JobKey("portfolio", 1))
    assert schedule.stretch() == 1


def test_removed_job_never_runs():
    """A job that has been removed is not taken, not even when it was running."""
    schedule = schedule_of(1)
    schedule.take(0)
    schedule.remove(JobKey("portfolio", 0))
    schedule.succeeded(JobKey("portfolio", 0), 1)

    assert JobKey("portfolio", 0) not in schedule
    assert schedule.next_due() is None
    assert schedule.interval(JobKey("portfolio", 0)) is None


@pytest.mark.parametrize("error", [Rejected("no"), Malformed("odd"), None])
def test_ordinary_failure_keeps_the_grid(error):
    """What asking again sooner or later would not change is asked for again at the next grid point."""
    schedule = schedule_of(1)
    fail(schedule, error, 0)

    assert 30 < schedule.next_due() <= 90


@pytest.mark.parametrize("error", [Unavailable("down"), TimedOut("slow")])
def test_backoff_doubles_up_to_a_bound(error):
    """Each further failure doubles the wait, with a quarter of jitter either way, up to five minutes."""
    for jitter in (0.0, 0.5, 1.0):
        schedule = Schedule(1000, lambda jitter=jitter: jitter)
        schedule.add(JobKey("portfolio", 1), 60, due=0)
        now, waits = 0.0, []
        for _ in range(6):
            fail(schedule, error, now)
            waits.append(schedule.next_due() - now)
            now = schedule.next_due()
        factor = 0.75 + jitter / 2

        assert waits == pytest.approx([factor * wait for wait in (60, 120, 240, 300, 300, 300)])


def test_backoff_of_a_short_interval_stays_short():
    """A source polled each second is asked for again within eight seconds of its recovery."""
    schedule = schedule_of(1, interval=1)
    now = 0.0
    for _ in range(8):
        fail(schedule, Unavailable("down"), now)
        now = schedule.next_due()
    fail(schedule, Unavailable("down"), now)

    assert schedule.next_due() - now == 8


def test_named_wait_of_a_server_error_is_honoured():
    """A server error that names a wait is asked again after it; other jobs of the account are not held up."""
    schedule = schedule_of(2)
    fail(schedule, Unavailable("maintenance", retry_after=200), 0)

    assert schedule.take(0) is not None
    assert schedule.next_due() == 200


def test_success_ends_the_backoff():
    """After a success the next failure waits one interval again."""
    schedule = schedule_of(1)
    for _ in range(5):
        fail(schedule, Unavailable("down"), schedule.next_due())
    now = schedule.next_due()
    schedule.take(now)
    schedule.succeeded(JobKey("portfolio", 0), now)
    now = schedule.next_due()
    fail(schedule, Unavailable("down"), now)

    assert schedule.next_due() - now == 60


def test_loading_answer_is_asked_for_again_soon():
    """An answer that is still loading is retried after 5, 10, 20 seconds, never later than an interval."""
    schedule = schedule_of(1)
    now, waits = 0.0, []
    for _ in range(5):
        fail(schedule, NotReady("loading"), now)
        waits.append(schedule.next_due() - now)
        now = schedule.next_due()

    assert waits == [5, 10, 20, 40, 60]


def test_rate_limit_silences_the_account():
    """After Retry-After of twenty seconds no job of the account runs before twenty seconds are over."""
    schedule = schedule_of(3)
    fail(schedule, RateLimited("slow down", 20), 0)

    assert schedule.take(1) is None
    assert schedule.take(19.9) is None
    assert schedule.rate_limited_until == 20
    taken = [due.key.project_id for now in range(20, 41) if (due := schedule.take(now)) is not None]
    assert sorted(taken) == [0, 1, 2]


def test_absurd_retry_after_is_bounded():
    """A Retry-After of ten years is believed for an hour."""
    schedule = schedule_of(1)
    fail(schedule, RateLimited("slow down", 315_360_000), 0)

    assert schedule.rate_limited_until == LONGEST_HOLD


def test_rate_limit_without_retry_after_backs_off():
    """Without a Retry-After the account stays quiet for the job's own back-off."""
    schedule = schedule_of(1)
    fail(schedule, RateLimited("slow down"), 0)

    assert schedule.rate_limited_until == 60


def test_rate_limit_of_one_job_alone_holds_no_other():
    """A job that is limited again, while others were answered since, backs off alone."""
    schedule = schedule_of(2)
    limited = fail(schedule, RateLimited("slow down", 20), 0)
    other = schedule.take(25).key
    schedule.succeeded(other, 25)
    assert fail(schedule, RateLimited("slow down", 20), 30) == limited

    assert schedule.rate_limited_until == 20
    assert schedule.next_due() < 30 + 120
    assert schedule.take(schedule.next_due()).key == other


def test_jobs_fail_without_being_asked_during_a_long_hold():
    """When a hold outlasts a job's interval the job fails for its reason, so that nothing looks alive."""
    schedule = schedule_of(2)
    first = fail(schedule, RateLimited("slow down", 600), 0)
    held = schedule.take(0)

    assert Due(JobKey("portfolio", 1), Reason.RATE_LIMITED) == held
    assert first != held.key
    assert schedule.take(0) is None


def test_refusal_of_one_request_backs_off_alone():
    """A refused job waits one interval, then twice as long each time up to an hour; no other job waits."""
    schedule = schedule_of(2)
    now, waits = 0.0, []
    for _ in range(8):
        due = schedule.take(now)
        schedule.failed(due.key, Unauthorized("no"), now)
        (planned,) = (at for key, at in schedule.planned().items() if key == due.key)
        waits.append(planned - now)
        other = schedule.take(now)
        if other is not None:
            schedule.succeeded(other.key, now)
        while schedule.next_due() < planned:
            now = schedule.next_due()
            schedule.succeeded(schedule.take(now).key, now)
        now = planned

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_refused_list_is_asked_for_within_five_minutes():
    """The account's list backs off for five minutes at most: it is what tells of a crash."""
    schedule = Schedule(1000, lambda: 0.5)
    schedule.add(JobKey("listing", None), 60, due=0)
    now = 0.0
    for _ in range(6):
        fail(schedule, Unauthorized("no"), now)
        waited, now = schedule.next_due() - now, schedule.next_due()

    assert waited == 300


def test_only_the_sign_in_is_tried_while_credentials_are_refused():
    """With refused credentials every job fails when it is due, and the sign-in is tried at growing distances."""
    schedule = schedule_of(2)
    schedule.refused(0)
    tried, failed = [], []
    for now in range(1500):
        while (due := schedule.take(now)) is not None:
            if due.key == SIGN_IN:
                tried.append(now)
                schedule.refused(now)
            else:
                assert due.held is Reason.UNAUTHORIZED
                failed.append(due.key)

    assert tried == [30, 90, 210, 450, 750, 1050, 1350]
    assert failed.count(JobKey("portfolio", 0)) == pytest.approx(25, abs=1)


def test_accepted_credentials_end_the_hold_at_once():
    """As soon as the sign-in succeeds every job is due, and a later refusal begins with the shortest hold."""
    schedule = schedule_of(3)
    for now in (0, 30, 90):
        schedule.refused(now)
    assert schedule.take(210).key == SIGN_IN
    schedule.signed_in(211)

    assert sorted(schedule.take(211).key.project_id for _ in range(3)) == [0, 1, 2]
    schedule.refused(212)
    assert schedule.next_due() == 212 + SHORTEST_REFUSAL


def test_sign_in_without_an_answer_is_tried_again_as_late():
    """While the sign-in cannot be answered the credentials stay refused, and the wait does not grow."""
    schedule = schedule_of(1)
    schedule.refused(0)
    assert schedule.take(30).key == SIGN_IN
    assert schedule.take(31).held is Reason.UNAUTHORIZED
    schedule.sign_in_failed(Unavailable("down"), 32)
    assert schedule.next_due() == 62
    assert schedule.take(62).key == SIGN_IN
    schedule.sign_in_failed(RateLimited("slow down", 100), 62)

    assert schedule.take(161).held is Reason.UNAUTHORIZED
    assert [now for now in range(62, 200) if (due := schedule.take(now)) and due.key == SIGN_IN] == [162]
