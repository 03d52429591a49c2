"""Signals before, while and after the process starts to serve."""

import os
import signal
import subprocess
import sys

import pytest

from tests.programs import program, wait_until

SIGNAL_AT_AN_IMPORT = """
import os, sys
number, place = int(sys.argv.pop(1)), int(sys.argv.pop(1))

def count(event, _):
    global place
    if event == "import":
        place -= 1
        if place == 0:
            os.kill(os.getpid(), number)

from exporter.__main__ import main
sys.addaudithook(count)
sys.exit(main())
"""


def send(*numbers: int) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def test_signals_are_taken_while_serving(signals):
    """Hangups that come together are one reload, asked for once; any stop is remembered, and ends a wait."""
    signals.serve()
    send(*[signal.SIGHUP] * 3)
    assert (signals.take_reload(), signals.take_reload(), signals.stop) == (True, False, False)
    signals.wait(60)
    send(signal.SIGTERM)
    signals.wait(60)
    assert signals.stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_before_serving_cannot_be_swallowed(number):
    """Before the process serves a stop ends it with its exit code, also where an exception would be ignored."""
    code = (
        "import os, sys; from exporter.signals import Signals\n"
        "class Held:\n"
        "    def __del__(self): os.kill(os.getpid(), int(sys.argv[1])); print('went on')\n"
        "Signals(exit_code=3); Held(); print('went on')"
    )
    command = (sys.executable, "-c", code, str(int(number)))
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"")


@pytest.mark.parametrize("place", [1, 2, 60, 400])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_while_starting(tmp_path, number, place):
    """In the middle of any import SIGTERM ends the process with 0 and without a word; SIGHUP does not end it."""
    log = tmp_path / "log"
    code = (sys.executable, "-c", SIGNAL_AT_AN_IMPORT, str(int(number)), str(place))
    with program(*code, "--demo", "--web.listen-address=127.0.0.1:0", log=log) as process:
        if number == signal.SIGHUP:
            wait_until(lambda: "msg=listening" in log.read_text(), 60)
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "Traceback" not in log.read_text()
    assert number == signal.SIGHUP or log.read_text() == ""
