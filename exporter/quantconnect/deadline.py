"""HTTP connections whose answers end in time.

A socket's time-out, and so that of requests, bounds each read alone: a server that sends a byte now
and then, of the head or of the body, would be listened to for ever.
"""

import http.client
import io
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import PoolManager, ProxyManager

from exporter.clock import SystemClock

_CLOCK = SystemClock()


class _UntilDeadline(io.RawIOBase):
    """What a socket sends, for as many seconds as its time-out is when it begins to be read."""

    def __init__(self, raw: io.RawIOBase, source: socket.socket) -> None:
        self._raw = raw
        self._source = source
        self._deadline = _CLOCK.monotonic() + (source.gettimeout() or 0)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived; raises TimeoutError at the deadline, however much came before it."""
        left = self._deadline - _CLOCK.monotonic()
        if left <= 0:
            raise TimeoutError("no complete answer before the deadline")
        self._source.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock))


class _PlainConnection(HTTPConnection):
    response_class = _Answer


class _TlsConnection(HTTPSConnection):
    response_class = _Answer


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class BoundedAdapter(HTTPAdapter):
    """Sends requests whose time-out bounds the connecting, and once more the answer from first to last byte."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **options)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> ProxyManager:
        """Return the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **options)
        _bound(manager)
        return manager


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
