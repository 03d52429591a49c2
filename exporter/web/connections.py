"""Which connections are open, what each waits for and since when, and which one makes room for a new one."""

import asyncio
from collections import Counter
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

_SMALL_PART = 8
_FEW = 4
"""An address holds many places when it holds more than one in eight, and more than four."""
_SPARED = 0.25
"""Seconds for which a client may read nothing before it makes room for its own address."""


class Closable(Protocol):
    """A connection, or one that is still in its handshake."""

    origin: str
    """The address of its client."""

    def end(self) -> None:
        """Close at once, whatever is still unsent."""


class Connections:
    """All open connections, at most ``most`` of them, ordered within each phase by when they entered it.

    Every operation takes constant time, since the first of a phase has been in it longest; making room
    while all are being answered takes one look at each. ``now`` returns seconds of a clock that never
    steps back.
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

    def make_room(self, origin: str | None = None) -> bool:
        """End connections until another one may come, of this address if one is given; False if none can.

        Who has waited longest for a request is ended first. While all are being answered, the address
        that holds the most places gives one up, if it holds many: at once for another address, and for
        its own where that client reads nothing. Otherwise no answer is ended before its deadline.
        """
        while len(self._open) >= self.most:
            connection = self._longest_waiting() or (origin and self._most_crowding(origin))
            if not connection:
                return False
            self._end(connection)
        return True

    def _longest_waiting(self) -> Closable | None:
        first = [next(iter(self._since[phase].items())) for phase in _WAITING if self._since[phase]]
        return min(first, key=lambda each: each[1])[0] if first else None

    def _most_crowding(self, origin: str) -> Closable | None:
        """Return which answer makes room for an address: the one stalled longest, else the oldest."""
        ((crowd, places),) = Counter(each.origin for each in self._open).most_common(1)
        if places <= max(self.most // _SMALL_PART, _FEW):
            return None
        for phase in (Phase.STALL, Phase.ANSWER):
            of_crowd = (each for each in self._since[phase].items() if each[0].origin == crowd)
            connection, since = next(of_crowd, (None, 0.0))
            if crowd == origin and (phase is Phase.ANSWER or self._now() - since < _SPARED):
                return None
            if connection:
                return connection
        return None

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
