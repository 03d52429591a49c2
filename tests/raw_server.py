"""A server whose every byte a test decides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Thread
from typing import Any

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


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """Run a server on loopback."""

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
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)
    thread.start()
    yield server
    server.stopping.set()
    listener.shutdown()
    listener.server_close()
    thread.join()
