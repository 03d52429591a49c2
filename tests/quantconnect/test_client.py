"""The client over real HTTP on loopback: the simulator, and a server that misbehaves."""

import gzip
import json
import logging
import os
import re
import socket
from base64 import b64decode
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from traceback import walk_tb
from urllib.parse import quote

import pytest

import exporter.quantconnect
from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.domain.deployment import AlgorithmStatus
from exporter.errors import (
    ApiError,
    Malformed,
    NoDeployment,
    NotReady,
    RateLimited,
    Reason,
    Rejected,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from exporter.quantconnect import client as client_module
from exporter.quantconnect.client import ENDPOINTS, LARGEST_BODIES, Client
from exporter.quantconnect.envelope import Envelope
from tests.support import FakeClock, project_named

SOON = 0.2
"""Seconds after which a client in these tests gives up."""
SLACK = 10.0
"""Seconds that a busy machine may add."""


@pytest.fixture
def simulated(api, clock, make_client):
    """Return a client of the account that a simulated project belongs to, and the project's id."""

    def make(name: str, **options) -> tuple[Client, int]:
        project_id = project_named(api, name)
        account = next(each for each in api.accounts if each.name == api.projects[project_id].account)
        client = make_client(api.base_url, account.user_id, account.api_token, clock=clock, **options)
        return client, project_id

    return make


def results(log) -> dict[tuple[str, str], int]:
    return {key: count for key, count in log.requests.results.items() if count}


def elapsed_of(act) -> float:
    clock = SystemClock()
    started = clock.monotonic()
    act()
    return clock.monotonic() - started


# Each method against the simulator


def test_authenticate(simulated, log):
    """A known user with the right token is accepted."""
    client, _ = simulated("Coins")
    client.authenticate()
    assert results(log) == {("authenticate", "ok"): 1}


def test_authenticate_with_a_wrong_token(api, clock, make_client, log):
    """A wrong token is refused as such, and the echoed hash is not in the text."""
    client = make_client(api.base_url, api.accounts[0].user_id, "wrong", clock=clock)
    with pytest.raises(Unauthorized) as caught:
        client.authenticate()
    assert re.search(r"[0-9a-f]{24}", str(caught.value)) is None
    assert results(log) == {("authenticate", "unauthorized"): 1}


def test_authenticate_with_a_clock_that_is_hours_late(api, make_client):
    """A timestamp of three hours ago is refused as unauthorized."""
    late = FakeClock(now=api.clock.wall() - 3 * 3600)
    account = api.accounts[0]
    with pytest.raises(Unauthorized):
        make_client(api.base_url, account.user_id, account.api_token, clock=late).authenticate()


def test_live_list(api, simulated):
    """The list has every deployment of each project that was ever deployed."""
    client, project_id = simulated("US Equities/Long Short Momentum")
    listing = client.live_list()
    own = (project for project in api.projects.values() if project.account == "main")
    expected = {project.project_id for project in own if project.deployments}
    assert expected == set(listing.deployments)
    assert {AlgorithmStatus.RUNNING, AlgorithmStatus.STOPPED} == {
        each.status for each in listing.deployments[project_id]
    }


def test_live_deployment(api, simulated):
    """The deployment of a project has its id, status, launch and brokerage."""
    client, project_id = simulated("Coins")
    deployment, state = client.live_deployment(project_id), api.state(project_id)
    assert (state.deploy_id, AlgorithmStatus.RUNNING, state.launched, None, "CoinbaseBrokerage") == (
        deployment.deploy_id,
        deployment.status,
        deployment.launched,
        deployment.stopped,
        deployment.brokerage,
    )


def test_live_deployment_of_a_project_never_deployed(simulated, log):
    """A project without a deployment has none, although the API calls that an error."""
    client, project_id = simulated("Never Deployed")
    assert client.live_deployment(project_id) is None
    assert results(log) == {("live/read", "rejected"): 1}


def test_other_reads_of_a_project_never_deployed(simulated):
    """Values of a project without a deployment are refused."""
    client, project_id = simulated("Never Deployed")
    with pytest.raises(NoDeployment):
        client.live_portfolio(project_id)
    with pytest.raises(NoDeployment):
        client.live_statistics(project_id, 50)


def test_live_statistics(api, simulated):
    """Statistics are LEAN's numbers, the algorithm's own that read as numbers, and the server's."""
    client, project_id = simulated('Research/Lab "Signal" 7')
    statistics, exact = client.live_statistics(project_id, 50), api.state(project_id).statistics
    assert (exact.net_profit, exact.fees, exact.volume, exact.return_ratio) == pytest.approx(
        (statistics.net_profit, statistics.fees, statistics.volume, statistics.return_ratio), abs=0.006
    )
    assert [name for name, _ in statistics.custom] == ["Signal Strength", "Long Share"]
    assert statistics.server.memory_total_bytes == 1024 * 1024 * 1024


def test_value_of_every_simulated_portfolio(api, simulated):
    """Where a value is given, it is the account's exact equity to the rounding of its holdings."""
    given = {}
    for project_id, project in api.projects.items():
        state = api.state(project_id)
        if state.status != "Running":
            continue
        client, _ = simulated(project.name)
        portfolio = client.live_portfolio(project_id)
        value = given[project.name] = portfolio.value()
        # Each holding's value is rounded down by up to 1.
        assert value is None or value == pytest.approx(state.equity, abs=1 + len(portfolio.holdings))
    assert {name for name, value in given.items() if value is None} == {"Futures Trend"}
    assert len(given) > 10


def test_live_portfolio_in_every_generation(api, simulated):
    """Portfolios of engines of three generations name the holdings that the account has."""
    for name in ("Single Stock", "US Stocks from Europe", "Perpetuals"):
        client, project_id = simulated(name)
        held = {each.security.symbol_id: each.quantity for each in api.state(project_id).holdings}
        stated = {
            each.security.symbol_id: each.quantity
            for each in client.live_portfolio(project_id).holdings
            if each.quantity
        }
        assert held == stated


def test_live_chart(api, clock, simulated):
    """A chart has the points between the two times, in rising time."""
    client, project_id = simulated("Single Stock")
    start = clock.wall() - 7200
    chart = client.live_chart(project_id, "Strategy Equity", start, clock.wall(), 1000, "Equity")
    points = chart.series["Equity"]
    times = [each.time for each in points]
    assert sorted(times) == times
    assert start <= times[0] < times[-1] <= clock.wall()
    assert api.state(project_id).equity == pytest.approx(points[-1].value, rel=0.02)


def test_live_chart_of_one_series(clock, simulated):
    """With a series named, no other is in the chart."""
    client, project_id = simulated("Single Stock")
    chart = client.live_chart(project_id, "Strategy Equity", 0, clock.wall(), 10, "Equity")
    assert list(chart.series) == ["Equity"]


def test_live_chart_of_every_series(clock, simulated):
    """Without a series named, each has its last point."""
    client, project_id = simulated("Single Stock")
    now = clock.wall()
    chart = client.live_chart(project_id, "Strategy Equity", now - 7200, now, 1000)
    equity = client.live_chart(project_id, "Strategy Equity", now - 7200, now, 1000, "Equity")
    assert chart.series["Equity"] == equity.series["Equity"][-1:]
    assert len(chart.series) > 1


def test_live_chart_sends_whole_seconds(api, simulated):
    """The request has every parameter that the API asks for, times in whole seconds."""
    client, project_id = simulated("Single Stock")
    client.live_chart(project_id, "Drawdown", 1_789_000_000.9, 1_789_990_000.2, 77)
    expected = {
        "projectId": project_id,
        "name": "Drawdown",
        "count": 77,
        "start": 1_789_000_000,
        "end": 1_789_990_000,
    }
    assert expected == api.requests.snapshot()[-1].parameters


def test_live_chart_that_is_loading(api, simulated, log):
    """A chart that is still loading is not ready, which is no other failure."""
    client, project_id = simulated("Single Stock")
    api.faults.add(Fault("live/chart/read", body={"progress": 0.2, "status": "loading", "success": True}))
    with pytest.raises(NotReady):
        client.live_chart(project_id, "Strategy Equity", 0, 1, 10)
    assert results(log) == {("live/chart/read", "not_ready"): 1}


def test_unknown_chart_is_rejected(simulated):
    """A chart that the project does not have is refused by the API."""
    client, project_id = simulated("Single Stock")
    with pytest.raises(Rejected, match=r"live/chart/read: .*Nonsense"):
        client.live_chart(project_id, "Nonsense", 0, 1, 10)


def test_project_names(api, simulated):
    """Names are those of the account's own projects, one never deployed included."""
    client, _ = simulated("Coins")
    expected = {key: each.name for key, each in api.projects.items() if each.account == "main"}
    assert expected == client.project_names()


# What a request is


def test_requests_are_signed_posts_of_json(raw, make_client):
    """A request is a POST of JSON, signed, with the exporter's name, to the base URL's path."""
    raw.answers(b'{"success":true,"portfolio":{}}')
    make_client(raw.url).live_portfolio(5)
    received = raw.received[0]
    assert (received.path, json.loads(received.body)) == ("/api/v2/live/portfolio/read", {"projectId": 5})
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["User-Agent"].startswith("quantconnect-exporter/")
    assert received.headers["Authorization"].startswith("Basic ")


def test_each_request_has_a_timestamp_of_its_own(raw, make_client):
    """A request is signed with the wall time at which it is made."""
    raw.answers()
    clock = FakeClock(now=1_790_000_000.9)
    client = make_client(raw.url, clock=clock)
    for _ in range(3):
        client.authenticate()
        clock.advance(1)
    assert [each.headers["Timestamp"] for each in raw.received] == ["1790000000", "1790000001", "1790000002"]
    assert len({each.headers["Authorization"] for each in raw.received}) == 3


def test_one_connection_is_kept(raw, make_client):
    """Several requests go over one connection, refusals and errors in between included."""
    client = make_client(raw.url)
    for status, body in [(200, b'{"success":true}'), (500, b"oops"), (404, b"<p>"), (200, b"{}")] * 3:
        raw.answers(body, status)
        try:
            client.authenticate()
        except ApiError:
            continue
    assert (len(raw.received), len({each.connection for each in raw.received})) == (12, 1)


def test_netrc_does_not_replace_the_signature(raw, make_client, monkeypatch, tmp_path):
    """An entry in ~/.netrc for the API's host leaves the Authorization header alone."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login wrong password wrong\ndefault login wrong password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    raw.answers()
    clock = FakeClock()
    client = make_client(raw.url, clock=clock)
    client._session.trust_env = True  # as it is for any host but this one
    client.authenticate()
    assert (
        client_module.sign(client._credentials, clock.wall()).headers["Authorization"]
        == (raw.received[0].headers["Authorization"])
    )


@pytest.fixture
def proxied(raw, monkeypatch):
    """Make the server the proxy for everything."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    raw.answers()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, raw.url.removesuffix("api/v2/"))
    return raw


def test_proxy_is_used_for_other_hosts(proxied, make_client):
    """A proxy in the environment is asked for a host that is not this machine."""
    make_client("http://api.invalid/api/v2/").authenticate()
    assert [each.path for each in proxied.received] == ["http://api.invalid/api/v2/authenticate"]


def test_proxy_is_not_used_for_loopback(proxied, api, simulated):
    """No proxy is asked for this machine itself."""
    client, _ = simulated("Coins")
    client.authenticate()
    assert (len(api.requests.snapshot()), len(proxied.received)) == (1, 0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80/", True),
        ("http://127.8.9.1/", True),
        ("http://[::1]:80/", True),
        ("http://localhost/", True),
        ("http://LOCALHOST:8080/", True),
        ("https://www.quantconnect.com/api/v2/", False),
        ("http://10.0.0.1/", False),
        ("http://localhost.example.com/", False),
        ("http://127.0.0.1.example.com/", False),
    ],
)
def test_what_is_loopback(url, expected):
    """Loopback is 127.0.0.0/8, ::1 and localhost, not a name that begins like them."""
    assert expected == client_module._is_loopback(url)


