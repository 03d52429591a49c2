"""Bounds of what strangers can do to a server, at full strength; each test prints its figure.

They take two minutes: ``pytest -m long tests/web/test_bounds.py``.
"""

import asyncio
import resource
import signal
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event, Thread

import bcrypt
import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from benchmarks.client import request_bytes
from benchmarks.processes import started
from tests.support import parse_page
from tests.web.attackers import CLOCK, HEAD, Victim, memory_mib, open_files, scraping, strangers, victim
from tests.web.sites import basic

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]

HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module", autouse=True)
def _many_files():
    """Let the attacker open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def say(capsys):
    """Print a figure past pytest's capturing."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")  # noqa: T201 - its figures are what these tests are for

    return say


@pytest.fixture
def demo(tmp_path):
    with victim(tmp_path) as running:
        yield running


@pytest.fixture
def over_tls(tmp_path):
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.crt")
    (tmp_path / "server.key").chmod(0o600)
    tls = {"cert_file": "server.crt", "key_file": "server.key"}
    with victim(tmp_path, {"tls_server_config": tls}) as running:
        yield running


def test_silent_connections(demo, say):
    """6,000 silent connections hold under 400 files, and scrapes take under 1 s."""
    with ExitStack() as stack, scraping(demo) as scrapes:
        strangers(stack, demo.port, 6000)
        files = open_files(demo.pid)
    say(f"6,000 silent: {files} files, {len(scrapes.seconds)} scrapes, worst {scrapes.worst:.3f} s")
    assert scrapes.failures == []
    assert files < 400
    assert scrapes.worst < 1


def test_few_files(tmp_path, say):
    """With 1,024 files and 1,500 silent connections for 15 s all is scraped, all is polled, the log stays short."""
    with victim(tmp_path, files=1024) as demo, ExitStack() as stack, scraping(demo) as scrapes:
        before = polls(demo)
        for _ in range(15):
            strangers(stack, demo.port, 100)
            Event().wait(1)
        files = open_files(demo.pid)
        failed = sum(
            parse_page(demo.ask().text).all("quantconnect_poll_failures_total", reason="unavailable")
        )
        made = polls(demo) - before
        lines = demo.log.read_text().count("\n")
    say(
        f"1,024 files: {files} open, {len(scrapes.seconds)} scrapes, worst {scrapes.worst:.3f} s, "
        f"{made:.0f} polls, {failed:.0f} failed, {lines} log lines"
    )
    assert scrapes.failures == []
    assert failed == 0
    assert made > 100
    assert lines < 100


def polls(demo: Victim) -> float:
    return sum(parse_page(demo.ask().text).all("quantconnect_polls_total"))


def test_tls_again_and_again(over_tls, say):
    """What one flood of TLS connections cost, the next ones use again."""
    over_tls.ask()
    memory = []
    for _ in range(4):
        with ExitStack() as stack:
            strangers(stack, over_tls.port, 1500, HALF_A_HELLO)
        assert over_tls.ask().ok
        memory.append(memory_mib(over_tls.pid))
    say(f"four floods of 1,500 TLS connections: {', '.join(f'{each:.0f}' for each in memory)} MiB")
    assert memory[-1] < memory[0] + 25


@pytest.mark.parametrize("first_bytes", [b"", HALF_A_HELLO], ids=["silent", "half a hello"])
def test_tls_without_a_handshake(over_tls, say, first_bytes):
    """4,000 TLS connections without a whole handshake cost 100 MiB at most, and scrapes take under 1 s."""
    over_tls.ask()
    before, most = memory_mib(over_tls.pid), 0.0
    with ExitStack() as stack, scraping(over_tls) as scrapes:
        for _ in range(40):
            strangers(stack, over_tls.port, 100, first_bytes)
            most = max(most, memory_mib(over_tls.pid))
        Event().wait(7)
        most = max(most, memory_mib(over_tls.pid))
    say(f"4,000 TLS: {most - before:+.0f} MiB, {len(scrapes.seconds)} scrapes, worst {scrapes.worst:.3f} s")
    assert scrapes.failures == []
    assert most - before < 100
    assert scrapes.worst < 1


def test_storm_of_connections(demo, say):
    """After 2,000 connections a second for 6 s the first answer comes within 1 s, and SIGTERM is obeyed within 2 s."""
    opened = asyncio.run(_storm(demo.port, 2000, 6))
    begun = CLOCK.monotonic()
    assert demo.ask().ok
    answered = CLOCK.monotonic() - begun
    storm = Thread(target=lambda: asyncio.run(_storm(demo.port, 2000, 3)))
    storm.start()
    Event().wait(1)
    begun = CLOCK.monotonic()
    demo.process.send_signal(signal.SIGTERM)
    code = demo.process.wait(20)
    ended = CLOCK.monotonic() - begun
    storm.join()
    say(f"storm: {opened} opened, first answer after {answered:.3f} s, SIGTERM obeyed after {ended:.2f} s")
    assert answered < 1
    assert code == 0
    assert ended < 2


