"""The alerts of the rules file as Grafana's own provisioning, for who has no Alertmanager.

Grafana evaluates the expressions itself; the recording rules must still run in Prometheus. Its templates
know no queries, so sentences that need one are left out.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "quantconnect.rules.yml"
FILE = ROOT / "grafana" / "provisioning" / "alerting" / "quantconnect.yml"
DATASOURCE = "quantconnect-prometheus"

_HEADER = """\
# Written by python -m grafana.generate from deploy/prometheus/quantconnect.rules.yml: change it there.
# For Grafana's own alerting, in place of Prometheus' and Alertmanager's. docs/alerting.md says when to use it.
"""
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_LEFT_OUT = re.compile(r"; the limit is (?=\.)")


def alerting_text() -> str:
    """Return the provisioning file."""
    shipped = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    groups = [
        {
            "orgId": 1,
            "name": group["name"],
            "folder": "QuantConnect",
            "interval": group["interval"],
            "rules": [_rule(rule) for rule in group["rules"] if "alert" in rule],
        }
        for group in shipped["groups"]
        if any("alert" in rule for rule in group["rules"])
    ]
    content = {"apiVersion": 1, "groups": groups}
    return _HEADER + yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)


def _rule(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    severity = rule["labels"]["severity"]
    suffix = "" if severity.startswith("{{") else f"-{severity}"
    made = {
        "uid": f"{rule['alert'].removeprefix('QuantConnect').lower()}{suffix}-qc",
        "title": f"{rule['alert']}{suffix.replace('-', ' ')}",
        "condition": "fires",
        "data": [_query(rule["expr"]), _condition()],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.get("for", "0s"),
    }
    if "keep_firing_for" in rule:
        made["keepFiringFor"] = rule["keep_firing_for"]
    notes = rule["annotations"]
    texts = {
        "summary": notes["summary"],
        "description": without_queries(notes["description"]).replace("$value", "$values.value.Value"),
        "runbook_url": notes["runbook_url"],
        "dashboard_url": re.sub(
            r"\{\{ with \$externalLabels\.grafana_url \}\}\{\{ \. \}\}/(.*)\{\{ end \}\}$",
            r"{{ externalURL }}\1",
            notes["dashboard_url"],
        ),
    }
    # Grafana takes $ in labels, but not in annotations, for a variable of its environment.
    labels = {name: value.replace("$", "$$") for name, value in rule["labels"].items()}
    return {**made, "annotations": texts, "labels": labels}


def _query(expression: str) -> Mapping[str, Any]:
    return {
        "refId": "value",
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": {"refId": "value", "expr": expression.strip(), "instant": True, "range": False},
    }


def _condition() -> Mapping[str, Any]:
    """Return the condition that is true of every series, whatever its value: 0 is a cash ratio, infinity a leverage."""
    above_all = {"evaluator": {"type": "gt", "params": [-1e300]}}
    return {
        "refId": "fires",
        "datasourceUid": "__expr__",
        "model": {"refId": "fires", "type": "threshold", "expression": "value", "conditions": [above_all]},
    }


def without_queries(template: str) -> str:
    """Return a template without the blocks that query, and without the words that lead to their values."""
    return re.sub(r" {2,}", " ", _LEFT_OUT.sub("", "".join(_kept(template)))).strip()


def _kept(template: str) -> Iterator[str]:
    position, depth, dropped_at = 0, 0, 0
    for action in _ACTION.finditer(template):
        if not dropped_at:
            yield template[position : action.start()]
        position = action.end()
        word = action[1].split()[0]
        if word in {"if", "with", "range"}:
            depth += 1
            if not dropped_at and action[1].startswith("with query"):
                dropped_at = depth
        if not dropped_at:
            yield action[0]
        if word == "end":
            if dropped_at == depth:
                dropped_at = 0
            depth -= 1
    yield template[position:]
