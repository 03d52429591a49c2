"""What can go wrong upstream, through the whole exporter: reason, the other projects' values, recovery, log."""

import gc
import gzip
import json
import logging
import re
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from threading import Thread
from urllib.parse import urlsplit

import pytest
import trustme

from exporter.config.model import Polling, ProjectSettings
from exporter.demo.faults import Fault
from exporter.metrics.frame import shared
from exporter.quantconnect.client import LARGEST_BODIES
from exporter.quantconnect.wire.portfolio import decode
from exporter.quantconnect.wire.reader import cut
from tests.support import PAIR, config_of, project_named

TROUBLED, SOUND = PAIR
PORTFOLIO = "live/portfolio/read"
JSON = {"Content-Type": "application/json"}
LARGEST_BODY = max(LARGEST_BODIES.values())


def portfolio(holdings: object = None, **members: object) -> dict:
    cash = {"USD": {"symbol": "USD", "amount": 100, "conversionRate": 1, "valueInAccountCurrency": 100}}
    return {"success": True, "portfolio": {"holdings": holdings or {}, "cash": cash, **members}}


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1)


FAULTS = {
    "truncated JSON": (Fault(body=b'{"success": true, "portfolio": {"hold'), "malformed"),
    "empty body": (Fault(body=b""), "malformed"),
    "wrong gzip": (Fault(body=b"no gzip at all", headers={"Content-Encoding": "gzip"}), "unavailable"),
    "gzip cut short": (
        Fault(body=packed(json.dumps(portfolio()).encode())[:-12], headers={"Content-Encoding": "gzip"}),
        "malformed",
    ),
    "larger than any answer": (Fault(body=b" " * (LARGEST_BODY + 1)), "unavailable"),
    "small until unpacked": (
        Fault(body=packed(b" " * (2 * LARGEST_BODY)), headers={"Content-Encoding": "gzip"}),
        "unavailable",
    ),
    "HTML with 200": (Fault(body=b"<!DOCTYPE html><title>Just a moment</title>"), "unavailable"),
    "HTML with 503": (Fault(status=503, body=b"<html>"), "unavailable"),
    "success missing": (Fault(body={"portfolio": portfolio()["portfolio"]}), "malformed"),
    "success as text": (Fault(body={**portfolio(), "success": "true"}), "malformed"),
    "success without a portfolio": (Fault(body={"success": True}), "not_ready"),
    "loading": (Fault(body={"success": True, "status": "loading", "progress": 0.5}), "not_ready"),
    "nested deeply": (Fault(body=b'{"success": true, "portfolio": ' + b"[" * 100_000), "malformed"),
    "NaN": (Fault(body=b'{"success": true, "portfolio": {"holdings": {"SPY 2T": {"q": NaN}}}}'), "malformed"),
    "infinite": (
        Fault(body=b'{"success": true, "portfolio": {"holdings": {"SPY 2T": {"q": -Infinity}}}}'),
        "malformed",
    ),
    "overflowing": (
        Fault(body=b'{"success": true, "portfolio": {"holdings": {"SPY 2T": {"q": 1e999}}}}'),
        "malformed",
    ),
    "huge whole number": (
        Fault(body=b'{"success": true, "portfolio": {"holdings": {"SPY 2T": {"q": 1' + b"0" * 400 + b"}}}}"),
        "malformed",
    ),
    "number as text": (Fault(body=portfolio({"SPY 2T": {"q": "10"}})), "malformed"),
    "number as boolean": (Fault(body=portfolio({"SPY 2T": {"q": True}})), "malformed"),
    "holdings renamed": (
        Fault(body={"success": True, "portfolio": {"positions": {"SPY 2T": {"q": 1}}, "cash": {}}}),
        "malformed",
    ),
    "array for an object": (Fault(body=portfolio([{"q": 1}])), "malformed"),
    "not UTF-8": (Fault(body=b'{"success": true, "x": "\xff"}'), "malformed"),
    "half a surrogate": (Fault(body=portfolio({"\ud800 2T": {"q": 1}})), "malformed"),
    "redirect": (Fault(status=307, headers={"Location": "http://127.0.0.1:9/steal"}), "unavailable"),
    "not found": (Fault(status=404, body=b"<html>"), "unavailable"),
    "refused argument": (
        Fault(body={"success": False, "errors": ["Invalid argument: projectId"]}),
        "rejected",
    ),
    "echo of the hash in another error": (
        Fault(body={"success": False, "errors": [f"Internal error. hash: {'ab' * 32}"]}),
        "rejected",
    ),
    "error without a text": (Fault(body={"success": False}), "rejected"),
    "reset": (Fault(effect="reset"), "unavailable"),
    "reset midway": (Fault(effect="reset_midway"), "unavailable"),
}


