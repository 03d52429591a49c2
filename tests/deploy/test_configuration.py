"""The configurations of Prometheus and Alertmanager are valid, route by severity and mute what follows."""

import re
import subprocess
from collections.abc import Callable

import pytest
import yaml

from tests.deploy.processes import get, post, running, wait_for
from tests.deploy.promql import ROOT
from tests.programs import free_port

PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"

Alert = dict[str, str]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_prometheus_accepts_its_configuration(needs):
    """The file is valid and finds its rule file beside itself."""
    done = run(needs("promtool"), "check", "config", PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_prometheus_knows_the_exporter_as_the_rules_do():
    """The job has the name that the rules ask for, and the address that the exporter listens on."""
    content = yaml.safe_load(PROMETHEUS.read_text())
    (job,) = content["scrape_configs"]
    assert job["job_name"] == "quantconnect"
    assert job["static_configs"] == [{"targets": ["127.0.0.1:11722"]}]
    assert content["rule_files"] == ["quantconnect.rules.yml"]
    assert content["global"]["external_labels"]["grafana_url"].startswith("http")


def test_alertmanager_accepts_its_configuration(needs):
    """The file is valid as it is shipped."""
    done = run(needs("amtool"), "check-config", ALERTMANAGER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["webhook_configs", "email_configs", "slack_configs"])
def test_each_receiver_shown_in_comments_is_valid(needs, tmp_path, kind):
    """Taking the comment marks away from one of the examples gives a valid file."""
    example = re.search(rf"^    # {kind}:\n(?:    #   .*\n)+", ALERTMANAGER.read_text(), re.MULTILINE)
    assert example
    opened = example[0].replace("    # ", "    ")
    file = tmp_path / "alertmanager.yml"
    file.write_text(ALERTMANAGER.read_text().replace(example[0], opened))
    done = run(needs("amtool"), "check-config", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kind in yaml.safe_load(file.read_text())["receivers"][0]


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (
            ("alertname=QuantConnectDrawdown", "severity=critical", "project_id=7", "project=Momentum"),
            "critical",
        ),
        (
            ("alertname=QuantConnectDrawdown", "severity=warning", "project_id=7", "project=Momentum"),
            "warning",
        ),
        (("alertname=QuantConnectEquityStale", "severity=info", "project_id=7", "project=Momentum"), "info"),
        (("alertname=QuantConnectApiUnauthorized", "severity=critical", "account=main"), "critical"),
        (("alertname=QuantConnectExporterDown", "severity=critical", "job=quantconnect"), "critical"),
        (("alertname=SomethingElse",), "warning"),
    ],
)
def test_alerts_are_routed_by_severity(needs, labels, receiver):
    """Each severity has its receiver; what has none is not lost."""
    done = run(
        needs("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}",
        f"--verify.receivers={receiver}", *labels,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def alert(name: str, severity: str, **labels: str) -> Alert:
    return {"alertname": f"QuantConnect{name}", "severity": severity, **labels}


SEVEN = {"project_id": "7", "project": "Momentum"}
EIGHT = {"project_id": "8", "project": "Momentum"}
DOWN = {"job": "quantconnect", "instance": "a:11722"}
MAIN = {"account": "main", **DOWN}


@pytest.fixture(scope="module")
def muted(tmp_path_factory) -> Callable[..., list[Alert]]:
    """Return those of some alerts that a real Alertmanager mutes; each call has a world of its own."""
    folder = tmp_path_factory.mktemp("alertmanager")

    def ask(program: str, *alerts: Alert) -> list[Alert]:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        storage = folder / str(port)
        command = [
            program, f"--config.file={ALERTMANAGER}", f"--storage.path={storage}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ]  # fmt: skip
        with running(command, folder / f"{port}.log"):
            wait_for(lambda: get(f"{address}/-/ready"), "Alertmanager is ready")
            # The state of an alert is known once its group is first about to be sent; inhibition is asked at once.
            post(f"{address}/api/v2/alerts", [{"labels": labels} for labels in alerts])
            shown = wait_for(
                lambda: [
                    each
                    for each in [get(f"{address}/api/v2/alerts/groups") or []]
                    if sum(len(group["alerts"]) for group in each) == len(alerts)
                ],
                "Alertmanager shows the alerts",
            )[0]
        states = [(one["labels"], one["status"]) for group in shown for one in group["alerts"]]
        return [labels for labels, status in states if status["inhibitedBy"]]

    return ask


CASES = {
    "the milder alert of the same project": (
        alert("Drawdown", "critical", **SEVEN),
        [alert("Drawdown", "warning", **SEVEN)],
        [alert("Drawdown", "warning", **EIGHT), alert("DailyLoss", "warning", **SEVEN)],
    ),
    "info below a warning": (
        alert("EquityStale", "warning", **SEVEN, account="main"),
        [],
        [alert("EquityStale", "info", **EIGHT)],
    ),
    "what a missing exporter causes": (
        alert("ExporterDown", "critical", **DOWN),
        [
            alert("ExporterDown", "warning", **DOWN),
            alert("AlgorithmVanished", "warning", **SEVEN, account="main"),
            alert("PortfolioStale", "warning", **SEVEN, account="main"),
            alert("ApiFailing", "warning", **MAIN),
        ],
        [alert("Drawdown", "warning", **SEVEN), alert("AlgorithmNotRunning", "critical", **SEVEN)],
    ),
    "one exporter of two": (
        alert("ExporterDown", "warning", **DOWN),
        [],
        [
            alert("PortfolioStale", "warning", **SEVEN, account="main"),
            alert("AlgorithmVanished", "warning", **SEVEN),
        ],
    ),
    "values of a stopped algorithm": (
        alert("AlgorithmNotRunning", "warning", **SEVEN),
        [alert("PortfolioStale", "warning", **SEVEN), alert("EquityStale", "warning", **SEVEN)],
        [alert("StatusStale", "warning", **SEVEN), alert("EquityStale", "warning", **EIGHT)],
    ),
    "refused credentials": (
        alert("ApiUnauthorized", "critical", **MAIN),
        [
            alert("ApiFailing", "warning", **MAIN),
            alert("ApiRateLimited", "warning", account="main"),
            alert("StatusStale", "warning", **SEVEN, account="main"),
        ],
        [
            alert("ApiRateLimited", "warning", account="other"),
            alert("StatusStale", "warning", **EIGHT, account="other"),
            alert("ClockSkew", "warning", **MAIN),
        ],
    ),
    "an account whose requests fail": (
        alert("ApiFailing", "warning", **MAIN),
        [alert("EquityStale", "warning", **SEVEN, account="main")],
        [
            alert("EquityStale", "warning", **EIGHT, account="other"),
            alert("ApiRateLimited", "warning", account="main"),
        ],
    ),
}


@pytest.mark.parametrize(("source", "mutes", "leaves"), CASES.values(), ids=CASES)
def test_an_alert_mutes_what_follows_from_it_and_no_more(needs, muted, source, mutes, leaves):
    """A cause mutes its consequences for the same project or account; everything else stays loud."""
    found = muted(needs("prometheus-alertmanager"), source, *mutes, *leaves)
    assert sorted(map(sorted, (each.items() for each in found))) == sorted(
        map(sorted, (each.items() for each in mutes))
    )
