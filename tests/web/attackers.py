"""What strangers do to a server, and what the machine says of the process that bears it."""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests
import yaml

from exporter.clock import SystemClock
from tests.programs import program, wait_until

CLOCK = SystemClock()
HEAD = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"


def memory_mib(pid: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_closed(stranger: socket.socket) -> bool:
    """Whether the server has ended a connection."""
    stranger.setblocking(False)
    try:
        return stranger.recv(100_000) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def strangers(
    stack: ExitStack, port: int, count: int, first_bytes: bytes = b"", receive_buffer: int = 0
) -> list[socket.socket]:
    """Open connections that send some bytes and then nothing; they stay open as long as the stack."""
    opened = []
    for _ in range(count):
        stranger = stack.enter_context(socket.socket())
        stranger.settimeout(10)
        if receive_buffer:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        with contextlib.suppress(ConnectionError):  # the server may end it at once
            stranger.connect(("127.0.0.1", port))
            stranger.sendall(first_bytes)
        opened.append(stranger)
    return opened


@dataclass(frozen=True)
class Victim:
    """The exporter on the simulated QuantConnect, in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self, path: str = "/metrics", **headers: str) -> requests.Response:
        """Ask over a new connection; its certificate is not verified."""
        return requests.get(f"{self.url}{path}", headers=headers, timeout=60, verify=False)  # noqa: S501 - loopback


@contextmanager
def victim(folder: Path, web_config: Mapping[str, Any] | None = None, files: int = 0) -> Iterator[Victim]:
    """Run the exporter until the block ends, behind a web configuration and with a limit of files."""
    log, web = folder / "exporter.log", folder / "web.yml"
    command = [sys.executable, "-m", "exporter", "--demo", "--web.listen-address=127.0.0.1:0"]
    if web_config:
        web.write_text(yaml.safe_dump(dict(web_config)), "utf-8")
        web.chmod(0o600)
        command.append(f"--web.config.file={web}")
    if files:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    listening = re.compile(r"msg=listening address=(\S+) tls=(\S+)")
    with program(*command, log=log) as process:
        wait_until(lambda: listening.search(log.read_text()) is not None, what=f"listening, see {log}")
        address, tls = listening.search(log.read_text()).groups()
        yield Victim(f"{'https' if tls == 'on' else 'http'}://{address}", process, log)


class Scrapes:
    """A scrape every tenth of a second, each on a connection of its own, and how each ended."""

    def __init__(self, target: Victim, pause: float) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._target = target
        self._pause = pause
        self._end = Event()
        self._thread = Thread(target=self._scrape)

    @property
    def worst(self) -> float:
        return max(self.seconds)

    def _scrape(self) -> None:
        while True:
            started = CLOCK.monotonic()
            try:
                answer = self._target.ask()
                if answer.status_code != 200 or len(answer.content) < 1000:
                    self.failures.append(f"status {answer.status_code}")
            except requests.RequestException as error:
                self.failures.append(repr(error))
            self.seconds.append(CLOCK.monotonic() - started)
            if self._end.wait(self._pause):
                return

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()


@contextmanager
def scraping(target: Victim, pause: float = 0.1) -> Iterator[Scrapes]:
    """Scrape beside what the block does."""
    scrapes = Scrapes(target, pause)
    scrapes.start()
    try:
        yield scrapes
    finally:
        scrapes.stop()
