"""A QuantConnect of which a test decides every answer, over loopback HTTP, and an exporter that polls it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

from exporter.config.model import Account, Config, NamedProject, Polling, ProjectSettings
from exporter.config.secret import Secret
from tests.support import Bench, FakeClock

Body = dict[str, Any]
Point = tuple[float, float]

SETTINGS = ProjectSettings(polling=Polling(status=60, portfolio=60, equity=60, statistics=300, orders=None))
LOADING: Body = {"success": True, "status": "loading", "progress": 0.5}


def time_text(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"


def row(project_id: int, deploy_id: str = "L-1", status: str = "Running", **members: Any) -> Body:
    """Return a row of ``live/list``; ``launched`` and ``stopped`` may be Unix seconds."""
    times = {name: time_text(each) for name, each in members.items() if isinstance(each, float)}
    launched = {"launched": "2026-09-01 00:00:00", "stopped": None}
    return {"projectId": project_id, "deployId": deploy_id, "status": status, **launched, **members, **times}


def portfolio(quantity: float = 10, dollars: float = 100) -> Body:
    cash = {"symbol": "USD", "amount": dollars, "conversionRate": 1, "valueInAccountCurrency": dollars}
    holding = {"a": 1, "q": quantity, "p": 5, "v": 5 * quantity, "u": 4 * quantity}
    return {"success": True, "portfolio": {"holdings": {"SPY R735QTJ8XC9X": holding}, "cash": {"USD": cash}}}


def latest(points: Sequence[Point], most: int) -> Sequence[Point]:
    return points[max(0, len(points) - most) :]


def earliest(points: Sequence[Point], most: int) -> Sequence[Point]:
    return points[:most]


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """Return groups of neighbours as one point each: the time of the last, the highest value."""
    size = -(-len(points) // most) if points else 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], max(value for _, value in group)) for group in groups]


@dataclass
class Cloud:
    """What QuantConnect answers now; ``asked`` are the requests so far.

    ``points`` are those of the equity chart; of those asked for, ``shorten`` chooses at most ``most``.
    A function among ``overrides`` answers its endpoint instead.
    """

    clock: FakeClock
    rows: list[Any] = field(default_factory=list)
    reads: dict[int, Body] = field(default_factory=dict)
    portfolios: dict[int, Body] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    shorten: Callable[[Sequence[Point], int], Sequence[Point]] = latest
    most: int = 1000
    overrides: dict[str, Callable[[Body], Body]] = field(default_factory=dict)
    asked: list[tuple[str, Body]] = field(default_factory=list)
    base_url: str = ""

    def answer(self, endpoint: str, request: Body) -> Body:  # noqa: PLR0911 - one for each endpoint
        self.asked.append((endpoint, request))
        if endpoint in self.overrides:
            return self.overrides[endpoint](request)
        project_id = request.get("projectId", 0)
        match endpoint:
            case "live/list":
                return {"success": True, "live": self.rows}
            case "live/read":
                return self.reads.get(project_id) or self.read(project_id)
            case "live/portfolio/read":
                return self.portfolios.get(project_id) or portfolio()
            case "live/chart/read":
                return self.chart(request)
            case "projects/read":
                return {"success": True, "projects": []}
            case _:
                return {"success": True}

    def read(self, project_id: int) -> Body:
        """Return what ``live/read`` says of the project's running row, or of its last."""
        rows = [each for each in self.rows if isinstance(each, dict) and each.get("projectId") == project_id]
        running = [each for each in rows if each["status"] == "Running"]
        return {"success": True, "runtimeStatistics": {}, **(running or rows)[-1]}

    def chart(self, request: Body) -> Body:
        within = [each for each in self.points if request["start"] <= each[0] <= request["end"]]
        values = self.shorten(within, min(self.most, request["count"]))
        series = {"Equity": {"name": "Equity", "seriesType": 0, "values": [list(each) for each in values]}}
        return {"success": True, "chart": {"name": request["name"], "series": series}}

    def requests(self, endpoint: str) -> list[Body]:
        return [request for each, request in self.asked if each == endpoint]

    def config(
        self, settings: ProjectSettings = SETTINGS, *named: int, discover: bool = True, budget: int = 1000
    ) -> Config:
        account = Account("main", 1, Secret("token"), self.base_url, budget, discover=discover)
        projects = tuple(NamedProject(project_id, "main", settings) for project_id in named)
        return Config((account,), projects, settings)


@contextmanager
def serving(cloud: Cloud) -> Iterator[Cloud]:
    """Answer over HTTP on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            body = json.dumps(cloud.answer(self.path.removeprefix("/api/v2/"), request)).encode()
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Date", formatdate(cloud.clock.wall(), usegmt=True))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Stay silent."""

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def server_bind(self) -> None:
            TCPServer.server_bind(self)  # HTTPServer's own would look up the host's full name

    listener = Listener(("127.0.0.1", 0), Handler)
    cloud.base_url = f"http://127.0.0.1:{listener.server_address[1]}/api/v2/"
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@contextmanager
def polled(cloud: Cloud, config: Config, clock: FakeClock | None = None) -> Iterator[Bench]:
    """Poll a served cloud once, by its own clock unless another is given."""
    bench = Bench(cloud, clock or cloud.clock, config)  # type: ignore[arg-type]  # only kept by it
    bench.poll()
    try:
        yield bench
    finally:
        bench.close()


def with_polling(**intervals: Any) -> ProjectSettings:
    return replace(SETTINGS, polling=replace(SETTINGS.polling, **intervals))
