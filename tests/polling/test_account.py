"""One account's projects against the simulated QuantConnect, with time moved by hand."""

import gc
import logging
from itertools import groupby

import pytest

from exporter.config.model import Cardinality, Polling, ProjectSettings
from exporter.demo.faults import Fault
from exporter.demo.server import SimulatedQuantConnect
from exporter.polling.hold import LONGEST_REFUSAL
from tests.support import Bench, config_of, pair_of, project_named, scenario_at

STOCKS = "US Equities/Long Short Momentum"
VALUES = (
    "quantconnect_equity",
    "quantconnect_holding_market_value",
    "quantconnect_cash_value",
    "quantconnect_drawdown_ratio",
    "quantconnect_net_profit",
)


def shown(bench, project_id: int) -> set[str]:
    """Return the value families that a project shows."""
    return bench.samples().names(project_id=str(project_id)) & set(VALUES)


def status_of(bench, project_id: int) -> str:
    samples = bench.samples()
    labels = samples.labels("quantconnect_algorithm_status", project_id=str(project_id))
    current = [each["status"] for each in labels if samples.one("quantconnect_algorithm_status", **each)]
    assert len(current) == 1
    return current[0]


def test_every_running_algorithm_is_discovered(bench, api):
    """Without any project named, every running one of both accounts is polled under its API name."""
    running = {
        (str(project_id), project.name)
        for project_id, project in api.projects.items()
        if api.state(project_id).status == "Running"
    }
    labels = bench.samples().labels("quantconnect_up", source="portfolio")

    assert running == {(each["project_id"], each["project"]) for each in labels}
    assert bench.samples().one("quantconnect_projects", account="main") == 10
    assert bench.samples().one("quantconnect_projects", account="europe") == 3


def test_every_portfolio_comes_first(make_bench, api):
    """What begins together is asked for source by source, so that workers seldom meet at one project."""
    make_bench(config_of(api, ProjectSettings())).poll()
    asked = [
        request.endpoint
        for request in api.requests.snapshot()
        if request.project_id and request.user_id == api.accounts[0].user_id
    ]

    assert asked.count("live/portfolio/read") == 10
    assert [endpoint for endpoint, _ in groupby(asked)] == [
        "live/portfolio/read",
        "live/chart/read",
        "live/read",
        "live/orders/read",
    ]


def test_values_equal_the_simulators(bench, api):
    """Equity, peak, drawdown, cash and quantities on the page are those that the simulated accounts hold."""
    samples = bench.samples()
    for project_id in api.projects:
        state = api.state(project_id)
        if state.status != "Running":
            continue
        label = {"project_id": str(project_id)}
        assert samples.one("quantconnect_equity", **label) == pytest.approx(state.equity, abs=0.01)
        assert samples.one("quantconnect_equity_peak", **label) == pytest.approx(state.peak_equity, abs=0.01)
        assert samples.one("quantconnect_drawdown_ratio", **label) == pytest.approx(
            state.drawdown_ratio, abs=1e-6
        )
        for row in state.cash:
            amount = samples.one("quantconnect_cash_amount", currency=row.currency, **label)
            assert amount == pytest.approx(row.amount, abs=1e-6)
        for holding in state.holdings:
            quantity = samples.one("quantconnect_holding_quantity", symbol_id=holding.symbol_id, **label)
            assert quantity == pytest.approx(holding.quantity)


@pytest.mark.parametrize("count_rule", ["latest", "downsample"])
def test_peak_of_a_history_of_many_pages(clock, monkeypatch, count_rule):
    """The peak is that of the whole deployment, whichever way QuantConnect shortens a long history."""
    monkeypatch.setattr("exporter.polling.fetch_charts.POINTS_PER_REQUEST", 30)
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock, count_rule=count_rule) as api:
        project_id = project_named(api, STOCKS)
        bench = Bench(api, clock, config_of(api, named={project_id: ProjectSettings()}, discover=False))
        bench.poll()
        bench.advance(3600, step=60)
        peak = bench.samples().one("quantconnect_equity_peak", project_id=str(project_id))
        pages = [each for each in api.requests if each.endpoint == "live/chart/read"]
        bench.close()

        assert len(pages) > 30
        assert peak == pytest.approx(api.state(project_id).peak_equity, abs=0.01)


