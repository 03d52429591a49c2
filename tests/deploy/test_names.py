"""Rules, their tests and the guides name only what the exporter exports or a rule records."""

import re

import pytest
import yaml

from exporter.config.model import ProjectSettings
from exporter.metrics.rendering import render_project
from exporter.polling.state import Instant, new_project
from tests.deploy.promql import (
    ROOT,
    UnknownNameError,
    exported,
    recorded,
    shipped_rules,
    template_queries,
    template_query_labels,
)
from tests.deploy.scenarios.fleets import FLEETS

KNOWN = recorded()
RULES = shipped_rules()
ALERTS = [rule for rule in RULES if "alert" in rule]
PAGES = [ROOT / "docs" / "runbook.md", ROOT / "docs" / "alerting.md"]
NAME = re.compile(r"(?<![\w:/.-])(?:[a-z_]+:)?quantconnect_[a-z0-9_]+(?::[a-z0-9_]+)?")


def identity(rule):
    return f"{rule['alert']}-{rule['labels']['severity'].strip('{ $}')}"


@pytest.mark.parametrize("alert", ALERTS, ids=identity)
def test_expressions_and_annotations_name_what_exists(alert):
    """Every name and label of an alert exists, and each label that a text shows is one the alert has."""
    labels = KNOWN.labels(alert["expr"])
    for text in alert["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels
        for query in template_queries(text):
            KNOWN.labels(query)
        for query, label in template_query_labels(text):
            assert label in KNOWN.labels(query)


def test_scenarios_use_what_the_exporter_exports():
    """Each series of a scenario has a name and labels as the exporter exports them."""
    known = exported()
    series = {
        (each.name, frozenset(each.labels))
        for fleet in FLEETS
        for scenario in fleet.scenarios
        for exporter in scenario.exporters
        for each in exporter.series(60, 60)
    }
    for name, labels in series:
        assert labels <= known.series[name], name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_guides_name_what_exists(page):
    """Each name in a guide exists; each query in it is valid, down to its labels."""
    text = page.read_text()
    groups = {
        group["name"]
        for group in yaml.safe_load((ROOT / "deploy/prometheus/quantconnect.rules.yml").read_text())["groups"]
    }
    assert set(NAME.findall(text)) - groups <= set(KNOWN.series)
    queries = re.findall(r"^```promql\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert queries
    for query in queries:
        for line in filter(None, query.split("\n\n")):
            KNOWN.labels(line)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("quantconnect_equty", "no series"),
        ('quantconnect_equity{projet="x"}', "no label projet"),
        ("max by (projectid) (quantconnect_equity)", "no label projectid"),
        ('quantconnect_algorithm_status{status=~"running|runtime_eror"}', "no status"),
        ('quantconnect_up{source="holdings"}', "no source"),
        ("quantconnect_equity / on (deploy_id) quantconnect_equity_peak", "no label deploy_id"),
        (
            "quantconnect_equity * on (project_id) group_left (account) quantconnect_equity_peak",
            "no label account",
        ),
        ("sum(quantconnect_equity)", "several currencies"),
        ("time() - max by (account) (last_over_time(quantconnect_equity[5m]))", "no label account"),
        ("max_over_time(project:quantconnect_equity:lost[7d:5m])", "no series"),
    ],
)
def test_wrong_names_are_found(expression, complaint):
    """The check itself sees misspelt metrics, labels and values, and sums over currencies."""
    with pytest.raises(UnknownNameError, match=complaint):
        KNOWN.labels(expression)


def test_what_tells_a_failed_scrape_is_always_on_the_page():
    """The series that the rules take for the sign of a page is there before the first poll of a project."""
    fresh = new_project(7, "main", ProjectSettings())
    stopped = fresh.with_deployment(None, Instant(0, 0)).without_stale(1e9)
    for state in (fresh, stopped):
        lines = b"".join(render_project(state, None).lines_at(1e9))
        assert b'quantconnect_polls_total{project_id="7",project="7",source="status"} 0\n' in lines
