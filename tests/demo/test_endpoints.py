import json
import re
from datetime import UTC, datetime

import pytest

from exporter.demo.phpjson import LongFloat, PlainObject, encode
from exporter.demo.project import Generation
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect, sign

START = 1_795_200_000.0
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
LONG = {"q": "quantity", "p": "marketPrice", "v": "marketValue", "u": "unrealizedPnl"}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def security_type(symbol_id):
    """Decode the type from an identifier: the last two decimal digits of its properties."""
    return int(symbol_id.split("|")[0].split(" ")[1], 36) % 100


def member(holding, short):
    for key in (short, LONG[short], LONG[short][0].upper() + LONG[short][1:]):
        if key in holding:
            return holding[key]
    return 0


def rebuilt_equity(body):
    """Rebuild equity from a portfolio body alone, futures being short of their settled profit."""
    cash = sum(row["valueInAccountCurrency"] for row in body["portfolio"]["cash"].values())
    terms = {4: None, 7: None, 5: "u", 6: "u", 11: "u"}
    total = cash
    for symbol_id, holding in dict(body["portfolio"]["holdings"]).items():
        short = terms.get(security_type(symbol_id), "v")
        total += member(holding, short) if short else 0
    return total


def test_php_json():
    """Empty maps are lists, slashes and non-ASCII escaped, floats whole or with all their digits."""
    assert (
        encode({"a": {}, "b": PlainObject(), "c": 2.0, "d": LongFloat(183.29), "e": 183.29, "f": "€/"})
        == r'{"a":[],"b":{},"c":2,"d":183.28999999999999,"e":183.29,"f":"\u20ac\/"}'
    )
    assert json.loads(encode([None, True, -0.5, 1e-7, 1e16])) == [None, True, -0.5, 1e-7, 1e16]


def test_authenticate(client):
    """A signed request of each account is let in, by POST and by GET."""
    for account in client.api.accounts:
        assert client.ask("authenticate", account) == {"success": True}
        answer = client.session.get(
            client.api.base_url + "authenticate", headers=sign(account, int(START)), timeout=5
        )
        assert answer.json() == {"success": True}


def test_wrong_hash_is_echoed(client):
    """QuantConnect repeats user id, hash and timestamp in the error text, with HTTP 200."""
    headers = sign(client.api.accounts[0], int(START)) | {"Timestamp": str(int(START) - 1)}
    answer = client.session.post(client.api.base_url + "authenticate", headers=headers, timeout=5)
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert re.fullmatch(r"Hash doesn't match\. UID: 100001 hash: [0-9a-f]{64} timestamp: 1795199999", error)


def test_unsigned_and_unknown_users(client):
    """Without a timestamp the hash does not match; an unknown user id is named invalid."""
    headers = sign(client.api.accounts[0], int(START))
    del headers["Timestamp"]
    answer = client.session.post(client.api.base_url + "authenticate", headers=headers, timeout=5).json()
    assert answer["errors"][0].startswith("Hash doesn't match.")
    answer = client.session.post(client.api.base_url + "authenticate", timeout=5).json()
    assert answer["success"] is False
    assert answer["errors"][0].startswith("UserID not valid")


def test_signatures_last_two_hours(client, clock):
    """A hash of 7200 s ago is accepted, an older one refused."""
    headers = sign(client.api.accounts[0], int(START))
    for age, accepted in ((7200, True), (7201, False)):
        clock.time = START + age
        answer = client.session.post(client.api.base_url + "authenticate", headers=headers, timeout=5)
        assert answer.json()["success"] is accepted


def test_unknown_endpoint_is_html(client):
    """Whatever else is asked for is a 404 with a page."""
    answer = client.post("live/create")
    assert answer.status_code == 404
    assert answer.text.startswith("<!DOCTYPE html>")


