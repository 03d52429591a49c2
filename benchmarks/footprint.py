"""Memory, start, and how both and the scrape grow with the number of series."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.client import Scraper
from benchmarks.measure import (
    CLOCK,
    MEBIBYTE,
    MILLI,
    Figure,
    alternately,
    resident_bytes,
    spread,
)
from benchmarks.processes import ask_script, exporter, started

MOST_MEBIBYTES = 55
MOST_BYTES_A_SERIES = 450
START_SECONDS = 0.5
FIRST_POLL_TIMES = 1.35
"""Times what the answers alone take when four workers wait for them."""
FLAT_MEBIBYTES = 10
DELAY = 0.15
WORKERS = 4

_PEER = """
import sys, prometheus_client
server, _ = prometheus_client.start_http_server(0, "127.0.0.1")
print(server.server_port, flush=True)
sys.stdin.read()
"""


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of start and memory."""
    return [*_start(3 if quick else 7), _memory(50 if quick else 300)]


def _start(rounds: int) -> list[Figure]:
    resident: list[float] = []
    polled: list[float] = []
    answers: list[int] = []
    with started("benchmarks.api", 10, 20, DELAY) as api:

        def ours() -> float:
            ask_script(api.port, "forget")
            with exporter(api.port, workers=WORKERS) as running:
                answered = running.seconds_until("/metrics")
                polled.append(running.seconds_until("/-/ready"))
                answers.append(ask_script(api.port, "counts")["requests"])
                with Scraper(running.port) as scraper:
                    for _ in range(20):
                        scraper.scrape()
                resident.append(resident_bytes(running.id) / MEBIBYTE)
                return answered

        found = alternately(rounds, {"ours": (1, ours), "prometheus_client": (1, _start_of_peer)})
    own, peer = spread(found["ours"]), spread(found["prometheus_client"])
    first, memory = spread(polled), spread(resident)
    waiting = max(answers) * DELAY / WORKERS
    return [
        Figure(
            "start to the first answered /metrics",
            own.shown("s"),
            f"prometheus_client alone {peer.shown('s')}",
            f"{own.median / peer.median:.1f}x its time",
            f"under {START_SECONDS} s",
            own.median < START_SECONDS,
        ),
        Figure(
            "start to the first complete poll of ten projects, 150 ms, 4 workers",
            first.shown("s"),
            f"{max(answers)} answers, 4 at a time: {waiting:.2f} s",
            f"{first.median / waiting:.2f}x",
            f"at most {FIRST_POLL_TIMES}x",
            first.median <= FIRST_POLL_TIMES * waiting,
        ),
        Figure(
            "resident memory, ten projects of 20 holdings",
            memory.shown("MiB"),
            "-",
            "-",
            f"under {MOST_MEBIBYTES} MiB",
            memory.median < MOST_MEBIBYTES,
        ),
    ]


def _start_of_peer() -> float:
    started_at = CLOCK.monotonic()
    with subprocess.Popen(  # noqa: S603
        (sys.executable, "-c", _PEER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None:
            raise ValueError("started without a pipe")
        with Scraper(int(process.stdout.readline())) as scraper:
            scraper.scrape()
        taken = CLOCK.monotonic() - started_at
        process.terminate()
    return taken


def _memory(scrapes: int) -> Figure:
    with started("benchmarks.serving", 1000, 2) as ours, Scraper(ours.port) as scraper:
        for _ in range(10):
            ours.tell("change", 1000)
            scraper.scrape()
        before = resident_bytes(ours.id)
        for number in range(scrapes):
            ours.tell("change", 1 + number % 1000)
            scraper.scrape()
        growth = (resident_bytes(ours.id) - before) / MEBIBYTE
        series, grown = int(ours.ready["series"]), float(ours.ready["grown"])
        with started("benchmarks.peers", "gauges", ours.port) as peer:
            held = resident_bytes(peer.id) / int(peer.ready["series"])
    each = grown * MEBIBYTE / series
    return Figure(
        f"memory a series at {series:,}",
        f"{each:.0f} bytes, {growth:+.1f} MiB after {scrapes} scrapes",
        f"labelled gauges, whole process, about {held:.0f} bytes",
        f"{each / held:.2f}x",
        f"at most {MOST_BYTES_A_SERIES} bytes, flat",
        each <= MOST_BYTES_A_SERIES and growth <= FLAT_MEBIBYTES,
    )


def measure_growth(*, quick: bool) -> list[Figure]:
    """Return how scrape, publishing and memory grow with the number of series."""
    figures = []
    for projects in (10, 100, 1000) if quick else (10, 100, 1000, 10_000):
        with started("benchmarks.serving", projects, 2) as ours, Scraper(ours.port) as scraper:
            found = alternately(
                5,
                {
                    "unchanged": (5, scraper.scrape),
                    "changed": (3, _after_one_change(ours.tell, scraper.scrape)),
                    "published": (20, _publishing(ours.tell)),
                },
            )
            series, grown = int(ours.ready["series"]), float(ours.ready["grown"])
        unchanged, changed, published = (
            spread(found[each]) for each in ("unchanged", "changed", "published")
        )
        figures.append(
            Figure(
                f"growth: {series:,} series of {projects:,} projects",
                f"unchanged {unchanged.median * MILLI:.3g} ms, one changed {changed.median * MILLI:.3g} ms",
                f"one poll published {published.median * MILLI:.3g} ms, {grown:.0f} MiB",
                f"{unchanged.median / series * 1e9:.3g} ns, {grown * MEBIBYTE / series:.0f} bytes a series",
                "linear",
                None,
            )
        )
    return figures


def _after_one_change(tell: Callable[..., object], scrape: Callable[[], float]) -> Callable[[], float]:
    def run() -> float:
        tell("change", 1)
        return scrape()

    return run


def _publishing(tell: Callable[..., Any]) -> Callable[[], float]:
    return lambda: float(tell("change", 1)["cpu"])
