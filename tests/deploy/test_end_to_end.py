"""From a falling price to a notification: every program is the real one."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.clock import SystemClock
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.deploy.processes import Webhook, get, running, wait_for
from tests.deploy.promql import ROOT, RULES
from tests.programs import free_port
from tests.support import project_named

FALLING, CALM = "Volatility/Covered Calls", "Fresh"

CONFIG = """
accounts:
  - {{name: main, user_id: {user_id}, api_token: {token}, base_url: "{base_url}", requests_per_minute: 6000, discover: false}}
projects:
  - id: {falling}
    limits: {{drawdown_ratio: {{warning: 0.19, critical: 0.20}}}}   # no chance move of a month comes near
  - id: {calm}
polling: {{status: 1s, portfolio: 1s, equity: 1s, statistics: 1s, charts: 1s, timeout: 5s, stale_after: 1m}}
limits: {{daily_loss_ratio: null}}
"""


@dataclass
class Stack:
    """A simulated QuantConnect in this process, all others outside."""

    api: SimulatedQuantConnect
    webhook: Webhook
    prometheus: str
    alertmanager: str
    kill_exporter: Callable[[], None]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers to an expression; nothing while it does not answer."""
        answer = get(f"{self.prometheus}/api/v1/query", query=expression)
        result: list[dict[str, Any]] = answer["data"]["result"] if answer else []
        return result

    def suppressed(self, **labels: str) -> bool:
        """Tell whether Alertmanager holds a muted alert with some labels."""
        alerts = get(f"{self.alertmanager}/api/v2/alerts") or []
        return any(
            labels.items() <= alert["labels"].items() and alert["status"]["state"] == "suppressed"
            for alert in alerts
        )


def hurried_rules() -> dict[str, Any]:
    """Return the shipped rules, evaluated every second, with seconds in place of the shorter waits."""
    content: dict[str, Any] = yaml.safe_load(RULES.read_text())
    for group in content["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            if rule.get("for") in {"1m", "2m", "3m"}:
                rule["for"] = "1s"
    return content


def hurried_prometheus(exporter: int, alertmanager: int) -> dict[str, Any]:
    """Return the shipped configuration with other addresses and intervals."""
    content: dict[str, Any] = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    content["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    content["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{exporter}"]}]
    content["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager}"]}]
    return content


def hurried_alertmanager(webhook: str) -> dict[str, Any]:
    """Return the shipped configuration with one address in all receivers but that of the watchdog, and shorter waits."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
    for route in (content["route"], *content["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in content["receivers"]:
        if receiver["name"] != "watchdog":
            receiver["webhook_configs"] = [{"url": webhook}]
    return content


@pytest.fixture
def stack(needs: Callable[[str], str], tmp_path: Path) -> Iterator[Stack]:
    programs = [needs("prometheus"), needs("prometheus-alertmanager")]
    ports = [free_port() for _ in range(3)]
    exporter, prometheus, alertmanager = ports
    clock = SystemClock()
    with ExitStack() as resources:
        webhook = resources.enter_context(Webhook())
        api = resources.enter_context(
            SimulatedQuantConnect(demo_scenario(clock.wall()), clock, snapshot_seconds=1)
        )
        account = api.accounts[0]
        config = tmp_path / "config.yml"
        config.write_text(
            CONFIG.format(
                user_id=account.user_id,
                token=account.api_token,
                base_url=api.base_url,
                falling=project_named(api, FALLING),
                calm=project_named(api, CALM),
            )
        )
        config.chmod(0o600)
        for name, content in {
            "quantconnect.rules.yml": hurried_rules(),
            "prometheus.yml": hurried_prometheus(exporter, alertmanager),
            "alertmanager.yml": hurried_alertmanager(webhook.url),
        }.items():
            (tmp_path / name).write_text(yaml.safe_dump(content, sort_keys=False))
        commands = {
            "exporter": [
                sys.executable, "-m", "exporter",
                f"--config.file={config}", f"--web.listen-address=127.0.0.1:{exporter}",
            ],
            "alertmanager": [
                programs[1], f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{alertmanager}", "--cluster.listen-address=",
            ],
            "prometheus": [
                programs[0], f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'prometheus'}", f"--web.listen-address=127.0.0.1:{prometheus}",
            ],
        }  # fmt: skip
        processes = {}
        for name, command in commands.items():
            # Prometheus last: a first scrape before the exporter listens would be an exporter that is down.
            processes[name] = resources.enter_context(running(command, tmp_path / f"{name}.log"))
            port = {"exporter": exporter, "alertmanager": alertmanager, "prometheus": prometheus}[name]
            wait_for(lambda port=port: get(f"http://127.0.0.1:{port}/-/ready"), f"{name} is ready")
        yield Stack(
            api,
            webhook,
            f"http://127.0.0.1:{prometheus}",
            f"http://127.0.0.1:{alertmanager}",
            processes["exporter"].kill,
        )


def test_a_fall_a_crash_and_a_missing_exporter_each_arrive_once_and_alone(stack):
    """A project falls past 20 %, then crashes, then the exporter ends: three alerts arrive, and no other."""
    project = stack.api.projects[project_named(stack.api, FALLING)]
    drawdown = ("QuantConnectDrawdown", "critical", FALLING)
    crash = ("QuantConnectAlgorithmNotRunning", "critical", FALLING)
    down = ("QuantConnectExporterDown", "critical", "")
    wait_for(
        lambda: len(stack.query("project:quantconnect_measure:known{limit='drawdown_ratio'} < 0.19")) == 2,
        "both projects are watched",
    )

    project.set_price_shock(0.45)
    wait_for(lambda: drawdown in stack.webhook.fired(), "the fall arrives")
    wait_for(
        lambda: stack.suppressed(alertname=drawdown[0], severity="warning"),
        "its warning is muted, not missing",
    )
    assert stack.webhook.fired() == {drawdown}
    (alert,) = [one for one in stack.webhook.alerts if one["status"] == "firing"][:1]
    assert alert["labels"]["project_id"] == str(project.project_id)
    assert "grafana_url" not in alert["labels"]
    assert alert["annotations"]["dashboard_url"] == (
        f"http://localhost:3000/d/quantconnect-overview?var-project_id={project.project_id}"
    )
    assert "the limit is 20%" in alert["annotations"]["description"]
    assert alert["annotations"]["description"].count(" USD.") == 2

    project.crash("Runtime Error: Attempted to divide by zero")
    wait_for(lambda: crash in stack.webhook.fired(), "the crash arrives")
    assert stack.webhook.fired() == {drawdown, crash}

    stack.kill_exporter()
    wait_for(lambda: down in stack.webhook.fired(), "the missing exporter arrives")
    assert stack.webhook.fired() == {drawdown, crash, down}
    assert not [one for one in stack.webhook.alerts if one["status"] == "resolved"]
    rules = get(f"{stack.prometheus}/api/v1/rules")["data"]["groups"]
    assert not [rule for group in rules for rule in group["rules"] if rule.get("lastError")]