def test_date_header_is_the_server_clock(client):
    """The Date header is the clock that judges signatures."""
    expected = datetime.fromtimestamp(START, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert client.post("authenticate").headers["Date"] == expected


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        ("live/read", {}),
        ("live/portfolio/read", {"projectId": "x"}),
        ("live/portfolio/read", {"projectId": 1}),
        ("projects/read", {"projectId": 1}),
        ("live/list", {"status": "Sleeping"}),
        ("live/chart/read", {"projectId": 23456701, "name": "Strategy Equity", "count": 10, "start": 0}),
        ("live/chart/read", {"projectId": 23456701, "count": 10, "start": 0, "end": 5}),
    ],
)
def test_bad_parameters(client, endpoint, parameters):
    """A parameter that is missing or makes no sense is an invalid argument, with HTTP 200."""
    body = client.ask(endpoint, **parameters)
    assert body["success"] is False
    assert body["errors"][0].startswith("Invalid argument")


def test_accounts_see_their_own_projects(client, ids):
    """Another account's project does not exist for a user."""
    main, europe = client.api.accounts
    assert client.ask("live/read", main, projectId=ids["CFD Indices"])["success"] is False
    assert client.ask("live/read", europe, projectId=ids["CFD Indices"])["success"] is True


def test_projects_read(client, ids):
    """A project has the members of a genuine body, e-mail addresses among them."""
    body = client.ask("projects/read")
    assert body["success"] is True
    assert body["versions"]
    assert len(body["projects"]) == 11
    (project,) = client.ask("projects/read", projectId=ids["Never Deployed"])["projects"]
    assert project["name"] == "Never Deployed"
    assert project["parameters"] == []
    assert project["liveForm"] is None
    assert project["lastLiveDeployment"] is None
    assert "@" in project["collaborators"][0]["email"]
    assert DATE.fullmatch(project["created"])


def test_live_list_has_past_deployments(client, ids):
    """A relaunched project has a row for each deployment; project and status filter them."""
    project_id = ids["US Equities/Long Short Momentum"]
    rows = client.ask("live/list", projectId=project_id)["live"]
    assert [row["status"] for row in rows] == ["Running", "Stopped"]
    assert rows[0]["stopped"] is None
    assert DATE.fullmatch(rows[1]["stopped"])
    assert len({row["deployId"] for row in rows}) == 2
    running = client.ask("live/list", status="Running")["live"]
    assert len(running) == 10
    assert len(client.ask("live/list")["live"]) == 11
    assert all(row["status"] == "Running" for row in running)


def test_get_takes_a_query_of_texts(client, ids):
    """GET with a query string answers as POST with JSON does."""
    project_id = ids["Coins"]
    got = client.session.get(
        client.api.base_url + f"live/portfolio/read?projectId={project_id}",
        headers=sign(client.api.accounts[0], int(START)),
        timeout=5,
    )
    assert got.content == client.post("live/portfolio/read", projectId=project_id).content


def test_live_read(client, ids):
    """live/read carries statistics as texts, chart names, and the source code of the project."""
    body = client.ask("live/read", projectId=ids['Research/Lab "Signal" 7'])
    assert body["success"] is True
    assert body["status"] == "Running"
    assert "QCAlgorithm" in body["files"][0]["content"]
    assert set(body["charts"]) == {"Strategy Equity", "Drawdown", "Benchmark", "Exposure", "Custom Signal"}
    statistics = body["runtimeStatistics"]
    assert re.fullmatch(r"\$-?[\d,]+\.\d\d", statistics["Unrealized"])
    assert re.fullmatch(r"-\$[\d,]+\.\d\d", statistics["Fees"])
    assert re.fullmatch(r"-?\d+\.\d\d %", statistics["Return"])
    assert re.fullmatch(r"[\d.]+%", statistics["Probabilistic Sharpe Ratio"])
    assert statistics["Regime"] == 'risk on, "trending"'
    assert float(statistics["Signal Strength"])
    server = body["serverStatistics"]
    assert server["Total RAM (MB)"] == "1024"
    assert re.fullmatch(r"\d+\.\d%", server["CPU Usage"])
    assert re.fullmatch(r"\d+d \d\d:\d\d:\d\d", server["Up Time"])


def test_euro_accounts_show_the_euro(client, ids):
    """The statistics of a euro account begin with its symbol."""
    body = client.ask("live/read", projectId=ids["CFD Indices"])
    assert body["runtimeStatistics"]["Equity"].startswith("€")