async def _storm(port: int, rate: int, seconds: int) -> int:
    """Open connections at a rate, the last 5,000 of which stay open, and return how many."""
    loop = asyncio.get_running_loop()
    kept: list[socket.socket] = []
    begun = loop.time()
    opened = 0
    while (elapsed := loop.time() - begun) < seconds:
        while opened < elapsed * rate:
            stranger = socket.socket()
            stranger.setblocking(False)
            stranger.connect_ex(("127.0.0.1", port))
            kept.append(stranger)
            opened += 1
            if len(kept) > 5000:
                kept.pop(0).close()
        await asyncio.sleep(0.005)
    for each in kept:
        each.close()
    return opened


@pytest.mark.parametrize("count", [200, 1000])
def test_scrapers_at_once(say, count):
    """Of 200 and of 1,000 scrapers at once, those within the cap are answered within 0.5 s, the others end at once."""
    with started("benchmarks.serving", 80, 2) as ours:
        taken = [asyncio.run(_together(ours.port, count)) for _ in range(5)]
    seconds, answered = sorted(taken)[2]
    say(
        f"{count} scrapers: {answered} answered, {count - answered} ended, all within {seconds:.3f} s (median of 5)"
    )
    assert answered >= min(count, 250)
    assert seconds < 0.5


async def _together(port: int, count: int) -> tuple[float, int]:
    """Return how long it takes from asking together until the last answer or end, and how many are answered."""
    asked = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(count)]

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            writer.write(request_bytes())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (ConnectionError, asyncio.IncompleteReadError):
            return False
        finally:
            writer.close()
        return True

    begun = CLOCK.monotonic()
    answered = await asyncio.wait_for(asyncio.gather(*(ask(*each) for each in asked)), 20)
    return CLOCK.monotonic() - begun, sum(answered)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_slow_readers_of_a_changing_page(say, encoding):
    """1,000 readers of changing pages who read nothing cost 60 MiB at most; scrapes beside them go on."""
    head = HEAD % (b"/metrics", b"Accept-Encoding: %s\r\n" % encoding.encode())
    with started("benchmarks.serving", 750, 2) as ours, ExitStack() as stack, requests.Session() as kept:
        url = f"http://127.0.0.1:{ours.port}/metrics"
        # As Go's client does: a kept connection that is closed before it answers is opened anew.
        kept.mount("http://", HTTPAdapter(max_retries=Retry(1, allowed_methods=["GET"])))
        for _ in range(3):
            kept.get(url, timeout=10)
            ours.tell("change", 750)
        before = most = memory_mib(ours.id)
        seconds = []
        for _ in range(100):
            strangers(stack, ours.port, 10, head, receive_buffer=4096)
            ours.tell("change", 750)
            begun = CLOCK.monotonic()
            assert kept.get(url, timeout=10).ok
            seconds.append(CLOCK.monotonic() - begun)
            most = max(most, memory_mib(ours.id))
    say(f"1,000 {encoding} readers: {most - before:+.0f} MiB, worst scrape beside them {max(seconds):.3f} s")
    assert most - before < 60
    assert max(seconds) < 1


def test_wrong_logins(tmp_path, say):
    """During and after 5,000 wrong logins a right one, not known before, is let in within 2 s."""
    users = {f"user{n}": bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode() for n in range(4)}
    with victim(tmp_path, {"basic_auth_users": users}) as demo:
        with ThreadPoolExecutor(100) as guessers:
            guesses = [
                guessers.submit(lambda n=n: demo.ask("/-/healthy", **basic("user1", f"wrong{n}")).status_code)
                for n in range(5000)
            ]
            Event().wait(1)
            during = [until_let_in(demo, basic(f"user{n}", "right")) for n in (1, 2)]
        after = until_let_in(demo, basic("user3", "right"))
    statuses = [each.result() for each in guesses]
    say(
        f"5,000 wrong logins, {statuses.count(401)} checked and {statuses.count(503)} turned away: a right one "
        f"in {during[0]:.2f} and {during[1]:.2f} s, after them in {after:.2f} s"
    )
    assert set(statuses) == {401, 503}
    assert max(*during, after) < 2


def until_let_in(demo: Victim, login: Mapping[str, str]) -> float:
    """Return the seconds until a login is let in, which asks again after each 503."""
    begun = CLOCK.monotonic()
    while (status := demo.ask("/-/healthy", **login).status_code) == 503:
        pass
    assert status == 200
    return CLOCK.monotonic() - begun
