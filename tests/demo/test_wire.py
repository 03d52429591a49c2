"""Portfolios, statistics and projects as engines of each generation write them."""

import re

import pytest

from tests.demo.world import DATE, LAB, security_type

LONG = {"q": "quantity", "p": "marketPrice", "v": "marketValue", "u": "unrealizedPnl"}


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


def test_projects_have_what_quantconnects_clients_need(client, api):
    """Projects have a description, an environment and a grid."""
    for account in api.accounts:
        for row in client.ask("projects/read", account)["projects"]:
            assert isinstance(row["description"], str)
            assert isinstance(row["leanEnvironment"], int)
            assert isinstance(row["grid"], dict)


def test_live_read(client, ids):
    """live/read carries statistics as texts, chart names, and the source code of the project."""
    body = client.ask("live/read", projectId=ids[LAB])
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