def test_history_without_an_end_shows_no_peak(make_bench, api, monkeypatch):
    """While a history is not complete nothing is shown of its half, and that is no failure."""
    monkeypatch.setattr("exporter.polling.fetch_charts.POINTS_PER_REQUEST", 2)
    bench = make_bench(config_of(api, named={project_named(api, STOCKS): ProjectSettings()}, discover=False))
    bench.poll()
    samples = bench.samples()

    assert samples.one("quantconnect_up", source="equity") == 1
    assert len(samples.all("quantconnect_equity")) == 1
    assert samples.all("quantconnect_equity_peak") == []
    assert samples.all("quantconnect_drawdown_ratio") == []


def test_portfolio_value_agrees_with_equity_where_it_is_given(bench, api):
    """The rebuilt value is within LEAN's rounding of the equity, and absent only for the futures."""
    samples = bench.samples()
    futures = project_named(api, "Futures Trend")
    for project_id in api.projects:
        label = {"project_id": str(project_id)}
        if project_id == futures or not samples.all("quantconnect_equity", **label):
            assert samples.all("quantconnect_portfolio_value", **label) == []
            continue
        holdings = len(api.state(project_id).holdings)
        rebuilt = samples.one("quantconnect_portfolio_value", **label)
        assert rebuilt == pytest.approx(samples.one("quantconnect_equity", **label), abs=0.02 + holdings)


def test_closed_position_leaves_at_the_next_poll(pair, api):
    """A position that is closed has no series any more, rather than a last value or a 0."""
    project_id = project_named(api, STOCKS)
    symbol_id = api.state(project_id).holdings[0].symbol_id
    assert pair.samples().all("quantconnect_holding_quantity", symbol_id=symbol_id)
    api.projects[project_id].close_position(symbol_id)
    pair.advance(90)

    found = pair.samples().all(
        "quantconnect_holding_quantity", symbol_id=symbol_id, project_id=str(project_id)
    )
    assert found == []


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda project: project.stop(), "stopped"),
        (lambda project: project.crash("division by zero"), "runtime_error"),
        (lambda project: project.liquidate(), "liquidated"),
    ],
)
def test_ended_algorithm_keeps_its_status_and_loses_its_values(pair, api, end, status):
    """Whichever way an algorithm ends, its status and info stay and its last numbers go."""
    project_id = project_named(api, STOCKS)
    assert shown(pair, project_id) == set(VALUES)
    end(api.projects[project_id])
    pair.advance(90)

    assert shown(pair, project_id) == set()
    assert status_of(pair, project_id) == status
    samples = pair.samples()
    label = {"project_id": str(project_id)}
    assert len(samples.all("quantconnect_algorithm_info", **label)) == 1
    assert len(samples.all("quantconnect_algorithm_stopped_timestamp_seconds", **label)) == 1
    assert samples.all("quantconnect_up", source="portfolio", **label) == []


def test_stopped_algorithm_is_not_asked_for_values(pair, api):
    """A project that does not run costs no requests beyond the account's list."""
    project_id = project_named(api, STOCKS)
    api.projects[project_id].stop()
    pair.advance(90)
    api.requests.clear()
    pair.advance(600, step=20)

    assert [each for each in api.requests.snapshot() if each.project_id == project_id] == []


def test_new_deployment_starts_afresh(bench, api):
    """After a redeploy the peak counts from the new launch: the drawdown of the old one is not carried over."""
    project_id = project_named(api, "Single Stock")
    label = {"project_id": str(project_id)}
    assert bench.samples().one("quantconnect_drawdown_ratio", **label) > 0.2
    deploy_id = api.projects[project_id].launch()
    bench.advance(130, step=10)
    samples = bench.samples()

    assert samples.labels("quantconnect_algorithm_info", **label)[0]["deploy_id"] == deploy_id
    assert samples.one("quantconnect_drawdown_ratio", **label) < 0.05


