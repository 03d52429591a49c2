"""The metrics page: kept lines joined and compressed once for each change, never for each scrape.

The page is a body of projects' lines, and a tail of the exporter's own metrics. The body is kept
until a project is published or a value grows too old; the tail, a few kilobytes that change with
every request and with time, is written anew for each scrape.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from threading import Lock

from isal import isal_zlib

from exporter.clock import Clock
from exporter.metrics.exposition import Format, header
from exporter.metrics.families import PROJECT_FAMILIES
from exporter.metrics.rendering import RenderedGroup, RenderedProject
from exporter.polling.store import Published, Snapshot, Store

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_RAW_DEFLATE = -15
_FASTEST = 1


@dataclass(frozen=True, slots=True)
class _Body:
    """Everything but the tail, plain and as deflate blocks that end on a byte."""

    version: int
    valid_until: float
    plain: bytes
    deflated: bytes
    checksum: int


class Page:
    """Makes the bytes of ``/metrics``; ``tail`` returns the exporter's own lines in a format."""

    def __init__(self, store: Store[RenderedProject], tail: Callable[[Format], bytes], clock: Clock) -> None:
        self._store = store
        self._tail = tail
        self._clock = clock
        self._bodies: dict[Format, _Body] = {}
        self._building = Lock()

    def is_current(self, page_format: Format) -> bool:
        """Tell whether the next page needs no body to be built, and so next to no time."""
        return self._current(page_format) is not None

    def plain(self, page_format: Format) -> bytes:
        """Return the page uncompressed."""
        return self._body(page_format).plain + self._tail(page_format) + page_format.end

    def gzipped(self, page_format: Format) -> bytes:
        """Return the page as one gzip member.

        Deflate blocks may be joined when each part ends on a byte, and the checksum can be
        continued, so that the body need not be compressed again to put the tail behind it.
        """
        body = self._body(page_format)
        tail = self._tail(page_format) + page_format.end
        compressor = isal_zlib.compressobj(level=_FASTEST, wbits=_RAW_DEFLATE)
        length = (len(body.plain) + len(tail)) & 0xFFFFFFFF
        return b"".join(
            (
                _GZIP_HEADER,
                body.deflated,
                compressor.compress(tail),
                compressor.flush(),
                struct.pack("<II", zlib.crc32(tail, body.checksum), length),
            )
        )

    def _current(self, page_format: Format) -> _Body | None:
        body = self._bodies.get(page_format)
        if body is None or body.version != self._store.version:
            return None
        return body if self._clock.monotonic() < body.valid_until else None

    def _body(self, page_format: Format) -> _Body:
        with self._building:
            body = self._current(page_format)
            if body is None:
                body = _build(self._store.snapshot(), page_format, self._clock.monotonic())
                self._bodies[page_format] = body
            return body


def _build(snapshot: Snapshot[RenderedProject], page_format: Format, now: float) -> _Body:
    """Join the lines of all groups that may still be shown, family by family."""
    groups = [group for published in snapshot.projects for group in _shown(published, now)]
    parts: list[bytes] = []
    for index, family in enumerate(PROJECT_FAMILIES):
        lines = [group.lines[index] for group in groups if index in group.lines]
        if any(lines):
            parts.append(header(page_format, family.name, family.kind, family.help))
            parts += lines
    plain = b"".join(parts)
    compressor = isal_zlib.compressobj(level=_FASTEST, wbits=_RAW_DEFLATE)
    return _Body(
        version=snapshot.version,
        valid_until=min((group.expires_at for group in groups), default=inf),
        plain=plain,
        deflated=compressor.compress(plain) + compressor.flush(isal_zlib.Z_FULL_FLUSH),
        checksum=zlib.crc32(plain),
    )


def _shown(published: Published[RenderedProject], now: float) -> list[RenderedGroup]:
    return [group for group in published.rendered.groups if group is not None and now < group.expires_at]
