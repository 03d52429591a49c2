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

TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.yml")),
]

Alert = dict[str, str]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_prometheus_accepts_its_configuration(needs):
    """The file is valid and finds its rule file beside itself."""
    done = run(needs("promtool"), "check", "config", PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_prometheus_scrapes_the_exporter_and_itself():
    """The exporter is scraped where it listens, its labels win, and the alerts on rules have their metric."""
    content = yaml.safe_load(PROMETHEUS.read_text())
    exporter, itself = content["scrape_configs"]
    assert exporter["job_name"] == "quantconnect"
    assert exporter["static_configs"] == [{"targets": ["127.0.0.1:11722"]}]
    assert itself == {"job_name": "prometheus", "static_configs": [{"targets": ["127.0.0.1:9090"]}]}
    assert content["rule_files"] == ["quantconnect.rules.yml"]
    assert content["global"]["external_labels"]["grafana_url"].startswith("http")


SCRAPE_JOB = re.compile(r"^( *)- job_name: quantconnect$(?:\n(?:\1 .*)?$)*", re.MULTILINE)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_shipped_scrape_job_keeps_the_labels_of_the_exporter(file):
    """Wherever a scrape job of the exporter is written down, its labels win over those of the scraper."""
    for job in SCRAPE_JOB.finditer(file.read_text()):
        assert "honor_labels: true" in job[0]


def test_scrape_jobs_are_found():
    """The search for scrape jobs finds those of the configuration, the README, the guides and Compose."""
    found = {file.name for file in TEXTS if SCRAPE_JOB.search(file.read_text())}
    assert found >= {
        "prometheus.yml",
        "README.md",
        "web-configuration.md",
        "several-accounts.md",
        "compose.yml",
    }


def test_alertmanager_accepts_its_configuration(needs):
    """The file is valid as it is shipped."""
    done = run(needs("amtool"), "check-config", ALERTMANAGER)
    assert done.returncode == 0, done.stdout + done.stderr


KINDS = ("webhook", "email", "slack", "telegram", "pushover")


@pytest.mark.parametrize("kind", [f"{kind}_configs" for kind in KINDS])
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
        (("alertname=QuantConnectWatchdog", "severity=info"), "watchdog"),
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


STALE = ("StatusStale", "PortfolioStale", "EquityStale")


def stale(**labels: str) -> list[Alert]:
    return [alert(name, "warning", **labels) for name in STALE]


OTHER_CLUSTER = {"cluster": "b", "account": "main"}
CASES = {
    "the milder alert of the same project": (
        alert("Drawdown", "critical", **SEVEN),
        [alert("Drawdown", "warning", **SEVEN), alert("StrategyDrawdown", "critical", **SEVEN)],
        [alert("Drawdown", "warning", **EIGHT), alert("DailyLoss", "warning", **SEVEN)],
    ),
    "info below a warning": (
        alert("EquityStale", "warning", **SEVEN, account="main"),
        [alert("EquityStale", "info", **SEVEN)],
        [alert("EquityStale", "info", **EIGHT)],
    ),
    "what a missing exporter said last": (
        alert("ExporterDown", "critical", **DOWN),
        [alert("ApiFailing", "warning", **MAIN), alert("ConfigReloadFailed", "warning", **DOWN)],
        [
            alert("ApiFailing", "warning", account="main", job="quantconnect", instance="d:11722"),
            alert("ApiFailing", "warning", **MAIN, cluster="b"),
            alert("ExporterDown", "critical", job="quantconnect", instance="b:11722"),
            alert("ExporterDown", "warning", job="quantconnect", instance="c:11722"),
            alert("AlgorithmVanished", "warning", **SEVEN, account="main"),
            alert("Drawdown", "warning", **SEVEN),
            *stale(**SEVEN, account="third"),
        ],
    ),
    "one exporter of two": (
        alert("ExporterDown", "warning", **DOWN),
        [],
        [alert("ApiFailing", "warning", **MAIN), *stale(**SEVEN, account="third")],
    ),
    "values of a stopped algorithm": (
        alert("AlgorithmNotRunning", "warning", **SEVEN),
        [
            alert("PortfolioStale", "warning", **SEVEN),
            alert("EquityStale", "warning", **SEVEN),
            alert("LimitUnknown", "warning", **SEVEN, limit="cash_ratio_min"),
        ],
        [alert("StatusStale", "warning", **SEVEN), alert("EquityStale", "warning", **EIGHT)],
    ),
    "a crash loop": (
        alert("CrashLoop", "critical", **SEVEN),
        [alert("AlgorithmNotRunning", "critical", **SEVEN)],
        [alert("AlgorithmNotRunning", "critical", **EIGHT), alert("Drawdown", "critical", **SEVEN)],
    ),
    "refused credentials": (
        alert("ApiUnauthorized", "critical", **MAIN),
        [
            alert("ApiFailing", "warning", **MAIN),
            alert("ApiRateLimited", "warning", account="main"),
            alert("AccountUnread", "critical", account="main"),
            *stale(**SEVEN, account="main"),
            *stale(**EIGHT),
        ],
        [
            alert("ApiRateLimited", "warning", account="other"),
            *stale(**EIGHT, account="third"),
            *stale(**SEVEN, **OTHER_CLUSTER),
            alert("ClockSkew", "warning", **MAIN),
            alert("Drawdown", "warning", **SEVEN),
        ],
    ),
    "too many requests": (
        alert("ApiRateLimited", "warning", account="main"),
        [*stale(**SEVEN, account="main"), *stale(**EIGHT)],
        [alert("ApiFailing", "warning", **MAIN), *stale(**SEVEN, account="other")],
    ),
    "an account that is not read": (
        alert("AccountUnread", "critical", account="main"),
        [
            alert("ApiFailing", "warning", **MAIN),
            alert("ApiRateLimited", "warning", account="main"),
            *stale(**SEVEN, account="main"),
        ],
        [alert("ClockSkew", "warning", **MAIN), *stale(**SEVEN, **OTHER_CLUSTER)],
    ),
    "an account whose requests fail": (
        alert("ApiFailing", "warning", **MAIN),
        stale(**SEVEN, account="main"),
        [
            *stale(**EIGHT, account="other"),
            alert("ApiRateLimited", "warning", account="main"),
            alert("AlgorithmNotRunning", "critical", **SEVEN),
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