def test_project_with_an_older_deployment_shows_the_latest(pair, api):
    """Of several rows for one project the one launched last counts, and older equity is no part of the peak."""
    project_id = project_named(api, STOCKS)
    state = api.state(project_id)
    label = {"project_id": str(project_id)}
    samples = pair.samples()

    assert samples.one("quantconnect_algorithm_launched_timestamp_seconds", **label) == state.launched
    assert samples.labels("quantconnect_algorithm_info", **label)[0]["deploy_id"] == state.deploy_id


def test_newly_launched_algorithm_is_discovered(make_bench, api):
    """A project launched after the exporter's start appears with the next list."""
    project_id = project_named(api, STOCKS)
    api.projects[project_id].stop()
    bench = make_bench(config_of(api, ProjectSettings(polling=Polling(keep_ended_for=0))))
    bench.poll()
    assert bench.samples().names(project_id=str(project_id)) == set()
    api.projects[project_id].launch()
    bench.advance(61)

    assert status_of(bench, project_id) == "running"
    assert "quantconnect_equity" in shown(bench, project_id)


def test_deleted_project_is_dropped(bench, api):
    """A discovered project that two lists in a row do not have any more leaves without a trace."""
    project_id = project_named(api, STOCKS)
    api.projects[project_id].delete()
    bench.advance(61)
    assert shown(bench, project_id) == set(VALUES)
    bench.advance(61)

    assert bench.samples().names(project_id=str(project_id)) == set()


def test_never_deployed_project_has_only_a_status(make_bench, api):
    """A named project that never ran is known as such, with no values and no failure."""
    project_id = project_named(api, "Never Deployed")
    bench = make_bench(config_of(api, named={project_id: ProjectSettings()}))
    bench.poll()
    label = {"project_id": str(project_id)}

    assert bench.samples().one("quantconnect_up", source="status", **label) == 1
    assert status_of(bench, project_id) == "unknown"
    assert shown(bench, project_id) == set()
    assert bench.samples().labels("quantconnect_up", **label)[0]["project"] == "Never Deployed"


def test_unknown_project_id_fails_its_status(make_bench, api):
    """A project id that does not exist is a failing source, not a project without a deployment."""
    bench = make_bench(config_of(api))
    bench.close()
    config = config_of(api, named={project_named(api, STOCKS): ProjectSettings()})
    wrong = config.projects[0].__class__(999, "main", ProjectSettings())
    bench = make_bench(config.__class__(config.accounts, (wrong,), config.defaults))
    bench.poll()
    samples = bench.samples()

    assert samples.one("quantconnect_up", project_id="999", source="status") == 0
    rejected = {"project_id": "999", "source": "status", "reason": "rejected"}
    assert samples.one("quantconnect_poll_failures_total", **rejected) == 1


def test_named_projects_alone_are_polled_without_discovery(make_bench, api):
    """With discovery off, only the named projects are on the page."""
    project_id = project_named(api, STOCKS)
    settings = {project_id: ProjectSettings(name="mine")}
    bench = make_bench(config_of(api, named=settings, discover=False))
    bench.poll()
    labels = bench.samples().labels("quantconnect_up")

    assert {(each["project_id"], each["project"]) for each in labels} == {(str(project_id), "mine")}


def test_renamed_project_is_shown_under_its_new_name(pair, api):
    """A new name in QuantConnect replaces the old one within about an hour, without a second series."""
    project_id = project_named(api, STOCKS)
    api.projects[project_id].rename("Momentum 2")
    pair.advance(3700, step=60)
    labels = pair.samples().labels("quantconnect_up", project_id=str(project_id), source="status")

    assert [each["project"] for each in labels] == ["Momentum 2"]


def test_names_that_cannot_be_read_stop_nothing(make_bench, api, caplog):
    """Without names, projects are polled under their ids, and named once the names come."""
    handle = api.faults.add(Fault(endpoint="projects/read", status=500))
    bench = make_bench(pair_of(api))
    bench.poll()
    project_id = str(project_named(api, STOCKS))
    assert bench.samples().labels("quantconnect_equity", project_id=project_id)[0]["project"] == project_id
    assert "reading project names failed" in caplog.text
    api.faults.remove(handle)
    bench.advance(700, step=60)

    assert bench.samples().labels("quantconnect_equity", project_id=project_id)[0]["project"] == STOCKS


