"""A real Prometheus with a long interval, behind a slow link: ``pytest -m long tests/web/test_slow_link.py``."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
import requests

from benchmarks.processes import started
from tests.programs import prometheus_server, wait_until

INTERVAL = 35
SCRAPES = 10
SECONDS_OF_AN_ANSWER = 5.4
"""What 1.35 MB take over 250 kB/s."""
PIECE = 8 * 1024


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: float) -> None:
    try:
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
            if rate:
                await asyncio.sleep(len(data) / rate)
    except ConnectionError:
        pass
    finally:
        writer.close()


@contextmanager
def slow_link(port: int, rate: float) -> Iterator[int]:
    """Pass connections on to a port, answers at so many bytes a second, and yield the port to ask at."""
    ends, ready = Event(), Event()
    ports: list[int] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = socket.socket()
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * PIECE)
        upstream.setblocking(False)
        await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", port))
        answers, requests_ = await asyncio.open_connection(sock=upstream, limit=PIECE)
        await asyncio.gather(_pass_on(reader, requests_, 0), _pass_on(answers, writer, rate))

    async def serve() -> None:
        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.to_thread(ends.wait)
        server.close()

    link = Thread(target=lambda: asyncio.run(serve()))
    link.start()
    assert ready.wait(5)
    try:
        yield ports[0]
    finally:
        ends.set()
        link.join()


@pytest.mark.long
@pytest.mark.timeout(INTERVAL * SCRAPES + 180)
def test_scrapes_at_a_long_interval_over_a_slow_link(needs, tmp_path, capsys):
    """Of ten scrapes 35 s apart, each of which takes 5 s, none fails: an answer's time is not that of its connection."""
    binary = needs("prometheus")
    with started("benchmarks.serving", 750, 2) as ours:
        headers = {"Accept-Encoding": "gzip", "Accept": "application/openmetrics-text;version=1.0.0"}
        answer = requests.get(
            f"http://127.0.0.1:{ours.port}/metrics", headers=headers, timeout=10, stream=True
        )
        size = len(answer.raw.read())
        with slow_link(ours.port, size / SECONDS_OF_AN_ANSWER) as port:
            config = {
                "global": {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": "30s"},
                "scrape_configs": [
                    {"job_name": "quantconnect", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                ],
            }
            with prometheus_server(binary, tmp_path / "prometheus", config) as prometheus:

                def over_time(function: str, metric: str) -> float:
                    found = prometheus.query(f"{function}_over_time({metric}[1h])")
                    return float(found[0]["value"][1]) if found else 0.0

                wait_until(
                    lambda: over_time("count", "up") >= SCRAPES, INTERVAL * (SCRAPES + 2), "enough scrapes"
                )
                good, all_of_them = over_time("sum", "up"), over_time("count", "up")
                shortest = over_time("min", "scrape_duration_seconds")
    with capsys.disabled():
        print(  # noqa: T201 - its figures are what this test is for
            f"\n{INTERVAL} s interval, {size / 1e6:.2f} MB in {shortest:.1f} s and more: "
            f"{good:.0f} of {all_of_them:.0f} scrapes succeeded"
        )
    assert shortest > SECONDS_OF_AN_ANSWER / 2
    assert good == all_of_them