def scripted(fault: Fault, project_id: int) -> Fault:
    return Fault(
        endpoint=PORTFOLIO,
        project_id=project_id,
        status=fault.status,
        headers=fault.headers,
        body=fault.body,
        effect=fault.effect,
    )


@pytest.mark.parametrize("name", FAULTS)
def test_fault(pair, api, caplog, name):
    """Each fault has its reason, touches one source of one project, is logged once without secrets, and heals."""
    caplog.set_level(logging.DEBUG)
    fault, reason = FAULTS[name]
    troubled, sound = (str(project_named(api, each)) for each in (TROUBLED, SOUND))
    handle = api.faults.add(scripted(fault, int(troubled)))
    before = pair.samples()
    pair.advance(120, step=60)
    samples = pair.samples()

    own = {"project_id": troubled, "source": "portfolio"}
    assert samples.one("quantconnect_up", **own) == 0
    assert samples.one("quantconnect_poll_failures_total", reason=reason, **own) >= 1
    assert sum(samples.all("quantconnect_poll_failures_total")) == samples.one(
        "quantconnect_poll_failures_total", reason=reason, **own
    )
    assert {
        samples.one("quantconnect_up", project_id=sound, source=each) for each in ("portfolio", "equity")
    } == {1}
    held = samples.all("quantconnect_holding_quantity", project_id=troubled)
    assert held == before.all("quantconnect_holding_quantity", project_id=troubled), "the last values stand"
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [(str(record.project_id), record.reason) for record in warnings] == [(troubled, reason)]
    written = caplog.text + "".join(str(vars(record)) for record in caplog.records) + pair.page()
    assert not [account.name for account in api.accounts if account.api_token in written]
    assert not re.search(r"\b[0-9a-f]{64}\b", written)

    api.faults.remove(handle)
    pair.advance(600, step=30)
    assert pair.samples().one("quantconnect_up", **own) == 1


@pytest.mark.parametrize("effect", ["stall", "drip"])
def test_answer_that_does_not_end(make_bench, api, caplog, effect):
    """An answer that stalls or drips past the time-out is one, of that project alone, logged once, and heals."""
    hasty = ProjectSettings(polling=Polling(timeout=2))  # and yet patient enough for a busy machine
    troubled, sound = (project_named(api, each) for each in (TROUBLED, SOUND))
    named = {troubled: hasty, sound: ProjectSettings()}
    bench = make_bench(config_of(api, named=named, discover=False))
    bench.poll()
    handle = api.faults.add(Fault(endpoint=PORTFOLIO, project_id=troubled, effect=effect))
    before = bench.samples()
    bench.advance(60)
    samples = bench.samples()

    own = {"project_id": str(troubled), "source": "portfolio"}
    assert samples.one("quantconnect_up", **own) == 0
    assert samples.one("quantconnect_poll_failures_total", reason="timeout", **own) == 1
    assert sum(samples.all("quantconnect_poll_failures_total")) == 1
    assert samples.one("quantconnect_up", project_id=str(sound), source="portfolio") == 1
    held = samples.all("quantconnect_holding_quantity", project_id=own["project_id"])
    assert held == before.all("quantconnect_holding_quantity", project_id=own["project_id"])
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [(record.project_id, record.reason) for record in warnings] == [(troubled, "timeout")]

    api.faults.remove(handle)
    bench.advance(600, step=60)
    assert bench.samples().one("quantconnect_up", **own) == 1


def test_connection_that_stalls(make_bench, api, caplog):
    """When QuantConnect takes no connection, polls time out, the last values stand, and then it heals."""
    patient, hasty = ProjectSettings(), ProjectSettings(polling=Polling(timeout=0.3))
    sound = project_named(api, SOUND)
    bench = make_bench(config_of(api, patient, named={sound: patient}, discover=False))
    bench.poll()
    before = bench.samples()
    api.stop()
    # With new connections: the next request would use the one that is kept open.
    bench.reconfigure(config_of(api, hasty, named={sound: hasty}, discover=False))
    with no_connection_taken(urlsplit(api.base_url).port):
        bench.advance(60)
    samples = bench.samples()

    assert samples.one("quantconnect_up", source="portfolio") == 0
    failures = samples.all("quantconnect_poll_failures_total", reason="timeout")
    assert sum(failures) == sum(samples.all("quantconnect_poll_failures_total")) >= 2
    assert samples.all("quantconnect_equity") == before.all("quantconnect_equity")
    warned = [record.reason for record in caplog.records if record.levelname == "WARNING"]
    assert set(warned) == {"timeout"}

    api.start()
    bench.reconfigure(config_of(api, patient, named={sound: patient}, discover=False))
    bench.advance(600, step=60)
    assert set(bench.samples().all("quantconnect_up")) == {1}


