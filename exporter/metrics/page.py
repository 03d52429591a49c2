"""The metrics page: kept lines joined and compressed once for each change, never for each scrape.

The page is a body of projects' lines, and a tail of the exporter's own metrics. The body is kept
until a project is published or a value grows too old; the tail, a few kilobytes that change with
every request and with time, is rewritten at each scrape.

A body is made of blocks, of which a new body compresses only those whose lines have changed. Deflate
allows it: after a full flush nothing refers to what came before and the output ends on a byte, so
that blocks can be joined in any order, and the checksum of the whole follows from theirs.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from math import inf, log2
from threading import Lock

from isal import isal_zlib

from exporter.clock import Clock
from exporter.metrics.exposition import Format, header
from exporter.metrics.families import PROJECT_COLUMNS
from exporter.metrics.rendering import RenderedProject
from exporter.polling.store import Snapshot, Store

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_RAW_DEFLATE = -15
_FASTEST = 1
_BLOCK_BYTES = 64 * 1024
"""Bytes of the smallest block: small enough to compress in no time, large enough to compress well."""
_JOINED_BYTES = 16 * 1024
"""Bytes that are joined at once, and kept while their reader takes nothing."""
_PIECE_BYTES = 32 * 1024
"""Bytes that are handed on at once. Python before 3.12 copies those that the kernel does not take."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Successive lines of the page; ``deflated`` ends on a byte and refers to nothing before it."""

    lines: tuple[bytes, ...]
    deflated: bytes
    checksum: int
    length: int


@dataclass(frozen=True, slots=True)
class _Body:
    """Everything but the tail. Its plain bytes stay in the projects' lines, and are joined when asked for."""

    version: int
    valid_until: float
    blocks: Mapping[bytes, _Block]
    gzipped: bytes
    checksum: int
    length: int

    def plain(self) -> Iterator[bytes | memoryview]:
        """Yield the uncompressed bytes, joined only when they are asked for."""
        return _joined(chain.from_iterable([block.lines for block in self.blocks.values()]))


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a page: ``length`` of them, in ``pieces``.

    All but the last piece belong to every scrape of the same ``version``. A slow reader keeps its
    ``kept_bytes`` in memory, however many read it.
    """

    length: int
    pieces: Callable[[], Iterator[bytes | memoryview]]
    version: object
    kept_bytes: int

    def __bytes__(self) -> bytes:
        """Return all of them."""
        return b"".join(self.pieces())


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

    def plain(self, page_format: Format) -> Content:
        """Return the page uncompressed."""
        body = self._body(page_format)
        tail = self._tail(page_format) + page_format.end
        return Content(
            body.length + len(tail), lambda: chain(body.plain(), (tail,)), body.blocks, body.length
        )

    def gzipped(self, page_format: Format) -> Content:
        """Return the page as one gzip member: the kept body, and the tail compressed behind it."""
        body = self._body(page_format)
        tail = self._tail(page_format) + page_format.end
        compressor = isal_zlib.compressobj(level=_FASTEST, wbits=_RAW_DEFLATE)
        length = (body.length + len(tail)) & 0xFFFFFFFF
        end = b"".join(
            (
                compressor.compress(tail),
                compressor.flush(),
                struct.pack("<II", isal_zlib.crc32(tail, body.checksum), length),
            )
        )
        gzipped = body.gzipped  # alone: a reader of the compressed bytes must not keep the plain lines
        return Content(len(gzipped) + len(end), lambda: chain(_views(gzipped), (end,)), gzipped, len(gzipped))

    def _current(self, page_format: Format) -> _Body | None:
        body = self._bodies.get(page_format)
        if body is None or body.version != self._store.version:
            return None
        return body if self._clock.monotonic() < body.valid_until else None

    def _body(self, page_format: Format) -> _Body:
        with self._building:
            body = self._current(page_format)
            if body is None:
                previous = self._bodies[page_format].blocks if page_format in self._bodies else {}
                body = _build(self._store.snapshot(), page_format, self._clock.monotonic(), previous)
                self._bodies[page_format] = body
            return body


def _build(
    snapshot: Snapshot[RenderedProject], page_format: Format, now: float, previous: Mapping[bytes, _Block]
) -> _Body:
    """Join the lines that may still be shown, family by family, keeping the previous blocks that are the same."""
    rendered = [published.rendered for published in snapshot.projects]
    columns = zip(*[each.lines_at(now) for each in rendered], strict=True)
    blocks: dict[bytes, _Block] = {}
    for lines in _cut(columns, page_format):
        # A block is found by its first lines, of which no two blocks have the same.
        block = previous.get(lines[0])
        blocks[lines[0]] = block if block is not None and block.lines == lines else _deflate(lines)
    return _Body(
        version=snapshot.version,
        valid_until=min((each.expires_after(now) for each in rendered), default=inf),
        blocks=blocks,
        gzipped=b"".join([_GZIP_HEADER, *[block.deflated for block in blocks.values()]]),
        checksum=reduce(_combined, blocks.values(), 0),
        length=sum(block.length for block in blocks.values()),
    )


def _cut(columns: Iterator[tuple[bytes, ...]], page_format: Format) -> Iterator[tuple[bytes, ...]]:
    """Yield the lines of blocks: the families' headers and lines in their order, none of them empty."""
    collected: list[bytes] = []
    size = 0
    for family, column in zip(PROJECT_COLUMNS, columns, strict=False):
        lines = [line for line in column if line]
        if not lines:
            continue
        if announcement := header(page_format, family.name, family.kind, family.help):
            collected.append(announcement.rstrip())
        for some in _pieces(lines):
            collected += some
            size += sum(map(len, some))
            if size >= _BLOCK_BYTES:
                yield tuple(collected)
                collected, size = [], 0
    if collected:
        yield tuple(collected)


def _pieces(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield the lines of a family in pieces of about a block, of as many projects while sizes are alike.

    The number of projects is a power of two, so that a number that grows by a digit moves no border.
    """
    average = sum(map(len, lines)) / len(lines)
    count = 1 << max(0, round(log2(_BLOCK_BYTES / average)))
    for start in range(0, len(lines), count):
        yield lines[start : start + count]


def _views(whole: bytes) -> Iterator[memoryview]:
    view = memoryview(whole)
    return (view[start : start + _PIECE_BYTES] for start in range(0, len(whole), _PIECE_BYTES))


def _joined(lines: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Yield lines with their line breaks: short ones together, and long ones as views, which are no copy."""
    together: list[bytes] = []
    size = 0
    for line in lines:
        if together and size + len(line) > _JOINED_BYTES:
            yield _plain(together)
            together, size = [], 0
        if len(line) > _JOINED_BYTES:
            yield from _views(line)
            yield b"\n"
        else:
            together.append(line)
            size += len(line)
    if together:
        yield _plain(together)


def _deflate(lines: tuple[bytes, ...]) -> _Block:
    plain = _plain(lines)
    compressor = isal_zlib.compressobj(level=_FASTEST, wbits=_RAW_DEFLATE)
    deflated = compressor.compress(plain) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
    return _Block(lines, deflated, isal_zlib.crc32(plain), len(plain))


def _plain(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of lines that come without their last line break."""
    return b"\n".join((*lines, b""))


def _combined(checksum: int, block: _Block) -> int:
    """Return the checksum of what came before and a block after it."""
    return isal_zlib.crc32_combine(checksum, block.checksum, block.length)
