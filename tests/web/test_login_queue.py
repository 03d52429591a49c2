"""The queue of costly checks: its order, its bound, and who is forgotten."""

import asyncio
from threading import Event, Thread

import pytest

from exporter.web import login_queue
from exporter.web.login_queue import MOST_WAITING, BusyError, LoginQueue


class Checks:
    """Checks that end when they are told to, in the order in which they were begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.release = Event()

    def of(self, name: str, *, verdict=False):
        def check() -> bool:
            self.begun.append(name)
            assert self.release.wait(10)
            return verdict

        return check


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - a thread changes it
        await asyncio.sleep(0)


def here() -> bool:
    return False


def gone() -> bool:
    return True


def waiting(queue: LoginQueue, checks: Checks, name: str, is_gone=here, origin="", *, verdict=False):
    check = checks.of(name, verdict=verdict)
    return asyncio.create_task(queue.check(name.encode(), check, is_gone, origin))


def test_the_last_come_is_checked_first():
    """A flood delays itself: who came last waits for one check, not for all of them."""

    async def scenario() -> list[str]:
        queue, checks = LoginQueue(lambda *_: None), Checks()
        tasks = [waiting(queue, checks, "first")]
        await until(lambda: checks.begun)
        tasks += [waiting(queue, checks, name) for name in ("a", "b", "c")]
        await settle()
        checks.release.set()
        await asyncio.gather(*tasks)
        return checks.begun

    assert asyncio.run(scenario()) == ["first", "c", "b", "a"]


def test_the_queue_is_bounded_and_who_returns_goes_first():
    """Beyond the places the one that waited longest is turned away; when it comes again it is next."""

    async def scenario():
        queue, checks = LoginQueue(lambda *_: None), Checks()
        first = waiting(queue, checks, "first")
        await until(lambda: checks.begun)
        right = waiting(queue, checks, "right", verdict=True)
        flood = [waiting(queue, checks, f"wrong{number}") for number in range(MOST_WAITING)]
        await settle()
        with pytest.raises(BusyError):
            await right
        again = waiting(queue, checks, "right", verdict=True)
        flood += [waiting(queue, checks, f"more{number}") for number in range(2 * MOST_WAITING)]
        await settle()
        checks.release.set()
        assert await again is True
        assert await first is False
        results = await asyncio.gather(*flood, return_exceptions=True)
        assert checks.begun[:2] == ["first", "right"]
        return sum(isinstance(each, BusyError) for each in results), len(checks.begun)

    turned_away, checked = asyncio.run(scenario())
    assert turned_away == 2 * MOST_WAITING + 1
    assert checked == MOST_WAITING + 1


def test_a_flood_delays_its_own_address_alone():
    """Addresses take turns: during a flood, whose guesses even return, another's login is checked next."""

    async def scenario():
        queue, checks = LoginQueue(lambda *_: None), Checks()
        first = waiting(queue, checks, "first", origin="203.0.113.9")
        await until(lambda: checks.begun)
        right = waiting(queue, checks, "right", origin="192.0.2.1", verdict=True)
        await settle()
        guesses = [f"wrong{number}" for number in range(2 * MOST_WAITING)]
        flood = [waiting(queue, checks, name, origin="203.0.113.9") for name in [*guesses, *guesses]]
        await settle()
        checks.release.set()
        assert await right is True
        await asyncio.gather(first, *flood, return_exceptions=True)
        return checks.begun

    begun = asyncio.run(scenario())
    assert begun[:2] == ["first", "right"]
    assert len(begun) == 1 + MOST_WAITING


def test_clients_that_left_are_not_checked():
    """A login whose client is gone costs nothing; one that another client waits for too is checked."""

    async def scenario() -> list[str]:
        queue, checks = LoginQueue(lambda *_: None), Checks()
        first = waiting(queue, checks, "first")
        await until(lambda: checks.begun)
        left = waiting(queue, checks, "left", gone)
        shared = [waiting(queue, checks, "shared", gone), waiting(queue, checks, "shared", here)]
        await settle()
        checks.release.set()
        await asyncio.gather(first, *shared)
        with pytest.raises(BusyError):
            await left
        return checks.begun

    assert asyncio.run(scenario()) == ["first", "shared"]


def test_without_a_thread_a_login_is_turned_away(monkeypatch):
    """When the system has no thread to give, the answer is busy, and the queue goes on."""

    class Broken(Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    async def scenario() -> bool:
        queue, checks = LoginQueue(lambda *_: None), Checks()
        checks.release.set()
        with monkeypatch.context() as patch:
            patch.setattr(login_queue, "Thread", Broken)
            with pytest.raises(BusyError):
                await queue.check(b"right", checks.of("right", verdict=True), here)
        return await queue.check(b"right", checks.of("right", verdict=True), here)

    assert asyncio.run(scenario()) is True
