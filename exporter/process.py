"""The process: what it does between its start and the signal that ends it."""

import ctypes
import gc
import logging
import os
import resource
from contextlib import suppress

from exporter.reload import Reloader
from exporter.service import Exporter
from exporter.signals import Signals
from exporter.web.server import WebServer

_WATCH_SECONDS = 1.0
"""Seconds between liveness checks."""

_M_MMAP_THRESHOLD = -3
_LARGE_BUFFER = 4 * 1024 * 1024
"""Bytes from which a buffer is returned once it is free. Less would slow large portfolios: a poll needs some MiB."""

_logger = logging.getLogger(__name__)


def forbid_core_dumps() -> None:
    """Turn core dumps off: the memory holds the token."""
    with suppress(OSError, ValueError):  # a sandbox may refuse the call; the systemd unit sets LimitCORE too
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def occupy_standard_files() -> None:
    """Open the standard files that the process was started without.

    Otherwise the next file or socket would get the number of standard error, and receive the log.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def return_freed_memory() -> None:
    """Let glibc give large buffers back to the system once they are free.

    Each large answer otherwise raises the size from which it does so, up to 32 MiB (M_MMAP_THRESHOLD in
    mallopt(3)), and what answers needed stays with the process. Other C libraries have no such call.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BUFFER)


def collect_garbage_rarely() -> None:
    """Let Python look for reference cycles after five thousand new objects, not after seven hundred.

    There are few cycles: what a poll replaces is freed at once without a search. A search through the
    objects behind 100,000 series takes 12 ms, and delays a scrape. It cannot be much rarer: a connection
    that is reset leaves some forty objects in a cycle of urllib3's.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 100)


def run_until_stopped(exporter: Exporter, server: WebServer, reloader: Reloader, signals: Signals) -> bool:
    """Poll and serve until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    Returns ``False`` when a part has ended by itself or could not start. The process must then end, so that
    its supervisor can restart it.
    """
    signals.serve()
    try:
        server.start()
        exporter.start()
        reloader.start()
        failure = _watch(exporter, server, reloader, signals)
    except Exception as error:
        _logger.critical("unexpected error", exc_info=True)
        failure = f"{type(error).__name__}: {error}"
    if failure is not None:
        _logger.critical(failure)
    _logger.info("stopping")
    exporter.stop()
    server.stop()
    return failure is None


def _watch(exporter: Exporter, server: WebServer, reloader: Reloader, signals: Signals) -> str | None:
    """Return when told to stop, or with the reason why the process cannot go on."""
    while True:
        signals.wait(_WATCH_SECONDS)
        if signals.stop:
            return None
        if signals.take_reload():
            reloader.request()
        if not server.is_alive():
            return "the web server has ended by itself"
        if exporter.poller.lost():
            return "a poll worker has ended by itself"
        if not reloader.is_alive():
            return "reloading has ended by itself"
