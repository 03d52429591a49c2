"""Loading a changed configuration: all of it, or nothing."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Thread

from exporter.config.load import Loaded
from exporter.config.watched_files import WatchedFiles
from exporter.errors import ConfigError, UnfinishedReloadError
from exporter.service import Exporter

Problems = tuple[str, ...]

_logger = logging.getLogger(__name__)


class Reloader:
    """Reads the configuration again and gives it to the exporter, in a thread of its own.

    ``load`` reads it and raises ConfigError. ``files`` are those that it read when the process began.
    With ``interval``, in seconds, the files are checked that often, and a change is loaded.
    """

    def __init__(
        self, load: Callable[[], Loaded], exporter: Exporter, files: WatchedFiles, interval: float = 0
    ) -> None:
        self._load = load
        self._exporter = exporter
        self._files = files
        self._interval = interval or None
        self._requests: list[Future[Problems]] = []
        self._asked = Condition()
        # A daemon: a long reload must not keep the process from ending.
        self._thread = Thread(target=self._run, name="reload", daemon=True)

    def start(self) -> None:
        """Start serving requests."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether requests are served; they are not after a reload that failed half way."""
        return self._thread.is_alive()

    def request(self) -> "Future[Problems]":
        """Ask for a reload. Requests that come before it begins share it.

        The result is its problems; without any, the new configuration is in force.
        """
        future: Future[Problems] = Future()
        with self._asked:
            self._requests.append(future)
            self._asked.notify()
        return future

    def reload(self) -> Problems:
        """Load the configuration as it is now; return the problems because of which the running one is kept.

        Raises UnfinishedReloadError when neither is in force.
        """
        self._files = WatchedFiles()
        try:
            with self._files.watching():
                loaded = self._load()
            self._exporter.reconfigure(loaded.config)
        except ConfigError as error:
            return self._keep(error.problems)
        except UnfinishedReloadError:
            raise
        except Exception as error:
            _logger.exception("an unexpected error during a reload")
            return self._keep((f"unexpected error: {type(error).__name__}: {error}",))
        for warning in loaded.warnings:
            _logger.warning(warning)
        _logger.info("configuration reloaded")
        return ()

    def _keep(self, problems: Problems) -> Problems:
        self._exporter.keep_configuration()
        for problem in problems:
            _logger.error("configuration refused, the running one is kept", extra={"problem": problem})
        return problems

    def _run(self) -> None:
        try:
            while True:
                requests = self._next()
                if requests or self._files.changed():
                    problems = self.reload()
                    for each in requests:
                        each.set_result(problems)
        except Exception:
            _logger.critical("reloading has ended", exc_info=True)

    def _next(self) -> "list[Future[Problems]]":
        """Return the requests that wait; after an interval, perhaps none."""
        with self._asked:
            self._asked.wait_for(lambda: self._requests, self._interval)
            requests, self._requests = self._requests, []
        return [each for each in requests if each.set_running_or_notify_cancel()]
