"""How a project's state changes, with values written by hand."""

from dataclasses import replace

import pytest

from exporter.config.model import Polling, ProjectSettings
from exporter.domain.deployment import AlgorithmStatus, Deployment, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Portfolio
from exporter.errors import Reason
from exporter.polling.state import Instant, ProjectState, Reading, Source, new_project

RUNNING = Deployment("L-1", AlgorithmStatus.RUNNING, launched=100.0)
DOLLARS = Portfolio(cash=(CashBalance("USD", 10.0, 1.0, 10.0),))
PARITY = Portfolio(cash=(CashBalance("USD", 10.0, 1.0, 10.0), CashBalance("USDT", 5.0, 1.0, 5.0)))


def at(time: float) -> Instant:
    return Instant(wall=time, monotonic=time)


def project(settings: ProjectSettings | None = None) -> ProjectState:
    return new_project(7, "main", settings or ProjectSettings())


def running_project() -> ProjectState:
    state = project().with_deployment(RUNNING, at(1)).with_portfolio(DOLLARS, at(2))
    return state._replace(
        equity=Reading(EquityCurve(100.0), at(2)),
        statistics=Reading(Statistics(net_profit=1.0), at(2)),
    )


def test_new_project_claims_nothing():
    """Before the first poll nothing is up or down, and no value is known."""
    state = project()

    assert {health.up for health in state.health.values()} == {None}
    assert (state.deployment, state.portfolio, state.equity, state.account_currency) == (None,) * 4
    assert set(state.health) == set(Source) - {Source.CHARTS}


def test_configured_charts_are_a_source():
    """The source of charts exists only where charts are configured."""
    assert Source.CHARTS in project(ProjectSettings(charts=("Signal",))).health


@pytest.mark.parametrize(
    "status", [status for status in AlgorithmStatus if status is not AlgorithmStatus.RUNNING]
)
def test_stopped_project_loses_its_values(status):
    """In every status but running, the values go and their sources are neither up nor down."""
    state = running_project().with_success(Source.PORTFOLIO, at(2))
    stopped = state.with_deployment(replace(RUNNING, status=status), at(3))

    assert (stopped.portfolio, stopped.equity, stopped.statistics) == (None, None, None)
    assert stopped.health[Source.PORTFOLIO].up is None
    assert stopped.health[Source.PORTFOLIO].polls == 1
    assert stopped.health[Source.PORTFOLIO].last_success == 2
    assert stopped.deployment.value.status is status


def test_unchanged_deployment_keeps_values():
    """Hearing again that the same deployment runs changes no value."""
    state = running_project()
    again = state.with_deployment(replace(RUNNING), at(9))

    assert again.portfolio is state.portfolio
    assert again.equity is state.equity


@pytest.mark.parametrize("newer", [replace(RUNNING, deploy_id="L-2"), replace(RUNNING, launched=200.0)])
def test_new_deployment_begins_without_values(newer):
    """A deployment with another id or launch is another one: nothing of the old is shown for it."""
    state = running_project().with_deployment(newer, at(9))

    assert (state.portfolio, state.equity, state.statistics, state.account_currency) == (None,) * 4


def test_never_deployed_is_known():
    """A project never deployed has a status reading, without a deployment in it."""
    state = project().with_deployment(None, at(1))

    assert Reading(None, at(1)) == state.deployment
    assert state.current_deployment is None


def test_portfolio_changed_only_by_a_difference():
    """The time of change is unknown at first, unmoved by an equal portfolio, and set by a different one."""
    first = project().with_deployment(RUNNING, at(1)).with_portfolio(DOLLARS, at(10))
    same = first.with_portfolio(Portfolio(cash=(CashBalance("USD", 10.0, 1.0, 10.0),)), at(20))
    other = same.with_portfolio(PARITY, at(30))

    assert (first.portfolio_changed, same.portfolio_changed, other.portfolio_changed) == (None, None, 30)
    assert same.portfolio.read_at == at(20)


def test_account_currency_is_remembered_through_parity():
    """A currency once inferred stands when another comes to rate 1."""
    state = running_project()

    assert state.account_currency == "USD"
    assert state.with_portfolio(PARITY, at(3)).account_currency == "USD"


def test_account_currency_is_remembered_through_an_empty_cash_book():
    """An answer without cash rows takes the currency neither off the page nor out of what is known."""
    state = project().with_portfolio(DOLLARS, at(1)).with_portfolio(Portfolio(), at(2))
    assert state.account_currency == "USD"
    assert state.with_portfolio(PARITY, at(3)).account_currency == "USD"


def test_ambiguous_account_currency_is_left_out():
    """Two rows at rate 1 and nothing known before leave the currency unknown."""
    assert project().with_portfolio(PARITY, at(3)).account_currency is None


def test_configured_account_currency_wins():
    """The configured currency is used whatever the cash book suggests."""
    state = project(ProjectSettings(account_currency="EUR"))

    assert state.with_portfolio(DOLLARS, at(1)).account_currency == "EUR"
    assert state.with_deployment(RUNNING, at(1)).account_currency == "EUR"


def test_failures_are_counted_by_reason_and_keep_the_value():
    """A failed poll turns the source down and counts its reason; the last value stays until it is stale."""
    state = running_project().with_success(Source.PORTFOLIO, at(2))
    failed = state.with_failure(Source.PORTFOLIO, Reason.TIMEOUT).with_failure(
        Source.PORTFOLIO, Reason.TIMEOUT
    )
    health = failed.health[Source.PORTFOLIO]

    assert (health.up, health.polls, health.failures[Reason.TIMEOUT]) == (False, 3, 2)
    assert sum(health.failures.values()) == 2
    assert (health.last_success, health.last_failure) == (2, Reason.TIMEOUT)
    assert failed.portfolio is state.portfolio
    recovered = failed.with_success(Source.PORTFOLIO, at(5)).health[Source.PORTFOLIO]
    assert (recovered.up, recovered.last_failure) == (True, None)


def test_configured_name_wins():
    """The API's name replaces the id, but not a configured name."""
    assert project().name == "7"
    assert project().with_name("Momentum").name == "Momentum"
    assert project(ProjectSettings(name="mine")).with_name("Momentum").name == "mine"


def test_stale_values_are_left_out():
    """At the age of stale_after a value is gone, a moment before it is there."""
    state = project(ProjectSettings(polling=Polling(stale_after=100)))
    state = state.with_deployment(RUNNING, at(0)).with_portfolio(DOLLARS, at(50))

    assert state.without_stale(99.9).deployment is not None
    assert state.without_stale(100).deployment is None
    assert state.without_stale(149.9).portfolio is not None
    assert state.without_stale(150).portfolio is None
