"""Alerts and their guides belong together, and the repository's address is the same everywhere."""

import re
import tomllib

import pytest

from exporter.config.model import LimitName
from tests.deploy.promql import ROOT, shipped_rules

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
ALERTS = [rule for rule in shipped_rules() if "alert" in rule]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (QuantConnect\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.DOTALL | re.MULTILINE))
DASHBOARDS = {f"quantconnect-{name}" for name in ("overview", "fleet", "positions", "exporter")}
FILES = [
    *sorted((ROOT / "deploy").rglob("*.yml")),
    ROOT / "docs" / "runbook.md",
    ROOT / "docs" / "alerting.md",
]


def identity(rule):
    return f"{rule['alert']}-{rule['labels']['severity'].strip('{ $}')}"


@pytest.mark.parametrize("alert", ALERTS, ids=identity)
def test_each_alert_says_what_where_and_what_to_do(alert):
    """It has a severity, a static summary, a text with values, a runbook section and a dashboard."""
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info", "{{ $labels.severity }}"}
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z][^{}]*\.", notes["summary"])
    assert alert["alert"] == "QuantConnectWatchdog" or "$labels." in notes["description"]
    assert notes["runbook_url"] == f"{REPOSITORY}/blob/main/docs/runbook.md#{alert['alert'].lower()}"
    dashboard = re.fullmatch(
        r"\{\{ with \$externalLabels\.grafana_url \}\}\{\{ \. \}\}/d/([a-z-]+)"
        r"(\?var-project_id=\{\{ \$labels\.project_id \}\})?\{\{ end \}\}",
        notes["dashboard_url"],
    )
    assert dashboard
    assert dashboard[1] in DASHBOARDS


def test_each_limit_has_one_alert_for_both_severities():
    """What the configuration can limit is watched, and the severity is that of the limit."""
    found = {
        match[1]: alert
        for alert in ALERTS
        if (match := re.fullmatch(r'project:quantconnect_beyond_limit:known\{limit="(\w+)"\}', alert["expr"]))
    }
    assert set(found) == {*LimitName, "strategy_drawdown_ratio", "week_drawdown_ratio"}
    assert {alert["labels"]["severity"] for alert in found.values()} == {"{{ $labels.severity }}"}
    assert len({alert["alert"] for alert in found.values()}) == len(found)


def test_the_runbook_has_a_section_for_each_alert_and_no_other():
    """Every runbook_url leads to a heading, and no section is about an alert that is gone."""
    assert set(SECTIONS) == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_each_section_tells_meaning_queries_action_and_limit(name):
    """Someone who is woken finds what it means, what to look at, what to do and how to change it."""
    assert re.findall(r"^\*\*(.*?)\.\*\*", SECTIONS[name], re.MULTILINE) == [
        "What it means",
        "What to look at",
        "What to do",
        "How to change it",
    ]
    assert "```promql" in SECTIONS[name]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_repository_has_one_address(file):
    """Each address of the repository equals the one in pyproject.toml."""
    text = file.read_text()
    found = re.findall(r"https?://[^\s\"')>]*quantconnect-exporter[^\s\"')>]*", text)
    assert all(url == REPOSITORY or url.startswith(f"{REPOSITORY}/") for url in found)


@pytest.mark.parametrize("page", ["runbook.md", "alerting.md"])
def test_links_of_the_guides_lead_somewhere(page):
    """Each relative link leads to a file of the repository, each fragment to a heading."""
    folder = ROOT / "docs"
    for link in re.findall(r"\]\(([^)]+)\)", (folder / page).read_text()):
        target, _, fragment = link.partition("#")
        if target.startswith("https://"):
            continue
        file = folder / (target or page)
        assert file.exists(), link
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
        assert not fragment or fragment in anchors, link
