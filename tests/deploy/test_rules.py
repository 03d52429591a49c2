"""The rules file is valid, and every alert does what its scenarios say, however it is scraped."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.domain.deployment import AlgorithmStatus
from tests.deploy.checking import promtool_test, text_test
from tests.deploy.fleet import Exporter
from tests.deploy.fortnight import FORTNIGHT
from tests.deploy.lines import steady
from tests.deploy.mutations import without_texts
from tests.deploy.promql import RULES, shipped, shipped_rules
from tests.deploy.scenarios.fleets import FLEETS
from tests.deploy.scenarios.model import Expected, Fleet, Scenario
from tests.deploy.worlds import WORLDS, World

SHIPPED: Final = shipped()
GROUPS: Final = [group["name"] for group in SHIPPED["groups"]]
RECORDED: Final = sorted({rule["record"] for rule in shipped_rules() if "record" in rule})
NEWER: Final = os.environ.get("NEWER_PROMETHEUS", "")
"""A folder with promtool of a newer generation and vmalert-tool; CI unpacks them."""
GENERATIONS: Final = ["installed", *(["newer"] if NEWER else [])]
ONE_THREAD: Final = {**os.environ, "GOMAXPROCS": "1", "GOGC": "800"}
"""A short run needs no second thread and little collection of garbage: half the processor time."""

NO_EXPORTER: Final = Fleet(
    "no exporter", 10,
    [Scenario("none", (), [Expected("ExporterDown", "critical", {}, 3)])],
)  # fmt: skip
A_TARGET_THAT_IS_DOWN: Final = Fleet(
    "a target that was never up", 10,
    [Scenario("down", (Exporter("a:1", "a", page=(), up=steady(0)),), [Expected("ExporterDown", "critical", {"instance": "a:1"}, 3)])],
)  # fmt: skip


@pytest.fixture(params=GENERATIONS)
def promtool(request, needs):
    """Return promtool of each generation of Prometheus that is there."""
    return str(Path(NEWER) / "promtool") if request.param == "newer" else needs("promtool")


def run(promtool: str, folder: Path, world: World, *fleets: Fleet) -> None:
    """Let promtool run fleets in a world; fail with what it says."""
    version = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    left_open = "version 2." not in version.stdout + version.stderr
    tests = [promtool_test(world, fleet, GROUPS, left_open=left_open) for fleet in fleets]
    run_files(promtool, folder, world.rules(without_texts(SHIPPED)), tests)


def run_files(
    promtool: str, folder: Path, rules: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]
) -> None:
    """Let promtool run tests of rules; fail with what it says."""
    write(folder / "rules.yml", rules)
    names = [f"{number}.yml" for number, _ in enumerate(tests)]
    for name, test in zip(names, tests, strict=True):
        write(folder / name, test)
    done = subprocess.run(
        [promtool, "test", "rules", *names],
        cwd=folder, env=ONE_THREAD, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write what promtool and vmalert read as YAML, of which JSON is a part that takes less time."""
    path.write_text(json.dumps(content))


def test_the_rules_are_valid(promtool):
    """Promtool accepts the file and its linter finds nothing."""
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_every_scenario_holds_in_every_world(promtool, world, tmp_path):
    """Each alert of a scenario fires and ends in time, and no other ever fires, whatever the scraper does."""
    run(promtool, tmp_path, world, *FLEETS)


def test_each_alert_says_what_happened(needs, tmp_path):
    """Every alert has exactly the labels and the words, with their values, that ``texts.yml`` has of it."""
    golden = yaml.safe_load((Path(__file__).parent / "texts.yml").read_text())
    plain = WORLDS[0]
    tests = [text_test(fleet, plain, golden[fleet.name], SHIPPED) for fleet in FLEETS]
    run_files(needs("promtool"), tmp_path, SHIPPED, tests)
    told = {each["alert"] for part in golden.values() for each in part["alerts"]}
    assert {f"QuantConnect{alert}" for alert in told} | {"QuantConnectWatchdog"} == {
        rule["alert"] for rule in shipped_rules() if "alert" in rule
    }


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_weeks_of_a_healthy_fleet_raise_nothing(needs, tmp_path):
    """Weekends, nights, restarts, deployments, failed scrapes and maintenance are no reason for an alert."""
    run(needs("promtool"), tmp_path, World("a fortnight", interval=60), FORTNIGHT)


