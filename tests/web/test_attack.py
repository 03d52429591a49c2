"""Strangers who connect and do nothing, or little, or wrong things, by the thousand."""

import asyncio
import os
import socket
import statistics
import tracemalloc
from contextlib import ExitStack
from math import inf
from pathlib import Path

import pytest
import requests

from exporter.clock import SystemClock
from exporter.config.model import ProjectSettings
from exporter.metrics.exposition import Format
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject
from exporter.polling.state import new_project
from exporter.polling.store import Store
from exporter.web import connections
from exporter.web.application import Pages, make_application
from exporter.web.connections import Connection, sweep
from exporter.web.server import ListenAddress, WebServer, listen
from tests.programs import exporter_process, wait_until
from tests.support import parse_page

THOUSAND = 1000
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    """The exporter as a process, on the simulated QuantConnect."""
    with exporter_process("--demo", log=tmp_path_factory.mktemp("attack") / "exporter.log") as running:
        yield running


def memory_mib(pid: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def scrape_seconds(url: str) -> float:
    """Return how long a scrape takes with others around: the middle one of nine, each on a new connection."""
    times = []
    for _ in range(9):
        started = CLOCK.monotonic()
        answer = requests.get(f"{url}/metrics", timeout=10)
        times.append(CLOCK.monotonic() - started)
        assert parse_page(answer.text).all("quantconnect_equity")
    return statistics.median(times)


def strangers(stack: ExitStack, address: str, first_bytes: bytes) -> list[socket.socket]:
    host, _, port = address.partition(":")
    opened = []
    for _ in range(THOUSAND):
        stranger = stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
        if first_bytes:
            stranger.sendall(first_bytes)
        opened.append(stranger)
    return opened


@pytest.mark.parametrize(
    "first_bytes",
    [
        pytest.param(b"", id="idle"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-", id="half a head"),
        pytest.param(
            b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx", id="half a body"
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", id="slow readers"),
    ],
)
def test_a_thousand_strangers_hold_nothing_up(exporter, first_bytes):
    """With a thousand connections that idle, stall or do not read, scrapes are answered, threads and memory stay."""
    before, threads_before = memory_mib(exporter.process.pid), threads(exporter.process.pid)
    with ExitStack() as stack:
        strangers(stack, exporter.target, first_bytes)
        wait_until(lambda: scrape_seconds(exporter.url) < 0.1, what="a scrape within 100 ms")
        assert memory_mib(exporter.process.pid) < before + 100
        assert threads(exporter.process.pid) <= threads_before + 5


def test_oversized_head_is_refused(exporter):
    """A head that does not end is cut off at 64 KiB."""
    host, _, port = exporter.target.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 100_000)
        assert stranger.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: x\r\nHost: a\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%fe/../../metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_malformed_request_breaks_nothing(exporter, request_bytes):
    """What is no HTTP is answered with an error or the end of the connection, and the next scrape is fine."""
    host, _, port = exporter.target.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(request_bytes)
        stranger.shutdown(socket.SHUT_WR)
        answer = stranger.recv(100)
    assert answer == b"" or answer.split()[1][:1] in (b"2", b"4")
    assert requests.get(f"{exporter.url}/metrics", timeout=5).ok


def test_body_of_a_request_is_not_kept(exporter):
    """A body of any size, which no page asks for, stays out of memory."""
    before = memory_mib(exporter.process.pid)
    answer = requests.post(f"{exporter.url}/metrics", data=b"x" * 50_000_000, timeout=20)

    assert answer.status_code == 405
    assert memory_mib(exporter.process.pid) < before + 30


class _Transport:
    """Records whether a connection was ended."""

    ended = False

    def abort(self) -> None:
        self.ended = True


def connection(since: float, *, answers: int = 0, answering: bool = False) -> Connection:
    """Return a connection of a given age without a socket behind it."""
    made = Connection.__new__(Connection)
    made.since, made.answers, made.transport = since, answers, _Transport()
    made.cycle = type("Cycle", (), {"response_complete": not answering})() if answering else None
    return made


@pytest.mark.parametrize(
    ("age", "state", "overdue"),
    [
        (9, {}, False),
        (11, {}, True),
        (11, {"answers": 1}, False),
        (129, {"answers": 1}, False),
        (131, {"answers": 1}, True),
        (29, {"answering": True}, False),
        (31, {"answering": True}, True),
    ],
)
def test_deadlines(age, state, overdue):
    """Ten seconds for a first request, thirty to read an answer, 130 between two scrapes."""
    assert connection(1000.0 - age, **state).is_overdue(1000.0) is overdue


def test_room_is_made_by_whoever_waits_longest():
    """The longest idle connection ends first; one that is being answered only when nobody idles, and not at once."""
    young, old = connection(999), connection(990, answers=1)
    reading, slow = connection(998, answering=True), connection(980, answering=True)
    make_room = connections._make_room
    make_room([young, old, reading, slow], 1000.0)
    assert [each.transport.ended for each in (young, old, reading, slow)] == [False, True, False, False]
    make_room([reading, slow], 1000.0)
    assert slow.transport.ended
    make_room([reading], 1000.0)
    assert not reading.transport.ended


def test_sweep_ends_the_overdue(monkeypatch):
    """The sweep ends what is overdue and nothing else."""
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0)

    async def swept() -> list[bool]:
        now = asyncio.get_running_loop().time()
        all_of_them = [connection(now - 11), connection(now), connection(now - 11, answers=1)]
        sweeping = asyncio.create_task(sweep(all_of_them))
        for _ in range(3):
            await asyncio.sleep(0)
        sweeping.cancel()
        return [each.transport.ended for each in all_of_them]

    assert asyncio.run(swept()) == [True, False, False]


def test_more_connections_than_may_be_still_let_a_scrape_in(exporter):
    """Beyond the most connections the oldest idle ones go, and whoever comes new is served.

    The old ones have been answered once, so that their age alone would not end them for two minutes.
    """
    with ExitStack() as stack:
        first = strangers(stack, exporter.target, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        for each in first:
            assert each.recv(1000).startswith(b"HTTP/1.1 200")
        strangers(stack, exporter.target, b"")
        wait_until(lambda: _is_closed(first[0]), what="the end of the oldest")
        assert requests.get(f"{exporter.url}/metrics", timeout=5).ok


@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
@pytest.mark.parametrize("line_bytes", [1_000, 1_000_000])
def test_slow_readers_cost_a_piece_each_and_not_a_page(encoding, line_bytes):
    """Of a page of megabytes, what clients have not read waits in the page itself, not in a copy for each."""
    store = Store(lambda *_: RenderedProject((), "", (), (os.urandom(line_bytes // 2).hex().encode(),), inf))
    for project_id in range(10_000_000 // line_bytes):
        store.add(new_project(project_id, "main", ProjectSettings()))
    page = Page(store, lambda _: b"", CLOCK)
    size = len(bytes(page.gzipped(Format.TEXT) if encoding == b"gzip" else page.plain(Format.TEXT)))
    assert size > 4_000_000
    listening = listen(ListenAddress("127.0.0.1", 0))
    server = WebServer(make_application(Pages(page, str, bool, bool), "/metrics"), [listening])
    server.start()
    try:
        with ExitStack() as stack:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(20):
                reader = stack.enter_context(socket.create_connection(listening.getsockname()))
                reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: %s\r\n\r\n" % encoding)
            answering = server._server.server_state.connections
            wait_until(lambda: len(answering) == 20 and all(unsent(each) for each in answering))
            grown = tracemalloc.get_traced_memory()[0] - before
            assert max(unsent(each) for each in answering) <= 33 * 1024
            assert max(kernel_bytes(each) for each in answering) <= 256 * 1024
            assert grown < 20 * 100 * 1024
    finally:
        tracemalloc.stop()
        server.stop()


def kernel_bytes(each: Connection) -> int:
    """Return the bytes that the kernel may hold for a client, twice what was asked for on Linux."""
    return each.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def unsent(each: Connection) -> int:
    """Return the bytes of an answer that wait in our memory for a client to read."""
    return each.transport.get_write_buffer_size()


def _is_closed(stranger: socket.socket) -> bool:
    stranger.setblocking(False)
    try:
        return stranger.recv(1000) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
