"""Two Prometheus servers: one that scrapes exporters on the simulator, one with a hand-made month."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.grafana import history
from tests.grafana.dashboards import ROOT
from tests.grafana.prometheus import Prometheus, answers, process, server
from tests.grafana.variables import Window
from tests.programs import wait_until

_SCRAPE = """\
scrape_configs:
  - job_name: quantconnect
    scrape_interval: 1s
    static_configs:
      - targets: [{targets}]
"""
_ENOUGH = """
min(count_over_time(quantconnect_equity{project="CFD Indices"}[1m])) >= 9
and on () min(count_over_time(quantconnect_strategy_pnl[1m])) >= 9
and on () count(quantconnect_portfolio_changed_timestamp_seconds) > 12
and on () count(quantconnect_chart_value) >= 4
and on () count(quantconnect_up{source="statistics"}) >= 26
"""


def installed(name: str) -> str:
    """Return the path of a program; skip the test without it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Window]]:
    """A Prometheus that scrapes a pair of exporters, and the last seconds of what it has."""
    folder = tmp_path_factory.mktemp("live")
    program = installed("prometheus")
    *exporters, own = free_ports(3)
    config = _SCRAPE.format(targets=", ".join(f"'127.0.0.1:{port}'" for port in exporters))
    with ExitStack() as stack:
        for port in exporters:
            command = [sys.executable, "-m", "exporter", "--demo", f"--web.listen-address=127.0.0.1:{port}"]
            stack.enter_context(process(command, folder / f"exporter_{port}.log", ROOT))
        prometheus = stack.enter_context(server(program, folder, own, config))
        for port in exporters:
            wait_until(
                answers(f"http://127.0.0.1:{port}/-/ready"), 15, "an exporter that has polled everything"
            )
        wait_until(lambda: prometheus.now(_ENOUGH), 60, "a scrape of everything")
        ((_, now),) = [(one, float(one["value"][1])) for one in prometheus.now("vector(time())")]
        yield prometheus, Window(start=now - 8, end=now, step=1, scrape_interval=1)


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Window]]:
    """A Prometheus that holds the hand-made month of ``history``."""
    folder = tmp_path_factory.mktemp("month")
    program, promtool = installed("prometheus"), installed("promtool")
    text = folder / "month.txt"
    text.write_text(history.openmetrics())
    subprocess.run(
        [
            promtool,
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "--max-block-duration=720h",
            text,
            folder / "data",
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    (port,) = free_ports(1)
    with server(program, folder, port, "") as prometheus:
        yield prometheus, Window(history.START, history.END, step=3600, scrape_interval=3600)
