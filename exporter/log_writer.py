"""Writing the log: lines leave through a bounded queue, so that no reader of a pipe can stop the process.

Lines that do not fit are dropped and counted. What strangers cause is logged at most once a minute.
"""

import logging
import os
import select
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import QueueHandler
from queue import Full, Queue
from threading import Thread

from exporter.log_format import LineFormatter

STANDARD_ERROR = 2
MOST_LINES = 1000
"""Lines that wait while nobody reads them."""
STRANGERS = "exporter.strangers"
"""The logger for what any client can cause."""

_STRANGERS_LOGGERS = (STRANGERS, "uvicorn.error", "asyncio")
_SECONDS_BETWEEN = 60.0
_MOST_MESSAGES = 1000
_CLOSE_SECONDS = 0.5

_logger = logging.getLogger(__name__)


class LogWriter:
    """Writes lines to a file in a thread of its own.

    ``dropped`` counts the lines that were lost because the queue was full or the file cannot be written.
    """

    def __init__(self, descriptor: int = STANDARD_ERROR, most_lines: int = MOST_LINES) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self.lines: Queue[str | None] = Queue(most_lines)
        # A daemon: a write that nobody reads must not keep the process from ending.
        self._thread = Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Write a line soon, or drop it; never waits."""
        try:
            self.lines.put_nowait(line)
        except Full:
            self.dropped += 1

    def close(self) -> None:
        """Write the remaining lines, if somebody reads them within half a second."""
        with suppress(Full):
            self.lines.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        told = 0
        while (line := self.lines.get()) is not None:
            if not self._write(f"{line}\n".encode(errors="backslashreplace")):
                self.dropped += 1
            elif self.dropped != told and self.lines.empty():  # only now can it be told
                told = self.dropped
                _logger.warning("log lines were dropped: nobody read them", extra={"dropped": told})

    def _write(self, data: bytes) -> bool:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process that shares the pipe made it non-blocking
                select.select((), (self._descriptor,), ())
            except OSError:
                return False
        return True


def configure_logging(
    writer: LogWriter, level: str, formatter: LineFormatter, now: Callable[[], float]
) -> None:
    """Send every log line to the writer. ``now`` returns seconds of a clock that never steps back."""
    handler = _Handler(writer)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it announces its start and end, as we do
    limit = OncePerMinute(now)
    for name in _STRANGERS_LOGGERS:
        logging.getLogger(name).filters[:] = [limit]


class _Handler(QueueHandler):
    """Formats in the thread that logs, where the record is still what it was, and never waits."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__(writer.lines)
        self._writer = writer

    def prepare(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return self.format(record)

    def enqueue(self, record: str) -> None:  # type: ignore[override]
        """Hand the line on."""
        self._writer.put(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the standard library's
        """Count a line that cannot be formatted; the standard library would print to standard error, and wait."""
        self._writer.dropped += 1

    def close(self) -> None:
        """Write what is left; called at the end of the process."""
        self._writer.close()
        super().close()


class OncePerMinute(logging.Filter):
    """Lets each message through once a minute, with the number of repetitions in between."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._last: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is logged."""
        message = (record.name, str(record.msg).partition("\n")[0])
        now = self._now()
        if now - self._last.get(message, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
            self._left_out[message] = self._left_out.get(message, 0) + 1
            return False
        if len(self._last) >= _MOST_MESSAGES:
            self._last.clear()
            self._left_out.clear()
        self._last[message] = now
        if left_out := self._left_out.pop(message, 0):
            record.left_out = left_out
        return True
