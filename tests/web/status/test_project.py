"""The numbers of a project on the status page, and what is wrong with it."""

from dataclasses import replace

import pytest

from exporter.config.model import LimitName, Severity
from exporter.domain.deployment import AlgorithmStatus
from exporter.domain.order import OpenKind
from exporter.domain.order_totals import NO_ORDERS
from exporter.domain.portfolio import CashBalance, Portfolio
from exporter.errors import Reason
from exporter.polling.state import Reading, Source, new_project
from exporter.web.status.project import figures_of, project_of
from tests.web.status.states import NOW, SETTINGS, ended, failing, holding, running, with_memory

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def problems(state, now=NOW.wall, **asked):
    return project_of(state, now, **asked).problems


def exceeded(state, now=NOW.wall):
    return {each.limit: (each.severity, each.advice) for each in problems(state, now) if each.limit}


def sound(**further):
    return running(equity=100_000.0, **further)


def with_portfolio(state, *holdings, cash=1000.0):
    book = (CashBalance("USD", cash, 1.0, cash),)
    return state._replace(portfolio=Reading(Portfolio(holdings=holdings, cash=book), NOW))


def with_order(state, age):
    orders = NO_ORDERS._replace(oldest_open={OpenKind.MARKETABLE: NOW.wall - age, OpenKind.RESTING: 1.0})
    return state._replace(orders=Reading(orders, NOW))


def test_figures_are_those_of_the_metrics():
    """Equity, drawdown, cash, profit and leverage follow from curve, cash book and holdings."""
    state = with_portfolio(running(equity=80_000.0), holding(60_000.0, 500.0), holding(-100_000.0, -700.0))
    figures = figures_of(state, NOW.wall)
    assert (figures["equity"], figures["cash"], figures["unrealized"]) == (80_000.0, 1000.0, -200.0)
    assert figures["drawdown"] == pytest.approx(0.2)
    assert (figures["exposure"], figures["leverage"]) == (160_000.0, 2.0)
    assert figures["read_at"] == NOW.wall


def test_today_counts_from_midnight():
    """Today is the change since the last point before midnight UTC, as a ratio and as money."""
    figures = figures_of(running(equity=75_000.0), 86_400.0 * 2)
    assert figures["today"] == 0.0
    figures = figures_of(running(equity=75_000.0, now=3.0), 3.0)
    assert figures["today"] == pytest.approx(-0.25)
    assert figures["gain"] == pytest.approx(-25_000.0)


def test_an_account_that_lost_everything_is_shown():
    """An equity of 0 is a return of -100 %, and the money is what there was at midnight."""
    figures = figures_of(running(equity=0.0, now=3.0), 3.0)
    assert (figures["today"], figures["gain"]) == (-1.0, -100_000.0)


def test_a_leftover_share_is_no_concentration():
    """Below a leverage of 5 % one holding is not judged, as the alert rules do not judge it."""
    limits = {(LimitName.CONCENTRATION_RATIO, WARNING): 0.5}
    settings = replace(SETTINGS, limits=limits)
    for value, expected in ((4_900.0, set()), (5_100.0, {LimitName.CONCENTRATION_RATIO})):
        state = with_portfolio(sound(), holding(value, 0.0))._replace(settings=settings)
        assert exceeded(state).keys() == expected


def test_nothing_is_known_of_a_project_never_read():
    """What was not read is not known, and is no problem."""
    state = new_project(7, "main", SETTINGS)
    assert set(figures_of(state, NOW.wall).values()) == {None}
    assert problems(state) == []


def test_a_sum_with_an_unknown_term_is_not_known():
    """One holding without a value leaves sums and leverage unknown, and exceeds no limit."""
    limits = {(LimitName.GROSS_LEVERAGE_RATIO, WARNING): 0.0, (LimitName.CONCENTRATION_RATIO, WARNING): 0.0}
    state = with_portfolio(sound(limits=limits), holding(None, None), holding(5.0, 5.0))
    figures = figures_of(state, NOW.wall)
    assert (figures["unrealized"], figures["exposure"], figures["leverage"]) == (None, None, None)
    assert problems(state) == []


@pytest.mark.parametrize(
    ("equity", "severity"), [(90_000.0, None), (89_999.0, WARNING), (80_000.0, WARNING), (79_999.0, CRITICAL)]
)
def test_drawdown_is_beyond_its_limit(equity, severity):
    """The defaults are 10 and 20 percent; at the limit itself nothing is exceeded, and the worst severity counts."""
    found = exceeded(running(equity=equity))
    assert found.get(LimitName.DRAWDOWN_RATIO, (None,))[0] == severity