def test_request_waits_for_the_budget(raw, make_client):
    """The pace is asked before each request is sent, not after."""
    raw.answers()
    seen = []
    client = make_client(raw.url, pace=lambda: seen.append(len(raw.received)))
    client.authenticate()
    client.authenticate()
    assert seen == [0, 1]


def test_requests_are_counted_by_endpoint_and_result(api, simulated, log):
    """Every request counts once, under its endpoint and how it ended, and has a duration."""
    client, project_id = simulated("Single Stock")
    api.faults.add(Fault("live/portfolio/read", times=1, status=429))
    api.faults.add(Fault("live/portfolio/read", times=1, body={"success": True, "portfolio": 7}))
    api.faults.add(Fault("live/portfolio/read", times=1, effect="reset"))
    for _ in range(5):
        try:
            client.live_portfolio(project_id)
        except ApiError:
            continue
    client.live_list()
    expected = Counter({"ok": 2, "rate_limited": 1, "malformed": 1, "unavailable": 1})
    portfolio = {result: count for (path, result), count in results(log).items() if path.endswith("o/read")}
    assert expected == portfolio
    assert results(log)["live/list", "ok"] == 1
    assert sum(log.requests.durations["live/portfolio/read"].counts) == 5


def test_a_mistake_in_parsing_counts_as_internal(raw, make_client, log):
    """A request whose answer we fail on by mistake is counted, as our own fault."""
    raw.answers()

    def mistake(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_client(raw.url)._ask("live/list", {}, Envelope, mistake)
    assert results(log) == {("live/list", "internal"): 1}


def test_error_names_its_endpoint(api, simulated):
    """The text of an error begins with the endpoint that was asked."""
    client, project_id = simulated("Single Stock")
    api.faults.add(Fault(status=502, body=b"<html>bad gateway</html>"))
    with pytest.raises(Unavailable, match=r"^live/read: HTTP 502"):
        client.live_deployment(project_id)


def test_clock_skew_is_recorded(api, clock, simulated, log):
    """Each answer with a date updates the difference between the clocks, a refusal too."""
    client, _ = simulated("Coins")
    client.authenticate()
    assert log.requests.clock_skew_seconds == pytest.approx(-0.5)
    api.clock = FakeClock(now=clock.wall() - 40)
    api.faults.add(Fault(status=503, body=b"<html>"))
    with pytest.raises(Unavailable):
        client.authenticate()
    assert log.requests.clock_skew_seconds == pytest.approx(39.5)


# What goes wrong on the way


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(effect="reset"), Unavailable),
        (Fault(effect="reset_midway"), Unavailable),
        (Fault(effect="stall"), TimedOut),
        (Fault(effect="drip"), TimedOut),
        (Fault(status=200, body=b"<html>maintenance</html>"), Unavailable),
        (Fault(status=403, body=b"<html>blocked</html>"), Unavailable),
        (Fault(status=429, headers={"Retry-After": "7"}), RateLimited),
        (Fault(status=500, body={"success": False, "errors": ["Hash doesn't match."]}), Unauthorized),
        (Fault(status=503), Unavailable),
        (Fault(body=b'{"success": true, "portf'), Malformed),
        (Fault(body=b""), Malformed),
        (Fault(body=[]), Malformed),
        (Fault(body={"success": False, "errors": ["Invalid argument"]}), Rejected),
    ],
)
def test_faults(fault, expected, api, simulated):
    """Each way an answer can fail gives its error within the time-out, and the next request works again."""
    client, project_id = simulated("Single Stock", timeout=SOON if expected is TimedOut else 30)
    client._clock = SystemClock()
    api.clock = client._clock
    handle = api.faults.add(fault)

    def ask() -> None:
        with pytest.raises(ApiError) as caught:
            client.live_portfolio(project_id)
        assert expected is type(caught.value)

    assert elapsed_of(ask) < SOON + SLACK
    api.faults.remove(handle)
    client.timeout = 30
    assert client.live_portfolio(project_id).cash


