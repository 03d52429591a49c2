"""Connections that cannot be held for ever: what keeps strangers from using up the server."""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 1024
"""Beyond these, whoever has done nothing for the longest time makes room."""
HEAD_SECONDS = 10.0
"""How long a new connection may take to send its first request."""
IDLE_SECONDS = 130
"""How long a connection is kept between two requests: longer than any usual scrape interval."""
ANSWER_SECONDS = 30.0
"""How long a client may take to read an answer."""
_BUSY_SECONDS = 5.0
"""How long an answer may take before its connection, too, may have to make room."""
_SWEEP_SECONDS = 1.0
_UNSENT_BYTES = 1024
"""What may wait in our memory before the application is told to pause; the kernel holds far more."""


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1 connection, with an age.

    ``since`` is when it ended its last answer, or was opened: bytes that drip in do not make it
    younger, and whoever sent a head in pieces has less time left to read.
    """

    since: float = 0.0
    answers: int = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Open, and make room if there are too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        self.since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            _make_room(self._others(), self.since)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.since = self.loop.time()
        self.answers += 1
        super().on_response_complete()

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    def is_overdue(self, now: float) -> bool:
        """Tell whether the client has taken longer than it may."""
        if self.is_answering:
            return now - self.since > ANSWER_SECONDS
        return now - self.since > (IDLE_SECONDS if self.answers else HEAD_SECONDS)

    def _others(self) -> Iterable["Connection"]:
        return (each for each in self.connections if isinstance(each, Connection) and each is not self)


async def sweep(connections: Iterable[object]) -> None:
    """End overdue connections, again and again until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = loop.time()
        for each in tuple(connections):
            if isinstance(each, Connection) and each.is_overdue(now):
                each.transport.abort()


def _make_room(others: Iterable[Connection], now: float) -> None:
    """End the connection that has waited longest; one that is being answered only after some seconds."""
    waiting = [each for each in others if not each.is_answering or now - each.since > _BUSY_SECONDS]
    if waiting:
        min(waiting, key=lambda each: (each.is_answering, each.since)).transport.abort()
