"""What ends the process: a signal with success, a part that has died without it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from exporter.process import run_until_stopped
from tests.programs import answers, exporter_process, free_port, program, wait_until


class Part:
    """Stands for a part that can be started; records what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.is_alive = lambda: True

    def start(self) -> None:
        self.done.append("start")

    def stop(self) -> None:
        self.done.append("stop")


@pytest.fixture
def parts(signals):
    """An exporter, a server and a reloader that live, and the signals."""
    exporter, server, reloader = Part(), Part(), Part()
    exporter.poller = SimpleNamespace(lost=lambda: False)
    reloader.requests = []
    reloader.request = lambda: reloader.requests.append(1)
    return exporter, server, reloader, signals


def send(*numbers: int) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def test_hangup_reloads_and_sigterm_stops(parts):
    """A hangup asks for a reload and goes on; SIGTERM stops both parts, and that is a success."""
    exporter, server, reloader, _ = parts
    reloader.start = lambda: send(signal.SIGHUP)
    reloader.request = lambda: reloader.requests.append(1) or send(signal.SIGTERM)

    assert run_until_stopped(*parts)
    assert reloader.requests == [1]
    assert exporter.done == server.done == ["start", "stop"]


def test_hangups_that_come_together_are_one_reload(parts):
    """However many come before they are looked at, one reload is asked for."""
    _, _, reloader, signals = parts
    reloader.start = lambda: send(*[signal.SIGHUP] * 600)
    reloader.request = lambda: reloader.requests.append(1) or send(signal.SIGTERM)

    assert run_until_stopped(*parts)
    assert reloader.requests == [1]
    assert not signals.take_reload()


def test_sigterm_goes_before_hangups(parts):
    """A stop is obeyed at once, whatever reloads were asked for before it."""
    _, _, reloader, _ = parts
    reloader.start = lambda: send(*[signal.SIGHUP] * 100, signal.SIGTERM)

    assert run_until_stopped(*parts)
    assert reloader.requests == []


def test_a_hangup_before_serving_is_remembered(parts):
    """A reload that was asked for too early is made once the process serves."""
    _, _, reloader, _ = parts
    reloader.request = lambda: reloader.requests.append(1) or send(signal.SIGTERM)
    send(signal.SIGHUP)

    assert run_until_stopped(*parts)
    assert reloader.requests == [1]


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("worker", "a poll worker has ended by itself"),
        ("server", "the web server has ended by itself"),
        ("reloader", "reloading has ended by itself"),
    ],
)
def test_a_dead_part_ends_the_process(parts, caplog, part, reason):
    """When a part has died the process stops with a failure and says why, in place of lingering blind."""
    exporter, server, reloader, _ = parts
    if part == "worker":
        exporter.poller.lost = lambda: True
    else:
        (server if part == "server" else reloader).is_alive = lambda: False

    assert not run_until_stopped(*parts)
    assert exporter.done == server.done == ["start", "stop"]
    assert reason in caplog.text


@pytest.mark.parametrize("place", ["start", "watch"])
def test_an_unexpected_error_ends_the_process(parts, caplog, place):
    """An error that escapes the start or the main loop stops everything, with a failure and a traceback."""
    exporter, server, _, _ = parts

    def fail() -> bool:
        raise RuntimeError("can't start new thread")

    if place == "start":
        exporter.start = fail
    else:
        exporter.poller.lost = fail
    assert not run_until_stopped(*parts)
    assert exporter.done[-1] == server.done[-1] == "stop"
    assert "can't start new thread" in caplog.text


def test_no_core_dumps():
    """After a crash the memory, which holds the token, is written nowhere."""
    code = (
        "import resource; from exporter.process import forbid_core_dumps; forbid_core_dumps();"
        "print(*resource.getrlimit(resource.RLIMIT_CORE))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["0", "0"]


def test_started_without_standard_files(tmp_path):
    """A process that gets no standard files writes its log nowhere, and not into the socket that has their number."""
    port = free_port()
    command = (sys.executable, "-m", "exporter", "--demo", f"--web.listen-address=127.0.0.1:{port}")
    without = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command)
    with program(*without, log=tmp_path / "log") as process:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/-/healthy"), 60)
        files = [str(Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert files == ["/dev/null"] * 3


def test_many_hangups_and_a_stop(tmp_path):
    """A real process that gets 600 hangups obeys SIGTERM before it has made a reload of each."""
    log = tmp_path / "log"
    with exporter_process("--demo", log=log) as exporter:
        for _ in range(600):
            exporter.process.send_signal(signal.SIGHUP)
        exporter.process.send_signal(signal.SIGTERM)
        assert exporter.process.wait(60) == 0
    assert log.read_text().count("configuration reloaded") < 300