def test_connection_refused(make_client, log):
    """A port where nobody listens is unavailable."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="no usable connection"):
        make_client(f"http://127.0.0.1:{port}/").live_list()
    assert results(log) == {("live/list", "unavailable"): 1}


def test_server_that_comes_back(api, simulated):
    """After the API was away, the same client asks it again."""
    client, project_id = simulated("Single Stock")
    client.live_portfolio(project_id)
    api.stop()
    with pytest.raises(Unavailable):
        client.live_portfolio(project_id)
    api.start()
    assert client.live_portfolio(project_id).cash


@pytest.mark.parametrize(
    ("status", "location"),
    [(301, "/elsewhere"), (302, "http://["), (303, "//"), (307, "http://127.0.0.1:1/"), (308, "")],
)
def test_redirect_is_not_followed(raw, make_client, status, location):
    """A redirect is an error, wherever it leads, and its target gets no request."""
    raw.answers(b"", status, {"Location": location})
    with pytest.raises(Unavailable, match=f"HTTP {status}: redirected"):
        make_client(raw.url).authenticate()
    assert [each.path for each in raw.received] == ["/api/v2/authenticate"]


def drip(raw, head: bytes, content: bytes, promptly: int = 0):
    """Make a server send its answers byte by byte, but for so many first bytes."""
    whole = head + b"Content-Length: %d\r\n\r\n" % len(content) + content

    def reply(handler) -> None:
        handler.wfile.write(whole[:promptly])
        for position in range(promptly, len(whole)):
            if raw.stopping.wait(0.01):
                return
            handler.wfile.write(whole[position : position + 1])

    raw.reply = reply


NOISE = bytes(range(33, 127)) * 2


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"HTTP/1.1 200 OK\r\n", b'{"success": true}' + b" " * 200),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
            gzip.compress(b'{"success": true}' + NOISE, mtime=0),
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n", b"x" * 200),
        (b"HTTP/1.1 503 Service Unavailable\r\n", b"x" * 200),
    ],
    ids=["plain", "gzip", "redirect", "error"],
)
@pytest.mark.parametrize("what", ["head", "body"])
def test_dripping_answer_meets_the_deadline(raw, make_client, head, content, what):
    """An answer of which head or body comes byte by byte is given up at the time-out of the whole request."""
    drip(raw, head, content, promptly=0 if what == "head" else len(head) + 25)

    def ask() -> None:
        with pytest.raises(TimedOut, match=r"no complete answer within 0\.2 s"):
            make_client(raw.url, timeout=SOON).authenticate()

    assert SOON <= elapsed_of(ask) < SOON + SLACK


def test_dripping_answer_of_a_proxy_meets_the_deadline(proxied, make_client):
    """The bound holds for what comes through a proxy as well."""
    drip(proxied, b"HTTP/1.1 200 OK\r\n", b'{"success": true}')
    with pytest.raises(TimedOut, match="no complete answer"):
        make_client("http://api.invalid/api/v2/", timeout=SOON).authenticate()


def test_slow_answer_within_the_deadline_is_read(raw, make_client):
    """Bytes that come one by one make an answer, as long as the last one is in time."""
    drip(raw, b"HTTP/1.1 200 OK\r\n", b'{"success": true}')
    make_client(raw.url, timeout=30).authenticate()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_body(raw, make_client, encoding):
    """A compressed answer is read as the plain one."""
    plain = b'{"success":true,"projects":[{"projectId":5,"name":"Five"}]}'
    compressed = gzip.compress(plain) if encoding == "gzip" else gzip.zlib.compress(plain)
    raw.answers(compressed, headers={"Content-Encoding": encoding})
    assert make_client(raw.url).project_names() == {5: "Five"}
    assert "gzip" in raw.received[0].headers["Accept-Encoding"]


def test_body_that_unpacks_beyond_bounds(raw, make_client):
    """A small answer that unpacks to more than any genuine one is given up."""
    megabyte = gzip.compress(b" " * 1024 * 1024)
    raw.answers(megabyte * 65, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unavailable, match="larger than 5242880 bytes"):
        make_client(raw.url).live_list()
    with pytest.raises(Unavailable, match="larger than 1048576 bytes"):
        make_client(raw.url).authenticate()


def test_every_endpoint_has_a_bound():
    """No endpoint may send more than it can need."""
    assert set(ENDPOINTS) == set(LARGEST_BODIES)


def test_no_cookie_is_kept(raw, make_client):
    """An answer cannot make later requests carry a cookie, which could grow until they are refused."""
    raw.answers(headers={"Set-Cookie": f"a={'x' * 4000}; Path=/"})
    client = make_client(raw.url)
    client.authenticate()
    client.authenticate()
    assert [each.headers["Cookie"] for each in raw.received] == [None, None]


SPELLINGS = {
    "plain": str,
    "percent": lambda secret: quote(secret, safe=""),
    "percent in lower case": lambda secret: re.sub(
        "%..", lambda each: each[0].lower(), quote(secret, safe="")
    ),
    "without padding": lambda secret: secret.rstrip("="),
    "for URLs": lambda secret: secret.replace("+", "-").replace("/", "_").rstrip("="),
    "capitals": lambda secret: secret if "=" in secret else secret.upper(),
}


@pytest.mark.parametrize("spelled", ["escaped", "slashes", "utf-16", "gzip", *SPELLINGS])
@pytest.mark.parametrize("place", ["deployId", "status", "launched", "brokerage", "errors"])
def test_echoed_secrets_are_masked(raw, make_client, place, spelled):
    """What an answer echoes of the request's credentials is masked before anything is read or cut."""
    token = "0123456789abcdef/" * 4

    def reply(handler) -> None:
        basic = handler.headers["Authorization"].removeprefix("Basic ")
        token_hash = b64decode(basic).decode().partition(":")[2]
        spellings = [SPELLINGS.get(spelled, str)(each) for each in (token_hash, basic, token)]
        echoed = "{} Basic {} {}".format(*spellings)
        row = {"deployId": "L-1", "status": "Running", "launched": "2026-11-20 12:34:56", "brokerage": "B"}
        answer = {"success": place != "errors", **row, place: echoed}
        content = json.dumps(answer).encode()
        if spelled == "escaped":
            escaped = "".join(f"\\u{ord(character):04x}" for character in echoed).encode()
            content = content.replace(echoed.encode(), escaped)
        elif spelled == "slashes":
            content = content.replace(b"/", b"\\/")
        elif spelled == "utf-16":
            content = content.decode().encode("utf-16")
        elif spelled == "gzip":
            content = gzip.compress(content)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        if spelled == "gzip":
            handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(content)
        secrets.update((basic, token_hash, token, *spellings))

    secrets: set[str] = set()
    raw.reply = reply
    try:
        shown = repr(make_client(raw.url, token=token).live_deployment(5))
    except ApiError as error:
        shown = str(error)
    parts = {each[start : start + 10] for each in secrets for start in range(len(each) - 10)}
    assert not [part for part in parts if part in shown]


