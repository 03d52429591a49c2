"""What happens to a project, and what its deployments then show."""

from collections import Counter

import pytest

from tests.demo.world import LAB, START, STOCKS, every_order, page

AAPL = "AAPL R735QTJ8XC9X"


@pytest.fixture
def project(api, ids):
    return api.projects[ids[STOCKS]]


def portfolio(client, project):
    return client.ask("live/portfolio/read", projectId=project.project_id)["portfolio"]


def status(client, project):
    return client.ask("live/read", projectId=project.project_id)["status"]


def test_stopped_projects_stand_still(client, project, clock):
    """After a stop positions and equity stay as they were, and server statistics are gone."""
    project.stop()
    before = portfolio(client, project)
    clock.time += 100
    body = client.ask("live/read", projectId=project.project_id)
    assert body["status"] == "Stopped"
    assert body["stopped"] == "2026-11-20 18:40:00"
    assert "serverStatistics" not in body
    assert body["runtimeStatistics"] == []
    assert AAPL in before["holdings"]
    assert portfolio(client, project) == before
    assert client.chart(project.project_id)["Equity"]["values"][-1][0] == START
    with pytest.raises(RuntimeError, match="not running"):
        project.deposit(1)


def test_launch_makes_a_new_deployment(client, project, clock):
    """A launch starts flat with the last equity, under a new id, after a gap in the chart."""
    equity = client.api.state(project.project_id).equity
    before = client.ask("live/read", projectId=project.project_id)["deployId"]
    project.stop()
    clock.time += 60
    deploy_id = project.launch()
    body = client.ask("live/read", projectId=project.project_id)
    assert body["status"] == "Running"
    assert body["deployId"] == deploy_id != before
    assert client.api.state(project.project_id).peak_equity == pytest.approx(equity)
    assert len(client.ask("live/list", projectId=project.project_id)["live"]) == 3
    assert client.chart(project.project_id)["Equity"]["values"][-2][1:] == [None] * 4
    project.launch()
    assert len(client.ask("live/list", projectId=project.project_id)["live"]) == 4


def test_crash_is_a_runtime_error(client, project):
    """A crash shows in status, message and list, and as a mark on the chart."""
    project.crash("boom")
    body = client.ask("live/read", projectId=project.project_id)
    assert (body["status"], body["message"]) == ("RuntimeError", "boom")
    assert client.ask("live/list", status="RuntimeError")["live"][0]["error"] == "boom"
    assert client.chart(project.project_id)["Meta"]["values"][-1]["type"] == "error"


def test_liquidate(client, project):
    """A liquidated project holds nothing, an empty map being written as a list."""
    project.liquidate()
    assert status(client, project) == "Liquidated"
    assert portfolio(client, project)["holdings"] == []


def test_closed_position_is_gone(client, project):
    """The key leaves the body, the money is cash, and equity loses spread and fee alone."""
    before = client.api.state(project.project_id)
    project.close_position(AAPL)
    after = portfolio(client, project)
    assert AAPL not in after["holdings"]
    held = before.holding(AAPL)
    cost = held.quantity * held.security.tick + held.security.fee(held.quantity, held.price)
    assert client.api.state(project.project_id).equity == pytest.approx(before.equity - cost)
    with pytest.raises(KeyError):
        project.close_position(AAPL)


def test_opened_position_appears(client, project):
    """A security of the universe can be bought and sold short by its identifier."""
    project.open_position("TSLA UNU3P8Y3WFAD", -7)
    assert portfolio(client, project)["holdings"]["TSLA UNU3P8Y3WFAD"]["q"] == -7


def test_deposits_and_withdrawals_are_cash(client, project):
    """Money paid in and out changes cash and equity by just that."""
    before = portfolio(client, project)["cash"]["USD"]["amount"]
    project.deposit(5000)
    project.withdraw(1200)
    assert portfolio(client, project)["cash"]["USD"]["amount"] == pytest.approx(before + 3800)


def test_rename_and_delete(client, project):
    """A deleted project is known to the project list alone, under its recycled name."""
    project.rename("New / name")
    assert client.ask("live/read", projectId=project.project_id)["projectName"] == "New / name"
    project.delete()
    assert client.ask("live/list", projectId=project.project_id)["live"] == []
    assert client.ask("live/portfolio/read", projectId=project.project_id)["success"] is False
    (row,) = client.ask("projects/read", projectId=project.project_id)["projects"]
    assert row["name"] == "Recycle Bin/New / name"