if (VMALERT_TOOL := Path(NEWER) / "vmalert-tool").is_file():

    @pytest.mark.long
    @pytest.mark.parametrize("fleet", FLEETS, ids=lambda fleet: fleet.name)
    def test_every_scenario_holds_in_vmalert(fleet, tmp_path):
        """VictoriaMetrics evaluates the file as Prometheus does: each scenario holds, but for two.

        There a rule sees a recording an evaluation late, beside a page that is in time. It forgets over a failed
        scrape, and what is read from five recordings in a row is five evaluations late.
        """
        others = {"failed-scrapes", "best-before-a-pause"}
        same = [scenario for scenario in fleet.scenarios if scenario.name not in others]
        often = replace(fleet, scenarios=same, evaluation=0)
        content = dict(promtool_test(WORLDS[0], often, GROUPS, left_open=True))
        (test,) = content["tests"]
        test["metricsql_expr_test"] = test.pop("promql_expr_test")
        write(tmp_path / "rules.yml", SHIPPED)
        write(tmp_path / "test.yml", content)
        done = subprocess.run(
            [VMALERT_TOOL, "unittest", "--files=test.yml"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_prometheus_that_never_saw_an_exporter_says_so(promtool, tmp_path):
    """Without any target, and with one that was never up, ExporterDown is critical."""
    run(promtool, tmp_path, WORLDS[0], NO_EXPORTER, A_TARGET_THAT_IS_DOWN)


def test_a_missed_alert_and_a_false_one_are_both_found(needs, tmp_path):
    """The check itself sees an alert that does not fire, fires too early, does not end, or is not expected."""
    exporters = (Exporter("a:1", "a", page=(), up=steady(0)),)
    wrong = {
        "missed": [Expected("Drawdown", "warning", {"project_id": "1"}, 3)],
        "too early": [Expected("ExporterDown", "critical", {"instance": "a:1"}, 6)],
        "does not end": [Expected("ExporterDown", "critical", {"instance": "a:1"}, 3, 5)],
        "unexpected": [],
    }
    for reason, expected in wrong.items():
        with pytest.raises(AssertionError, match="FAILED"):
            run(
                needs("promtool"), tmp_path, WORLDS[0], Fleet(reason, 10, [Scenario("", exporters, expected)])
            )


def test_each_alert_has_a_scenario():
    """Every alert is seen firing with each of its severities, and none is expected that does not exist."""
    expected = {
        (f"QuantConnect{each.alert}", each.severity)
        for fleet in FLEETS
        for scenario in fleet.scenarios
        for each in scenario.expected
    }
    limits = re.compile("Drawdown|Loss|Leverage|Concentration|Cash|Memory|EquityAge|Stuck|Slippage")
    alerts = {
        (rule["alert"], severity)
        for rule in shipped_rules()
        if "alert" in rule
        for severity in (
            [rule["labels"]["severity"]] if "{" not in rule["labels"]["severity"] else ["warning"]
        )
    }
    assert alerts - expected == {("QuantConnectWatchdog", "info")}
    assert all(limits.search(alert) for alert, _ in expected - alerts)


def test_no_status_is_a_blind_spot():
    """Each status that LEAN has raises an alert in the end, but for the one that runs."""
    alerts = [
        each["expr"] for each in shipped_rules() if each.get("alert", "").endswith("AlgorithmNotRunning")
    ]
    named = {
        status
        for expr in alerts
        for group in re.findall(r'status=~"([^"]+)"', expr)
        for status in group.split("|")
    }
    assert named == set(AlgorithmStatus) - {AlgorithmStatus.RUNNING}


@pytest.mark.parametrize("record", RECORDED)
def test_each_recording_rule_is_used(record):
    """No recording rule is there for nothing: an alert or another rule reads it."""
    name = re.compile(re.escape(record) + r"(?![\w:])")
    assert any(name.search(rule["expr"]) for rule in shipped_rules() if rule.get("record") != record)


def test_portfolios_are_judged_every_half_minute():
    """Alerts and what they read are evaluated every 30 seconds; only the history of a week is less often."""
    intervals = {group["name"]: group["interval"] for group in SHIPPED["groups"]}
    assert {name for name, interval in intervals.items() if interval != "30s"} == {"quantconnect_history"}


def test_the_file_can_be_read_in_a_quarter_of_an_hour():
    """It has no more lines than it had with half as many alerts."""
    assert len(RULES.read_text().splitlines()) <= 776
