"""A scraper as light as can be: one kept connection, Prometheus' headers, the body read and thrown away."""

import socket
from types import TracebackType
from typing import Self

from benchmarks.measure import CLOCK

OPENMETRICS_FIRST = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
TEXT_ONLY = "text/plain;version=0.0.4"

_CHUNK = 1 << 20


def request_bytes(path: str = "/metrics", accept: str = OPENMETRICS_FIRST, encoding: str = "gzip") -> bytes:
    """Return a request with the headers that Prometheus sends."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Prometheus/3.5.0\r\nAccept: {accept}\r\n"
        f"Accept-Encoding: {encoding}\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"
    ).encode()


class Scraper:
    """Scrapes one address again and again."""

    def __init__(
        self, port: int, path: str = "/metrics", accept: str = OPENMETRICS_FIRST, encoding: str = "gzip"
    ) -> None:
        self._port = port
        self._request = request_bytes(path, accept, encoding)
        self._buffer = bytearray(_CHUNK)
        self._connection: socket.socket | None = None
        self.status = 0
        self.length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def scrape(self) -> float:
        """Fetch the page and return the seconds from asking to its last byte.

        A server may have closed the kept connection meanwhile; then the time of a new one counts.
        """
        try:
            return self._fetch()
        except ConnectionError:
            self.close()
            return self._fetch()

    def _fetch(self) -> float:
        started = CLOCK.monotonic()
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(self._request)
        head, rest = self._head(self._connection)
        self.status = int(head.split(b" ", 2)[1])
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        missing = int(length) - rest if length else -1
        self.length = rest
        while missing != 0:
            received = self._connection.recv_into(self._buffer)
            if not received:
                break
            self.length += received
            missing -= received if missing > 0 else 0
        taken = CLOCK.monotonic() - started
        if missing != 0 or head.startswith(b"HTTP/1.0") or b"connection: close" in head.lower():
            self.close()
        return taken

    def _head(self, connection: socket.socket) -> tuple[bytes, int]:
        received = b""
        while b"\r\n\r\n" not in received:
            more = connection.recv(_CHUNK)
            if not more:
                raise ConnectionError("closed before the head was complete")
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        return head, len(rest)
