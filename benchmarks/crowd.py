"""Many clients at once: scrapers that all ask together, and a thousand readers that read nothing."""

import asyncio
import resource
import socket
from contextlib import suppress

from benchmarks.client import Scraper, request_bytes
from benchmarks.measure import CLOCK, MEBIBYTE, MILLI, Figure, resident_bytes, spread
from benchmarks.processes import started

SCRAPERS = 200
READERS = 1000
TOGETHER_SECONDS = 0.5
BESIDE_SECONDS = 1.0
MOST_MEBIBYTES = 50


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of a crowd."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with started("benchmarks.serving", 80, 2) as ours:
        taken = [asyncio.run(_together(ours.port)) for _ in range(2 if quick else 5)]
    slow = []
    for encoding in ("gzip", "identity"):
        with started("benchmarks.serving", 750, 2) as ours:
            slow.append(_slow_readers(ours.port, ours.id, encoding))
    together = spread(taken)
    return [
        Figure(
            f"{SCRAPERS:,} simultaneous scrapers, {ours_pages(80)}",
            together.shown("s"),
            "-",
            "-",
            f"all within {TOGETHER_SECONDS} s",
            together.median <= TOGETHER_SECONDS,
        ),
        *slow,
    ]


def ours_pages(projects: int) -> str:
    """Return how large the page of so many projects is."""
    return f"a page of {projects * 103:,} series"


async def _together(port: int) -> float:
    """Return how long it takes until everybody who asked at once has a whole answer."""
    connections = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(SCRAPERS))
    )
    request = request_bytes()
    started_at = CLOCK.monotonic()
    for _, writer in connections:
        writer.write(request)
    await asyncio.gather(*(_read(reader) for reader, _ in connections))
    taken = CLOCK.monotonic() - started_at
    for _, writer in connections:
        writer.close()
    return taken


async def _read(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)


def _slow_readers(port: int, process_id: int, encoding: str) -> Figure:
    with Scraper(port) as scraper:
        scraper.scrape()
        before = resident_bytes(process_id)
        readers = []
        for _ in range(READERS):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with suppress(ConnectionError):  # ended at once, with no connection left
                reader.connect(("127.0.0.1", port))
                reader.sendall(request_bytes(encoding=encoding))
            readers.append(reader)
        taken = [scraper.scrape() for _ in range(50)]
        grown = (resident_bytes(process_id) - before) / MEBIBYTE
        for reader in readers:
            reader.close()
    worst = max(taken)
    return Figure(
        f"scrapes beside {READERS:,} readers that read nothing, {ours_pages(750)}, {encoding}",
        f"worst {worst * MILLI:.0f} ms, {grown:+.0f} MiB",
        f"median {spread(taken).shown('ms', MILLI)}",
        "-",
        f"within {BESIDE_SECONDS:.0f} s and +{MOST_MEBIBYTES} MiB",
        worst <= BESIDE_SECONDS and grown <= MOST_MEBIBYTES,
    )
