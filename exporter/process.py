"""The process: what it does between its start and the signal that ends it."""

import gc
import logging
import signal
from queue import Empty, SimpleQueue

from exporter.reload import Reloader
from exporter.service import Exporter
from exporter.web.server import WebServer

_WATCH_SECONDS = 1.0
"""How often it is looked whether everything still lives."""

_logger = logging.getLogger(__name__)


def collect_garbage_rarely() -> None:
    """Let Python look for reference cycles after five thousand new objects, not after seven hundred.

    There are next to none: what a poll replaces is freed at once without them. Looking through the
    objects behind 100,000 series takes 12 ms, in the middle of whatever scrape is being answered. Not
    more rarely either: a connection that is reset leaves some forty objects in a cycle of urllib3's.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 100)


def run_until_stopped(exporter: Exporter, server: WebServer, reloader: Reloader) -> bool:
    """Poll and serve until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    Returns ``False`` when a part has ended by itself: a process that polls or serves no more is
    better ended, and started again by whoever watches over it, than left to look alive.
    """
    signals: SimpleQueue[int] = SimpleQueue()  # a signal handler may put into it, whatever it interrupts
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: signals.put(received))
    server.start()
    exporter.start()
    failure = _watch(exporter, server, reloader, signals)
    if failure is not None:
        _logger.critical(failure)
    _logger.info("stopping")
    exporter.stop()
    server.stop()
    return failure is None


def _watch(
    exporter: Exporter, server: WebServer, reloader: Reloader, signals: "SimpleQueue[int]"
) -> str | None:
    """Return when told to stop, or with the reason why going on makes no sense."""
    while True:
        try:
            received = signals.get(timeout=_WATCH_SECONDS)
        except Empty:
            received = None
        if received == signal.SIGHUP:
            reloader.reload()
        elif received is not None:
            return None
        if not server.is_alive():
            return "the web server has ended by itself"
        if exporter.poller.lost():
            return "a poll worker has ended by itself"