@contextmanager
def no_connection_taken(port: int) -> Iterator[None]:
    """Listen on a port with a queue that is full: Linux then leaves whoever connects without an answer."""
    with ExitStack() as stack:
        stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", port))
        yield


def test_duplicate_keys_do_not_add_up(pair, api):
    """Of a member that is sent twice the last counts, as in every JSON parser: nothing is counted twice."""
    troubled = project_named(api, TROUBLED)
    body = (
        b'{"success": true, "portfolio": {"holdings": {"SPY 2T": {"a": 1, "q": 1, "p": 5, "v": 5}, '
        b'"SPY 2T": {"a": 1, "q": 2, "p": 5, "v": 10}}, "cash": []}}'
    )
    api.faults.add(scripted(Fault(body=body), troubled))
    pair.advance(60)

    assert pair.samples().all("quantconnect_holding_market_value", project_id=str(troubled)) == [10]


def test_ten_thousand_holdings(pair, api):
    """A portfolio of ten thousand positions is shown whole."""
    troubled = project_named(api, TROUBLED)
    holdings = {f"S{number} 2T": {"a": 1, "q": 1, "p": 5, "v": 5, "u": 4} for number in range(10_000)}
    api.faults.add(scripted(Fault(body=portfolio(holdings)), troubled))
    pair.advance(60)
    lines = pair.page().splitlines()
    own = f'{{project_id="{troubled}"'

    assert sum(line.startswith(f"quantconnect_holding_market_value{own}") for line in lines) == 10_000
    (gross,) = (line for line in lines if line.startswith(f"quantconnect_gross_exposure{own}"))
    assert gross.endswith("} 50000.0")


@pytest.mark.parametrize(
    "symbol_id",
    ['A"B 2T', "A\\B 2T", "A\nB 2T", "日本 2T", "A\u2028B 2T", "x" * 10_000, "{} 2T", "", "# EOF 2T"],
)
def test_hostile_symbol_text(pair, api, symbol_id):
    """Whatever text an identifier is, it reads back from the page as it came but for its length."""
    troubled = project_named(api, TROUBLED)
    api.faults.add(scripted(Fault(body=portfolio({symbol_id: {"a": 1, "q": 1, "p": 5, "v": 5}})), troubled))
    pair.advance(60)
    labels = pair.samples().labels("quantconnect_holding_quantity", project_id=str(troubled))

    assert [each.get("symbol_id", "") for each in labels] == [cut(symbol_id)]


@pytest.mark.parametrize("hours", [-3, 3])
def test_clock_that_is_off_is_measured(pair, api, clock, caplog, hours):
    """The difference to the API's clock is shown, with its sign, and told once, whether or not signatures fail."""
    api.clock = type(clock)(now=clock.now, elapsed=clock.elapsed)
    clock.now += 3600 * hours
    clock.elapsed += 60
    pair.poll()
    (workers, *_) = pair.exporter.poller.accounts
    workers.note_clock_skew()
    workers.note_clock_skew()

    skew = pair.samples().one("quantconnect_api_clock_skew_seconds", account="main")
    assert skew == pytest.approx(3600 * hours, abs=1)
    told = [record.ahead_seconds for record in caplog.records if hasattr(record, "ahead_seconds")]
    assert told == [skew]


def test_clock_that_steps_makes_nothing_stale(make_bench, api, clock):
    """Ages are measured on the monotonic clock: a wall clock set back and forth moves no value off the page."""
    settings = ProjectSettings(polling=Polling(stale_after=300))
    bench = make_bench(config_of(api, settings, discover=True))
    bench.poll()
    shown = bench.samples().all("quantconnect_cash_amount")
    for step in (7200, -14400, 86_400 * 30):
        clock.now += step
        assert bench.samples().all("quantconnect_cash_amount") == shown
    clock.elapsed += 301
    assert bench.samples().all("quantconnect_cash_amount") == []


