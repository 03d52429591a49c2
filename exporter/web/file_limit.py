"""How many connections the process can afford: each costs a file, and polling needs files too."""

import logging
import resource

RESERVED_FILES = 64
"""Files for the log, the configuration, listening sockets and what Python itself opens."""
FILES_PER_WORKER = 2
"""Files for each polling worker: its connection, and a name look-up or a new connection at the same time."""

_logger = logging.getLogger(__name__)


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS refuses an unlimited hard limit
            return soft
    return hard


def affordable_connections(wanted: int, workers: int, files: int) -> int:
    """Return how many connections fit into ``files`` beside polling, at least one; log when fewer than wanted."""
    if files == resource.RLIM_INFINITY:
        return wanted
    reserved = RESERVED_FILES + FILES_PER_WORKER * workers
    affordable = max(1, min(wanted, files - reserved))
    if affordable < wanted:
        _logger.warning(
            "fewer connections than asked for: too few files are allowed",
            extra={"connections": affordable, "wanted": wanted, "files": files, "reserved": reserved},
        )
    return affordable
