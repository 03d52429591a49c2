"""Programs that a test starts, the ports they listen on, and waiting for what they do."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self, TypeVar

import requests

from exporter.clock import SystemClock

T = TypeVar("T")

_STEP = 0.05
_clock = SystemClock()


def wait_for(condition: Callable[[], T], what: str, seconds: float = 15) -> T:
    """Return the first true result of a condition; fail when there is none in time."""
    end = _clock.monotonic() + seconds
    while not (result := condition()):
        assert _clock.monotonic() < end, f"not within {seconds} s: {what}"
        Event().wait(_STEP)
    return result


@contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the end of the block; what it writes goes to a file."""
    with (
        log.open("wb") as output,
        subprocess.Popen([*map(str, command)], stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def get(url: str, **parameters: str) -> Any:
    """Return the JSON that an address answers with, or ``None`` while it does not answer."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.get(url, params=parameters, timeout=5)
        except requests.ConnectionError:
            return None
    return response.json() if response.ok and response.content.startswith((b"{", b"[")) else response.ok


def post(url: str, body: object) -> None:
    """Send JSON to an address."""
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, json=body, timeout=5).raise_for_status()


class Webhook:
    """Collects what Alertmanager sends: every notification, and the alerts of them all."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        received = self.notifications

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take one notification."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append({**json.loads(body), "received": _clock.wall()})
                self.send_response_only(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts of every notification."""
        return [alert for each in list(self.notifications) for alert in each["alerts"]]

    def fired(self) -> set[tuple[str, str, str]]:
        """Return name, severity and project (or ``""``) of every alert that ever arrived as firing."""
        return {
            (labels["alertname"], labels["severity"], labels.get("project", ""))
            for labels in (alert["labels"] for alert in self.alerts if alert["status"] == "firing")
        }