def test_never_deployed(client, ids):
    """Live endpoints find no deployment, the project list knows the project."""
    for endpoint in ("live/read", "live/portfolio/read"):
        body = client.ask(endpoint, projectId=ids["Never Deployed"])
        assert body["success"] is False
        assert body["errors"][0].startswith("No live deployment found")
    assert client.ask("live/list", projectId=ids["Never Deployed"])["live"] == []


def test_short_keys_leave_out_defaults(client, ids):
    """Dollars and a rate of 1 are left out, a flat continuous future is an empty object."""
    body = client.ask("live/portfolio/read", projectId=ids["Futures Trend"])
    holdings = body["portfolio"]["holdings"]
    assert holdings["ES 1S1"] == {}
    assert all(set(holding) <= {"a", "q", "p", "v", "u", "up"} for holding in holdings.values())
    assert '"ES 1S1":{}' in client.post("live/portfolio/read", projectId=ids["Futures Trend"]).text
    dax = client.ask("live/portfolio/read", projectId=ids["CFD Indices"])["portfolio"]["holdings"]
    assert dax["DE30EUR 8I"]["c"] == "€"
    assert "r" not in dax["DE30EUR 8I"]
    assert 0 < dax["XAUUSD 8I"]["r"] < 1


def test_old_engines_send_long_keys(client, ids):
    """Pinned engines send a symbol object and an integer type, in camel and in Pascal case."""
    camel = client.ask("live/portfolio/read", projectId=ids["US Stocks from Europe"])
    holding = camel["portfolio"]["holdings"]["SPY R735QTJ8XC9X"]
    assert holding["symbol"] == {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"}
    assert holding["type"] == 1
    assert 0 < holding["conversionRate"] < 1
    pascal = client.ask("live/portfolio/read", projectId=ids["Perpetuals"])
    holding = pascal["portfolio"]["holdings"]["BTCUSDT 18R"]
    assert holding["Symbol"]["ID"] == "BTCUSDT 18R"
    assert holding["Type"] == 11
    assert {"UnrealizedPnl", "UnrealizedPnLPercent", "CurrencySymbol"} <= set(holding)


def test_cash_rows(client, ids):
    """Rows of amount 0, of rate 0 and of a stablecoin at 1 are all there, in full."""
    coins = client.ask("live/portfolio/read", projectId=ids["Coins"])["portfolio"]["cash"]
    assert coins["DOGE"]["amount"] == 0
    assert coins["USDC"]["conversionRate"] == coins["USD"]["conversionRate"] == 1
    assert coins["BTC"]["securitySymbols"][0]["id"] == "BTCUSD 2XR"
    currencies = client.ask("live/portfolio/read", projectId=ids["FX Carry"])["portfolio"]["cash"]
    assert currencies["SEK"]["conversionRate"] == 0
    assert all(
        set(row)
        == {
            "symbol",
            "amount",
            "conversionRate",
            "currencySymbol",
            "valueInAccountCurrency",
            "securitySymbols",
        }
        for row in (*coins.values(), *currencies.values())
    )


def test_rebuilt_equity_is_the_last_close(client):
    """Equity rebuilt from the body, state, statistics and last candle agree for every running project."""
    for project_id, project in client.api.projects.items():
        state = client.api.state(project_id)
        if state.status != "Running":
            continue
        close = client.chart(project_id)["Equity"]["values"][-1][4]
        assert close == pytest.approx(state.equity, abs=1e-4)
        body = client.ask("live/portfolio/read", projectId=project_id)
        settled = sum(
            holding.unrealized - holding.equity_term
            for holding in state.holdings
            if holding.security.kind == 5
        )
        rounding = 1.0 * len(state.holdings) + 0.01
        assert rebuilt_equity(body) - settled == pytest.approx(close, abs=rounding), project.name
        statistics = client.ask("live/read", projectId=project_id)["runtimeStatistics"]
        assert float(re.sub(r"[^\d.-]", "", statistics["Equity"])) == pytest.approx(close, abs=0.01)


def test_equity_chart(client, ids):
    """Candles rise in time from days to ten minutes, with a gap between two deployments."""
    project_id = ids["US Equities/Long Short Momentum"]
    series = client.chart(project_id)
    assert set(series) == {"Equity", "Return", "Meta"}
    assert series["Equity"]["seriesType"] == 2
    assert "color" not in series["Equity"]
    assert series["Return"]["seriesType"] == 3
    candles = series["Equity"]["values"]
    times = [candle[0] for candle in candles]
    assert times == sorted(set(times))
    assert times[-1] == START
    assert times[-1] - times[0] > 28 * 86400
    assert times[5] - times[4] == 86400
    assert times[-2] - times[-3] == 600
    gaps = [candle for candle in candles if candle[1:] == [None] * 4]
    assert len(gaps) == 1
    assert all(low <= min(o, c) and high >= max(o, c) for _, o, high, low, c in candles if o is not None)
    assert all(isinstance(mark, dict) for mark in series["Meta"]["values"])
    assert [mark["type"] for mark in series["Meta"]["values"]] == ["deploy", "stop", "deploy"]


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


def test_count_rules(client, ids, clock):
    """Too many points: the latest by default, or merged evenly with highs and lows kept."""
    project_id = ids["Single Stock"]
    all_candles = client.chart(project_id)["Equity"]["values"]
    assert client.chart(project_id, count=50)["Equity"]["values"] == all_candles[-50:]
    with SimulatedQuantConnect(demo_scenario(START), clock=clock, count_rule="downsample") as merging:
        client.api = merging
        merged = client.chart(project_id, count=50)["Equity"]["values"]
    assert len(merged) == 50
    assert merged[-1][0] == all_candles[-1][0]
    assert merged[-1][4] == all_candles[-1][4]
    assert merged[0][1] == all_candles[0][1]
    assert max(c[2] for c in merged) == max(c[2] for c in all_candles)
    assert min(c[3] for c in merged) == min(c[3] for c in all_candles)


def test_chart_window(client, ids):
    """Points outside start and end are left out; an end before the start and an unknown name fail."""
    arguments = {"projectId": ids["FX Carry"], "name": "Strategy Equity", "count": 1000}
    body = client.ask("live/chart/read", **arguments, start=int(START) - 3600, end=int(START) - 600)
    times = [candle[0] for candle in body["chart"]["series"]["Equity"]["values"]]
    assert START - 3600 <= times[0] < times[-1] <= START - 600
    assert client.ask("live/chart/read", **arguments, start=20, end=10)["success"] is False
    arguments["name"] = "Nonsense"
    assert client.ask("live/chart/read", **arguments, start=0, end=10)["success"] is False


def test_other_charts(client, ids):
    """Drawdown is at most 0, Exposure has a long and a short ratio, the custom chart two lines."""
    project_id = ids['Research/Lab "Signal" 7']
    (drawdown,) = client.chart(project_id, "Drawdown").values()
    assert all(value <= 0 for _, value in drawdown["values"])
    assert drawdown["values"][-1][1] == pytest.approx(
        -100 * client.api.state(project_id).drawdown_ratio, abs=1e-4
    )
    assert set(client.chart(project_id, "Exposure")) == {"Equity - Long Ratio", "Equity - Short Ratio"}
    assert client.chart(project_id, "Benchmark")["Benchmark"]["values"][-1][1] > 100
    custom = client.chart(project_id, "Custom Signal")
    assert set(custom) == {"Momentum", "Threshold"}
    assert all(series["seriesType"] == 0 for series in custom.values())
    assert None in [value for _, value in custom["Threshold"]["values"]]


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


def test_snapshot_holds_for_five_seconds(client, clock, ids):
    """The portfolio stands still within a snapshot and moves within ten seconds."""

    def body():
        return client.post("live/portfolio/read", projectId=ids["Coins"]).content

    first = body()
    clock.time = START + 4.9
    assert body() == first
    clock.time = START + 10
    assert body() != first


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


def test_members_that_quantconnects_clients_need(client, api, ids):
    """Projects have a description, an environment and a grid; a chart without series has an empty object."""
    for account in api.accounts:
        for row in client.ask("projects/read", account)["projects"]:
            assert isinstance(row["description"], str)
            assert isinstance(row["leanEnvironment"], int)
            assert isinstance(row["grid"], dict)
    assert client.chart(ids["Fresh"], "Exposure") == {}
