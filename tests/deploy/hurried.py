"""Real programs in a hurry: a minute of a scenario is a second, in pages, rules and Alertmanager alike."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self

import yaml

from exporter.clock import SystemClock
from tests.deploy.fleet import Exporter, Series
from tests.deploy.lines import value_at
from tests.deploy.processes import Webhook, get, running, wait_for
from tests.deploy.promql import ROOT, RULES
from tests.deploy.worlds import World
from tests.programs import free_port

SPEED: Final = 60
"""Seconds of a scenario in one second of ours."""
STARTING: Final = 8.0
"""Seconds until a scenario begins: Prometheus asks its first targets five seconds after its start."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?<![\w.])(\d+)([smhd])\b")
_SECONDS: Final = re.compile(r"(?<=[<>-] )((?:\d+ \* )?86400|3600|300)\b")
_clock = SystemClock()


def hurry(text: str) -> str:
    """Return a text with every duration in it, such as ``5m``, that much shorter."""
    return _DURATION.sub(lambda found: f"{int(found[1]) * _UNITS[found[2]] * 1000 // SPEED}ms", text)


def hurried_rules(world: World) -> Mapping[str, Any]:
    """Return the shipped rules as a world evaluates them, with every duration and number of seconds shorter."""
    content: dict[str, Any] = dict(world.rules(yaml.safe_load(RULES.read_text())))
    for group in content["groups"]:
        group["interval"] = hurry(group["interval"])
        for rule in group["rules"]:
            rule["expr"] = _SECONDS.sub(rf"\1 / {SPEED}", hurry(rule["expr"]))
            rule |= {wait: hurry(rule[wait]) for wait in ("for", "keep_firing_for") if wait in rule}
    return content


def hurried_alertmanager(webhook: str) -> Mapping[str, Any]:
    """Return the shipped configuration with one address in all receivers but that of the watchdog."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
    for route in (content["route"], *content["route"]["routes"]):
        route |= {key: hurry(value) for key, value in route.items() if key.endswith(("_wait", "_interval"))}
    for receiver in content["receivers"]:
        if receiver["name"] != "watchdog":
            receiver["webhook_configs"] = [{"url": webhook}]
    return content


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Stay silent about a scrape that took too long for Prometheus."""


class Pages:
    """Serves the pages of exporters, each under its number, as they are at this moment of the scenario."""

    def __init__(self, exporters: Sequence[Exporter]) -> None:
        self.began = _clock.wall() + STARTING
        pages = [list(exporter.series(15, 1)) for exporter in exporters]
        elapsed = self.elapsed
        began = self.began

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer with the page of the exporter in the path, or with 503 while it has none."""
                number = int(self.path.split("/")[1])
                body = _page(pages[number], elapsed(), began).encode()
                self.send_response_only(200 if body else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Stay silent."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def elapsed(self) -> float:
        """Return how far the scenario is, in its own seconds; 0 before it begins."""
        return max(0.0, (_clock.wall() - self.began) * SPEED)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _page(series: Sequence[Series], elapsed: float, began: float) -> str:
    lines = []
    for each in series:
        value = value_at(each.line, elapsed)
        if value is None or each.name == "up":
            continue
        if each.name.endswith("_timestamp_seconds"):
            value = began + value / SPEED
        elif each.name == "quantconnect_poll_interval_seconds":
            value /= SPEED
        labels = ",".join(
            f'{key}="{text}"' for key, text in each.labels.items() if key not in {"job", "instance"}
        )
        lines.append(f"{each.name}{{{labels}}} {value!r}\n")
    return "".join(lines)


@dataclass(frozen=True)
class Stack:
    """What runs: how far the scenario is, what was notified, and where Prometheus answers."""

    pages: Pages
    webhook: Webhook
    prometheus: str

    def wait_until(self, minute: float) -> None:
        """Return when the scenario has come to a minute."""
        seconds = minute * 60 / SPEED + 30
        wait_for(lambda: self.pages.elapsed() >= minute * 60, f"minute {minute}", seconds)

    def notifications(self) -> list[dict[str, Any]]:
        """Return what was notified, but for the exporters that a Prometheus does not know while it starts."""
        return [
            each
            for each in list(self.webhook.notifications)
            if all({"project_id", "account", "instance"} & alert["labels"].keys() for alert in each["alerts"])
        ]

    def rule_errors(self) -> list[str]:
        """Return why rules could not be evaluated."""
        groups = get(f"{self.prometheus}/api/v1/rules")["data"]["groups"]
        return [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")]


@contextmanager
def hurried_stack(
    needs: Callable[[str], str], folder: Path, world: World, exporters: Sequence[Exporter]
) -> Iterator[Stack]:
    """Run Prometheus and Alertmanager on the pages of exporters, scraped as a world scrapes them."""
    targets = list(world.scraped(exporters))
    prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with ExitStack() as resources:
        webhook = resources.enter_context(Webhook())
        pages = resources.enter_context(Pages([exporter for exporter, _ in targets]))
        scraped = [
            {
                "targets": [pages.address],
                "labels": {
                    "__metrics_path__": f"/{number}/metrics", "job": exporter.job, "instance": exporter.instance, **extra,
                },
            }
            for number, (exporter, extra) in enumerate(targets)
        ]  # fmt: skip
        contents = {
            "rules.yml": hurried_rules(world),
            "alertmanager.yml": hurried_alertmanager(webhook.url),
            "prometheus.yml": {
                "global": {
                    "scrape_interval": hurry("1m"),
                    "scrape_timeout": hurry("1m"),
                    "evaluation_interval": "500ms",
                },
                "rule_files": ["rules.yml"],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
                "scrape_configs": [
                    {"job_name": "quantconnect", "honor_labels": True, "static_configs": scraped},
                ],
            },
        }
        for name, content in contents.items():
            (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
        commands = {
            alertmanager: [
                needs("prometheus-alertmanager"), f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address={alertmanager}", "--cluster.listen-address=",
            ],
            prometheus: [
                needs("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address={prometheus}", "--query.lookback-delta=5s", "--rules.alert.resend-delay=1s",
            ],
        }  # fmt: skip
        for number, (address, command) in enumerate(commands.items()):
            resources.enter_context(running(command, folder / f"{number}.log"))
            wait_for(lambda address=address: get(f"http://{address}/-/ready"), f"{command[0]} is ready")
        yield Stack(pages, webhook, f"http://{prometheus}")
