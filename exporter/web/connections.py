"""Which connections are open, what each waits for and since when, and who makes room for a newcomer."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Protocol

SWEEP_SECONDS = 0.5


class Phase(Enum):
    """What a connection waits for. The phases of one connection have deadlines of their own."""

    HANDSHAKE = "handshake"
    HEAD = "head"
    ANSWER = "answer"
    STALL = "stall"
    IDLE = "idle"


DEADLINES: Mapping[Phase, float] = {
    Phase.HANDSHAKE: 5.0,
    Phase.HEAD: 10.0,  # from the first byte, or from the start: bytes that drip in change nothing
    Phase.ANSWER: 30.0,  # from the whole request to the last byte that the kernel takes
    Phase.STALL: 5.0,  # while the client reads nothing of its answer
    Phase.IDLE: 130.0,  # between two requests: longer than any usual scrape interval
}
"""Seconds that each phase may last."""

_WAITING = (Phase.IDLE, Phase.HEAD, Phase.HANDSHAKE)
"""Phases in which a connection may be ended before its deadline, to make room."""


class Closable(Protocol):
    """A connection, or one that is still in its handshake."""

    def end(self) -> None:
        """Close at once, whatever is still unsent."""


class Connections:
    """All open connections, at most ``most`` of them, ordered within each phase by when they entered it.

    Every operation takes constant time: the first of a phase has been in it longest. ``now`` returns
    seconds of a clock that never steps back.
    """

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self.most = most
        self._now = now
        self._open: dict[Closable, Phase] = {}
        self._since: Mapping[Phase, dict[Closable, float]] = {phase: {} for phase in Phase}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Closable]:
        return iter(tuple(self._open))

    def phase(self, connection: Closable) -> Phase | None:
        """Return what a connection waits for, None if it is not open."""
        return self._open.get(connection)

    def enter(self, connection: Closable, phase: Phase) -> None:
        """Note that a connection, new or known, begins to wait for something else."""
        self.leave(connection)
        self._open[connection] = phase
        self._since[phase][connection] = self._now()

    def stall(self, connection: Closable) -> None:
        """Note that a client reads nothing; the deadline of its answer goes on."""
        if connection in self._open:
            self._since[Phase.STALL][connection] = self._now()

    def go_on(self, connection: Closable) -> None:
        """Note that a client that had stalled has read."""
        self._since[Phase.STALL].pop(connection, None)

    def leave(self, connection: Closable) -> None:
        """Forget a connection that has ended."""
        phase = self._open.pop(connection, None)
        if phase is not None:
            del self._since[phase][connection]
            self._since[Phase.STALL].pop(connection, None)

    def make_room(self) -> bool:
        """End connections until another one may come; False if all of them are being answered."""
        while len(self._open) >= self.most:
            waiting = [next(iter(self._since[phase].items())) for phase in _WAITING if self._since[phase]]
            if not waiting:
                return False
            self._end(min(waiting, key=lambda each: each[1])[0])
        return True

    def end_overdue(self) -> None:
        """End every connection that is past a deadline."""
        now = self._now()
        for phase, since in self._since.items():
            while since:
                connection, entered = next(iter(since.items()))
                if now - entered <= DEADLINES[phase]:
                    break
                self._end(connection)

    def _end(self, connection: Closable) -> None:
        self.leave(connection)
        connection.end()


async def sweep(connections: Connections) -> None:
    """End overdue connections again and again, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        connections.end_overdue()