def test_failing_source_keeps_its_value_until_stale(make_bench, api):
    """While a source fails its last values stay, until they are older than stale_after; then they leave."""
    project_id = project_named(api, STOCKS)
    polling = Polling(status=60, portfolio=60, equity=60, stale_after=300)
    bench = make_bench(pair_of(api, ProjectSettings(polling=polling)))
    bench.poll()
    bench.advance(1)
    handle = api.faults.add(Fault(endpoint="live/portfolio/read", project_id=project_id, status=502))
    label = {"project_id": str(project_id)}
    bench.advance(240, step=30)

    samples = bench.samples()
    assert samples.one("quantconnect_up", source="portfolio", **label) == 0
    assert samples.all("quantconnect_holding_market_value", **label)
    bench.advance(120, step=30)
    samples = bench.samples()
    assert samples.all("quantconnect_holding_market_value", **label) == []
    assert samples.all("quantconnect_cash_amount", **label) == []
    assert samples.one("quantconnect_up", source="portfolio", **label) == 0
    assert samples.all("quantconnect_equity", **label), "another source of the project is not touched"
    api.faults.remove(handle)
    bench.advance(600, step=30)
    assert bench.samples().all("quantconnect_holding_market_value", **label)
    assert bench.samples().one("quantconnect_up", source="portfolio", **label) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=502, body=b"<html>bad gateway</html>"), "unavailable"),
        (Fault(status=503), "unavailable"),
        (Fault(status=429, headers={"Retry-After": "30"}), "rate_limited"),
        (Fault(body={"success": False, "errors": ["Invalid argument"]}), "rejected"),
        (Fault(body={"success": True}), "not_ready"),
        (Fault(body={"success": True, "portfolio": {"holdings": {"SPY 2T": {"q": "1"}}}}), "malformed"),
        (Fault(body=b'{"success": true, "portf'), "malformed"),
        (Fault(effect="reset"), "unavailable"),
        (Fault(effect="reset_midway"), "unavailable"),
        (Fault(status=302, headers={"Location": "http://127.0.0.1:1/"}), "unavailable"),
    ],
)
def test_each_failure_has_its_reason_and_recovers(pair, api, fault, reason):
    """A failing source counts its reason, leaves every other project alone, and recovers by itself."""
    project_id = project_named(api, STOCKS)
    scripted = Fault(
        endpoint="live/portfolio/read",
        project_id=project_id,
        times=1,
        status=fault.status,
        headers=fault.headers,
        body=fault.body,
        effect=fault.effect,
    )
    api.faults.add(scripted)
    pair.advance(61, step=5)
    samples = pair.samples()
    counted = {
        (each["project_id"], each["source"], each["reason"])
        for each in samples.labels("quantconnect_poll_failures_total")
        if samples.one("quantconnect_poll_failures_total", **each) > 0
    }

    assert (str(project_id), "portfolio", reason) in counted
    assert {each[0] for each in counted} == {str(project_id)} or reason == "rate_limited"
    pair.advance(240, step=5)
    assert pair.samples().one("quantconnect_up", project_id=str(project_id), source="portfolio") == 1


ODD_ROWS = [{"projectId": 1, "deployId": None}, {"projectId": "one"}]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("portfolio", Fault(endpoint="live/portfolio/read", status=502)),
        ("portfolio", Fault(endpoint="live/portfolio/read", body=b'{"success": true, "portf')),
        ("portfolio", Fault(endpoint="live/portfolio/read", effect="reset_midway")),
        ("equity", Fault(endpoint="live/chart/read", status=502)),
        ("charts", Fault(endpoint="live/chart/read", body={"success": True, "chart": {"series": 5}})),
        ("statistics", Fault(endpoint="live/read", body={"success": True, "runtimeStatistics": 5})),
        ("orders", Fault(endpoint="live/orders/read", body={"success": True, "orders": [5]})),
        (None, Fault(endpoint="live/list", body={"success": True, "live": [5]})),
        (None, Fault(endpoint="live/list", body={"success": True, "live": ODD_ROWS})),
        (None, Fault(endpoint="projects/read", body={"success": True, "projects": [5]})),
    ],
)
def test_failed_poll_leaves_nothing_to_search_for(make_bench, api, source, fault):
    """What a failed poll held is free at once, its frames and buffers too: no error is kept by its own frame."""
    polling = Polling(statistics=60, orders=300 if source == "orders" else None)
    pair = make_bench(pair_of(api, ProjectSettings(charts=("Benchmark",), polling=polling)))
    pair.poll()
    api.faults.add(fault)
    gc.collect()
    gc.disable()
    try:
        pair.advance(1200, step=60)
        left = gc.collect()
    finally:
        gc.enable()
    failures = pair.samples().all("quantconnect_poll_failures_total", source=source or "status")
    assert sum(failures) >= 3 or source is None
    assert left < 20


