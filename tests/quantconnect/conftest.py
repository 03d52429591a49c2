"""A server whose every byte a test decides, clients that ask it, and genuine files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Event, Thread
from typing import Any

import pytest

from exporter.clock import Clock, SystemClock
from exporter.config.secret import Secret
from exporter.quantconnect.auth import Credentials
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from tests.support import ABSENT_SAMPLE

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    """A request as it arrived, and the number of the connection it came on."""

    path: str
    headers: Any
    body: bytes
    connection: int


@dataclass
class RawServer:
    """Answers each request with ``reply``, which writes whatever it likes; ``stopping`` ends its waits."""

    url: str
    reply: Reply
    received: list[Received] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    def answers(
        self, body: bytes = b'{"success":true}', status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Answer every request from now on like this."""

        def reply(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        self.reply = reply


def _refuse_to_answer(_: BaseHTTPRequestHandler) -> None:
    raise AssertionError("the test has not said what to answer")


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """Yield a server for one test."""
    with _running() as server:
        yield server


@pytest.fixture(scope="module")
def raw_server() -> Iterator[RawServer]:
    """Yield a server for the tests of one file."""
    with _running() as server:
        yield server


@contextmanager
def _running() -> Iterator[RawServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            server.received.append(Received(self.path, self.headers, body, self.client_address[1]))
            try:
                server.reply(self)
            except OSError:  # the client has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Stay silent."""

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def server_bind(self) -> None:
            TCPServer.server_bind(self)  # HTTPServer's own would look up the host's full name

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Stay silent: a client that leaves is what many tests are about."""

    listener = Listener(("127.0.0.1", 0), Handler)
    server = RawServer(f"http://127.0.0.1:{listener.server_address[1]}/api/v2/", _refuse_to_answer)
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.stopping.set()
    listener.shutdown()
    listener.server_close()
    thread.join()


@pytest.fixture
def log() -> RequestLog:
    return RequestLog(ENDPOINTS, RESULTS)


@pytest.fixture
def make_client(log: RequestLog) -> Iterator[Callable[..., Client]]:
    """Return a function that makes a client of a base URL; all of them write to ``log``."""
    made: list[Client] = []

    def make(
        base_url: str,
        user_id: int = 100,
        token: str = "token",  # noqa: S107 - a worthless one
        *,
        timeout: float = 5.0,
        clock: Clock | None = None,
        pace: Callable[[], None] = lambda: None,
    ) -> Client:
        made.append(
            Client(Credentials(user_id, Secret(token)), base_url, timeout, clock or SystemClock(), log, pace)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a genuine file, or skip the test without it."""

    def find(name: str) -> Path:
        path = SAMPLES / name
        if not path.is_file():
            pytest.skip(f"the genuine file {name} {ABSENT_SAMPLE}")
        return path

    return find
