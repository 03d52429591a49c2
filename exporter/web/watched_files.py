"""Files that are read again when they change, without a thread that watches them."""

from pathlib import Path

from exporter.config.files import TextFile, read_text_file

MAX_FILE_BYTES = 1024 * 1024

_Stamp = tuple[int, ...] | None


class WatchedFiles:
    """The files that one reading looked at, and what tells them from their successors."""

    def __init__(self) -> None:
        self._stamps: dict[Path, _Stamp] = {}

    def read(self, path: Path) -> TextFile:
        """Read a file and watch it from now on, even when it raises UnreadableError."""
        # The stamp comes first: what is written while we read is then a change.
        self._stamps[path] = _stamp(path)
        return read_text_file(path, MAX_FILE_BYTES)

    def changed(self) -> bool:
        """Tell whether any of the files is another than the one that was read."""
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())


def _stamp(path: Path) -> _Stamp:
    """Return what changes with every writing, renaming and mode; links are followed, None is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