@pytest.mark.parametrize(
    ("limit", "bound", "state", "said"),
    [
        (LimitName.GROSS_LEVERAGE_RATIO, 1.0, lambda **limits: with_portfolio(running(**limits), holding(150_000.0)), "200.00 %"),
        (LimitName.CONCENTRATION_RATIO, 0.5, lambda **limits: with_portfolio(running(**limits), holding(30_000.0), holding(-10_000.0)), "75.00 %"),
        (LimitName.CASH_RATIO_MIN, 0.0, lambda **limits: with_portfolio(running(**limits), cash=-7500.0), "\N{MINUS SIGN}10.00 %"),
        (LimitName.MEMORY_RATIO, 0.8, lambda **limits: with_memory(running(**limits), 9.0, 10.0), "90.00 %"),
        (LimitName.OPEN_ORDER_AGE, 900.0, lambda **limits: with_order(running(**limits), 1680.0), "28 min"),
        (LimitName.EQUITY_AGE, 3600.0, running, "20717 d"),
    ],
)  # fmt: skip
def test_every_limit_that_can_be_judged_here(limit, bound, state, said):
    """Each limit is compared with its own number, and only where it is set."""
    severity, advice = exceeded(state(limits={(limit, WARNING): bound}))[limit]
    assert severity is WARNING
    assert advice.startswith(f"It is {said}, the limit is ")
    assert exceeded(state(limits={})) == {}


def test_an_order_that_waits_for_its_price_is_not_late():
    """Only the age of a marketable order counts."""
    assert exceeded(with_order(sound(), 60.0)) == {}


def test_daily_loss_is_positive():
    """A loss of a quarter since midnight exceeds both default limits."""
    severity, advice = exceeded(running(equity=75_000.0, now=3.0), 3.0)[LimitName.DAILY_LOSS_RATIO]
    assert (severity, advice) == (CRITICAL, "It is 25.00 %, the limit is 6.00 %.")


def test_an_exceeded_limit_is_named():
    """A problem names the limit; that of cash is a lower one."""
    assert [each.what for each in problems(running(equity=75_000.0))] == ["is over its drawdown limit"]
    limits = {(LimitName.CASH_RATIO_MIN, WARNING): 0.5}
    assert [each.what for each in problems(sound(limits=limits))] == ["is below its cash limit"]


def test_a_sound_project_has_no_problem():
    """A project that runs, is read and keeps its limits needs no attention."""
    assert problems(sound()) == []


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (AlgorithmStatus.RUNTIME_ERROR, "crashed"),
        (AlgorithmStatus.DEPLOY_ERROR, "failed to deploy"),
        (AlgorithmStatus.LIQUIDATED, "was liquidated"),
    ],
)
def test_a_project_that_ended_badly(status, what):
    """A crash is critical, and says since when."""
    (problem,) = problems(ended(sound(), status))
    assert (problem.severity, problem.what, problem.since) == (CRITICAL, what, NOW.wall - 60)
    assert problem.project_id == 7


@pytest.mark.parametrize(
    "status", [AlgorithmStatus.STOPPED, AlgorithmStatus.COMPLETED, AlgorithmStatus.DELETED]
)
def test_a_deliberate_end_needs_no_attention(status):
    """What somebody stopped is no problem."""
    assert problems(ended(sound(), status)) == []


def test_old_data_names_sources_and_reasons():
    """A source that fails is named with its reason and the last success."""
    state = failing(failing(sound(), Source.PORTFOLIO), Source.EQUITY, Reason.RATE_LIMITED)
    (problem,) = problems(state)
    assert (problem.severity, problem.what, problem.since) == (WARNING, "has old data", NOW.wall)
    assert "portfolio (timeout), equity (rate_limited)" in problem.advice


def test_old_data_of_an_account_that_cannot_be_asked():
    """It is no problem of the project's own; a crash still is."""
    assert problems(failing(sound(), Source.PORTFOLIO), is_asked=False) == []
    state = failing(ended(sound(), AlgorithmStatus.RUNTIME_ERROR), Source.STATUS)
    assert [each.what for each in problems(state, is_asked=False)] == ["crashed"]


def test_the_worst_problem_comes_first():
    """A crash comes before old data."""
    state = failing(ended(sound(), AlgorithmStatus.RUNTIME_ERROR), Source.STATUS)
    assert [each.what for each in problems(state)] == ["crashed", "has old data"]
