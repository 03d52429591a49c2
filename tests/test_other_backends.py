"""Other back ends than Prometheus: the recipes of the document, run."""

import re
from pathlib import Path

import pytest
import requests
import yaml

from tests.programs import Prometheus, exporter_process, free_port, program, wait_until

DOCUMENT = (Path(__file__).parents[1] / "docs" / "other-backends.md").read_text("utf-8")


@pytest.fixture(scope="module")
def exporter(tmp_path_factory):
    """The exporter on its simulated QuantConnect."""
    log = tmp_path_factory.mktemp("exporter") / "log"
    with exporter_process("--demo", log=log) as address:
        yield address


@pytest.fixture(scope="module")
def scrape_file(exporter, tmp_path_factory):
    """The document's scrape configuration, for this exporter and in a hurry."""
    (text,) = re.findall(r"```yaml\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    assert "127.0.0.1:11722" in text
    file = tmp_path_factory.mktemp("scrape") / "scrape.yml"
    file.write_text(text.replace("127.0.0.1:11722", exporter.target).replace("15s", "500ms"))
    return file


def victoria_metrics(needs, folder, *arguments):
    """Return the command of a server that keeps what it gets in a folder."""
    flags = re.findall(r"^victoria-metrics (.+)$", DOCUMENT, re.MULTILINE)[0].split()
    assert [flag.partition("=")[0] for flag in flags] == ["-promscrape.config", "-storageDataPath"]
    return (
        needs("victoria-metrics"),
        f"-storageDataPath={folder / 'data'}",
        "-memory.allowedBytes=256MB",
        "-search.latencyOffset=1s",
        *arguments,
    )


def equities(server: Prometheus) -> set[str]:
    return {each["metric"]["project"] for each in server.query('quantconnect_equity{job="quantconnect"}')}


def shown(exporter) -> set[str]:
    return set(
        re.findall(
            r'^quantconnect_equity\{project_id="\d+",project="([^"\\]+)"', exporter.page(), re.MULTILINE
        )
    )


def test_victoria_metrics_and_vmagent_scrape_as_told(needs, exporter, scrape_file, tmp_path):
    """Both read the document's configuration: one keeps the equity of every project, one sends it to a storage."""
    assert "vmagent" in DOCUMENT
    scraping, storing = (Prometheus(f"http://127.0.0.1:{free_port()}") for _ in range(2))

    def server(of: Prometheus, *arguments: str) -> tuple[str, ...]:
        address = of.url.removeprefix("http://")
        return victoria_metrics(needs, tmp_path / address, f"-httpListenAddr={address}", *arguments)

    agent = (
        needs("vmagent"),
        f"-promscrape.config={scrape_file}",
        f"-remoteWrite.url={storing.url}/api/v1/write",
        f"-remoteWrite.tmpDataPath={tmp_path / 'agent'}",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
    )
    with (
        program(*server(scraping, f"-promscrape.config={scrape_file}"), log=tmp_path / "scraping.log"),
        program(*server(storing), log=tmp_path / "storing.log"),
        program(*agent, log=tmp_path / "agent.log"),
    ):
        for each in (scraping, storing):
            wait_until(lambda each=each: answers(each), what=f"VictoriaMetrics, see {tmp_path}")
        for each in (scraping, storing):
            wait_until(
                lambda each=each: shown(exporter) <= equities(each), what="the equity of every project"
            )
    assert len(shown(exporter)) > 5


def recipe(title: str) -> dict:
    """Return the YAML of a section."""
    section = DOCUMENT.split(f"\n## {title}\n")[1]
    return yaml.safe_load(re.findall(r"```\w+\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[0])


def test_opentelemetry_scrapes_as_vmagent_does():
    """The Collector takes the scrape configuration that VictoriaMetrics is run with."""
    receiver = recipe("OpenTelemetry Collector")["receivers"]["prometheus"]
    assert receiver["config"] == recipe("VictoriaMetrics and vmagent")


def test_datadog_is_told_metrics_that_exist(exporter):
    """Each metric is a family of the page, a counter without ``_total``; the limit leaves room for many projects."""
    (instance,) = recipe("Datadog")["instances"]
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", exporter.page(), re.MULTILINE))
    for metric in instance["metrics"]:
        ((name, renamed),) = metric.items()
        assert name == f"{instance['namespace']}_{renamed}"
        assert name in families or families.get(f"{name}_total") == "counter"
    assert instance["max_returned_metrics"] > 2000


def answers(server: Prometheus) -> bool:
    try:
        return requests.get(f"{server.url}/health", timeout=2).ok
    except requests.RequestException:
        return False
