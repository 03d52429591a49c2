"""The rules file is valid, and every alert does what its tests say."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.deploy.promql import RULES, shipped_rules

TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))
ALERTS = sorted({rule["alert"] for rule in shipped_rules() if "alert" in rule})
RECORDED = sorted({rule["record"] for rule in shipped_rules() if "record" in rule})


@cache
def cases(file):
    return yaml.safe_load(file.read_text())["tests"]


def minutes(text):
    units = {"d": 1440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def test_the_rules_are_valid(needs):
    """Promtool accepts the file and its linter finds nothing."""
    done = subprocess.run(
        [needs("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_the_rules_do_what_their_tests_say(needs, file):
    """Every case of the file holds: labels, annotations and values, at every moment it names."""
    done = subprocess.run(
        [needs("promtool"), "test", "rules", file.name],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_seen_silent_firing_and_over(alert):
    """In one case the alert is silent, later fires with each of its severities, and later is silent again."""
    severities = {rule["labels"]["severity"] for rule in shipped_rules() if rule.get("alert") == alert}
    seen, ended = set(), False
    for case in (case for file in TESTS for case in cases(file)):
        moments = [each for each in case.get("alert_rule_test", []) if each["alertname"] == alert]
        ordered = sorted(moments, key=lambda each: minutes(each["eval_time"]))
        counts = [len(each["exp_alerts"]) for each in ordered]
        first = next((place for place, count in enumerate(counts) if count), None)
        if first is None:
            continue
        seen |= {found["exp_labels"]["severity"] for each in ordered for found in each["exp_alerts"]}
        ended |= first > 0 and counts[-1] == 0
    assert ended
    assert seen == severities


@pytest.mark.parametrize("record", RECORDED)
def test_each_recording_rule_is_used_or_tested(record):
    """No recording rule is there for nothing: an alert or another rule reads it, or a test names it."""
    name = re.compile(re.escape(record) + r"(?![\w:])")
    readers = [rule["expr"] for rule in shipped_rules() if rule.get("record") != record]
    questions = [
        each["expr"] for file in TESTS for case in cases(file) for each in case.get("promql_expr_test", [])
    ]
    assert any(name.search(text) for text in readers + questions)


def test_portfolios_are_judged_every_half_minute_at_least():
    """No group of alerts is evaluated less often than once a minute."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    assert all(minutes(group["interval"]) <= 1 for group in groups)
