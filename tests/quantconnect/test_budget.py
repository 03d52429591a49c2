"""The requests that an account may make in a minute."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.budget import RequestBudget


@pytest.mark.parametrize(
    ("limit", "moments", "expected"),
    [
        (1, [0, 0], [0, 60]),
        (2, [0, 0, 0], [0, 0, 60]),
        (2, [0, 20, 30, 59.5], [0, 0, 30, 0.5]),
        (2, [0, 20, 60, 60, 80], [0, 0, 0, 20, 0]),
        (1, [0, 59.75, 60], [0, 0.25, 0]),
        (2, [0, 0, 60, 60, 60], [0, 0, 0, 0, 60]),
        (3, [0, 1, 2, 3, 60.5, 60.5], [0, 0, 0, 57, 0, 0.5]),
        (1, [1e9, 1e9 + 30], [0, 30]),
    ],
)
def test_waits(limit, moments, expected):
    """A request waits until the one that used its place is sixty seconds old, and a refusal takes none."""
    budget = RequestBudget(limit)
    assert expected == [budget.try_acquire(moment) for moment in moments]


def test_idle_time_saves_nothing_up():
    """After an idle hour a burst is no larger than the limit."""
    budget = RequestBudget(3)
    assert [budget.try_acquire(3600.0) for _ in range(4)] == [0, 0, 0, 60]


@given(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=60))
def test_no_minute_has_more_than_its_limit(limit, steps):
    """In any sixty seconds no more requests are let through than configured."""
    budget, now, spent = RequestBudget(limit), 1000.0, []
    for step in steps:
        now += step
        if budget.try_acquire(now) == 0:
            spent.append(now)
    for start in spent:
        assert sum(start <= moment < start + 60 for moment in spent) <= limit


@given(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=60))
def test_waiting_as_told_is_enough(limit, steps):
    """Who waits as long as told gets its request through at the next try."""
    budget, now = RequestBudget(limit), 0.0
    for step in steps:
        now += step
        wait = budget.try_acquire(now)
        if wait:
            now += wait + 1e-6
            assert budget.try_acquire(now) == 0


def test_workers_share_one_budget():
    """Many threads at once get no more than the limit between them."""
    budget = RequestBudget(50)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: budget.try_acquire(0.0), range(400)))
    assert waits.count(0.0) == 50


@pytest.mark.parametrize(("limit", "expected"), [(1, [50, 50]), (2, [50, 50]), (3, [0, 50]), (4, [0, 0, 50])])
def test_a_successor_goes_on_where_its_predecessor_was(limit, expected):
    """A budget that takes over counts what was spent in the last minute, whatever its own limit."""
    predecessor = RequestBudget(2)
    assert [predecessor.try_acquire(0.0), predecessor.try_acquire(0.0)] == [0, 0]
    successor = RequestBudget(limit, predecessor)
    assert expected == [successor.try_acquire(10.0) for _ in expected]
