"""What polling costs: one poll over HTTPS, an answer's way to its lines, a thousand projects."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import process_time, sleep

import requests
from prometheus_client import Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from benchmarks.client import Scraper
from benchmarks.measure import CLOCK, MICRO, MILLI, Figure, alternately, cpu_seconds, spread
from benchmarks.processes import Exporter, ask_script, exporter, started
from benchmarks.world import FIRST_PROJECT, TOKEN, USER_ID, Answers, move_prices, states
from exporter.config.model import Account
from exporter.config.secret import Secret
from exporter.domain.orders import OrderBook
from exporter.metrics.rendering import RenderedProject, count_samples, render_project
from exporter.polling.fetched import read_clock
from exporter.polling.store import Store
from exporter.process import collect_garbage_rarely, return_freed_memory
from exporter.quantconnect.client import ENDPOINTS, RESULTS
from exporter.quantconnect.envelope import Response, interpret
from exporter.quantconnect.telemetry import RequestLog
from exporter.quantconnect.wire.orders import OrdersShape, parse_orders
from exporter.quantconnect.wire.portfolio import PortfolioShape, parse_portfolio
from exporter.service import make_client_of

PROJECTS = 1000
HOLDINGS = 2
DELAY = 0.15
SCRAPE_INTERVAL = 15.0

POLL_SECONDS = 0.002
SAMPLE_SECONDS = {20: 0.8e-6, 1_000: 0.5e-6, 10_000: 0.5e-6}
"""From an answer's bytes to a sample's line, by how many holdings the portfolio has."""
ORDERS_SECONDS = 0.015
"""From the bytes of 1,000 orders to their totals."""
LEAST_TIMES_PEER = 8
MOST_OF_A_CORE = 0.10
MOST_MORE_CPU = 0.10
SECONDS_LATE = 5.0
"""An interval counts as kept when two requests are at most this much further apart than it."""

_PORTFOLIO_GROUP = 3

_INTERVALS = {
    "live/list": 60.0,
    "live/portfolio/read": 60.0,
    "live/chart/read": 60.0,
    "live/read": 300.0,
}


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of one poll and of one answer."""
    rounds = 3 if quick else 7
    collect_garbage_rarely()  # as the command does
    return_freed_memory()
    return [_one_poll(rounds), *(_answer(holdings, rounds) for holdings in SAMPLE_SECONDS), _orders(rounds)]


