"""What is asked for each source, and what is done with an answer about another deployment."""

import pytest

from exporter.config.model import ProjectSettings
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import NotReady
from exporter.polling.fetch import fetch
from exporter.polling.fetched import Poll
from exporter.polling.state import Instant, Source, new_project
from tests.polling.cloud import polled, row

NOW = Instant(1.0, 1.0)


@pytest.fixture
def poll(cloud):
    """A poll of the running deployment L-2 of project 7."""
    deployment = Deployment("L-2", AlgorithmStatus.RUNNING, launched=1.0)
    state = new_project(7, "main", ProjectSettings()).with_deployment(deployment, NOW)
    cloud.rows = [row(8)]
    cloud.reads = {7: {"success": True, **row(7, "L-2"), "runtimeStatistics": {"Net Profit": "$5.00"}}}
    with polled(cloud, cloud.config()) as bench:
        cloud.asked.clear()
        yield lambda changed=state: Poll(bench.client(), changed, deployment, cloud.clock)


def test_answer_of_the_running_deployment_is_kept(poll):
    """Statistics that name the running deployment are kept, and so is its name."""
    fetched = fetch(Source.STATISTICS, poll())
    state = fetched.change(poll().state)

    assert fetched.error is None
    assert (state.statistics.value.net_profit, state.answers_of) == (5, "L-2")


def test_statistics_of_another_deployment_are_not_shown(poll, cloud):
    """Statistics that name another deployment are left out, and what was known of the portfolio goes."""
    state = fetch(Source.PORTFOLIO, poll()).change(poll().state)
    assert state.portfolio is not None
    cloud.reads[7]["deployId"] = "L-1"
    fetched = fetch(Source.STATISTICS, poll(state))
    changed = fetched.change(state)

    assert isinstance(fetched.error, NotReady)
    assert (changed.statistics, changed.portfolio, changed.answers_of) == (None, None, "L-1")


def test_portfolio_is_not_asked_for_while_another_deployment_answers(poll, cloud):
    """A portfolio names no deployment: while ``live/read`` names another one, it is not even asked for."""
    state = poll().state.with_answers_of("L-1")
    cloud.asked.clear()
    with pytest.raises(NotReady, match="L-1"):
        fetch(Source.PORTFOLIO, poll(state))

    assert cloud.asked == []


def test_statistics_that_name_no_deployment_are_believed(poll, cloud):
    """An answer without a deployment's name says nothing against being of the running one."""
    del cloud.reads[7]["deployId"]
    state = fetch(Source.STATISTICS, poll()).change(poll().state)

    assert state.statistics.value.net_profit == 5
    assert fetch(Source.PORTFOLIO, poll(state)).error is None
