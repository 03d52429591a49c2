"""The web server: listening sockets, uvicorn in a thread of its own, and a clean end."""

import asyncio
import logging
import socket
from contextlib import nullcontext
from dataclasses import dataclass
from math import ceil
from threading import Thread

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.clock import SystemClock
from exporter.errors import ListenError
from exporter.web.acceptor import Acceptor
from exporter.web.connections import DEADLINES, Closable, Connections, Phase, sweep
from exporter.web.http_connection import HttpConnection, connection_of
from exporter.web.web_config import LiveWebConfig

BACKLOG = 1024
_UNREAD_BYTES = 128 * 1024
"""Bytes that the kernel may hold for a client that reads nothing; Linux doubles it."""
SECONDS_TO_FINISH = 1
"""How long scrapes under way may take once the server is told to stop."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host, empty for every interface, and a port, 0 for a free one."""

    host: str
    port: int


def parse_listen_address(text: str) -> ListenAddress:
    """Return the address in ``127.0.0.1:11722``, ``[::1]:11722`` or ``:11722``; raises ValueError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 0xFFFF:  # noqa: PLR2004
        raise ValueError(f"{text!r} is not HOST:PORT")
    if ":" in host and not bracketed:
        raise ValueError(f"{text!r}: an IPv6 address is written in brackets")
    try:
        host.encode("idna")  # as the socket does
    except UnicodeError:
        raise ValueError(f"{text!r}: the host is not a name or an address") from None
    return ListenAddress(host.strip("[]"), int(port))


def listen(address: ListenAddress) -> socket.socket:
    """Return a listening socket; raises ListenError with the address in its text."""
    try:
        listening = _bound(address)
    except OSError as error:
        raise ListenError(f"cannot listen on {address.host}:{address.port}: {error.strerror}") from error
    # Connections inherit both. Without the first, the second piece of an answer waits 40 ms for an
    # acknowledgement; without the second, the kernel takes up to 4 MiB for each client that reads nothing.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    return listening


def _bound(address: ListenAddress) -> socket.socket:
    if address.host in ("", "::") and socket.has_dualstack_ipv6():  # as Go's net.Listen takes both
        return socket.create_server(
            ("", address.port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
        )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)


class WebServer:
    """Serves an application on sockets that already listen, over TLS if the web configuration says so.

    It holds at most ``most_connections`` at once.
    """

    def __init__(
        self,
        application: ASGIApp,
        sockets: list[socket.socket],
        web_config: LiveWebConfig | None = None,
        most_connections: int = 256,
    ) -> None:
        self._sockets = sockets
        self._connections = Connections(most_connections, SystemClock().monotonic)
        config = uvicorn.Config(
            _Answering(web_config.guard(application) if web_config else application),
            lifespan="off",
            ws="none",  # whatever a client asks for is a request, and passes authentication
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who asks is of no interest, and a header could not prove it
            timeout_keep_alive=ceil(DEADLINES[Phase.IDLE]),
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
        )
        config.load()
        self._tls = web_config.tls if web_config else lambda: None
        self._server = _Server(config)
        # Outside the main thread uvicorn leaves the signals to us, which it would end the process with.
        # A daemon: an answer that hangs must not keep the process from ending.
        self._thread = Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()
        for each in self._sockets:
            host, port = each.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            tls = "on" if self._tls() else "off"
            _logger.info("listening", extra={"address": f"{shown}:{port}", "tls": tls})

    def stop(self) -> None:
        """Finish the answers under way and end."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(2 * SECONDS_TO_FINISH)

    def is_alive(self) -> bool:
        """Tell whether the server still serves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            _logger.exception("the web server failed")

    async def _serve(self) -> None:
        self._server.acceptor = Acceptor(self._connections, self._connect, self._tls)
        async with asyncio.TaskGroup() as group:  # if one fails all end, and with them the process
            sweeping = group.create_task(sweep(self._connections))
            await self._server.serve(self._sockets)
            sweeping.cancel()
        for connection in self._connections:
            connection.end()  # TLS would wait for a client to say goodbye as well

    def _connect(self, opening: Closable) -> HttpConnection:
        return HttpConnection(self._server.config, self._server.server_state, self._connections, opening)


class _Server(uvicorn.Server):
    """uvicorn's server, for connections that it does not accept itself."""

    acceptor: Acceptor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        self.servers = []
        for each in sockets or ():
            self.acceptor.start(each)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more before the sockets are closed, and let answers under way end."""
        for each in sockets or ():
            self.acceptor.stop(each)
        await super().shutdown(sockets)


class _Answering:
    """Tells a request's connection when its answer begins and ends."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        connection = connection_of(scope)
        with connection.answering() if connection else nullcontext():
            await self._application(scope, receive, send)
