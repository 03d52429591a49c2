"""Who may ask, for what, and how lists of deployments and orders are cut."""

import re

import pytest

from exporter.demo.server import sign
from tests.demo.world import DATE, START, STOCKS, page


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


def test_live_list_has_past_deployments(client, ids):
    """A relaunched project has a row for each deployment; project and status filter them."""
    project_id = ids[STOCKS]
    rows = client.ask("live/list", projectId=project_id)["live"]
    assert [row["status"] for row in rows] == ["Running", "Stopped"]
    assert rows[0]["stopped"] is None
    assert DATE.fullmatch(rows[1]["stopped"])
    assert len({row["deployId"] for row in rows}) == 2
    running = client.ask("live/list", status="Running")["live"]
    assert len(running) == 10
    assert len(client.ask("live/list")["live"]) == 11
    assert all(row["status"] == "Running" for row in running)


def test_never_deployed(client, ids):
    """Live endpoints find no deployment, the project list knows the project."""
    for endpoint in ("live/read", "live/portfolio/read"):
        body = client.ask(endpoint, projectId=ids["Never Deployed"])
        assert body["success"] is False
        assert body["errors"][0].startswith("No live deployment found")
    assert client.ask("live/list", projectId=ids["Never Deployed"])["live"] == []


def test_list_is_loading_after_a_launch(client, api, ids, clock):
    """For ten seconds the list of a new deployment is not ready, then it has the old orders and the new."""
    project = api.projects[ids[STOCKS]]
    before = len(page(client, project.project_id))
    project.launch()
    loading = {"progress": 0.4, "status": "loading", "success": True}
    assert client.ask("live/orders/read", projectId=project.project_id, start=0, end=100) == loading
    clock.time += 10
    assert len(page(client, project.project_id)) == before
    clock.time += 5 * 3600
    assert page(client, project.project_id)[before]["id"] == 1


def test_accounts_differ_in_what_they_send_at_once(client, ids):
    """One account sends a thousand orders and an empty page; the other a hundred, and refuses."""
    rejected, europe = ids["Futures Trend"], ids["US Stocks from Europe"]
    whole = client.ask("live/orders/read", projectId=rejected, start=0, end=1000)
    assert whole["length"] == len(whole["orders"]) > 300
    assert page(client, rejected, 5000, 5001) == []
    some = client.ask("live/orders/read", projectId=europe, start=0, end=1000)
    assert some["length"] == len(some["orders"]) == 100
    answer = client.ask("live/orders/read", projectId=europe, start=5000, end=5001)
    assert answer["errors"][0].startswith("Invalid argument: start")


@pytest.mark.parametrize(("start", "end"), [(0, 1001), (5, 5), (-1, 5), (0, None)])
def test_span_is_refused(client, ids, start, end):
    """A span is from 1 to 1,000 orders."""
    answer = client.ask("live/orders/read", projectId=ids[STOCKS], start=start, end=end)
    assert not answer["success"]


def test_secrets_stay_out_of_repr(client):
    """The representation of an account has no token."""
    assert client.api.accounts[0].api_token not in repr(client.api.accounts)
