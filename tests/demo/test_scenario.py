"""The world of the demo: what is in it, what will happen in it, and that it is always the same."""

import json

from exporter.demo.project import Generation
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.demo.world import START, page


def test_scenario_covers_the_world(api):
    """Every status, generation and security type of the demo is there, and one deep drawdown."""
    states = {project.name: api.state(project_id) for project_id, project in api.projects.items()}
    assert len(states) >= 12
    assert {project.generation for project in api.projects.values()} == set(Generation)
    kinds = {holding.security.kind for state in states.values() for holding in state.holdings}
    assert {int(kind) for kind in kinds} == {1, 2, 4, 5, 6, 7, 10, 11}
    assert 0.2 < states["Single Stock"].drawdown_ratio < 0.3
    assert states["Fresh"].equity == 50_000
    without = [name for name, state in states.items() if state.status == "Running" and not state.holdings]
    assert without == ["Fresh"]


def test_everything_has_an_identifier_of_its_own():
    """Projects differ in id and name, deployments in id, accounts in user id and token."""
    scenario = demo_scenario(START)
    projects = scenario.projects.values()
    for identifiers in (
        [project.project_id for project in projects],
        [project.name for project in projects],
        [run.deploy_id for project in projects for run in project.deployments],
        [account.user_id for account in scenario.accounts],
        [account.api_token for account in scenario.accounts],
    ):
        assert len(set(identifiers)) == len(identifiers) > 1
    assert scenario.projects == {project.project_id: project for project in projects}


def test_bodies_are_deterministic(clock, client):
    """Two servers of one seed, start and time send the same bytes."""

    def bodies():
        for project_id in client.api.projects:
            for endpoint in ("live/read", "live/portfolio/read"):
                yield client.post(endpoint, projectId=project_id).content
            yield json.dumps(client.chart(project_id)) if client.api.state(project_id).deploy_id else ""

    first = list(bodies())
    with SimulatedQuantConnect(demo_scenario(START), clock=clock) as second:
        client.api = second
        assert list(bodies()) == first


def test_planned_crash(client, clock, ids):
    """One project of the demo ends three minutes after the start."""
    project = client.api.projects[ids["Fragile"]]
    for wait, status in ((175, "Running"), (10, "RuntimeError")):
        clock.time += wait
        assert client.ask("live/read", projectId=project.project_id)["status"] == status


def test_stuck_market_order(client, ids):
    """One market order has waited longer than a quarter of an hour."""
    (stuck,) = [order for order in page(client, ids["Volatility/Short Puts"]) if order["status"] == 1]
    assert (stuck["type"], stuck["createdTime"]) == (0, "2026-11-20T17:56:48Z")