def test_refused_credentials_silence_their_account_alone(bench, api, caplog):
    """When one account's token is refused it is asked rarely, its sources fall, and the other goes on."""
    handle = api.faults.add(Fault(user_id=api.accounts[0].user_id, status=401))
    bench.advance(60, step=5)
    api.requests.clear()
    bench.advance(240, step=5)
    samples = bench.samples()
    asked = [each for each in api.requests.snapshot() if each.user_id == api.accounts[0].user_id]

    refused, sound = (str(project_named(api, name)) for name in (STOCKS, "CFD Indices"))
    assert {each.endpoint for each in asked} == {"authenticate"}
    for source in ("status", "portfolio", "equity"):
        assert samples.one("quantconnect_up", project_id=refused, source=source) == 0
    assert set(samples.all("quantconnect_up", project_id=sound)) == {1}
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(warnings) <= 4
    api.faults.remove(handle)
    bench.advance(1.2 * LONGEST_REFUSAL, step=5)
    assert set(bench.samples().all("quantconnect_up", project_id=refused)) == {1}


def test_row_that_cannot_be_read_spoils_its_project_alone(pair, api):
    """One broken row in the list of deployments fails the status of that project and of no other."""
    broken, sound = project_named(api, STOCKS), project_named(api, "Coins")
    rows = [
        {"projectId": broken, "deployId": "L-1", "status": 5, "launched": "2026-09-01 00:00:00"},
        {
            "projectId": sound,
            "deployId": api.state(sound).deploy_id,
            "status": "Running",
            "launched": "2026-09-01 00:00:00",
            "stopped": None,
            "brokerage": "",
        },
    ]
    api.faults.add(
        Fault(endpoint="live/list", user_id=api.accounts[0].user_id, body={"success": True, "live": rows})
    )
    pair.advance(61)
    samples = pair.samples()

    assert samples.one("quantconnect_up", project_id=str(broken), source="status") == 0
    assert samples.one("quantconnect_up", project_id=str(sound), source="status") == 1


def test_failure_is_logged_when_it_begins_and_ends(pair, api, caplog):
    """Ten failed polls in a row make one warning, their end one line more."""
    caplog.set_level(logging.INFO)
    project_id = project_named(api, STOCKS)
    handle = api.faults.add(Fault(endpoint="live/read", project_id=project_id, body={"success": False}))
    pair.advance(3000, step=60)
    api.faults.remove(handle)
    pair.advance(600, step=60)
    messages = [
        record.getMessage()
        for record in caplog.records
        if getattr(record, "project_id", None) == project_id and record.levelno >= logging.INFO
    ]

    assert messages == ["poll failed", "poll recovered"]


def test_configured_chart_is_exported(make_bench, api):
    """The last point of each series of a configured chart is shown with its time; Meta marks are not."""
    project_id = next(each for each, project in api.projects.items() if project.custom_chart)
    settings = ProjectSettings(charts=(api.projects[project_id].custom_chart,))
    bench = make_bench(config_of(api, named={project_id: settings}))
    bench.poll()
    label = {"project_id": str(project_id), "chart": "Custom Signal"}
    samples = bench.samples()

    assert len(samples.all("quantconnect_chart_value", **label)) == 2
    assert all(
        0 <= bench.clock.wall() - time < 86_400
        for time in samples.all("quantconnect_chart_timestamp_seconds", **label)
    )