def test_echoed_headers_reach_no_log(raw, make_client, caplog):
    """A head that cannot be read, and that repeats the signature, leaves no line in the log."""

    def reply(handler) -> None:
        echo = handler.headers["Authorization"].encode()
        head = b"HTTP/1.1 200 %s\r\nX Bad %s\r\n%s\r\nContent-Length: 16\r\n\r\n" % (echo, echo, echo)
        handler.wfile.write(head + b'{"success":true}')
        handler.close_connection = True

    raw.reply = reply
    with caplog.at_level("DEBUG", "exporter"), suppress(ApiError):
        make_client(raw.url).authenticate()
    assert raw.received[0].headers["Authorization"].partition(" ")[2] not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith("urllib3")]


def test_point_from_the_future_is_malformed(raw, clock, make_client):
    """A chart point later than our clock and the API's by more than five minutes is malformed."""
    chart = {"series": {"Equity": {"values": [[clock.wall() - 60, 1], [clock.wall() + 299, 2]]}}}
    date = format_datetime(datetime.fromtimestamp(clock.wall() + 50, UTC), usegmt=True)

    def ask(ahead: float, **headers: str):
        chart["series"]["Equity"]["values"][1][0] = clock.wall() + ahead
        content = json.dumps({"success": True, "chart": chart}).encode()

        def reply(handler) -> None:
            handler.send_response_only(200)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        raw.reply = reply
        return make_client(raw.url, clock=clock).live_chart(5, "Strategy Equity", 0, 1, 10, "Equity")

    assert len(ask(299).series["Equity"]) == 2
    assert len(ask(340, Date=date).series["Equity"]) == 2
    for ahead, headers in ((301, {}), (360, {"Date": date}), (14 * 86_400, {}), (clock.wall() * 999, {})):
        with pytest.raises(Malformed, match="a time that has not come yet"):
            ask(ahead, **headers)


