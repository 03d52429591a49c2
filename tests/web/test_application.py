"""The pages over real sockets: paths, methods, headers, and what each says."""

import gzip
import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Event

import pytest
import requests
import yaml

from exporter.demo.server import SimulatedQuantConnect
from exporter.metrics.exposition import Format
from tests.support import Bench, FakeClock, config_of, parse_page, scenario_at
from tests.web.sites import serving


@pytest.fixture(scope="module")
def polled():
    """An exporter that has polled everything once, shared by the tests that only look at it."""
    clock = FakeClock()
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock) as api:
        bench = Bench(api, clock, config_of(api))
        bench.poll()
        yield bench
        bench.close()


@pytest.fixture(scope="module")
def served(polled):
    """The address of a server that shows a polled exporter."""
    with serving(polled.exporter.pages()) as port:
        yield f"http://127.0.0.1:{port}"


def test_metrics_in_the_text_format(served, polled):
    """Without headers of its own a client gets the plain text format, under its true type."""
    answer = requests.get(f"{served}/metrics", headers={"Accept-Encoding": "identity"}, timeout=5)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == Format.TEXT.content_type
    assert "Content-Encoding" not in answer.headers
    page = parse_page(answer.text)
    assert page.all("quantconnect_equity") == polled.samples().all("quantconnect_equity")
    assert page.one("process_resident_memory_bytes") > 1e6


def test_metrics_as_prometheus_asks(served):
    """With Prometheus' headers the answer is OpenMetrics, compressed, and says so."""
    headers = {"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1", "Accept-Encoding": "gzip"}
    answer = requests.get(f"{served}/metrics", headers=headers, timeout=5, stream=True)
    packed = answer.raw.read()

    assert answer.headers["Content-Type"] == Format.OPENMETRICS.content_type
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(packed).endswith(b"# EOF\n")


def test_head_has_the_headers_alone(served):
    """HEAD answers like GET, without the body."""
    head = requests.head(f"{served}/metrics", headers={"Accept-Encoding": "identity"}, timeout=5)

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 10_000


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/-/reload", "/-/", "/..%2fmetrics", "//metrics"])
def test_other_paths_are_not_found(served, path):
    """Only the pages exist; the client sends the path as it is written here."""
    connection = http.client.HTTPConnection(served.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.request("GET", path)
        assert connection.getresponse().status == 404


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/-/config"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_not_allowed(served, path, method):
    """Every page is only read."""
    assert requests.request(method, served + path, timeout=5).status_code == 405


def test_health_and_readiness(served):
    """Readiness answers 200 after everything was tried, health 200 while the workers move."""
    assert requests.get(f"{served}/-/ready", timeout=5).text == "ready\n"
    assert requests.get(f"{served}/-/healthy", timeout=5).status_code == 200


def test_not_ready_before_the_first_polls(make_bench):
    """Before anything was tried, readiness answers 503."""
    with serving(make_bench().exporter.pages()) as port:
        assert requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).status_code == 503
        assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).status_code == 200


def test_status_page_is_html(served):
    """The page at the root names every project and links to the metrics."""
    answer = requests.get(f"{served}/", timeout=5)

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "US Equities/Long Short Momentum" in answer.text
    assert 'href="metrics"' in answer.text


def test_status_page_is_not_cached(served):
    """Nobody between keeps the page, which would look alive later."""
    assert requests.get(f"{served}/", timeout=5).headers["Cache-Control"] == "no-store"


def test_status_page_is_compressed_where_that_is_accepted(served):
    """A phone gets the page compressed, a client that does not ask for that gets it plain; both are told apart."""
    compressed, plain = (
        requests.get(f"{served}/", headers={"Accept-Encoding": coding}, timeout=5)
        for coding in ("gzip", "identity")
    )

    assert compressed.text == plain.text
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert int(compressed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_status_page_is_made_once_a_second_for_all(polled):
    """Those who ask within a second share one page, plain or compressed."""
    made = []
    pages = replace(polled.exporter.pages(), status=lambda sort: made.append(sort) or f"page {len(made)}")
    with serving(pages) as port, ThreadPoolExecutor(10) as clients:

        def ask(coding: str) -> str:
            return requests.get(
                f"http://127.0.0.1:{port}/", headers={"Accept-Encoding": coding}, timeout=5
            ).text

        assert set(clients.map(ask, ["gzip", "identity"] * 10)) == {"page 1"}
        sorted_pages = [
            f"http://127.0.0.1:{port}/?sort={sort}" for sort in ("-cash", "anything", "-cash", "")
        ]
        assert [requests.get(each, timeout=5).text for each in sorted_pages] == [
            f"page {n}" for n in (2, 1, 2, 1)
        ]
    assert made == ["", "-cash"]


def test_configuration_is_written_by_one_thread(polled):
    """However many ask at once, no more than one thread writes the configuration, and pages have the others."""
    running, most = [], []

    def config() -> str:
        running.append(1)
        most.append(len(running))
        Event().wait(0.01)
        running.pop()
        return "accounts: []"

    with (
        serving(replace(polled.exporter.pages(), config=config)) as port,
        ThreadPoolExecutor(10) as clients,
    ):
        assert set(
            clients.map(
                lambda _: requests.get(f"http://127.0.0.1:{port}/-/config", timeout=20).text, range(20)
            )
        ) == {"accounts: []"}
    assert set(most) == {1}


def test_readiness_says_why_not(polled):
    """While the exporter is not ready the answer is 503 with the reason."""
    pages = replace(polled.exporter.pages(), not_ready=lambda: "no account could be listed")
    with serving(pages) as port:
        answer = requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=5)
    assert (answer.status_code, answer.text) == (503, "no account could be listed\n")


def test_configuration_in_force(served, polled):
    """The configuration is shown as YAML that can be loaded, with each token as <secret>."""
    answer = requests.get(f"{served}/-/config", timeout=5)

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    accounts = yaml.safe_load(answer.text)["accounts"]
    assert [each["name"] for each in accounts] == [each.name for each in polled.config.accounts]
    assert {each["api_token"] for each in accounts} == {"<secret>"}
    assert not any(each.api_token.reveal() in answer.text for each in polled.config.accounts)


def test_kept_connection_serves_several_scrapes(served):
    """A scraper that keeps its connection need not open another."""
    connection = http.client.HTTPConnection(served.removeprefix("http://"), timeout=5)
    connection.connect()
    own = connection.sock.getsockname()
    for _ in range(3):
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        assert connection.sock.getsockname() == own
    connection.close()