def test_unreachable_host_is_unavailable(make_bench, api):
    """A name that does not resolve is a source that is down, said without the name's details."""
    config = config_of(api)
    elsewhere = [
        type(account)(**{**_members(account), "base_url": "http://quantconnect.invalid/api/v2/"})
        for account in config.accounts
    ]
    named = config_of(api, named={project_named(api, SOUND): ProjectSettings()}).projects
    bench = make_bench(type(config)(tuple(elsewhere), named, config.defaults))
    bench.poll()
    samples = bench.samples()

    assert samples.all("quantconnect_up", source="status") == [0]
    label = {"api_endpoint": "live/list", "result": "unavailable"}
    assert samples.all("quantconnect_api_requests_total", **label) == [1, 1]


def test_churn_leaves_memory_flat(make_bench, api):
    """After two hundred polls, each with other symbols, nothing is kept of those that are gone."""
    troubled = project_named(api, TROUBLED)
    polling = Polling(status=86_400, equity=86_400, statistics=86_400, orders=None)
    named = {troubled: ProjectSettings(polling=polling)}
    bench = make_bench(config_of(api, ProjectSettings(polling=polling), named=named, discover=False))
    bench.poll()

    def polls(count: int) -> int:
        for number in range(count):
            batch = f"{bench.clock.elapsed:.0f}N{number}"
            symbols = {f"S{batch}N{each} 2T": {"a": 1, "q": 1, "p": 5, "v": 5} for each in range(20)}
            handle = api.faults.add(scripted(Fault(body=portfolio(symbols)), troubled))
            bench.clock.advance(61)
            bench.poll()
            api.faults.remove(handle)
            api.requests.clear()
        for cached in (decode, shared):  # what they keep is bounded, and would only hide what is not
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        totals = [polls(20), *(polls(50) for _ in range(4))]
    finally:
        tracemalloc.stop()
    assert len(bench.samples().all("quantconnect_holding_quantity", project_id=str(troubled))) == 20
    # The least of them: a table of the interpreter's own grows now and then, by a megabyte at once.
    assert min(after - before for before, after in pairwise(totals)) < 100_000, "of a thousand symbols"


def _members(account: object) -> dict:
    return {name: getattr(account, name) for name in type(account).__slots__}


def test_unpacking_is_bounded_before_it_is_done():
    """The packed body of the test above is small: what is bounded is what it unpacks to."""
    fault, _ = FAULTS["small until unpacked"]

    assert len(fault.body) < 2_000_000
    assert len(zlib.decompress(fault.body, wbits=31)) == 2 * LARGEST_BODY


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream", ""])
def test_content_type_is_not_believed(pair, api, content_type):
    """The body says what it is, not the header: JSON under another type is read all the same."""
    troubled = project_named(api, TROUBLED)
    fault = Fault(
        body=portfolio({"SPY 2T": {"a": 1, "q": 3, "p": 5, "v": 15}}), headers={"Content-Type": content_type}
    )
    api.faults.add(scripted(fault, troubled))
    pair.advance(60)

    assert pair.samples().all("quantconnect_holding_quantity", project_id=str(troubled)) == [3]


HOST = "api.example"


@pytest.mark.parametrize("flaw", ["none", "unknown authority", "expired", "another host's"])
def test_certificate_that_cannot_be_trusted(make_bench, api, tmp_path, monkeypatch, flaw):
    """No request goes out over a connection whose certificate is not to be trusted, and the source is down."""
    authority = trustme.CA()
    (authority if flaw != "unknown authority" else trustme.CA()).cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert(
        "elsewhere.example" if flaw == "another host's" else HOST,
        not_after=datetime(2020, 1, 1, tzinfo=UTC) if flaw == "expired" else None,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    asked: list[bytes] = []
    by_name = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: by_name("127.0.0.1" if host == HOST else host, *rest, **more),
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = Thread(target=_answer_one, args=(listening, context, asked), daemon=True)
        answering.start()
        config = config_of(api, base_url=f"https://{HOST}:{listening.getsockname()[1]}/api/v2/")
        bench = make_bench(replace(config, accounts=config.accounts[:1]))
        bench.poll()
        answering.join(10)
        samples = bench.samples()

    unavailable = {"api_endpoint": "live/list", "result": "unavailable"}
    assert samples.one("quantconnect_api_requests_total", **unavailable) == 1
    assert [each[:24] for each in asked] == ([b"POST /api/v2/live/list H"] if flaw == "none" else [])


def _answer_one(listening: socket.socket, context: ssl.SSLContext, asked: list[bytes]) -> None:
    """Accept one TLS connection, and keep what is asked on it."""
    accepted, _ = listening.accept()
    with suppress(OSError), accepted, context.wrap_socket(accepted, server_side=True) as connection:
        asked.append(connection.recv(1000))