def measure_thousand(*, quick: bool) -> list[Figure]:
    """Return the figures of a thousand projects at the contract's intervals."""
    window = 65.0 if quick else 180.0
    with started("benchmarks.api", PROJECTS, HOLDINGS, DELAY) as api, exporter(api.port) as running:
        first_round = running.seconds_until("/-/ready")
        sleep(_INTERVALS["live/list"] * 1.5)  # until every job runs on its grid
        two = _window(api.port, running, scrapers=2, length=window)
        one = _window(api.port, running, scrapers=1, length=window)
    late = {
        endpoint: longest - _INTERVALS[endpoint]
        for each in (one, two)
        for endpoint, longest in each.longest.items()
        if endpoint in _INTERVALS
    }
    more = two.cpu / one.cpu - 1
    return [
        Figure(
            f"{PROJECTS:,} projects at 150 ms, two scrapers, CPU",
            f"{100 * two.cpu:.1f} % of a core",
            f"first round after {first_round:.1f} s",
            f"{two.requests / window:.0f} requests/s",
            f"at most {100 * MOST_OF_A_CORE:.0f} %",
            two.cpu <= MOST_OF_A_CORE,
        ),
        Figure(
            f"{PROJECTS:,} projects, intervals kept",
            f"{max(late.values()):+.1f} s at the latest",
            ", ".join(f"{endpoint} {seconds_late:+.1f}" for endpoint, seconds_late in late.items()),
            "-",
            f"within {SECONDS_LATE:.0f} s",
            max(late.values()) <= SECONDS_LATE,
        ),
        Figure(
            "two scrapers in place of one",
            f"{100 * more:+.1f} % CPU, {two.requests:,} requests",
            f"one: {100 * one.cpu:.1f} %, {one.requests:,} requests",
            f"{two.requests / one.requests:.3f}x the requests",
            "under +10 % CPU, no more requests",
            more < MOST_MORE_CPU and two.requests <= one.requests * 1.01,
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Window:
    """What was seen in a stretch of time: ``cpu`` as the share of a core."""

    cpu: float
    requests: int
    longest: dict[str, float]


def _window(api_port: int, running: Exporter, scrapers: int, length: float) -> _Window:
    stop = Event()
    threads = [Thread(target=_scrape_until, args=(running.port, stop)) for _ in range(scrapers)]
    ask_script(api_port, "forget")
    before = cpu_seconds(running.id)
    for thread in threads:
        thread.start()
    sleep(length)
    cpu = (cpu_seconds(running.id) - before) / length
    counts = ask_script(api_port, "counts")
    stop.set()
    for thread in threads:
        thread.join()
    return _Window(cpu, int(counts["requests"]), counts["longest"])


def _scrape_until(port: int, stop: Event) -> None:
    with Scraper(port) as scraper:
        while not stop.wait(SCRAPE_INTERVAL):
            scraper.scrape()


def _one_poll(rounds: int) -> Figure:
    with tempfile.TemporaryDirectory() as name:
        certificate, key = _certificate(Path(name))
        with started("benchmarks.api", 1, 20, 0, certificate, key) as api:
            base_url = f"https://127.0.0.1:{api.port}/api/v2/"
            client = make_client_of(
                Account("main", USER_ID, Secret(TOKEN), base_url),
                10.0,
                CLOCK,
                RequestLog(ENDPOINTS, RESULTS),
                lambda: None,
            )
            client._session.verify = certificate  # noqa: SLF001 - the machine's own roots do not know it
            store: Store[RenderedProject] = Store(render_project)
            store.add(next(states(1, 20, read_clock(CLOCK))))
            bare = requests.Session()
            bare.verify, bare.trust_env = certificate, False

            def ours() -> float:
                started_at = process_time()
                move_prices(store, FIRST_PROJECT, client.live_portfolio(FIRST_PROJECT), read_clock(CLOCK))
                return process_time() - started_at

            def theirs() -> float:
                started_at = process_time()
                bare.post(f"{base_url}live/portfolio/read", json={"projectId": FIRST_PROJECT}, timeout=10)
                return process_time() - started_at

            found = alternately(rounds, {"ours": (50, ours), "bare": (50, theirs)})
            client.close()
            bare.close()
    own, peer = spread(found["ours"]), spread(found["bare"])
    return Figure(
        "one poll of 20 holdings over HTTPS, CPU",
        own.shown("ms", MILLI),
        f"requests.Session.post alone {peer.shown('ms', MILLI)}",
        f"{own.median / peer.median:.2f}x",
        f"at most {POLL_SECONDS * MILLI:.0f} ms",
        own.median <= POLL_SECONDS,
    )


def _certificate(folder: Path) -> tuple[str, str]:
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    subprocess.run(  # noqa: S603
        (
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ),
        check=True,
        capture_output=True,
    )
    return certificate, key


def _answer(holdings: int, rounds: int) -> Figure:
    """Measure from the body's bytes to the project's lines; prices differ from each to the next."""
    bodies = Answers(1, holdings, CLOCK.wall()).portfolios
    store: Store[RenderedProject] = Store(render_project)
    store.add(next(states(1, holdings, read_clock(CLOCK))))
    names = ("project_id", "symbol_id")
    registry = CollectorRegistry()
    gauges = {
        key: Gauge(f"holding_{key}", "H.", names, registry=registry) for key in ("a", "q", "p", "v", "u")
    }
    turn = iter(range(1_000_000))

    def ours() -> float:
        body = bodies[next(turn) % len(bodies)]
        started_at = process_time()
        read = parse_portfolio(interpret(Response(200, {}, body, 0.0), PortfolioShape))
        move_prices(store, FIRST_PROJECT, read, read_clock(CLOCK))
        return process_time() - started_at

    def theirs() -> float:
        body = bodies[next(turn) % len(bodies)]
        started_at = process_time()
        for symbol_id, members in json.loads(body)["portfolio"]["holdings"].items():
            for key, gauge in gauges.items():
                gauge.labels(str(FIRST_PROJECT), symbol_id).set(members[key])
        generate_latest(registry)
        return process_time() - started_at

    most = SAMPLE_SECONDS[holdings]
    times = max(1, 2_000 // holdings)
    found = alternately(rounds, {"ours": (times, ours), "gauges": (times, theirs)})
    group = store.snapshot().projects[0].rendered.groups[_PORTFOLIO_GROUP]
    samples = count_samples(group.lines) if group else 0
    own = spread([each / samples for each in found["ours"]])
    peer = spread([each / (holdings * len(gauges)) for each in found["gauges"]])
    return Figure(
        f"answer bytes to lines, {holdings:,} holdings, CPU a sample",
        own.shown("us", MICRO),
        f"json, gauges and generate_latest {peer.shown('us', MICRO)}",
        f"{peer.median / own.median:.0f}x faster",
        f"at most {most * MICRO:.1f} us, at least {LEAST_TIMES_PEER}x",
        own.median <= most and peer.median >= LEAST_TIMES_PEER * own.median,
    )


def _orders(rounds: int) -> Figure:
    """Measure from the body's bytes to the totals of a deployment that is read for the first time."""
    event = {
        "algorithmId": "L-1", "orderEventId": 1, "symbol": "SPY R735QTJ8XC9X", "fillPrice": 0.0, "fillQuantity": 0.0,
        "direction": "sell", "quantity": -10.0, "time": 1795789860.1, "status": "submitted",
    }  # fmt: skip
    fill = {
        "orderEventId": 2, "time": 1795789864.0, "status": "filled", "orderFeeAmount": 1.0, "orderFeeCurrency": "USD",
        "fillPrice": 601.12, "fillQuantity": -10.0,
    }  # fmt: skip
    orders = [
        {
            "type": 0, "id": number, "brokerId": [str(number)], "price": 601.12, "priceCurrency": "USD",
            "symbol": {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"}, "quantity": -10.0, "status": 3,
            "time": "2026-11-27T14:31:00Z", "createdTime": "2026-11-27T14:31:00Z", "securityType": 1, "direction": 1,
            "lastFillTime": "2026-11-27T14:31:04Z", "value": -6011.2, "tag": "x" * 400, "isMarketable": True,
            "orderSubmissionData": {"bidPrice": 601.18, "askPrice": 601.22, "lastPrice": 601.2},
            "events": [
                event | {"id": f"L-1-{number}-1", "orderId": number},
                event | fill | {"id": f"L-1-{number}-2", "orderId": number},
            ],
        }
        for number in range(1, 1001)
    ]  # fmt: skip
    body = json.dumps({"orders": orders, "length": len(orders), "success": True}).encode()
    book = OrderBook("L-1", 0.0)

    def ours() -> float:
        started_at = process_time()
        book.with_page(parse_orders(interpret(Response(200, {}, body, 0.0), OrdersShape)), CLOCK.wall())
        return process_time() - started_at

    def theirs() -> float:
        started_at = process_time()
        json.loads(body)
        return process_time() - started_at

    found = alternately(rounds, {"ours": (10, ours), "json": (10, theirs)})
    own, peer = spread(found["ours"]), spread(found["json"])
    return Figure(
        f"1,000 orders ({len(body) / 1e6:.1f} MB), bytes to totals, CPU",
        own.shown("ms", MILLI),
        f"json.loads alone {peer.shown('ms', MILLI)}",
        f"{own.median / peer.median:.2f}x",
        f"at most {ORDERS_SECONDS * MILLI:.0f} ms",
        own.median <= ORDERS_SECONDS,
    )
