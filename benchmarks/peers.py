"""The peers: prometheus_client with labelled gauges or a custom collector, and a static file from nginx.

``python -m benchmarks.peers gauges|collector PORT_OF_A_PAGE`` reads the page of a running exporter
and serves the same samples with prometheus_client's own server.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time, sleep
from urllib.request import Request, urlopen

from prometheus_client import Gauge, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from benchmarks.client import OPENMETRICS_FIRST, TEXT_ONLY

Row = tuple[str, str, tuple[str, ...], list[tuple[tuple[str, ...], float]]]
"""A family: its name, help, label names, and the label values and value of each sample."""


def rows(page: str) -> list[Row]:
    """Return the projects' families of a page in the text format."""
    found = []
    for family in text_string_to_metric_families(page):
        if family.name.startswith("quantconnect_") and family.type in ("gauge", "counter"):
            names = tuple(family.samples[0].labels)
            samples = [
                (tuple(sample.labels.get(name, "") for name in names), sample.value)
                for sample in family.samples
            ]
            found.append((family.name, family.documentation, names, samples))
    return found


class Gauges:
    """Labelled gauges, set to every value."""

    def __init__(self, families: list[Row], registry: CollectorRegistry) -> None:
        self._families = families
        self._gauges = [Gauge(name, text, names, registry=registry) for name, text, names, _ in families]
        self.change(0.0)

    def change(self, by: float) -> None:
        """Set every gauge."""
        for gauge, (_, _, _, samples) in zip(self._gauges, self._families, strict=True):
            for labels, value in samples:
                (gauge.labels(*labels) if labels else gauge).set(value + by)


class Custom(Collector):
    """A collector that makes its families from what it knows at each scrape."""

    def __init__(self, families: list[Row], registry: CollectorRegistry) -> None:
        self._families = families
        self._by = 0.0
        registry.register(self)

    def change(self, by: float) -> None:
        """Let every value differ at the next scrape."""
        self._by = by

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        for name, text, names, samples in self._families:
            family = GaugeMetricFamily(name, text, labels=names)
            for labels, value in samples:
                family.add_metric(labels, value + self._by)
            yield family


@contextmanager
def nginx(port_of_page: int) -> Iterator[int]:
    """Serve the gzip bytes of a page as a file from nginx, and yield its port."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "metrics").write_bytes(fetch(port_of_page, OPENMETRICS_FIRST, "gzip"))
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            "worker_processes 1; events { worker_connections 4096; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n"
            f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
            f"fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; "
            f"scgi_temp_path {folder}/scgi;\n"
            f"server {{ listen 127.0.0.1:{port} backlog=1024; root {folder};\n"
            "default_type application/openmetrics-text; add_header Content-Encoding gzip; } }\n",
            "utf-8",
        )
        command = (program, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
        with subprocess.Popen(command) as process:  # noqa: S603
            try:
                _wait_for(port)
                yield port
            finally:
                process.terminate()


def fetch(port: int, accept: str = TEXT_ONLY, encoding: str = "identity") -> bytes:
    """Return the bytes of a page as they are sent."""
    request = Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept, "Accept-Encoding": encoding}
    )
    with urlopen(request, timeout=60) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            sleep(0.01)
        else:
            return
    raise RuntimeError("nginx does not answer")


def main(arguments: list[str]) -> None:
    """Serve the samples of a page, and change them on command."""
    kind, port = arguments
    families = rows(fetch(int(port)).decode())
    registry = CollectorRegistry()
    make: Callable[[list[Row], CollectorRegistry], Gauges | Custom] = Gauges if kind == "gauges" else Custom
    served = make(families, registry)
    server, _ = start_http_server(0, "127.0.0.1", registry)
    samples = sum(len(each[3]) for each in families)
    print(json.dumps({"port": server.server_port, "series": samples}), flush=True)  # noqa: T201
    for number, line in enumerate(sys.stdin):
        before = process_time()
        if line.startswith("change"):
            served.change(number / 1000)
            print(json.dumps({"cpu": process_time() - before}), flush=True)  # noqa: T201
        else:
            print(json.dumps({"cpu": before}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
