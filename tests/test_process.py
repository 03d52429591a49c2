"""What ends the process: a signal with success, a part that has died without it."""

import os
import signal
from types import SimpleNamespace

import pytest

from exporter.process import run_until_stopped


class Part:
    """Stands for a started part; records what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def start(self) -> None:
        self.done.append("start")

    def stop(self) -> None:
        self.done.append("stop")


@pytest.fixture
def parts():
    """An exporter, a server and a reloader that live, and the signals as they were."""
    exporter, server = Part(), Part()
    exporter.poller = SimpleNamespace(lost=lambda: False)
    server.is_alive = lambda: True
    reloads: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield exporter, server, SimpleNamespace(reload=lambda: reloads.append(1), reloads=reloads)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_signals_are_taken_in_turn(parts):
    """A hangup reloads and goes on; SIGTERM stops both parts, and that is a success."""
    exporter, server, reloader = parts

    def start() -> None:
        server.done.append("start")
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    server.start = start
    assert run_until_stopped(exporter, server, reloader)
    assert reloader.reloads == [1]
    assert exporter.done == server.done == ["start", "stop"]


def test_dead_worker_ends_the_process(parts, caplog):
    """When a poll worker has died, the process stops with a failure and says why, rather than linger blind."""
    exporter, server, reloader = parts
    exporter.poller.lost = lambda: True

    assert not run_until_stopped(exporter, server, reloader)
    assert exporter.done == ["start", "stop"]
    assert "a poll worker has ended by itself" in caplog.text


def test_dead_server_ends_the_process(parts, caplog):
    """When the web server has died, the process stops with a failure."""
    exporter, server, reloader = parts
    server.is_alive = lambda: False

    assert not run_until_stopped(exporter, server, reloader)
    assert "the web server has ended by itself" in caplog.text
