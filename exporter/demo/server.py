"""The simulated QuantConnect over HTTP on loopback."""

import base64
import binascii
import hashlib
import json
import math
import socket
import struct
import sys
from collections.abc import Mapping
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qsl, urlsplit

from exporter.clock import Clock, SystemClock
from exporter.demo.api import Api, Credentials, SimulatedAccount
from exporter.demo.charts import ChartReader, CountRule
from exporter.demo.faults import Fault, Faults, RecordedRequest, RequestLog
from exporter.demo.phpjson import encode
from exporter.demo.project import ProjectState, SimulatedProject
from exporter.demo.scenario import Scenario

_PREFIX: Final = "/api/v2/"
_DRIP_SECONDS: Final = 0.05
_NOT_FOUND: Final = (
    b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>Not Found</body></html>"
)
_LINGER_RESET: Final = struct.pack("ii", 1, 0)


class SimulatedQuantConnect:
    """Serves a scenario; a context manager.

    ``clock`` judges signatures and writes the Date header, ``market_clock`` moves the market. Answers
    show the market at its time floored to ``snapshot_seconds``. ``count_rule`` says what becomes of
    chart points beyond the count asked for. Port 0 takes a free one and keeps it over stop and start.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock | None = None,
        market_clock: Clock | None = None,
        port: int = 0,
        count_rule: CountRule = "latest",
        snapshot_seconds: float = 5.0,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.market_clock: Clock = market_clock or self.clock
        self.accounts: tuple[SimulatedAccount, ...] = scenario.accounts
        self.projects: Mapping[int, SimulatedProject] = MappingProxyType(scenario.projects)
        self.faults = Faults()
        self.requests = RequestLog()
        self.api = Api(
            scenario.accounts,
            scenario.projects,
            ChartReader(scenario.benchmark, count_rule),
            self.snapshot_time,
            self.clock.wall,
        )
        self._snapshot_seconds = snapshot_seconds
        self._port = port
        self._listener: _Listener | None = None
        for project in scenario.projects.values():
            project.now = self.snapshot_time

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The address of the API, with a slash at its end."""
        return f"http://127.0.0.1:{self._port}{_PREFIX}"

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        if self._listener is None:
            self._listener = _Listener(self, self._port)
            self._port = self._listener.server_port

    def stop(self) -> None:
        """Close the port and every connection at once, those of stalled requests too."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def snapshot_time(self) -> float:
        """Return the market time that answers show now, in Unix seconds."""
        step = self._snapshot_seconds
        time = self.market_clock.wall()
        return math.floor(time / step) * step if step else time

    def state(self, project_id: int) -> ProjectState:
        """Return the exact state of a project at the snapshot time."""
        return self.projects[project_id].state(self.snapshot_time())


class _Listener(ThreadingHTTPServer):
    """One listening socket, with the connections it accepted."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, simulator: SimulatedQuantConnect, port: int) -> None:
        self.simulator = simulator
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.005}, name="simulated-api", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _wake(connection)

    def server_bind(self) -> None:
        # HTTPServer's own would ask for the host's full name, which takes seconds without a name server.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # Without the polite shutdown of the base class, which would send FIN before a reset.
        with self._lock:
            self._connections.discard(request)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that left is no error
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize: ClassVar[int] = -1

    def do_GET(self) -> None:
        """Answer a request whose parameters are in the query, all of them text."""
        self._respond(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

    def do_POST(self) -> None:
        """Answer a request whose parameters are a JSON body."""
        length = self.headers.get("Content-Length", "0")
        content = self.rfile.read(int(length) if length.isdecimal() else 0)
        try:
            parameters = json.loads(content or b"{}")
        except ValueError:
            parameters = {}
        self._respond(parameters if isinstance(parameters, dict) else {})

    def _respond(self, parameters: Mapping[str, Any]) -> None:
        simulator = self.server.simulator
        # Clients that join base and path carelessly send "//"; the API does not mind.
        endpoint = urlsplit("/" + self.path.lstrip("/")).path.removeprefix(_PREFIX).strip("/")
        credentials = _credentials(self.headers)
        request = RecordedRequest(
            endpoint=endpoint,
            user_id=_whole(credentials.user_id),
            project_id=_whole(parameters.get("projectId")),
            parameters=parameters,
            received_at=simulator.clock.monotonic(),
        )
        simulator.requests.append(request)
        fault = simulator.faults.take(request)
        if fault and self._is_spoilt(fault):
            return
        status, kind, body = self._answer(endpoint, credentials, parameters, fault)
        self._send(status, kind, body, fault)

    def _is_spoilt(self, fault: Fault) -> bool:
        """Wait as the fault says; return whether there is nothing left to answer."""
        waited_out = not self.server.stopping.wait(None if fault.effect == "stall" else fault.delay)
        if fault.effect == "reset":
            self._reset()
        if not waited_out:
            self.close_connection = True
        return fault.effect == "reset" or not waited_out

    def _answer(
        self, endpoint: str, credentials: Credentials, parameters: Mapping[str, Any], fault: Fault | None
    ) -> tuple[int, str, bytes]:
        status = fault.status if fault else 200
        if fault and fault.body is not None:
            if isinstance(fault.body, bytes):
                return status, "text/html; charset=UTF-8", fault.body
            return status, "application/json", encode(fault.body).encode()
        if status != 200:
            return status, "text/html; charset=UTF-8", b""
        answer = self.server.simulator.api.answer(endpoint, credentials, parameters)
        if answer is None:
            return 404, "text/html; charset=UTF-8", _NOT_FOUND
        return 200, "application/json", encode(answer).encode()

    def _send(self, status: int, kind: str, body: bytes, fault: Fault | None) -> None:
        self.send_response_only(status)
        headers = {
            "Server": "nginx",
            "Date": formatdate(self.server.simulator.clock.wall(), usegmt=True),
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **(fault.headers if fault else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        effect = fault.effect if fault else None
        if effect == "reset_midway":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._reset()
        elif effect == "drip":
            self._drip(body)
        else:
            self.wfile.write(body)
            self.wfile.flush()

    def _drip(self, body: bytes) -> None:
        for position in range(len(body)):
            if self.server.stopping.wait(_DRIP_SECONDS):
                self.close_connection = True
                return
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()

    def _reset(self) -> None:
        """Make the coming close send RST in place of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""


def _credentials(headers: Message) -> Credentials:
    scheme, _, encoded = (headers.get("Authorization") or "").partition(" ")
    try:
        plain = base64.b64decode(encoded, validate=True).decode() if scheme == "Basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    user_id, _, signature = plain.partition(":")
    return Credentials(user_id, signature, headers.get("Timestamp") or "")


def sign(account: SimulatedAccount, timestamp: int) -> dict[str, str]:
    """Return the headers that sign a request of an account at a time, in Unix seconds."""
    signature = hashlib.sha256(f"{account.api_token}:{timestamp}".encode()).hexdigest()
    encoded = base64.b64encode(f"{account.user_id}:{signature}".encode()).decode()
    return {"Authorization": f"Basic {encoded}", "Timestamp": str(timestamp)}


def _whole(value: object) -> int | None:
    return int(str(value)) if str(value).isdecimal() else None


def _wake(connection: socket.socket) -> None:
    """End a blocking read on a connection that another thread serves."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