def test_chart_that_fails_costs_only_itself(make_bench, api):
    """A misspelt chart turns the source down and is named in the log; the other chart is shown."""
    project_id = next(each for each, project in api.projects.items() if project.custom_chart)
    settings = ProjectSettings(charts=("No Such Chart", api.projects[project_id].custom_chart))
    bench = make_bench(config_of(api, named={project_id: settings}))
    bench.poll()
    samples = bench.samples()

    assert samples.one("quantconnect_up", project_id=str(project_id), source="charts") == 0
    assert len(samples.all("quantconnect_chart_value", project_id=str(project_id))) == 2


def test_short_budget_stretches_intervals_and_shows_it(make_bench, api, caplog):
    """When the budget is short the equity's interval becomes longer, the others' four times as much, the status' not."""
    config = config_of(api, ProjectSettings(), requests_per_minute=10)
    bench = make_bench(config)
    bench.poll()
    samples = bench.samples()
    equity = 60 * (10 * (1 + 2 * 60 / 300) + 4 * 10) / (9.5 - 1) / 4
    in_force = {
        each["source"]: samples.one("quantconnect_poll_interval_seconds", **each)
        for each in samples.labels(
            "quantconnect_poll_interval_seconds", project_id=str(project_named(api, STOCKS))
        )
    }

    assert in_force == pytest.approx(
        {
            "status": 60,
            "equity": equity,
            "portfolio": 4 * equity,
            "statistics": 4 * 5 * equity,
            "orders": 4 * 5 * equity,
        }
    )
    assert samples.one("quantconnect_api_requests_per_minute_limit", account="main") == 10
    assert caplog.text.count("request budget is short") == 1


def test_ready_once_every_project_was_tried(make_bench, api):
    """Readiness comes with the first attempt at everything, not before, and whether it succeeds or not."""
    api.faults.add(Fault(endpoint="live/portfolio/read", status=500))
    bench = make_bench()
    assert bench.exporter.poller.not_ready() == "not every project has been tried yet"
    bench.poll()

    assert bench.exporter.poller.not_ready() is None


def test_not_ready_while_no_account_can_be_listed(make_bench, api):
    """Without a single list there is nothing to be ready with; one account of two is enough."""
    handles = [
        api.faults.add(Fault(endpoint="live/list", user_id=account.user_id, status=status))
        for account, status in zip(api.accounts, (500, 401), strict=True)
    ]
    bench = make_bench()
    bench.poll()
    reason = "no account can be listed (main: unavailable, europe: rejected)"
    assert bench.exporter.poller.not_ready() == reason
    api.faults.remove(handles[1])
    bench.advance(600, step=30)

    assert bench.exporter.poller.not_ready() is None


def test_not_ready_when_nothing_is_listed_any_more(pair, clock):
    """A list counts for as long as a value would: when none was asked for since, readiness ends."""
    clock.advance(899)
    assert pair.exporter.poller.not_ready() is None
    clock.advance(1)

    reason = "no account can be listed (main: not asked for long, europe: not asked for long)"
    assert pair.exporter.poller.not_ready() == reason


def test_unreachable_api_shows_named_projects_as_down(make_bench, api):
    """When nothing answers from the start, the named project is on the page, down and without values."""
    project_id = project_named(api, STOCKS)
    bench = make_bench(config_of(api, named={project_id: ProjectSettings(name="momentum")}))
    api.stop()
    bench.poll()
    samples = bench.samples()

    assert samples.one("quantconnect_up", project="momentum", source="status") == 0
    assert shown(bench, project_id) == set()
    assert "unavailable" in bench.exporter.poller.not_ready()
    api.start()
    bench.advance(120, step=10)
    assert shown(bench, project_id) == set(VALUES)


@pytest.mark.parametrize("is_named", [True, False])
def test_project_shared_by_two_accounts_is_polled_once(make_bench, api, is_named):
    """A project that both accounts list has one set of series: of the account it is named under, or the first."""
    project_id = project_named(api, STOCKS)
    row = {
        "projectId": project_id,
        "deployId": "L-shared",
        "status": "Running",
        "launched": "2026-09-01 00:00:00",
    }
    api.faults.add(
        Fault(endpoint="live/list", user_id=api.accounts[1].user_id, body={"success": True, "live": [row]})
    )
    bench = make_bench(config_of(api, named={project_id: ProjectSettings()} if is_named else {}))
    bench.poll()
    bench.advance(120, step=10)
    info = bench.samples().labels("quantconnect_algorithm_info", project_id=str(project_id))

    assert [each["account"] for each in info] == ["main"]