def test_interim_responses_shift_no_answer(raw, make_client):
    """Behind an interim response each request gets its own answer, on a kept connection too."""

    def reply(handler) -> None:
        project_id = json.loads(raw.received[-1].body)["projectId"]
        body = b'{"success":true,"deployId":"L-%d","status":"Running"}' % project_id
        handler.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        raw.stopping.wait(0.02)  # the answer itself comes in a packet of its own
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    raw.reply = reply
    client = make_client(raw.url)
    assert [client.live_deployment(number).deploy_id for number in (1, 2, 3)] == ["L-1", "L-2", "L-3"]
    assert len({each.connection for each in raw.received}) == 1


@pytest.mark.parametrize(
    "body", [b'{"success":true,"orders":[{"id":"needle"}]}', b'{"success":true,"x":"needle"}', b"needle"]
)
def test_an_error_keeps_no_answer_in_memory(raw, make_client, body):
    """An error that somebody holds on to holds no frame that has seen the answer, nor what it was raised from."""
    raw.answers(body)
    with pytest.raises(ApiError) as caught:
        make_client(raw.url).live_orders(5, 0, 100)
    error = caught.value
    _, *frames = [frame for frame, _ in walk_tb(error.__traceback__)]  # the first is this test's own
    assert frames
    assert not [frame for frame in frames if "needle" in repr(frame.f_locals)]
    assert error.__context__ is error.__cause__ is None


