"""Costly checks of logins: one at a time, a bounded number waiting, those whose client has left forgotten."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread

MOST_WAITING = 32
_MOST_TURNED_AWAY = 10_000
"""Logins that are remembered as turned away, at 32 bytes each."""

Check = Callable[[], bool]
IsGone = Callable[[], bool]


class BusyError(Exception):
    """Too many logins wait to be checked."""


@dataclass(slots=True)
class _Waiting:
    """A login that waits, and who waits for it."""

    check: Check
    verdict: asyncio.Future[bool | None]
    gone: list[IsGone] = field(default_factory=list)


class LoginQueue:
    """Runs checks in a thread of its own, the last come first, so that a flood delays itself.

    ``keep`` gets each verdict before anybody else does. Beyond the places, who has waited longest is
    turned away. Who comes again after that goes first: a guesser tries another password each time, and
    so never gains that place.
    """

    def __init__(self, keep: Callable[[bytes, bool], None]) -> None:
        self._keep = keep
        self._checked: dict[bytes, _Waiting] = {}  # the one that is being checked
        self._new: dict[bytes, _Waiting] = {}
        self._returned: dict[bytes, _Waiting] = {}
        self._turned_away: dict[bytes, None] = {}
        self._worker: asyncio.Task[None] | None = None

    async def check(self, key: bytes, check: Check, is_gone: IsGone) -> bool:
        """Return the result of ``check``, which the same ``key`` shares; raises BusyError."""
        queues = (self._checked, self._new, self._returned)
        waiting = next((queue[key] for queue in queues if key in queue), None) or self._add(key, check)
        waiting.gone.append(is_gone)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        verdict = await asyncio.shield(waiting.verdict)
        if verdict is None:
            raise BusyError
        return verdict

    def _add(self, key: bytes, check: Check) -> _Waiting:
        if len(self._new) + len(self._returned) >= MOST_WAITING:
            self._turn_away()
        queue = self._new
        if key in self._turned_away:
            del self._turned_away[key]
            queue = self._returned
        queue[key] = _Waiting(check, asyncio.get_running_loop().create_future())
        return queue[key]

    def _turn_away(self) -> None:
        queue = self._new or self._returned
        key = next(iter(queue))
        queue.pop(key).verdict.set_result(None)
        self._turned_away[key] = None
        if len(self._turned_away) > _MOST_TURNED_AWAY:
            del self._turned_away[next(iter(self._turned_away))]

    async def _work(self) -> None:
        try:
            while self._new or self._returned:
                key, waiting = (self._returned or self._new).popitem()
                verdict = None
                if not all(is_gone() for is_gone in waiting.gone):
                    self._checked[key] = waiting
                    verdict = await _in_a_thread(waiting.check)
                    del self._checked[key]
                if verdict is not None:
                    self._keep(key, verdict)
                waiting.verdict.set_result(verdict)
        finally:
            self._worker = None


async def _in_a_thread(check: Check) -> bool | None:
    """Return the result, None if there was no thread to be had."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool | None] = loop.create_future()

    def run() -> None:
        result = None
        try:
            result = check()
        finally:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(done.set_result, result)

    # A daemon: the end of the process does not wait for it, as it would for a pool's.
    thread = Thread(target=run, name="login", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return await done
