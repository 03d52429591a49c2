"""Grafana's own alerts are those of the rules file, in words that Grafana can fill in."""

import re

import pytest
import yaml

pytest.importorskip("grafana_foundation_sdk")

from grafana.generate.alerting import DATASOURCE, FILE, ROOT, RULES, without_queries

GROUPS = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]
MADE = [rule for group in GROUPS for rule in group["rules"]]
SHIPPED = [
    rule
    for group in yaml.load(RULES.read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in SHIPPED if "alert" in rule]


def test_each_alert_is_there_with_its_expression_and_waits():
    """Expression, waits, summary and runbook are those of the rules file, in its order."""
    for made, alert in zip(MADE, ALERTS, strict=True):
        assert made["title"].split()[0] == alert["alert"]
        assert made["data"][0]["model"]["expr"] == alert["expr"].strip()
        assert (made["for"], made.get("keepFiringFor")) == (
            alert.get("for", "0s"),
            alert.get("keep_firing_for"),
        )
        for note in ("summary", "runbook_url"):
            assert made["annotations"][note] == alert["annotations"][note]


def test_identifiers_and_titles_are_unique_and_short():
    """Grafana refuses a second rule of the same uid or, in a folder, of the same title."""
    uids, titles = {rule["uid"] for rule in MADE}, {rule["title"] for rule in MADE}
    assert len(uids) == len(titles) == len(MADE)
    assert all(re.fullmatch(r"[a-z-]{1,40}", uid) for uid in uids)


def test_a_series_fires_whatever_its_value_and_no_series_is_no_alert():
    """The condition is above all numbers' lowest, and the absence of data is the normal state."""
    for rule in MADE:
        (condition,) = [each["model"] for each in rule["data"] if each["refId"] == rule["condition"]]
        assert condition["expression"] == rule["data"][0]["refId"]
        assert condition["conditions"] == [{"evaluator": {"type": "gt", "params": [-1e300]}}]
        assert rule["noDataState"] == "OK"


def test_texts_use_only_what_grafana_fills_in():
    """No template queries or names a label of Prometheus; labels escape the dollar, which annotations must not."""
    for rule in MADE:
        for text in rule["annotations"].values():
            assert not re.search(r"query|\$externalLabels|\$value\b|\$\$|; the limit is", text)
            assert len(re.findall(r"\{\{-? *(?:if|with)\b", text)) == len(re.findall(r"\{\{-? *end\b", text))
        assert all("$" not in value.replace("$$", "") for value in rule["labels"].values())


def test_the_data_source_is_the_provisioned_one():
    """The alerts ask the data source that is provisioned beside them."""
    (source,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["uid"] == DATASOURCE
    assert {rule["data"][0]["datasourceUid"] for rule in MADE} == {DATASOURCE}


@pytest.mark.parametrize(
    ("template", "left"),
    [
        ('lost {{ $value }}; the limit is {{ with query "x" }}{{ . | first }}{{ end }}.', "lost {{ $value }}."),
        ('a.{{- with query "x" }} b{{ with .y }} {{ . }}{{ end }}.{{ end }} c', "a. c"),
        ('{{ if $labels.a }}x{{- with query "q" }} y{{ end }}.{{- else }}z{{ end }}', "{{ if $labels.a }}x.{{- else }}z{{ end }}"),
    ],
)  # fmt: skip
def test_sentences_that_query_are_left_out(template, left):
    """A block that queries goes with all that is inside it, and other blocks stay whole."""
    assert without_queries(template) == left
