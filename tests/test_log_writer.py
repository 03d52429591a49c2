"""The log leaves by a thread of its own: a pipe that nobody reads stops nothing, strangers cannot fill it."""

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
import requests

from exporter.clock import SystemClock
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.log_format import LineFormatter, Mask
from exporter.log_writer import STRANGERS, LogWriter, OncePerMinute, configure_logging
from tests.programs import wait_until, write_config
from tests.support import FakeClock, parse_page

CLOCK = SystemClock()


@pytest.fixture
def pipe():
    """Both ends of a pipe."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


@pytest.fixture
def _restored():
    """The standard library's logging as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for each in root.handlers[:]:
        root.removeHandler(each)
    for each in handlers:
        root.addHandler(each)
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in (STRANGERS, "uvicorn.error", "asyncio"):
        logging.getLogger(name).filters.clear()


@pytest.mark.usefixtures("_restored")
def test_lines_are_written_in_order(pipe):
    """What is logged at the level and above arrives, one line for each record."""
    reading, writing = pipe
    writer = LogWriter(writing)
    configure_logging(writer, "info", LineFormatter("logfmt", Mask()), CLOCK.monotonic)
    for number in range(3):
        logging.getLogger("exporter.test").info("line", extra={"number": number})
        logging.getLogger("exporter.test").debug("unheard")
    writer.close()
    lines = os.read(reading, 10_000).decode().splitlines()

    assert [line.split(" ", 1)[1] for line in lines] == [f"level=info msg=line number={n}" for n in range(3)]
    assert writer.dropped == 0


def test_what_nobody_reads_is_dropped_and_counted(pipe):
    """Beyond pipe and queue lines are dropped without waiting; whoever reads again learns how many."""
    reading, writing = pipe
    writer = LogWriter(writing, most_lines=10)
    begun = CLOCK.monotonic()
    for _ in range(10_000):
        writer.put("x" * 1000)
    assert CLOCK.monotonic() - begun < 5
    assert 9_000 < writer.dropped <= 9_990
    writer.close()
    assert CLOCK.monotonic() - begun < 7
    wait_until(lambda: _drained(reading) and writer.lines.empty(), what="the last line")
    writer.close()  # the first one found no room to say so where the thread had filled the pipe
    wait_until(lambda: _drained(reading) and not writer._thread.is_alive(), what="the end of the thread")


def _drained(reading: int) -> bool:
    os.set_blocking(reading, False)
    try:
        while os.read(reading, 100_000):
            pass
    except BlockingIOError:
        return True
    return False


@pytest.mark.usefixtures("_restored")
def test_drops_are_logged_when_somebody_reads_again(pipe):
    """After a gap the log says how many lines are missing."""
    reading, writing = pipe
    writer = LogWriter(writing, most_lines=10)
    configure_logging(writer, "info", LineFormatter("logfmt", Mask()), CLOCK.monotonic)
    for _ in range(1000):
        writer.put("x" * 1000)
    read = b""

    def told() -> bool:
        nonlocal read
        os.set_blocking(reading, False)
        with suppress(BlockingIOError):
            read += os.read(reading, 100_000)
        return b"log lines were dropped" in read

    wait_until(told)
    writer.close()
    assert f"dropped={writer.dropped}".encode() in read


def test_a_closed_pipe_is_counted():
    """When the reader has gone for good lines are lost, counted, and nothing else happens."""
    reading, writing = os.pipe()
    os.close(reading)
    writer = LogWriter(writing)
    writer.put("line")
    writer.close()
    os.close(writing)
    assert writer.dropped == 1


@pytest.mark.usefixtures("_restored")
def test_a_file_that_cannot_be_written_is_not_tried_again():
    """On a full disk each line is tried once: that lines are lost is told only after one was written."""
    full = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(full)
    configure_logging(writer, "info", LineFormatter("logfmt", Mask()), CLOCK.monotonic)
    for count in (1, 2):
        writer.put("line")
        wait_until(lambda count=count: writer.dropped >= count)
    writer.close()
    os.close(full)

    assert writer.dropped == 2


@pytest.mark.usefixtures("_restored")
def test_a_line_that_cannot_be_made_is_counted(pipe, capsys):
    """A record whose arguments do not fit costs itself alone, and prints nothing that could wait."""
    _, writing = pipe
    writer = LogWriter(writing)
    configure_logging(writer, "info", LineFormatter("logfmt", Mask()), CLOCK.monotonic)
    logging.getLogger("exporter.test").info("%d", "no number")  # noqa: PLE1205, RUF100 - on purpose
    writer.close()

    assert writer.dropped == 1
    assert capsys.readouterr().err == ""


def test_what_strangers_cause_is_logged_once_a_minute():
    """Each message passes once a minute, with the number of those that did not; others are not affected."""
    clock = FakeClock()
    limit = OncePerMinute(clock.monotonic)

    def passes(message: str) -> logging.LogRecord | None:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, message, (), None)
        return record if limit.filter(record) else None

    assert passes("Invalid HTTP request received.")
    assert not any(passes("Invalid HTTP request received.") for _ in range(1000))
    assert passes("another\nwith a transport at 0x7f")
    assert not passes("another\nwith a transport at 0x8f")
    clock.advance(61)
    again = passes("Invalid HTTP request received.")
    assert again.left_out == 1000
    clock.advance(61)
    assert not hasattr(passes("Invalid HTTP request received."), "left_out")


def test_messages_of_strangers_are_bounded():
    """However many different messages come, a bounded number is remembered."""
    limit = OncePerMinute(FakeClock().monotonic)
    for number in range(10_000):
        limit.filter(logging.LogRecord("asyncio", logging.ERROR, "", 0, f"message {number}", (), None))
    assert len(limit._last) <= 1000
    assert len(limit._left_out) <= 1000


@pytest.fixture
def unread(tmp_path):
    """The exporter as a process whose log nobody reads once it listens, its configuration, and its page."""
    with SimulatedQuantConnect(demo_scenario(CLOCK.wall()), CLOCK) as api:
        config = write_config(tmp_path / "config.yml", api, polling={"status": "1s"})
        command = (
            sys.executable,
            "-m",
            "exporter",
            f"--config.file={config}",
            "--web.listen-address=127.0.0.1:0",
        )
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            try:
                line = b"begun"
                while line and b"msg=listening" not in line:
                    line = process.stderr.readline()
                address = line.partition(b"address=")[2].split()[0].decode()
                url = f"http://{address}/metrics"
                yield process, config, lambda: parse_page(requests.get(url, timeout=5).text)
            finally:
                process.kill()


def test_a_pipe_that_nobody_reads_stops_nothing(unread):
    """With standard error unread and full: polls and scrapes go on, the count is on the page, SIGTERM is obeyed."""
    process, config, page = unread
    config.write_text("".join(f"wrong{number}: 1\n" for number in range(500)))

    def is_dropping() -> bool:
        process.send_signal(signal.SIGHUP)  # which logs a line for each mistake
        return page().one("quantconnect_exporter_log_lines_dropped_total") > 0

    wait_until(is_dropping, what="a full pipe")
    polled = sum(page().all("quantconnect_polls_total"))
    wait_until(lambda: sum(page().all("quantconnect_polls_total")) > polled, what="a poll")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
