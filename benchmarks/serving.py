"""The exporter's store, page and web server without polling, as a process that changes on command.

``python -m benchmarks.serving PROJECTS HOLDINGS``. Commands, one a line: ``change N`` publishes new
prices of N projects, ``poll SECONDS`` goes on publishing all of them, evenly, in that time.
"""

import gc
import json
import os
import sys
from functools import partial
from threading import Thread
from time import process_time, sleep

from benchmarks.measure import CLOCK, MEBIBYTE, resident_bytes
from benchmarks.world import FIRST_PROJECT, move_prices, portfolio, project_ids, states
from exporter import __version__
from exporter.metrics.exporter_metrics import AccountView, ExporterMetrics, ExporterView
from exporter.metrics.exposition import Format
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject, render_project
from exporter.polling.fetched import read_clock
from exporter.polling.state import ProjectState, Source
from exporter.polling.store import Store
from exporter.process import collect_garbage_rarely, return_freed_memory
from exporter.quantconnect.client import ENDPOINTS, RESULTS
from exporter.quantconnect.telemetry import RequestLog
from exporter.web.application import Pages, make_application
from exporter.web.server import ListenAddress, WebServer, listen


def _becomes(state: ProjectState, _: ProjectState) -> ProjectState:
    return state


class Serving:
    """Projects that are published without being asked for."""

    def __init__(self, projects: int, holdings: int) -> None:
        self._projects = projects
        self._holdings = holdings
        self._seed = 0
        self._next = 0
        own_process = os.getpid()
        before = resident_bytes(own_process)
        self.store: Store[RenderedProject] = Store(render_project)
        for state in states(projects, holdings, read_clock(CLOCK)):
            self.store.add(state)
        requests = RequestLog(ENDPOINTS, RESULTS).requests
        own = ExporterMetrics(
            lambda: (AccountView("main", 1000, projects, requests),),
            lambda: ExporterView(__version__, "unknown", "3", CLOCK.wall()),
        )
        self.page = Page(self.store, own.lines, CLOCK)
        self.series = sum(
            not line.startswith(b"#") for line in bytes(self.page.plain(Format.OPENMETRICS)).splitlines()
        )
        gc.collect()
        collect_garbage_rarely()
        return_freed_memory()
        self.grown_mebibytes = (resident_bytes(own_process) - before) / MEBIBYTE

    def change(self, count: int) -> float:
        """Publish new prices of so many projects, and return the CPU seconds of rendering them."""
        self._seed += 1
        start, now = self._next, read_clock(CLOCK)
        self._next = (start + count) % self._projects
        states = []
        for number in range(count):
            known = self.store.get(FIRST_PROJECT + (start + number) % self._projects)
            if known is not None:
                read = portfolio(self._holdings, self._seed + number)
                states.append(known.with_portfolio(read, now).with_success(Source.PORTFOLIO, now))
        started = process_time()
        for state in states:
            self.store.update(state.project_id, partial(_becomes, state))
        return process_time() - started

    def poll(self, interval: float) -> None:
        """Publish every project once in each interval, from a thread of its own, until the end."""

        def forever() -> None:
            pause = interval / self._projects
            while True:
                for project_id in project_ids(self._projects):
                    self._seed += 1
                    move_prices(
                        self.store, project_id, portfolio(self._holdings, self._seed), read_clock(CLOCK)
                    )
                    sleep(pause)

        Thread(target=forever, daemon=True).start()


def main(arguments: list[str]) -> None:
    """Serve, and obey."""
    serving = Serving(int(arguments[0]), int(arguments[1]))
    listening = listen(ListenAddress("127.0.0.1", 0))
    pages = Pages(serving.page, lambda _: "", lambda: True, lambda: None)
    WebServer(make_application(pages, "/metrics"), [listening]).start()
    ready = {
        "port": listening.getsockname()[1],
        "series": serving.series,
        "grown": serving.grown_mebibytes,
    }
    print(json.dumps(ready), flush=True)  # noqa: T201
    for line in sys.stdin:
        command, value = line.split()
        answer: dict[str, float] = {}
        match command:
            case "change":
                answer["cpu"] = serving.change(int(value))
            case "poll":
                serving.poll(float(value))
            case "cpu":
                answer["cpu"] = process_time()
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
