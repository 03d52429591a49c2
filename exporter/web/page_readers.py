"""Who still reads which version of the page: what slow readers keep in memory is bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from exporter.metrics.page import Content
from exporter.web.http_connection import HttpConnection

MOST_BYTES = 16 * 1024 * 1024
"""Bytes that all versions together may hold while they are read, the newest apart."""


@dataclass(slots=True)
class _Version:
    size: int
    readers: set[HttpConnection] = field(default_factory=set)


class PageReaders:
    """Ends the readers of the oldest versions when all versions that are still read hold too much."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._versions: dict[int, _Version] = {}

    @contextmanager
    def reading(self, content: Content, connection: HttpConnection) -> Iterator[None]:
        """Count a reader of some content, which keeps that version in memory until it has read all."""
        key = id(content.version)  # which is alive as long as somebody reads it
        version = self._versions.setdefault(key, _Version(content.kept_bytes))
        version.readers.add(connection)
        self._end_oldest()
        try:
            yield
        finally:
            version.readers.discard(connection)
            if not version.readers and self._versions.get(key) is version:
                del self._versions[key]

    def _end_oldest(self) -> None:
        while len(self._versions) > 1 and self._old_bytes() > self._most_bytes:
            for each in self._versions.pop(next(iter(self._versions))).readers:
                each.end()

    def _old_bytes(self) -> int:
        *old, _ = self._versions.values()
        return sum(version.size for version in old)
