"""Spans of time that are not read yet."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.gaps import Gap, united, without


@pytest.mark.parametrize(
    ("known", "left"),
    [
        (Gap(0, 5), (Gap(10, 20), Gap(30, 40))),
        (Gap(10, 20), (Gap(30, 40),)),
        (Gap(12, 15), (Gap(10, 11), Gap(16, 20), Gap(30, 40))),
        (Gap(15, 35), (Gap(10, 14), Gap(36, 40))),
        (Gap(0, 100), ()),
        (Gap(20, 20), (Gap(10, 19), Gap(30, 40))),
        (Gap(1, 0), (Gap(10, 20), Gap(30, 40))),
    ],
)
def test_what_is_known_is_no_gap(known, left):
    """What has been read is taken out of every gap, also out of the middle of one."""
    assert without((Gap(10, 20), Gap(30, 40)), known) == left


def test_gaps_that_touch_are_one():
    """Gaps that overlap or follow one another are united, empty ones are left out."""
    assert united([Gap(30, 40), Gap(10, 20), Gap(21, 25), Gap(35, 50), Gap(9, 8)]) == (
        Gap(10, 25),
        Gap(30, 50),
    )


SPANS = st.builds(lambda start, length: Gap(start, start + length), st.integers(0, 50), st.integers(-1, 20))


def moments(gaps) -> set[int]:
    return {moment for gap in gaps for moment in range(gap.start, gap.end + 1)}


@given(st.lists(SPANS, max_size=6), SPANS)
def test_gaps_are_sets_of_moments(spans, known):
    """Uniting and taking out are those of sets, and the result is in order without overlap."""
    gaps = united(spans)
    left = without(gaps, known)

    assert moments(gaps) == moments(spans)
    assert moments(left) == moments(gaps) - moments([known])
    assert all(one.end + 1 < other.start for one, other in itertools.pairwise(gaps))
