"""Real programs beside the exporter: started on loopback, waited for, and ended."""

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from exporter.demo.server import SimulatedQuantConnect

Labels = frozenset[tuple[str, str]]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 20, what: str = "the condition") -> None:
    """Look again and again until the condition is true; fail when it does not come true in time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError(f"{what} did not come true within {seconds:g} s")


@contextmanager
def program(*command: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background, its output in a file, until the block ends."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def write_config(path: Path, api: SimulatedQuantConnect, **sections: Any) -> Path:
    """Write a configuration for all accounts of a simulated QuantConnect, and whatever sections besides."""
    accounts = [
        {
            "name": account.name,
            "user_id": account.user_id,
            "api_token": account.api_token,
            "base_url": api.base_url,
            "requests_per_minute": 6000,
        }
        for account in api.accounts
    ]
    path.write_text(yaml.safe_dump({"accounts": accounts, **sections}), "utf-8")
    path.chmod(0o600)
    return path


@dataclass(frozen=True)
class Address:
    """Where a running exporter serves, and its process."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def target(self) -> str:
        """The address as a scrape target."""
        return self.url.removeprefix("http://")

    def page(self) -> str:
        """The metrics page in the text format."""
        return requests.get(f"{self.url}/metrics", timeout=5).text

    def is_ready(self) -> bool:
        """Whether every project has been tried."""
        return requests.get(f"{self.url}/-/ready", timeout=5).ok


@contextmanager
def exporter_process(*arguments: str | Path, log: Path) -> Iterator[Address]:
    """Run the exporter as a process on a free port, and wait until it has tried every project."""
    command = (sys.executable, "-m", "exporter", "--web.listen-address=127.0.0.1:0", *arguments)
    with program(*command, log=log) as process:
        listening = re.compile(r"msg=listening address=(\S+)")
        wait_until(lambda: listening.search(log.read_text()) is not None, what=f"listening, see {log}")
        address = Address(f"http://{listening.search(log.read_text())[1]}", process)
        wait_until(address.is_ready, what="readiness")
        yield address


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus server."""

    url: str

    def query(self, expression: str) -> list[Mapping[str, Any]]:
        """Return the result of an instant query."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=5).json()
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def samples(self, selector: str) -> Mapping[Labels, float]:
        """Return the value of each series that a selector finds, by labels without those of the target."""
        return {
            frozenset(
                (key, value)
                for key, value in result["metric"].items()
                if key not in {"__name__", "job", "instance"}
            ): float(result["value"][1])
            for result in self.query(selector)
        }


@contextmanager
def prometheus_server(binary: str, folder: Path, config: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Run Prometheus with a configuration and an empty database."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(dict(config)), "utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    command = (
        binary,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    )
    with program(*command, log=folder / "prometheus.log"):
        wait_until(lambda: answers(f"{url}/-/ready"), what=f"Prometheus, see {folder / 'prometheus.log'}")
        yield Prometheus(url)


def scrape_config(target: str, interval: str = "500ms") -> Mapping[str, Any]:
    """Return a Prometheus configuration that scrapes one exporter."""
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [{"job_name": "quantconnect", "static_configs": [{"targets": [target]}]}],
    }


def answers(url: str) -> bool:
    """Whether a page is served."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
