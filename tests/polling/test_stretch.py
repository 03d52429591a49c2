"""What a short budget does to intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.polling.job_specs import LISTING
from exporter.polling.state import Source
from exporter.polling.stretch import EQUITY_ADVANTAGE, Stretch, Turn, stretch_for, turn_of


def wanted(first: float, last: float, never: float = 1) -> dict[Turn, float]:
    return {Turn.FIRST: first, Turn.LAST: last, Turn.NEVER: never}


def asked(stretch: Stretch, each: dict[Turn, float]) -> float:
    return sum(number / stretch.of(turn) for turn, number in each.items())


def test_turns():
    """The status and the list never give, the equity gives last, whatever else there is gives first."""
    assert {source: turn_of(source) for source in Source if turn_of(source) is not Turn.FIRST} == {
        Source.STATUS: Turn.NEVER,
        Source.EQUITY: Turn.LAST,
    }
    assert turn_of(LISTING.kind) is Turn.NEVER


def test_budget_that_suffices_stretches_nothing():
    """Thirty requests a minute fit into a budget of thirty."""
    assert stretch_for(wanted(20, 9), 30) == Stretch(1, 1, 1)


def test_portfolio_and_statistics_give_first():
    """As long as the others can give enough, the equity keeps its interval."""
    stretch = stretch_for(wanted(40, 9), 30)

    assert (stretch.last, stretch.never) == (1, 1)
    assert stretch.first == pytest.approx(40 / (28.5 - 10))


def test_equity_gives_last_and_least():
    """300 projects at 30 requests a minute: equity about every 14 minutes, the others at four times that, status as it was."""
    stretch = stretch_for(wanted(360, 300), 30)

    assert stretch.never == 1
    assert 60 * stretch.last == pytest.approx(850, abs=10)
    assert stretch.first == pytest.approx(EQUITY_ADVANTAGE * stretch.last)


def test_statuses_beyond_the_budget_give_too():
    """When the statuses alone would use the budget up, a tenth of it is left for values."""
    stretch = stretch_for(wanted(10, 10, 100), 30)

    assert stretch.never == pytest.approx(100 / (0.9 * 28.5))


NUMBERS = st.one_of(st.just(0.0), st.floats(0.01, 1e4))


@given(NUMBERS, NUMBERS, NUMBERS, st.integers(1, 1000))
def test_budget_is_kept_and_none_runs_more_often(first, last, never, budget):
    """Whatever is wanted, the stretched jobs fit the budget, and no interval becomes shorter than configured."""
    each = wanted(first, last, never)
    stretch = stretch_for(each, budget)

    assert asked(stretch, each) <= budget * (1 + 1e-6) + 1e-5
    assert min(stretch) >= 1
    assert stretch.first >= stretch.last
