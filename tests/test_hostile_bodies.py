"""Bodies made to fill memory: whatever comes, four workers that read it stay under 200 MiB."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.quantconnect.client import AUTHENTICATE, LARGEST_BODIES, PROJECTS_READ
from exporter.quantconnect.envelope import MOST_CONTAINERS, MOST_FORGIVEN
from tests.programs import Address, exporter_process, wait_until, write_config
from tests.raw_server import raw_server
from tests.web.attackers import Victim, scraping

MIB = 1024 * 1024
READER = """
import json, sys
from threading import Thread
from exporter.clock import SystemClock
from exporter.config.secret import Secret
from exporter.errors import ApiError
from exporter.process import collect_garbage_rarely, return_freed_memory
from exporter.quantconnect.auth import Credentials
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog

ASK = {
    "authenticate": lambda client: client.authenticate(),
    "live/list": lambda client: client.live_list(),
    "live/read": lambda client: client.live_statistics(5, 50),
    "live/portfolio/read": lambda client: client.live_portfolio(5),
    "live/chart/read": lambda client: client.live_chart(5, "C", 0, 1, 1000),
    "live/orders/read": lambda client: client.live_orders(5, 0, 1000),
    "projects/read": lambda client: client.project_names(),
}
clock, seen = SystemClock(), {}


def read(base_url, endpoint, texts):
    log = RequestLog(ENDPOINTS, RESULTS)
    client = Client(Credentials(1, Secret("t" * 64)), base_url, 60, clock, log, lambda: None)
    try:
        texts.append(repr(ASK[endpoint](client))[:200])
    except ApiError as error:
        texts.append(str(error))
    client.close()


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