def test_mistake_of_our_own_is_counted_and_survived(pair, api, caplog, monkeypatch):
    """An unexpected exception becomes the reason ``internal`` with a traceback, and polling goes on."""

    def broken(_: object) -> None:
        raise ZeroDivisionError("planted")

    project_id = project_named(api, STOCKS)
    monkeypatch.setattr("exporter.quantconnect.client.parse_portfolio", broken)
    pair.advance(61)
    internal = {"project_id": str(project_id), "source": "portfolio", "reason": "internal"}

    assert pair.samples().one("quantconnect_poll_failures_total", **internal) >= 1
    assert "ZeroDivisionError: planted" in caplog.text
    monkeypatch.undo()
    pair.advance(120, step=10)
    assert pair.samples().one("quantconnect_up", project_id=str(project_id), source="portfolio") == 1


def test_unknown_member_is_told_once_and_makes_no_zero(pair, api, caplog):
    """When a number of a holding gets a new name it leaves the page rather than turn 0, and the log says why."""
    project_id = project_named(api, STOCKS)
    holdings = {"SPY R735QTJ8XC9X": {"a": 500, "q": 10, "p": 540, "value": 5400, "u": 398, "up": 7.9}}
    body = {"success": True, "portfolio": {"holdings": holdings, "cash": []}}
    api.faults.add(Fault(endpoint="live/portfolio/read", project_id=project_id, body=body))
    pair.advance(200, step=10)
    samples, label = pair.samples(), {"project_id": str(project_id)}

    assert samples.all("quantconnect_holding_market_value", **label) == []
    assert samples.all("quantconnect_gross_exposure", **label) == []
    assert samples.one("quantconnect_holding_unrealized_pnl", **label) == 398
    told = [record for record in caplog.records if getattr(record, "members", None) == "value"]
    assert len(told) == 1


def test_an_account_is_up_while_it_can_be_listed(make_bench, api):
    """A list that fails takes ``account_up`` to 0 and leaves the time of the last one, also over a reload."""
    bench = make_bench()
    assert bench.samples().all("quantconnect_account_up") == []
    bench.poll()
    listed = bench.clock.wall()
    api.faults.add(Fault(endpoint="live/list", user_id=api.accounts[0].user_id, status=503))
    bench.advance(120, step=30)
    for _ in range(2):
        samples = bench.samples()
        assert samples.one("quantconnect_account_up", account="main") == 0
        assert samples.one("quantconnect_account_up", account="europe") == 1
        last = "quantconnect_account_last_success_timestamp_seconds"
        assert samples.one(last, account="main") == listed
        assert samples.one(last, account="europe") > listed
        bench.reconfigure(bench.config)
    api.faults.clear()
    bench.advance(600, step=60)
    assert bench.samples().one("quantconnect_account_up", account="main") == 1


def test_more_running_algorithms_than_the_bound_are_left_out(make_bench, api, caplog):
    """Beyond ``cardinality.projects`` no further algorithm is discovered; they are counted and said once."""
    bench = make_bench(config_of(api, ProjectSettings(cardinality=Cardinality(projects=8))))
    with caplog.at_level(logging.WARNING):
        bench.poll()
        samples = bench.samples()
        bench.advance(120, step=60)

    assert samples.one("quantconnect_projects", account="main") == 8
    assert samples.one("quantconnect_projects_dropped", account="main") == 2
    assert samples.one("quantconnect_projects_dropped", account="europe") == 0
    assert len([each for each in caplog.records if "cardinality.projects" in each.message]) == 1


def test_a_named_project_does_not_count_towards_the_bound(make_bench, api):
    """What the configuration names is polled beside all that may be discovered."""
    named = {project_named(api, STOCKS): ProjectSettings()}
    defaults = ProjectSettings(cardinality=Cardinality(projects=3))
    bench = make_bench(config_of(api, defaults, named=named))
    bench.poll()

    assert bench.samples().one("quantconnect_projects", account="main") == 4
    assert bench.samples().one("quantconnect_projects_dropped", account="main") == 6
