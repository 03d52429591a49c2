"""HTTP connections on which a whole request ends in time.

The time-outs of requests and of sockets bound each step alone: every address of a name, every read of
an answer that drips in, and the resolver not at all.
"""

import http.client
import io
import socket
from concurrent.futures import Future
from functools import cache
from http import HTTPStatus
from threading import Lock, Thread, local
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager, ProxyManager
from urllib3.util.connection import allowed_gai_family, create_connection

from exporter.clock import SystemClock

_CLOCK = SystemClock()

_MOST_INTERIM = 10
"""Interim responses (1xx) that may come before an answer; a server that sends them without end keeps a thread busy."""

_request = local()
"""``deadline``: when the request of this thread has to be over, monotonic seconds."""


def _left() -> float:
    """Return the seconds left for this thread's request; raises TimeoutError when none are."""
    left: float = _request.deadline - _CLOCK.monotonic()
    if left <= 0:
        raise TimeoutError("no complete answer before the deadline")
    return left


class _Resolver:
    """Resolves names in threads of its own, at most one per name: the system's resolver cannot be interrupted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[tuple[str, int], Future[list[str]]] = {}

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host; raises TimeoutError at the deadline of the request."""
        with self._lock:
            answer = self._asked.get((host, port))
            if answer is None:
                answer = self._asked[host, port] = Future()
                Thread(target=self._ask, args=(host, port, answer), daemon=True).start()
        return answer.result(_left())

    def _ask(self, host: str, port: int, answer: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        else:
            answer.set_result([str(address[0]) for *_, address in found])
        finally:
            with self._lock:
                del self._asked[host, port]


_RESOLVER = _Resolver()


class _UntilDeadline(io.RawIOBase):
    """What a socket sends until the deadline of the request."""

    def __init__(self, raw: io.RawIOBase, source: socket.socket) -> None:
        self._raw = raw
        self._source = source

    def readable(self) -> bool:
        """Return True: this is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived; raises TimeoutError at the deadline, however much came before it."""
        self._source.settimeout(_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the file of the socket."""
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        """Return the status of the answer itself, past interim responses (RFC 9110, section 15.2).

        The standard library takes all of them but 100 for the answer. The real one would then be read
        as that of the next request.
        """
        for _ in range(_MOST_INTERIM):
            status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if status[1] == HTTPStatus.SWITCHING_PROTOCOLS:
                break
            if status[1] >= HTTPStatus.OK:
                return status
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("no answer behind interim responses")


class _Bounded(HTTPConnection):
    """A connection that reads its answers until the deadline."""

    response_class = _Answer

    def _tunnel(self) -> None:
        """Open a proxy's tunnel; TLS, which comes next, has the time that is left."""
        super()._tunnel()
        self.sock.settimeout(_left())


class _Direct(_Bounded):
    """A connection that is also made before the deadline, however many addresses its host has."""

    def _new_conn(self) -> socket.socket:
        try:
            connected = self._connected(_RESOLVER.addresses(self._dns_host, self.port))
            connected.settimeout(_left())
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}") from error
        return connected

    def _connected(self, addresses: list[str]) -> socket.socket:
        """Connect to the first address that accepts. Each gets an equal share of the time left."""
        failure = OSError("a name without addresses")
        for tried, address in enumerate(addresses):
            try:
                return create_connection(
                    (address, self.port),
                    _left() / (len(addresses) - tried),
                    self.source_address,
                    self.socket_options,
                )
            except OSError as error:
                failure = error
        raise failure


class BoundedAdapter(HTTPAdapter):
    """Sends requests whose time-out bounds the whole: name, connecting, TLS, and the answer to its last byte.

    Through a SOCKS proxy, connecting has that time once more.
    """

    def send(self, *args: Any, **options: Any) -> Any:
        """Send a request that ends within ``timeout`` seconds; its answer has to be read in the same thread."""
        _request.deadline = _CLOCK.monotonic() + options["timeout"]
        return super().send(*args, **options)

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
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded(pool) for scheme, pool in pools.items()}


@cache
def _bounded(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    connection = pool.ConnectionCls
    if issubclass(connection, _Bounded):
        return pool
    # Those of a SOCKS proxy connect in a way of their own.
    bound = _Direct if connection in {HTTPConnection, HTTPSConnection} else _Bounded
    kind = type(connection.__name__, (bound, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": kind})
