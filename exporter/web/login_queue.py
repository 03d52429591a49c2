"""Costly checks of logins: one at a time, and a bounded number waiting. Those whose client has left are dropped."""

import asyncio
from collections import Counter
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
    origin: str
    has_returned: bool
    verdict: asyncio.Future[bool | None]
    gone: list[IsGone] = field(default_factory=list)


class LoginQueue:
    """Runs checks in a thread of its own, one at a time.

    Addresses take turns, so that a flood delays its own address alone. Within an address the newest login
    is next. When too many wait, the address with most of them loses the one that has waited longest. If
    that login comes again, it is the next of its address: a guesser tries another password each time, and
    so never gains that place.

    ``keep`` gets each verdict before anybody else does.
    """

    def __init__(self, keep: Callable[[bytes, bool], None]) -> None:
        self._keep = keep
        self._checked: dict[bytes, _Waiting] = {}  # the one that is being checked
        self._waiting: dict[bytes, _Waiting] = {}  # in the order in which they came
        self._turned_away: dict[bytes, None] = {}
        self._turns: dict[str, None] = {}  # addresses, the last served at the end
        self._worker: asyncio.Task[None] | None = None

    async def check(self, key: bytes, check: Check, is_gone: IsGone, origin: str = "") -> bool:
        """Return the result of ``check``, which the same ``key`` shares; raises BusyError.

        ``origin`` is the address of the client.
        """
        waiting = self._checked.get(key) or self._waiting.get(key) or self._add(key, check, origin)
        waiting.gone.append(is_gone)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        verdict = await asyncio.shield(waiting.verdict)
        if verdict is None:
            raise BusyError
        return verdict

    def _add(self, key: bytes, check: Check, origin: str) -> _Waiting:
        if len(self._waiting) >= MOST_WAITING:
            self._turn_away()
        has_returned = key in self._turned_away
        self._turned_away.pop(key, None)
        verdict = asyncio.get_running_loop().create_future()
        self._waiting[key] = _Waiting(check, origin, has_returned, verdict)
        return self._waiting[key]

    def _turn_away(self) -> None:
        ((crowd, _),) = Counter(each.origin for each in self._waiting.values()).most_common(1)
        of_crowd = [key for key, each in self._waiting.items() if each.origin == crowd]
        key = min(of_crowd, key=lambda key: self._waiting[key].has_returned)
        self._waiting.pop(key).verdict.set_result(None)
        self._turned_away[key] = None
        if len(self._turned_away) > _MOST_TURNED_AWAY:
            del self._turned_away[next(iter(self._turned_away))]

    def _take_next(self) -> tuple[bytes, _Waiting]:
        served = {origin: number for number, origin in enumerate(self._turns)}

        def rank(key: bytes) -> tuple[int, bool]:
            each = self._waiting[key]
            return -served.get(each.origin, -1), each.has_returned

        key = max(reversed(self._waiting), key=rank)
        waiting = self._waiting.pop(key)
        origins = {each.origin for each in self._waiting.values()}
        self._turns = {origin: None for origin in self._turns if origin in origins - {waiting.origin}}
        self._turns[waiting.origin] = None
        return key, waiting

    async def _work(self) -> None:
        try:
            while self._waiting:
                key, waiting = self._take_next()
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
    """Return the result, None if no thread could be started."""
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