def test_answer_longer_than_a_chunk(raw, make_client):
    """A body of several hundred kilobytes is read whole."""
    names = {number: f"project {number}" for number in range(8000)}
    rows = [{"projectId": number, "name": name} for number, name in names.items()]
    raw.answers(json.dumps({"success": True, "projects": rows}).encode())
    assert names == make_client(raw.url).project_names()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (CHUNKED + b'8\r\n{"succes\r\n8\r\ns":true}\r\n0\r\n\r\n', None),
        (b'HTTP/1.1 200 OK\r\n\r\n{"success":true}', None),
        (b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"success":true}', None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + b'HTTP/1.1 200 OK\r\n\r\n{"success":true}', Unavailable),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Unavailable),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"success":true}', Unavailable),
        (CHUNKED + b'8\r\n{"succes\r\nzz\r\n', Unavailable),
        (CHUNKED + b'10\r\n{"success":true}\r\n', Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", Unavailable),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Unavailable),
        (b"HTTP/1.1 abc OK\r\n\r\n", Unavailable),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n", Unavailable),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", Unavailable),
        (b"", Unavailable),
    ],
)
def test_bytes_of_an_answer(raw, make_client, reply, expected):
    """An answer cut short or not of HTTP is unavailable, never believed and never another exception."""

    def write(handler) -> None:
        handler.wfile.write(reply)
        handler.close_connection = True

    raw.reply = write
    client = make_client(raw.url)
    if expected is None:
        client.authenticate()
        return
    with pytest.raises(ApiError) as caught:
        client.authenticate()
    assert expected is type(caught.value)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/", "https://{raw}/"])
