"""What several lists in a row say of a project."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.polling.roster import Roster


def after(*lists: set[int]) -> Roster:
    roster = Roster()
    for each in lists:
        roster = roster.after(each)
    return roster


@pytest.mark.parametrize(
    ("lists", "gone"),
    [
        ([], True),
        ([{1}], True),
        ([{7}], False),
        ([{7}, {1}], False),
        ([{7}, {1}, {1}], True),
        ([{7}, {1}, {7}, {1}], False),
        ([{7}, set()], False),
        ([{7}, set(), set()], False),
        ([{7}, set(), set(), set()], True),
        ([{7}, set(), set(), {1}], False),
        ([{7}, {1}, set(), {1}], True),
        ([{7}, set(), set(), {7}, set(), set()], False),
    ],
)
def test_project_is_gone_after_two_lists_or_three_empty_ones(lists, gone):
    """One list without a project, and two without any, are not believed; nor is one that was never listed there."""
    assert after(*lists).is_gone(7) == gone


def test_sudden_emptiness_is_noticed():
    """A list that is empty after one that was not is odd until it is believed; an empty account is not."""
    states = [
        after(*lists).is_suddenly_empty
        for lists in ([set()], [{7}], [{7}, set()], [{7}, set(), set(), set()])
    ]

    assert states == [False, False, True, False]


@example([{0, 1}, set(), set(), {0}, set(), set()])
@given(st.lists(st.sets(st.integers(0, 5)), max_size=20))
def test_what_is_gone_was_left_out_twice(lists):
    """Whatever the lists, a project is gone only if the last two had none of it, and is never kept after five."""
    roster = after(*lists)
    for project_id in range(6):
        if any(project_id in each for each in lists[-2:]):
            assert not roster.is_gone(project_id)
        if not any(project_id in each for each in lists[-5:]):
            assert roster.is_gone(project_id)
