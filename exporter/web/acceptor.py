"""Accepting connections: each is counted before anything is read, TLS handshakes too."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable

from exporter.web.connections import DEADLINES, Closable, Connections, Phase
from exporter.web.file_limit import RESERVED_FILES

_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS = 0.1
_GOODBYE_SECONDS = 1.0
"""How long TLS waits for a client to say goodbye."""

_logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts on listening sockets and hands each connection to a protocol of its own.

    ``make_protocol`` gets what stands for the connection in the registry until the protocol takes its
    place. ``tls`` returns the context for the next connection, or None for plain HTTP.
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

    async def accept(self, listening: socket.socket) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError as error:
                await self._recover(error)
                continue
            if self._connections.make_room():
                self._open(accepted)
            else:
                accepted.close()
            await asyncio.sleep(0)  # sock_accept does not yield while others wait to be accepted

    async def _recover(self, error: OSError) -> None:
        """Go on after a client that left while it waited, or with fewer connections after a lack of files."""
        if error.errno in _OUT_OF_FILES:
            fewer = max(1, len(self._connections) - RESERVED_FILES)
            if fewer < self._connections.most:
                self._connections.most = fewer
                _logger.warning(
                    "no more files: fewer connections from now on",
                    extra={"connections": fewer, "error": error.strerror},
                )
            self._connections.make_room()
            await asyncio.sleep(_PAUSE_SECONDS)

    def _open(self, accepted: socket.socket) -> None:
        opening = _Opening(accepted)
        self._connections.enter(opening, Phase.HANDSHAKE)
        opening.task = asyncio.get_running_loop().create_task(self._connect(opening))
        opening.task.add_done_callback(opening.close_if_lost)

    async def _connect(self, opening: "_Opening") -> None:
        opening.has_begun = True
        seconds = DEADLINES[Phase.HANDSHAKE]
        tls = self._tls()
        timeouts = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": _GOODBYE_SECONDS} if tls else {}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._make_protocol(opening), opening.accepted, ssl=tls, **timeouts
            )
        except (OSError, asyncio.CancelledError):  # the client left, failed its handshake or made room
            opening.accepted.close()
        finally:
            self._connections.leave(opening)


class _Opening:
    """A connection without a protocol yet: its TLS handshake is under way."""

    task: asyncio.Task[None]

    def __init__(self, accepted: socket.socket) -> None:
        self.accepted = accepted
        self.has_begun = False

    def end(self) -> None:
        """Give the connection up."""
        self.task.cancel()

    def close_if_lost(self, _: asyncio.Task[None]) -> None:
        """Close the socket of a task that was cancelled before it ran."""
        if not self.has_begun:
            self.accepted.close()
