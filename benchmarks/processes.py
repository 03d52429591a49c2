"""Programs beside the benchmark: servers that obey commands, the exporter's own command, nginx."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import requests

from benchmarks.client import Scraper
from benchmarks.measure import CLOCK
from benchmarks.world import TOKEN, USER_ID

_LISTENING = re.compile(r"msg=listening address=\S*:(\d+)")
_LOOK_EVERY = 0.002


class Process:
    """A program that prints a JSON object when it is ready, and one for each command line."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            (sys.executable, "-m", *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.id = self._process.pid
        self.ready = self._answer()
        self.port = int(self.ready["port"])

    def tell(self, *command: str | int) -> Any:
        """Send a command and return its answer."""
        if self._process.stdin is None:
            raise ValueError("started without a pipe")
        self._process.stdin.write(" ".join(map(str, command)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        """End the program."""
        with self._process:  # which closes its pipes
            self._process.terminate()
            self._process.wait(10)

    def _answer(self) -> Any:
        if self._process.stdout is None:
            raise ValueError("started without a pipe")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the program ended")
        return json.loads(line)


def ask_script(port: int, path: str) -> Any:
    """Ask the scripted API server for its counts, or to forget them."""
    return requests.get(f"http://127.0.0.1:{port}/{path}", timeout=10).json()


@contextmanager
def started(*arguments: str | float) -> Iterator[Process]:
    """Run a module of the benchmarks in the background until the block ends."""
    process = Process(*map(str, arguments))
    try:
        yield process
    finally:
        process.end()


class Exporter:
    """The exporter's own command, polling a scripted API."""

    def __init__(self, folder: Path, api_port: int, workers: int) -> None:
        config = folder / "config.yml"
        config.write_text(
            json.dumps(  # which is YAML too
                {
                    "accounts": [
                        {
                            "name": "main",
                            "user_id": USER_ID,
                            "api_token": TOKEN,
                            "base_url": f"http://127.0.0.1:{api_port}/api/v2/",
                            "requests_per_minute": 1_000_000,
                            "max_concurrent_requests": workers,
                        }
                    ]
                }
            ),
            "utf-8",
        )
        config.chmod(0o600)
        self._log = folder / "exporter.log"
        self.started = CLOCK.monotonic()
        command = (
            sys.executable,
            "-m",
            "exporter",
            f"--config.file={config}",
            "--web.listen-address=127.0.0.1:0",
        )
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
        self.id = self._process.pid
        self.port = self._find_port()

    def seconds_until(self, path: str) -> float:
        """Return the seconds from the start until a path is answered with 200."""
        with Scraper(self.port, path) as scraper:
            while True:
                scraper.scrape()
                if scraper.status == 200:  # noqa: PLR2004
                    return CLOCK.monotonic() - self.started
                sleep(_LOOK_EVERY)

    def end(self) -> None:
        """End the command."""
        self._process.terminate()
        self._process.wait(10)

    def _find_port(self) -> int:
        while self._process.poll() is None:
            if found := _LISTENING.search(self._log.read_text("utf-8")):
                return int(found[1])
            sleep(_LOOK_EVERY)
        raise RuntimeError(self._log.read_text("utf-8"))


@contextmanager
def exporter(api_port: int, workers: int = 32) -> Iterator[Exporter]:
    """Run the exporter's command until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        running = Exporter(Path(folder), api_port, workers)
        try:
            yield running
        finally:
            running.end()
