"""The numbers of a project on the status page, and the limits that they exceed."""

import pytest

from exporter.config.model import LimitName, Severity
from exporter.domain.portfolio import CashBalance, Portfolio
from exporter.polling.state import Reading, new_project
from exporter.web.status.figures import exceeded_limits, figures_of, total
from tests.web.status.states import NOW, SETTINGS, holding, running, with_memory

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def exceeded(state, later: float = 0.0):
    now = NOW.wall + later
    found = exceeded_limits(state, figures_of(state, now), now)
    return {limit: (each.severity, each.value) for limit, each in found.items()}


def with_portfolio(state, *holdings, cash=1000.0):
    book = (CashBalance("USD", cash, 1.0, cash),)
    return state._replace(portfolio=Reading(Portfolio(holdings=holdings, cash=book), NOW))


def test_figures_are_those_of_the_metrics():
    """Equity, drawdown, cash, profit and leverage follow from curve, cash book and holdings."""
    state = with_portfolio(running(equity=80_000.0), holding(60_000.0, 500.0), holding(-100_000.0, -700.0))
    figures = figures_of(state, NOW.wall)
    assert (figures.equity, figures.cash, figures.unrealized) == (80_000.0, 1000.0, -200.0)
    assert figures.drawdown == pytest.approx(0.2)
    assert (figures.exposure, figures.leverage) == (160_000.0, 2.0)
    assert figures.read_at == NOW.wall


def test_today_counts_from_midnight():
    """Today is the change since the last point before midnight UTC, as a ratio and as money."""
    figures = figures_of(running(equity=75_000.0), 86_400.0 * 2)
    assert figures.today_ratio == 0.0
    figures = figures_of(running(equity=75_000.0, now=3.0), 3.0)
    assert figures.today_ratio == pytest.approx(-0.25)
    assert figures.today == pytest.approx(-25_000.0)


def test_nothing_is_known_of_a_project_never_read():
    """What was not read is not known, and exceeds no limit."""
    state = new_project(7, "main", SETTINGS)
    assert set(figures_of(state, NOW.wall)) == {None}
    assert exceeded(state) == {}


def test_a_sum_with_an_unknown_term_is_not_known():
    """One holding without a value leaves the sum unknown."""
    assert total([1.0, None]) is None
    assert total([]) == 0
    state = with_portfolio(running(), holding(None, None), holding(5.0, 5.0))
    figures = figures_of(state, NOW.wall)
    assert (figures.unrealized, figures.exposure, figures.leverage) == (None, None, None)


@pytest.mark.parametrize(
    ("equity", "severity"), [(90_000.0, None), (89_999.0, WARNING), (80_000.0, WARNING), (79_999.0, CRITICAL)]
)
def test_drawdown_is_beyond_its_limit(equity, severity):
    """The defaults are 10 and 20 percent; at the limit itself nothing is exceeded, and the worst severity counts."""
    found = exceeded(running(equity=equity))
    assert found.get(LimitName.DRAWDOWN_RATIO, (None,))[0] == severity


@pytest.mark.parametrize(
    ("limit", "bound", "state", "value"),
    [
        (LimitName.GROSS_LEVERAGE_RATIO, 1.0, lambda **limits: with_portfolio(running(**limits), holding(150_000.0)), 2.0),
        (LimitName.CONCENTRATION_RATIO, 0.5, lambda **limits: with_portfolio(running(**limits), holding(3.0), holding(-1.0)), 0.75),
        (LimitName.CASH_RATIO_MIN, 0.0, lambda **limits: with_portfolio(running(**limits), cash=-7500.0), -0.1),
        (LimitName.MEMORY_RATIO, 0.8, lambda **limits: with_memory(running(**limits), 9.0, 10.0), 0.9),
        (LimitName.EQUITY_AGE, 3600.0, running, NOW.wall - 2.0),
    ],
)  # fmt: skip
def test_every_limit_that_can_be_judged_here(limit, bound, state, value):
    """Each limit is compared with its own number, and only where it is set."""
    assert exceeded(state(limits={(limit, WARNING): bound})) == {limit: (WARNING, pytest.approx(value))}
    assert exceeded(state(limits={})) == {}


def test_daily_loss_is_positive():
    """A loss of a quarter since midnight exceeds both default limits."""
    state = running(equity=75_000.0, now=3.0)
    found = exceeded_limits(state, figures_of(state, 3.0), 3.0)
    assert found[LimitName.DAILY_LOSS_RATIO][1:3] == (CRITICAL, pytest.approx(0.25))