def test_addresses_that_do_not_answer(raw, make_client, base_url):
    """A closed port and a missing TLS are unavailable, and the text names no secret."""
    host = raw.url.removeprefix("http://").split("/")[0]
    with pytest.raises(Unavailable) as caught:
        make_client(base_url.format(raw=host), token="very-secret-token").authenticate()
    assert "very-secret-token" not in str(caught.value)


def test_results_cover_every_reason():
    """A request can be counted as ok or under any failure reason."""
    assert {"ok", *(str(each) for each in Reason)} == set(client_module.RESULTS)


# What may be asked at all

SOURCES = sorted(Path(exporter.quantconnect.__file__).parent.rglob("*.py"))
ENDPOINT_LIKE = re.compile(
    r"""["'/]((?:authenticate|(?:live|projects|backtests|nodes|object|account|organizations|lean|files|optimizations)(?:/[a-z-]+)+))["']"""
)


def test_client_asks_seven_endpoints_that_read():
    """The source names seven endpoints, all of which only read."""
    named = {each for path in SOURCES for each in ENDPOINT_LIKE.findall(path.read_text())}
    assert {
        "authenticate",
        "live/list",
        "live/read",
        "live/portfolio/read",
        "live/chart/read",
        "live/orders/read",
        "projects/read",
    } == named
    assert set(ENDPOINTS) == named


