"""Files that are read again when they change, without a thread that watches them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.config.files import TextFile, before_reading, read_text_file

MAX_FILE_BYTES = 1024 * 1024

_Stamp = tuple[int, ...] | None


class WatchedFiles:
    """The files that one load has read, with what shows that they have changed."""

    def __init__(self) -> None:
        self._stamps: dict[Path, _Stamp] = {}

    def read(self, path: Path) -> TextFile:
        """Read a file and watch it from now on, even when it raises UnreadableError."""
        with self.watching():
            return read_text_file(path, MAX_FILE_BYTES)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every file that is read in this context, readable or not."""
        token = before_reading.set(self._note)
        try:
            yield
        finally:
            before_reading.reset(token)

    def changed(self) -> bool:
        """Tell whether any of the files has changed since it was read."""
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())

    def _note(self, path: Path) -> None:
        self._stamps[path] = _stamp(path)


def _stamp(path: Path) -> _Stamp:
    """Return what changes with every write, rename and change of mode; links are followed, None is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
