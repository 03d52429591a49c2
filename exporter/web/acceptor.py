"""Accepting connections: each is counted before anything is read, TLS handshakes too."""

import asyncio.sslproto
import errno
import logging
import socket
import ssl
from collections.abc import Callable

from exporter.web.connections import DEADLINES, Closable, Connections, Phase
from exporter.web.file_limit import RESERVED_FILES

_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS = 0.1
_TLS_TIMEOUTS = {"ssl_handshake_timeout": DEADLINES[Phase.HANDSHAKE], "ssl_shutdown_timeout": 1.0}

# What asyncio reads into: it gives each TLS connection 256 KiB from its start, and a request has one.
asyncio.sslproto.SSLProtocol.max_size = 16 * 1024

_logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts on listening sockets and hands each connection to a protocol of its own.

    ``make_protocol`` gets the placeholder of the connection in the registry, which the protocol replaces.
    ``tls`` returns the context for the next connection, or None for plain HTTP.
    """

    def __init__(
        self,
        connections: Connections,
        make_protocol: Callable[[Closable], asyncio.Protocol],
        tls: Callable[[], ssl.SSLContext | None],
    ) -> None:
        self._connections = connections
        self._make_protocol = make_protocol
        self._tls = tls

    def start(self, listening: socket.socket) -> None:
        """Accept on a socket until :meth:`stop`."""
        listening.setblocking(False)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def stop(self, listening: socket.socket) -> None:
        """Accept no more."""
        asyncio.get_running_loop().remove_reader(listening)

    def _accept(self, listening: socket.socket) -> None:
        """Accept one connection. While others wait, the loop calls again, after its other work."""
        try:
            accepted, (host, *_) = listening.accept()
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                self._shrink(error, listening)
            return  # otherwise the client has left while it waited
        accepted.setblocking(False)
        origin = _origin(host)
        if self._connections.make_room(origin):
            self._open(accepted, origin)
        else:
            accepted.close()

    def _shrink(self, error: OSError, listening: socket.socket) -> None:
        """Go on after a moment, with fewer connections."""
        fewer = max(1, len(self._connections) - RESERVED_FILES)
        if fewer < self._connections.most:
            self._connections.most = fewer
            _logger.warning(
                "no more files: fewer connections from now on",
                extra={"connections": fewer, "error": error.strerror},
            )
        self._connections.make_room()
        self.stop(listening)
        asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:  # not closed meanwhile
            self.start(listening)

    def _open(self, accepted: socket.socket, origin: str) -> None:
        opening = _Opening(accepted, origin)
        self._connections.enter(opening, Phase.HANDSHAKE)
        opening.task = asyncio.get_running_loop().create_task(self._connect(opening))
        opening.task.add_done_callback(opening.close_if_not_begun)

    async def _connect(self, opening: "_Opening") -> None:
        opening.has_begun = True
        tls = self._tls()
        timeouts = _TLS_TIMEOUTS if tls else {}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._make_protocol(opening), opening.accepted, ssl=tls, **timeouts
            )
        except BaseException as error:
            opening.accepted.close()
            if not isinstance(error, OSError | asyncio.CancelledError):
                raise
            # The client left, failed or made room. asyncio's frames hold their error, which holds them:
            # 300 kB until a search for cycles.
            error.__traceback__ = error.__context__ = None
        finally:
            self._connections.leave(opening)


class _Opening:
    """A connection without a protocol yet: its TLS handshake may be under way."""

    task: asyncio.Task[None]

    def __init__(self, accepted: socket.socket, origin: str) -> None:
        self.accepted = accepted
        self.origin = origin
        self.has_begun = False

    def end(self) -> None:
        """Give the connection up."""
        self.task.cancel()

    def close_if_not_begun(self, _: asyncio.Task[None]) -> None:
        """Close the socket of a task that was cancelled before it ran."""
        if not self.has_begun:
            self.accepted.close()


def _origin(host: str) -> str:
    """Return an IPv4 address, or the network of an IPv6 one: a host has 2^64 addresses of its own."""
    if "." in host:  # also as ::ffff:192.0.2.1
        return host
    network = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]
    return socket.inet_ntop(socket.AF_INET6, network.ljust(16, b"\0"))
