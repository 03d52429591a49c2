"""The heap of the schedule against the plain rule it stands for."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import NotReady, Unavailable
from exporter.polling.schedule import JobKey, Schedule

KINDS = st.sampled_from(("portfolio", "equity", "statistics"))
PROJECTS = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KINDS, PROJECTS, st.floats(0, 100)),
        st.tuples(st.just("remove"), KINDS, PROJECTS, st.just(0.0)),
        st.tuples(
            st.sampled_from(("take", "succeed", "fail", "not ready")), KINDS, PROJECTS, st.floats(0, 40)
        ),
    ),
    max_size=60,
)


def first_of(schedule: Schedule) -> JobKey | None:
    """Return the job that is due first of those whose project is not busy, by looking at every one."""
    busy = {key.project_id for key, job in schedule._jobs.items() if job.running}
    free = [job for key, job in schedule._jobs.items() if key.project_id not in busy]
    return min(free, key=lambda job: (job.due, job.number)).key if free else None


@given(STEPS)
def test_heap_agrees_with_looking_at_every_job(steps):
    """Whatever is added, removed, taken and finished: the next job is the one that a search of all would find."""
    schedule = Schedule(1000, lambda: 0.5)
    now = 0.0
    taken = []
    for action, kind, project_id, number in steps:
        key = JobKey(kind, project_id)
        match action:
            case "add":
                schedule.add(key, 60, due=now + number)
            case "remove":
                schedule.remove(key)
                taken = [each for each in taken if each != key]
            case "take":
                now += number
                expected = first_of(schedule)
                due = schedule.take(now)
                if due is not None:
                    assert due.key == expected
                    taken.append(due.key)
                else:
                    assert expected is None or schedule._jobs[expected].due > now
            case _ if taken:
                finished = taken.pop(0)
                if action == "succeed":
                    schedule.succeeded(finished, now)
                else:
                    error = Unavailable("down") if action == "fail" else NotReady("loading")
                    schedule.failed(finished, error, now)
        first = first_of(schedule)
        assert schedule.next_due() == (schedule._jobs[first].due if first else None)


def test_passed_over_points_do_not_pile_up():
    """A thousand rounds of two jobs of one project leave a point for each of them, and no more."""
    schedule = Schedule(1000, lambda: 0.5)
    for kind in ("portfolio", "equity"):
        schedule.add(JobKey(kind, 7), 60, due=0)
    now = 0.0
    for _ in range(1000):
        while (due := schedule.take(now)) is not None:
            schedule.next_due()
            schedule.succeeded(due.key, now)
        now += 60

    assert len(schedule._heap) == 2
