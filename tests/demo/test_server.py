from datetime import UTC, datetime
from threading import Thread

import pytest
import requests

from exporter.demo.faults import Fault
from exporter.demo.server import sign
from tests.demo.world import START


def test_bodies_and_statuses_are_sent_as_given(client):
    """Bytes go out as they are, other values as JSON, with status and headers of the fault."""
    faults = client.api.faults
    faults.add(Fault(status=429, headers={"Retry-After": "7"}, body=b"<html>slow", times=1))
    answer = client.post("authenticate")
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "<html>slow", "7")
    faults.add(Fault(body={"success": True, "empty": {}}, times=1))
    assert client.post("authenticate").text == '{"success":true,"empty":[]}'
    faults.add(Fault(status=503, times=1))
    assert client.post("authenticate").status_code == 503
    assert client.ask("authenticate") == {"success": True}


def test_headers_alone_leave_the_answer(client):
    """A fault of headers only, such as another Date, decorates the true answer."""
    client.api.faults.add(Fault(headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}))
    answer = client.post("authenticate")
    assert answer.headers["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert answer.json() == {"success": True}


def test_delay_only_delays(client):
    """The true answer comes late: a client less patient gives up."""
    client.api.faults.add(Fault(delay=0.15, times=2))
    with pytest.raises(requests.ReadTimeout):
        client.post("authenticate", timeout=0.05)
    assert client.ask("authenticate") == {"success": True}


@pytest.mark.parametrize("effect", ["reset", "reset_midway"])
def test_resets(client, effect):
    """The connection is reset, before any byte or in the middle of the body."""
    client.api.faults.add(Fault(effect=effect, times=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="reset"):
        client.post("projects/read")
    assert client.ask("authenticate") == {"success": True}


def test_drip_comes_byte_by_byte(client):
    """Bytes come one by one, each within a read time-out, so that the whole takes long."""
    client.api.faults.add(Fault(effect="drip", body=b"123456", times=1))
    answer = client.session.post(client.api.base_url + "authenticate", timeout=1, stream=True)
    assert [answer.raw.read(1) for _ in range(3)] == [b"1", b"2", b"3"]
    assert answer.raw.read() == b"456"


def test_stop_frees_stalled_requests_and_closes_the_port(client):
    """A stalled request ends when the server stops, and not at its time-out; then none connects."""
    client.api.faults.add(Fault(effect="stall", times=1))
    outcome = []

    def wait():
        try:
            requests.post(client.api.base_url + "authenticate", timeout=60)
        except requests.RequestException as error:
            outcome.append(error)

    waiting = Thread(target=wait)
    waiting.start()
    while not len(client.api.requests):
        waiting.join(0.005)
    client.ask("authenticate")
    client.api.stop()
    waiting.join(30)
    assert isinstance(outcome[0], requests.ConnectionError)  # and not its time-out
    with pytest.raises(requests.ConnectionError, match="refused"):
        client.ask("authenticate")


def test_start_again_on_the_same_port(client):
    """After stop and start the address is the same, and state and faults are kept."""
    address = client.api.base_url
    client.api.stop()
    client.api.stop()
    client.api.start()
    assert client.api.base_url == address
    assert client.ask("authenticate") == {"success": True}


def test_requests_are_recorded(client, clock, ids):
    """Each request is kept with endpoint, user, project, parameters and time of arrival."""
    client.ask("live/read", projectId=ids["Coins"])
    request = client.api.requests[-1]
    assert (request.endpoint, request.user_id, request.project_id) == ("live/read", 100_001, ids["Coins"])
    assert request.parameters == {"projectId": ids["Coins"]}
    assert request.received_at == clock.monotonic()
    assert [one.endpoint for one in client.api.requests] == ["live/read"]
    client.api.requests.clear()
    assert len(client.api.requests) == 0


def test_connections_are_kept(client):
    """Several requests go over one connection."""
    first = client.session.post(client.api.base_url + "authenticate", timeout=5, stream=True)
    port = first.raw.connection.sock.getsockname()[1]
    assert first.json()["success"] is False
    second = client.session.post(client.api.base_url + "authenticate", timeout=5, stream=True)
    assert second.raw.connection.sock.getsockname()[1] == port
    second.close()


def test_servers_are_quiet(client, capfd):
    """Clients that leave in the middle print nothing."""
    client.api.faults.add(Fault(delay=0.1, times=1))
    with pytest.raises(requests.ReadTimeout):
        client.post("projects/read", timeout=0.02)
    client.ask("authenticate")
    client.api.stop()
    assert capfd.readouterr().err == ""


def test_double_slashes_are_forgiven(client):
    """A client that joins with one slash too many is answered all the same."""
    assert client.ask("/authenticate") == {"success": True}


def test_get_takes_a_query_of_texts(client, ids):
    """GET with a query string answers as POST with JSON does."""
    project_id = ids["Coins"]
    got = client.session.get(
        client.api.base_url + f"live/portfolio/read?projectId={project_id}",
        headers=sign(client.api.accounts[0], int(START)),
        timeout=5,
    )
    assert got.content == client.post("live/portfolio/read", projectId=project_id).content


def test_unknown_endpoint_is_html(client):
    """Whatever else is asked for is a 404 with a page."""
    answer = client.post("live/create")
    assert answer.status_code == 404
    assert answer.text.startswith("<!DOCTYPE html>")


def test_date_header_is_the_server_clock(client):
    """The Date header is the clock that judges signatures."""
    expected = datetime.fromtimestamp(START, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert client.post("authenticate").headers["Date"] == expected


def test_snapshot_holds_for_five_seconds(client, clock, ids):
    """The portfolio stands still within a snapshot and moves within ten seconds."""

    def body():
        return client.post("live/portfolio/read", projectId=ids["Coins"]).content

    first = body()
    clock.time = START + 4.9
    assert body() == first
    clock.time = START + 10
    assert body() != first
