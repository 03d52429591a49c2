"""uvicorn's HTTP/1.1 connection, which reports its phases."""

import asyncio
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.web.bounded_requests import BoundedRequests
from exporter.web.connections import Closable, Connections, Phase

_STATE_KEY = "connection"


class HttpConnection(H11Protocol):
    """One client's connection. Its requests reach the application with a reference to it.

    It takes the place of ``opening``, which was counted while it was being opened.
    """

    def __init__(
        self, config: uvicorn.Config, state: ServerState, connections: Connections, opening: Closable
    ) -> None:
        # Weak: a connection that held itself would be freed only by a search for cycles.
        super().__init__(config, state, {_STATE_KEY: weakref.ref(self)})
        self.conn = BoundedRequests()
        self.origin = opening.origin
        self._registry = connections
        self._opening = opening
        self._is_answering = False
        self._is_unsent = False
        self._is_half_closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # The application pauses while anything of an answer is in our memory; the kernel holds far more.
        transport.set_write_buffer_limits(high=1, low=0)
        self._registry.leave(self._opening)
        self._registry.enter(self, Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room."""
        self._registry.leave(self)
        super().connection_lost(exc)
        if (
            self.timeout_keep_alive_task is not None
        ):  # which would hold a connection that broke for two minutes
            self.timeout_keep_alive_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first after an answer begin a new head."""
        if self._registry.phase(self) is Phase.IDLE:
            self._registry.enter(self, Phase.HEAD)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that sends no more but waits for its answer; TLS knows no such thing."""
        self._is_half_closed = True
        return self._is_answering and self.scheme == "http"

    def pause_writing(self) -> None:
        """Note that the kernel takes no more for now."""
        super().pause_writing()
        self._is_unsent = True
        self._registry.stall(self)

    def resume_writing(self) -> None:
        """Note that the kernel has taken everything."""
        super().resume_writing()
        self._is_unsent = False
        self._registry.go_on(self)
        self._rest()

    def _should_upgrade(self) -> bool:
        """Return that there is nothing to upgrade to, which uvicorn would log twice."""
        return False

    def end(self) -> None:
        """Close at once, whatever is still unsent."""
        self.transport.abort()

    @property
    def is_gone(self) -> bool:
        """Whether the client has left, or was ended."""
        return self.transport.is_closing()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Hold the connection in its answering phase; the phase ends when the kernel has the last byte."""
        self._is_answering = True
        if not self.is_gone:
            self._registry.enter(self, Phase.ANSWER)
        try:
            yield
        finally:
            self._is_answering = False
            self._rest()

    def _rest(self) -> None:
        if self._is_answering or self._is_unsent or self._registry.phase(self) is not Phase.ANSWER:
            return
        self._registry.enter(self, Phase.IDLE)
        if self._is_half_closed and self.cycle.response_complete:  # and no pipelined request is next
            self.transport.close()


def connection_of(scope: Scope) -> HttpConnection | None:
    """Return the connection of a request, None when it did not come over one or that one is freed."""
    reference = scope.get("state", {}).get(_STATE_KEY)
    return reference() if reference is not None else None
