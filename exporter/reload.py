"""Taking a changed configuration: all of it, or nothing."""

import logging
from collections.abc import Callable
from threading import Lock

from exporter.config.load import Loaded
from exporter.errors import ConfigError
from exporter.service import Exporter

_logger = logging.getLogger(__name__)


class Reloader:
    """Reads the configuration anew and gives it to the exporter.

    ``load`` reads it and raises ConfigError. Two reloads at a time wait for each other.
    """

    def __init__(self, load: Callable[[], Loaded], exporter: Exporter) -> None:
        self._load = load
        self._exporter = exporter
        self._lock = Lock()

    def reload(self) -> tuple[str, ...]:
        """Take the configuration as it is now; return the problems for which the running one is kept."""
        with self._lock:
            problems = self._take()
        for problem in problems:
            _logger.error("configuration refused, the running one is kept", extra={"problem": problem})
        if not problems:
            _logger.info("configuration reloaded")
        return problems

    def _take(self) -> tuple[str, ...]:
        try:
            loaded = self._load()
            self._exporter.reconfigure(loaded.config)
        except ConfigError as error:
            self._exporter.keep_configuration()
            return error.problems
        for warning in loaded.warnings:
            _logger.warning(warning)
        return ()
