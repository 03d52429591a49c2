"""The time-out bounds a whole request: the name, every address, TLS, a proxy's tunnel, the answer."""

import os
import socket
import ssl
from contextlib import ExitStack, suppress
from threading import Event, Thread

import pytest

from exporter.clock import SystemClock
from exporter.errors import TimedOut, Unavailable
from exporter.quantconnect import deadline
from tests.support import FakeClock

SOON = 0.3
"""Seconds after which a request in these tests is over."""
SLACK = 2.0
REAL = socket.getaddrinfo


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def resolves(monkeypatch):
    """Return a function that gives ``api.invalid`` addresses of this machine."""

    def to(*hosts: str) -> None:
        def getaddrinfo(host, port, *args, **options):
            names = hosts if host == "api.invalid" else (host,)
            return [found for name in names for found in REAL(name, port, *args, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


@pytest.fixture
def swallowing():
    """Return a function that makes addresses of loopback swallow whatever is sent to a port."""
    with ExitStack() as stack:

        def swallow(port: int, *hosts: str) -> None:
            for host in hosts:
                listener = stack.enter_context(socket.create_server((host, port), backlog=0))
                for _ in range(4):  # a full queue of connections drops the next one
                    waiting = stack.enter_context(socket.socket())
                    waiting.setblocking(False)
                    waiting.connect_ex(listener.getsockname())

        yield swallow


def seconds_until_timed_out(ask) -> float:
    clock = SystemClock()
    started = clock.monotonic()
    with pytest.raises(TimedOut):
        ask()
    return clock.monotonic() - started


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_six_addresses_that_swallow_everything(make_client, resolves, swallowing):
    """However many addresses a name has, connecting to all of them ends in the time of one request."""
    port = free_port()
    hosts = [f"127.0.0.{number}" for number in range(2, 8)]
    swallowing(port, *hosts)
    resolves(*hosts)
    client = make_client(f"http://api.invalid:{port}/", timeout=SOON)
    assert SOON - 0.1 <= seconds_until_timed_out(client.authenticate) < SOON + SLACK


def test_address_after_one_that_swallows_is_reached(raw, make_client, resolves, swallowing):
    """An address that swallows everything leaves time for the next ones: each has an equal share."""
    raw.answers()
    port = int(raw.url.split(":")[2].split("/")[0])
    swallowing(port, "127.0.0.2")
    resolves("127.0.0.2", *["127.0.0.1"] * 3)
    make_client(f"http://api.invalid:{port}/", timeout=2).authenticate()
    assert len(raw.received) == 1


def test_resolver_that_hangs(make_client, monkeypatch):
    """A name server that does not answer ends the request in time, and holds one thread, not one a request."""
    answer = Event()

    def getaddrinfo(*_, **__):
        asked.append(1)
        answer.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    client = make_client("http://api.invalid/", timeout=0.2)
    asked = []
    try:
        for _ in range(3):
            assert seconds_until_timed_out(client.authenticate) < 0.2 + SLACK
        assert len(asked) == 1
    finally:
        answer.set()


@pytest.fixture
def listener():
    """Accept connections, do with each what ``act`` says, and keep it open."""
    with ExitStack() as stack:

        def listen(act) -> int:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def handle(connection: socket.socket) -> None:
                with suppress(OSError):  # the client has had enough
                    act(connection)

            def serve() -> None:
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    stack.callback(connection.close)
                    Thread(target=handle, args=(connection,), daemon=True).start()

            Thread(target=serve, daemon=True).start()
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            return server.getsockname()[1]

        yield listen


def test_handshake_that_never_ends(make_client, listener):
    """TLS to a server that accepts and stays silent ends in time."""
    client = make_client(f"https://127.0.0.1:{listener(lambda _: None)}/", timeout=SOON)
    assert seconds_until_timed_out(client.authenticate) < SOON + SLACK


@pytest.fixture
def clock(monkeypatch) -> FakeClock:
    """A clock for deadlines, moved by what answers."""
    fake = FakeClock()
    monkeypatch.setattr(deadline, "_CLOCK", fake)
    return fake


@pytest.fixture
def granted(monkeypatch) -> list[float]:
    """Seconds that each TLS handshake may take."""
    seconds = []
    wrap_socket = ssl.SSLContext.wrap_socket

    def wrapped(context, sock, *args, **options):
        seconds.append(sock.gettimeout())
        return wrap_socket(context, sock, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrapped)
    return seconds


@pytest.mark.parametrize(("seconds", "left", "error"), [(20, [10], Unavailable), (30, [], TimedOut)])
def test_tunnel_that_is_slow_takes_from_the_same_time(
    make_client, listener, monkeypatch, clock, granted, seconds, left, error
):
    """A proxy that opens its tunnel slowly leaves TLS the rest of the time of one request, or none."""

    def act(connection: socket.socket) -> None:
        connection.recv(65_536)
        clock.advance(seconds)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.recv(65_536)  # the beginning of TLS
        connection.shutdown(socket.SHUT_RDWR)

    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener(act)}")
    with pytest.raises(error):
        make_client("https://api.invalid/", timeout=30).authenticate()
    assert granted == left


def test_tunnel_that_never_opens(make_client, listener, monkeypatch):
    """A proxy that accepts and stays silent ends the request in time."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener(lambda _: None)}")
    client = make_client("https://api.invalid/", timeout=SOON)
    assert SOON - 0.1 <= seconds_until_timed_out(client.authenticate) < SOON + SLACK


def test_next_request_has_its_own_time(raw, make_client, clock):
    """The time that one request took is not taken from the next on the same connection."""

    def reply(handler) -> None:
        clock.advance(20)
        handler.send_response(200)
        handler.send_header("Content-Length", "16")
        handler.end_headers()
        handler.wfile.write(b'{"success":true}')

    raw.reply = reply
    client = make_client(raw.url, timeout=30)
    for _ in range(3):
        client.authenticate()
    assert len({each.connection for each in raw.received}) == 1


def test_socks_is_not_bypassed(make_client, listener, monkeypatch):
    """With a SOCKS proxy in the environment, the proxy is asked, and not the host itself."""
    pytest.importorskip("socks")
    greetings = []
    port = listener(lambda connection: (greetings.append(connection.recv(3)), connection.close()))
    monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{port}")
    with pytest.raises(Exception, match="no usable connection"):
        make_client("http://api.invalid/", timeout=SOON).authenticate()
    assert greetings[0][:1] == b"\x05"