@pytest.mark.parametrize("word", ["create", "update", "stop", "liquidate", "command", "delete", "broadcast"])
def test_no_endpoint_acts(word):
    """No quoted path in the source creates, changes, stops, liquidates or commands anything."""
    pattern = re.compile(rf"""["'][^"'\s]*/[^"'\s]*{word}|["']{word}[a-z]*/""")
    assert [found for path in SOURCES for found in pattern.findall(path.read_text())] == []


def test_every_request_of_every_method_reads(api, simulated):
    """What the methods of a client send goes to the seven endpoints and nowhere else."""
    client, project_id = simulated("Single Stock")
    client.authenticate()
    client.live_list()
    client.live_deployment(project_id)
    client.live_statistics(project_id, 50)
    client.live_portfolio(project_id)
    client.live_chart(project_id, "Strategy Equity", 1.7899e9, 1.8e9, 5)
    client.live_orders(project_id, 0, 100)
    client.project_names()
    assert set(ENDPOINTS) == {each.endpoint for each in api.requests.snapshot()}


def test_the_debug_log_says_what_each_request_was_for(simulated, api, caplog):
    """Project, source, endpoint, result and seconds are there, of failures too; never a body or a credential."""
    caplog.set_level(logging.DEBUG, "exporter.quantconnect")
    client, project_id = simulated("Coins")
    client.source = "portfolio"
    client.live_portfolio(project_id)
    api.faults.add(Fault("live/chart/read", status=503))
    client.source = "charts"
    with pytest.raises(Unavailable):
        client.live_chart(project_id, "Exposure", 0, 1, 10)
    client.source = "listing"
    client.live_list()
    keys = ("source", "project_id", "endpoint", "chart", "result")

    assert [tuple(getattr(each, key) for key in keys) for each in caplog.records] == [
        ("portfolio", project_id, "live/portfolio/read", None, "ok"),
        ("charts", project_id, "live/chart/read", "Exposure", "unavailable"),
        ("listing", None, "live/list", None, "ok"),
    ]
    assert all(isinstance(each.seconds, float) for each in caplog.records)
    assert not [each for each in caplog.records if "token" in str(vars(each))]
