"""A server whose every byte a test decides, clients that ask it, and genuine files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.clock import Clock, SystemClock
from exporter.config.secret import Secret
from exporter.quantconnect.auth import Credentials
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from tests.raw_server import RawServer, raw_server
from tests.support import ABSENT_SAMPLE

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """Yield a server for one test."""
    with raw_server() as server:
        yield server


@pytest.fixture
def log() -> RequestLog:
    return RequestLog(ENDPOINTS, RESULTS)


@pytest.fixture
def make_client(log: RequestLog) -> Iterator[Callable[..., Client]]:
    """Return a function that makes a client of a base URL; all of them write to ``log``."""
    made: list[Client] = []

    def make(
        base_url: str,
        user_id: int = 100,
        token: str = "token",  # noqa: S107 - a worthless one
        *,
        timeout: float = 5.0,
        clock: Clock | None = None,
        pace: Callable[[], None] = lambda: None,
    ) -> Client:
        made.append(
            Client(Credentials(user_id, Secret(token)), base_url, timeout, clock or SystemClock(), log, pace)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a genuine file, or skip the test without it."""

    def find(name: str) -> Path:
        path = SAMPLES / name
        if not path.is_file():
            pytest.skip(f"the genuine file {name} {ABSENT_SAMPLE}")
        return path

    return find
