"""Strangers who connect and do nothing, or little, or wrong things, by the hundred."""

import os
import resource
import socket
import statistics
import tracemalloc
from contextlib import ExitStack
from math import inf

import pytest
import requests

from exporter.clock import SystemClock
from exporter.config.model import ProjectSettings
from exporter.flags import DEFAULT_MAX_CONNECTIONS
from exporter.metrics.exposition import Format
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject
from exporter.polling.state import new_project
from exporter.polling.store import Store
from exporter.web.application import Pages, make_application
from exporter.web.http_connection import HttpConnection
from exporter.web.server import ListenAddress, WebServer, listen
from tests.programs import exporter_process, wait_until
from tests.web.attackers import HEAD, is_closed, memory_mib, open_files, strangers, threads, victim

CROWD = 400
"""More connections than there are places."""
READERS = 20
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    """The exporter as a process, on the simulated QuantConnect."""
    with exporter_process("--demo", log=tmp_path_factory.mktemp("attack") / "exporter.log") as running:
        yield running


def port_of(exporter) -> int:
    return int(exporter.target.rpartition(":")[2])


def scrape_seconds(url: str) -> float:
    """Return how long a scrape takes: the middle one of nine, each on a new connection."""
    times = []
    for _ in range(9):
        started = CLOCK.monotonic()
        answer = requests.get(f"{url}/metrics", timeout=10)
        times.append(CLOCK.monotonic() - started)
        assert b"\nquantconnect_equity{" in answer.content
    return statistics.median(times)


@pytest.mark.parametrize(
    "first_bytes",
    [
        pytest.param(b"", id="idle"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-", id="half a head"),
        pytest.param(
            b"POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nx", id="half a body"
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="slow readers"),
    ],
)
def test_a_crowd_holds_nothing_up(exporter, first_bytes):
    """With more connections than places that idle, stall or do not read, scrapes are answered, threads and memory stay."""
    before, threads_before = memory_mib(exporter.process.pid), threads(exporter.process.pid)
    alone = scrape_seconds(exporter.url)
    with ExitStack() as stack:
        strangers(stack, port_of(exporter), CROWD, first_bytes)
        wait_until(
            lambda: scrape_seconds(exporter.url) < 5 * alone + 0.05, what="a scrape as quick as before"
        )
        assert memory_mib(exporter.process.pid) < before + 100
        assert threads(exporter.process.pid) <= threads_before + 5


def test_oversized_head_is_refused(exporter):
    """A head that does not end is cut off at 16 KiB."""
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


def test_more_connections_than_may_be_still_let_a_scrape_in(exporter):
    """Beyond the most connections the oldest idle ones go, and whoever comes new is served.

    The old ones have been answered once, so that their age alone would not end them for two minutes.
    """
    with ExitStack() as stack:
        first = strangers(stack, port_of(exporter), DEFAULT_MAX_CONNECTIONS // 2, HEAD % (b"/-/healthy", b""))
        for each in first:
            assert each.recv(1000).startswith(b"HTTP/1.1 200")
        before = open_files(exporter.process.pid)
        strangers(stack, port_of(exporter), CROWD)
        wait_until(lambda: all(is_closed(each) for each in first), what="the end of the oldest")
        assert open_files(exporter.process.pid) < before + DEFAULT_MAX_CONNECTIONS
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
    server = WebServer(make_application(Pages(page, str, bool, str), "/metrics"), [listening])
    server.start()
    try:
        with ExitStack() as stack:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            head = HEAD % (b"/metrics", b"Accept-Encoding: %s\r\n" % encoding)
            strangers(stack, listening.getsockname()[1], READERS, head, receive_buffer=4096)
            wait_until(lambda: len(unsent(server)) == READERS and all(unsent(server)))
            grown = tracemalloc.get_traced_memory()[0] - before
            assert max(unsent(server)) <= 33 * 1024
            assert max(kernel_bytes(each) for each in answered(server)) <= 256 * 1024
            assert grown < READERS * 256 * 1024
    finally:
        tracemalloc.stop()
        server.stop()


def answered(server: WebServer) -> list[HttpConnection]:
    """Return the connections that speak HTTP already: one that is being opened does not."""
    return [each for each in server._connections if isinstance(each, HttpConnection)]


def kernel_bytes(each: HttpConnection) -> int:
    """Return the bytes that the kernel may hold for a client, twice what was asked for on Linux."""
    return each.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def unsent(server: WebServer) -> list[int]:
    """Return the bytes of each answer that wait in our memory for a client to read."""
    return [each.transport.get_write_buffer_size() for each in answered(server)]


def test_no_more_files(tmp_path):
    """When the system has no more files, fewer connections are held from then on, which is logged once."""
    with victim(tmp_path) as exporter, ExitStack() as stack:
        wait_until(lambda: exporter.ask("/-/ready").ok)
        limit = open_files(exporter.pid) + 10
        resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, (limit, limit))
        strangers(stack, exporter.port, 100)
        wait_until(lambda: "no more files" in exporter.log.read_text())
        wait_until(lambda: exporter.ask().ok, what="a scrape")
        strangers(stack, exporter.port, 100)
        assert exporter.ask().ok
        assert exporter.log.read_text().count("no more files") == 1
        assert "Traceback" not in exporter.log.read_text()


def test_few_files_from_the_start(tmp_path):
    """Where few files are allowed fewer connections are held than asked for, and the log says so once."""
    with victim(tmp_path, files=110) as exporter, ExitStack() as stack:
        strangers(stack, exporter.port, 300)
        assert exporter.ask().ok
        assert open_files(exporter.pid) < 100
        assert exporter.log.read_text().count("fewer connections than asked for") == 1
        assert "no more files" not in exporter.log.read_text()


def test_what_strangers_cause_is_logged_once(tmp_path):
    """Hundreds of malformed requests are one line of the log."""
    with victim(tmp_path) as exporter, ExitStack() as stack:
        strangers(stack, exporter.port, CROWD, b"no http at all\r\n\r\n")
        wait_until(lambda: "Invalid HTTP request" in exporter.log.read_text())
        assert exporter.ask().ok
        assert exporter.log.read_text().count("Invalid HTTP request") == 1