def test_closed_exchange_freezes_chart_and_statistics(client, project, clock):
    """While the exchange is closed the portfolio moves and the equity shown does not."""
    project.set_exchange_closed(True)
    shown = client.chart(project.project_id)["Equity"]["values"][-1][4]
    holdings = portfolio(client, project)
    clock.time += 900
    assert portfolio(client, project) != holdings
    last = client.chart(project.project_id)["Equity"]["values"][-1]
    assert last[4] == shown
    state = client.api.state(project.project_id)
    assert state.equity != state.shown_equity == pytest.approx(shown, abs=1e-4)
    statistics = client.ask("live/read", projectId=project.project_id)["runtimeStatistics"]
    assert statistics["Equity"] == f"${shown:,.2f}"
    project.set_exchange_closed(False)
    assert client.api.state(project.project_id).shown_equity == state.equity


def test_price_shock_makes_a_drawdown(client, ids):
    """Prices down by 40 % take a fully invested algorithm past 20 %, without touching its past."""
    project = client.api.projects[ids["US Stocks from Europe"]]
    before = client.chart(project.project_id)["Equity"]["values"]
    rate = client.api.state(project.project_id).cash[1].rate
    project.set_price_shock(0.4)
    state = client.api.state(project.project_id)
    assert state.drawdown_ratio > 0.2
    assert state.cash[1].rate == rate
    assert client.chart(project.project_id)["Equity"]["values"][:-1] == before[:-1]


def test_shock_reaches_pairs_that_are_held(client, ids):
    """In a currency algorithm a shock moves the held pairs and with them the rows of cash."""
    project = client.api.projects[ids["FX Carry"]]
    before = client.api.state(project.project_id).equity
    project.set_price_shock(1.1)
    assert client.api.state(project.project_id).equity > before


def test_peak_is_the_highest_high_since_launch(client):
    """The peak of a state is the highest high of the candles of its deployment."""
    for project_id, project in client.api.projects.items():
        run = project.deployment(START)
        if run is None:
            continue
        highs = [
            candle[2]
            for candle in client.chart(project_id)["Equity"]["values"]
            if candle[0] >= run.launched and candle[2] is not None
        ]
        assert max(highs) == pytest.approx(client.api.state(project_id).peak_equity, abs=1e-4)


def test_earlier_deployment_has_the_same_ids(client, api, ids):
    """Both deployments count from 1, the earlier one comes first, and one of its orders was never closed."""
    orders = page(client, ids[STOCKS])
    numbers = [order["id"] for order in orders]
    runs = Counter(event["algorithmId"] for order in orders for event in order["events"])
    dead, running = (run.deploy_id for run in api.projects[ids[STOCKS]].deployments)
    assert numbers == [1, 2, 3, 4, *range(1, len(numbers) - 3)]
    assert set(runs) == {dead, running}
    assert [each["status"] for each in orders[:4]].count(1) == 1


def test_launch_begins_anew(api, ids, clock):
    """A new deployment's trading begins at nothing, and goes on as the one before did."""
    project = api.projects[ids[LAB]]
    clock.time += 600
    assert project.trading(api.snapshot_time()).orders > 10
    project.launch()
    assert project.trading(api.snapshot_time()).orders == 0
    clock.time += 2 * 86_400
    assert project.trading(api.snapshot_time()).orders > 0


def test_capital_is_what_was_paid_in(client, api, ids, clock):
    """Equity less net and unrealized profit is what was paid in, but for estimated exit fees and spreads."""
    project = api.projects[ids[LAB]]

    def capital():
        statistics = client.ask("live/read", projectId=project.project_id)["runtimeStatistics"]
        equity, net, unrealized = (
            float(statistics[name].replace("$", "").replace(",", ""))
            for name in ("Equity", "Net Profit", "Unrealized")
        )
        return equity - net - unrealized

    assert capital() == pytest.approx(80_000 + 2 * 10_000, abs=20)
    project.deposit(5000)
    clock.time += 5
    assert capital() == pytest.approx(85_000 + 2 * 10_000, abs=20)


def test_order_without_an_event_goes_with_its_deployment(client, api, ids, clock):
    """What was placed at the moment of a new launch, and has no event, is not listed as if it were the new one's."""
    project = api.projects[ids[LAB]]
    clock.time += 2 * 120
    before = every_order(client, project.project_id)
    assert (before[-1]["events"], before[-1]["createdTime"]) == ([], "2026-11-20T18:44:00Z")
    project.launch()
    clock.time += 300
    assert every_order(client, project.project_id) == before[:-1]