collect_garbage_rarely()
return_freed_memory()
for number, (name, endpoint) in enumerate(json.loads(sys.argv[2])):
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    texts = []
    workers = [Thread(target=read, args=(f"{sys.argv[1]}{number}/", endpoint, texts)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seen[name] = {"peak": peak(), "texts": texts}
print(json.dumps(seen))
"""
"""What four workers of an exporter do with each answer; the peak of memory is in MiB."""


def filled(start: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """Return a body of so many bytes that repeats an item."""
    return start + item * ((size - len(start) - len(end)) // len(item) - 1) + item.rstrip(b",") + end


def keyed(start: bytes, value: bytes, end: bytes, size: int) -> bytes:
    """Return a body of so many bytes that repeats a member under different short keys."""
    room = size - len(start) - len(end)
    members = [b'"%x":%s' % (number, value) for number in range(room // (len(value) + 9))]
    return start + b",".join(members) + end


@cache
def bodies() -> dict[str, tuple[str, bytes]]:
    large = {endpoint: bound - 10 for endpoint, bound in LARGEST_BODIES.items()}
    ok, small = b'{"success":true,', MOST_FORGIVEN - 10
    places = {
        "live/list": b'"live":[',
        "live/read": b'"runtimeStatistics":[',
        "live/portfolio/read": b'"portfolio":[',
        "live/chart/read": b'"chart":[',
        "live/orders/read": b'"orders":[',
        "projects/read": b'"projects":[',
        "authenticate": b'"errors":[',
    }
    found = {}
    for endpoint, place in places.items():
        found[f"lists in {endpoint}"] = endpoint, filled(ok + place, b"[],", b"]}", large[endpoint])
    row = b'{"projectId":1,"deployId":"","status":"","launched":null},'
    chart = b'"chart":{"series":{"S":{"values":['
    orders = places["live/orders/read"]
    flat, cash = b'"portfolio":{"holdings":{', b'},"cash":{}}}'
    return found | {
        "as many lists as there may be": (
            "live/list",
            filled(ok + places["live/list"], b"[],", b"]}", 3 * MOST_CONTAINERS),
        ),
        "numbers": ("live/list", filled(ok + places["live/list"], b"1.5,", b"]}", small)),
        "20 million lists": ("live/list", filled(ok + places["live/list"], b"[],", b"]}", 60_000_000)),
        "one surrogate": (
            "live/list",
            filled(ok + b'"x":"\\ud800",' + places["live/list"], b"[],", b"]}", large["live/list"]),
        ),
        "fewer objects and a surrogate": (
            "live/list",
            filled(ok + b'"x":"\\ud800",' + places["live/list"], b"{},", b"]}", 3 * MOST_CONTAINERS),
        ),
        "deployments of one project": (
            "live/list",
            filled(ok + places["live/list"], row, b"]}", large["live/list"]),
        ),
        "projects": (
            "projects/read",
            filled(
                ok + places["projects/read"], b'{"projectId":1,"name":""},', b"]}", large["projects/read"]
            ),
        ),
        "points": ("live/chart/read", filled(ok + chart, b"[1,2],", b"]}}}}", large["live/chart/read"])),
        "as many points as there may be": (
            "live/chart/read",
            filled(ok + chart, b"[1,2],", b"]}}}}", 6 * MOST_CONTAINERS),
        ),
        "empty orders": ("live/orders/read", filled(ok + orders, b"{},", b"]}", large["live/orders/read"])),
        "as many orders as there may be": (
            "live/orders/read",
            filled(ok + orders, b"{},", b"]}", 3 * MOST_CONTAINERS),
        ),
        "events of one order": (
            "live/orders/read",
            filled(ok + orders + b'{"id":1,"events":[', b'{"status":1},', b"]}]}", 13 * MOST_CONTAINERS),
        ),
        "flat holdings": (
            "live/portfolio/read",
            keyed(ok + flat, b"{}", cash, large["live/portfolio/read"]),
        ),
        "holdings of an older engine": ("live/portfolio/read", keyed(ok + flat, b'{"Type":1}', cash, small)),
        "statistics": (
            "live/read",
            keyed(ok + b'"deployId":"L","runtimeStatistics":{', b'"1"', b"}}", large["live/read"]),
        ),
        "unknown members": (
            "live/portfolio/read",
            ok
            + flat
            + b'"A":{'
            + b",".join(b'"%05d%s":1' % (n, b"x" * 400) for n in range(4500))
            + b"}"
            + cash,
        ),
        "a name of 2 MB": (
            "projects/read",
            json.dumps({"success": True, "projects": [{"projectId": 5, "name": "x" * 2_000_000}]}).encode(),
        ),
        "wide characters": ("live/list", ok + b'"live":["' + "\U0001f600".encode() * 500_000 + b'\\ud800"]}'),
        "an error of 2 MB": ("live/list", b'{"success":false,"errors":["' + b"x" * 2_000_000 + b'"]}'),
        "escapes": ("live/list", ok + b'"x":"' + rb"\/" * (3 * MIB - 100) + b'"}'),
    }


@pytest.fixture(scope="module")
def seen():
    """Return what an exporter's workers did with each of the bodies."""

    def reply(handler) -> None:
        number = int(handler.path.split("/")[3])
        body = list(bodies().values())[number][1]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    asked = json.dumps([(name, endpoint) for name, (endpoint, _) in bodies().items()])
    with raw_server() as server:
        server.reply = reply
        command = [sys.executable, "-c", READER, server.url, asked]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    return json.loads(done.stdout)


def test_memory_stays_bounded(seen):
    """Four workers that read a hostile body at once stay under 200 MiB, and its error is a short text."""
    assert seen.keys() == bodies().keys()
    assert {name: each["peak"] for name, each in seen.items() if each["peak"] >= 150} == {}
    for each in seen.values():
        assert len(each["texts"]) == 4
        assert max(map(len, each["texts"])) <= 300


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def watched(exporter: Address, api: SimulatedQuantConnect, endpoint: str, polls: int) -> tuple[float, float]:
    """Scrape until so many requests were made; return the seconds of the worst scrape and the peak of memory."""
    with scraping(Victim(exporter.url, exporter.process, Path())) as scrapes:
        wait_until(lambda: sum(each.endpoint == endpoint for each in api.requests) >= polls, 60, endpoint)
    assert scrapes.failures == []
    return scrapes.worst, peak_mib(exporter.process.pid)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_scrapes_beside_hostile_bodies(tmp_path, capsys):
    """While each body is polled again and again, scrapes take under 1 s, memory 200 MiB, a log line 4 kB."""
    polling = dict.fromkeys(("status", "portfolio", "equity", "statistics", "charts", "orders"), "1s")
    clock, log = SystemClock(), tmp_path / "exporter.log"
    rows, longest = {}, 0
    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock) as api:
        config = f"--config.file={write_config(tmp_path / 'config.yml', api, polling=polling)}"
        for name, (endpoint, body) in bodies().items():
            if endpoint == AUTHENTICATE:  # asked only when something is refused
                continue
            fault, polls = Fault(endpoint=endpoint, body=body), 8
            if endpoint == PROJECTS_READ:  # asked at the start, by each account, and then once an hour
                handle, polls = api.faults.add(fault), 2
            with exporter_process(config, log=log) as exporter:
                if endpoint != PROJECTS_READ:
                    api.requests.clear()
                    handle = api.faults.add(fault)
                rows[name] = watched(exporter, api, endpoint, polls)
            api.faults.remove(handle)
            api.requests.clear()
            longest = max(longest, *map(len, log.read_bytes().splitlines()))
    with capsys.disabled():
        print(f"\n{'body':32} {'MiB':>5} {'worst scrape':>12} {'peak':>8}")  # noqa: T201 - what it is for
        for name, (worst, peak) in rows.items():
            print(f"{name:32} {len(bodies()[name][1]) / MIB:5.1f} {worst:10.3f} s {peak:4.0f} MiB")  # noqa: T201
        print(f"longest log line: {longest} bytes")  # noqa: T201
    assert max(peak for _, peak in rows.values()) < 200
    assert max(worst for worst, _ in rows.values()) < 1
    assert longest <= 4000
