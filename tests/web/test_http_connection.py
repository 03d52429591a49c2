"""How a connection ends: with the whole answer, and leaving nothing behind that only a search for cycles would free."""

import gc
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterator
from contextlib import suppress

import pytest

from exporter.clock import SystemClock
from exporter.metrics.page import Page
from exporter.polling.store import Store
from exporter.web.application import Pages
from exporter.web.http_connection import HttpConnection
from tests.programs import wait_until
from tests.web.attackers import HEAD
from tests.web.sites import TLS, serving

CLIENTS = 20


@pytest.fixture
def _no_search() -> Iterator[None]:
    """Reference cycles are not looked for."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held() -> int:
    """Return how many connections are in memory, with their 300 kB each when they have TLS."""
    return sum(isinstance(each, HttpConnection | SSLProtocol) for each in gc.get_objects())


def silent(port: int, _: ssl.SSLContext) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def half_a_hello(port: int, client: ssl.SSLContext) -> socket.socket:
    opened = silent(port, client)
    opened.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    return opened


def no_hello(port: int, client: ssl.SSLContext) -> socket.socket:
    opened = silent(port, client)
    opened.sendall(b"GET / HTTP/1.1\r\n\r\n")
    return opened


def answered(port: int, client: ssl.SSLContext) -> socket.socket:
    opened = client.wrap_socket(silent(port, client), server_hostname="127.0.0.1")
    opened.sendall(HEAD % (b"/-/healthy", b""))
    assert opened.recv(1000)
    return opened


def reset(port: int, client: ssl.SSLContext) -> socket.socket:
    opened = answered(port, client)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return opened


@pytest.mark.usefixtures("_no_search")
@pytest.mark.parametrize("connect", [silent, half_a_hello, no_hello, answered, reset])
def test_an_ended_tls_connection_is_freed_at_once(serve, make_client, connect):
    """Whether its handshake ended well, badly or never, nothing of a connection stays in memory."""
    site = serve(tls_server_config=TLS)
    client = make_client()
    before = held()
    opened = [connect(site.port, client) for _ in range(CLIENTS)]
    for each in opened:
        each.close()
    wait_until(lambda: held() <= before, 5, "the end of all of them")


def test_a_tls_connection_has_a_small_buffer(serve, make_client):
    """A connection with TLS holds 16 KiB for what it reads, and not asyncio's 256."""
    site = serve(tls_server_config=TLS)
    with answered(site.port, make_client()):
        protocols = [each for each in gc.get_objects() if isinstance(each, SSLProtocol)]
        assert {len(each._ssl_buffer) for each in protocols} == {16 * 1024}


@pytest.mark.usefixtures("_no_search")
@pytest.mark.parametrize("linger", [b"", b"\x01\x00\x00\x00\x00\x00\x00\x00"], ids=["closed", "reset"])
def test_an_ended_connection_is_freed_at_once(serve, linger):
    """A connection that was answered and then closed or reset leaves nothing in memory."""
    site = serve(http_server_config={})
    before = held()
    for _ in range(CLIENTS):
        with socket.create_connection(("127.0.0.1", site.port), timeout=5) as opened:
            opened.sendall(HEAD % (b"/-/healthy", b""))
            assert opened.recv(1000)
            if linger:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    wait_until(lambda: held() <= before, 5, "the end of all of them")


@pytest.mark.parametrize("requests", [1, 3])
def test_a_client_that_sends_no_more_gets_its_answers(requests):
    """Who closes its side behind its requests, as netcat does, gets each answer whole, and then the end."""
    page = Page(Store(lambda state, _: state), lambda _: b"#" * 2_000_000, SystemClock())
    with serving(Pages(page, str, bool, str)) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        client.sendall(HEAD % (b"/metrics", b"") * requests)
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(1_000_000), b""))
    assert received.count(b"#") == requests * 2_000_000


def test_a_client_that_sends_no_more_over_tls_is_logged_nowhere(serve, make_client, caplog):
    """TLS ends with its first half, which is not worth a line of the log."""
    site = serve(tls_server_config=TLS)
    with make_client().wrap_socket(silent(site.port, make_client()), server_hostname="127.0.0.1") as opened:
        opened.sendall(HEAD % (b"/-/config", b""))
        opened.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while opened.recv(1000):
                pass
    assert site.get(tls=make_client()).status == 200
    assert [each for each in caplog.records if each.name == "asyncio"] == []
