"""What a query asks and what its result can carry, read from its syntax tree."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import promql_parser as promql
import yaml

from exporter.metrics.exposition import Kind
from exporter.metrics.families import FAMILIES
from tests.grafana.dashboards import ROOT

_TARGET = {"job", "instance"}
_ALERT = {"severity", "project_id", "project", "account", "instance"}
_OWN = {
    "up": set(),
    "scrape_duration_seconds": set(),
    "scrape_samples_scraped": set(),
    "process_start_time_seconds": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "ALERTS": {"alertname", "alertstate", *_ALERT},
    "ALERTS_FOR_STATE": {"alertname", *_ALERT},
}
"""Of Prometheus itself, of prometheus-client, and the labels that alerts of the rules carry."""

RULES = ROOT / "deploy/prometheus/quantconnect.rules.yml"
_SUFFIXES = ("_bucket", "_count", "_sum")
_SET_OPERATORS = {"and", "or", "unless"}
_SELECTING = {"topk", "bottomk"}


@cache
def known_metrics() -> dict[str, set[str]]:
    """Return the labels of each metric that a query may name."""
    known = {name: labels | _TARGET for name, labels in _OWN.items()}
    for name, labels in _recorded().items():
        known[name] = known.get(name, set()) | labels
    for family in FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            for suffix in _SUFFIXES:
                labels = set(family.labels) if suffix == "_bucket" else set(family.labels) - {"le"}
                known[family.name + suffix] = labels | _TARGET
        else:
            known[family.name] = set(family.labels) | _TARGET
    return known


def _recorded() -> dict[str, set[str]]:
    """Return the labels of what the alert rules record of each project."""
    found: dict[str, set[str]] = {}
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            if rule.get("record", "").startswith("project:"):
                found.setdefault(rule["record"], {"project_id"}).update(rule.get("labels", ()))
    return found


@cache
def counters() -> frozenset[str]:
    """Return the names of series that only grow."""
    own = {name for name in _OWN if name.endswith("_total")}
    histograms = {
        family.name + suffix for family in FAMILIES if family.kind is Kind.HISTOGRAM for suffix in _SUFFIXES
    }
    return frozenset(own | histograms | {family.name for family in FAMILIES if family.kind is Kind.COUNTER})


def parsed(expression: str) -> Any:
    """Return the syntax tree of a query, its variables replaced by something harmless."""
    text = re.sub(r"\[\$__\w+(:\w+)?\]", lambda found: f"[1h{found[1] or ''}]", expression)
    text = re.sub(r"\$\{__(from|to):date:seconds\}", "1", text).replace("offset $__range", "offset 1h")
    return promql.parse(re.sub(r"\$(?!\d)\w+", "x", text))


def children(node: Any) -> list[Any]:
    """Return the parts of an expression."""
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.Call):
        return list(node.args)
    if isinstance(node, promql.AggregateExpr):
        return [part for part in (node.param, node.expr) if part is not None]
    if isinstance(node, promql.MatrixSelector):
        return [node.vector_selector]
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        return [node.expr]
    return []


def walk(node: Any, *above: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every part of an expression with what it stands in."""
    yield node, above
    for child in children(node):
        yield from walk(child, *above, node)


def selectors(expression: str) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every selector of a query with what it stands in."""
    for node, above in walk(parsed(expression)):
        if isinstance(node, promql.VectorSelector):
            yield node, above


def result_labels(node: Any) -> set[str] | None:  # noqa: PLR0911 - one for each kind of node
    """Return the labels that a result can carry, ``None`` for a number.

    Complains of labels that cannot be there, and of joins whose sides cannot match.
    """
    if isinstance(node, promql.VectorSelector):
        return known_metrics()[node.name]
    if isinstance(node, promql.AggregateExpr):
        return _aggregated(node)
    if isinstance(node, promql.BinaryExpr):
        return _joined(node)
    if isinstance(node, promql.Call):
        return _called(node)
    if isinstance(node, promql.SubqueryExpr):
        return result_labels(node.expr)
    if isinstance(node, promql.NumberLiteral | promql.StringLiteral):
        return None
    return result_labels(children(node)[0])


def _aggregated(node: Any) -> set[str]:
    inner = result_labels(node.expr)
    assert inner is not None
    if str(node.op) in _SELECTING:
        return inner
    if node.modifier is None:
        return {node.param.val} if str(node.op) == "count_values" else set()
    labels = set(node.modifier.labels)
    if str(node.op) == "count_values":
        return {node.param.val} | labels
    assert labels <= inner, f"{labels - inner} is not in {node.expr}"
    return labels if node.modifier.type == promql.AggModifierType.By else inner - labels


def _called(node: Any) -> set[str] | None:
    if node.func.name == "time":
        return None
    if node.func.name in {"vector", "absent", "day_of_week", "day_of_month", "days_in_month"}:
        return set()
    found = [labels for labels in map(result_labels, node.args) if labels is not None]
    labels = set(found[0])
    if node.func.name == "histogram_quantile":
        assert "le" in labels, f"{node} needs the buckets"
        return labels - {"le"}
    if node.func.name in {"label_replace", "label_join"}:
        texts = [argument.val for argument in node.args[1:]]
        sources = texts[2:3] if node.func.name == "label_replace" else texts[2:]
        assert set(sources) <= labels | {""}, f"{set(sources) - labels} is not in {node.args[0]}"
        return labels | {texts[0]}
    return labels


def _joined(node: Any) -> set[str] | None:
    left, right = result_labels(node.lhs), result_labels(node.rhs)
    if left is None or right is None:
        return right if left is None else left
    on = _matched(node, left, right)
    operator = str(node.op)
    if operator == "or":
        return left | right
    if on is None:
        assert left == right, f"{node.lhs} and {node.rhs} differ in {left ^ right}"
        return left
    return left if operator in _SET_OPERATORS else _of_pairs(node, left, right, on)


def _matched(node: Any, left: set[str], right: set[str]) -> set[str] | None:
    matching = node.modifier.matching if node.modifier is not None else None
    if matching is None:
        return None
    named = set(matching.labels)
    if matching.type == promql.LabelModifierType.Exclude:
        return (left & right) - named
    assert named <= left, f"{named - left} is not in {node.lhs}"
    assert named <= right, f"{named - right} is not in {node.rhs}"
    return named


def _of_pairs(node: Any, left: set[str], right: set[str], on: set[str]) -> set[str]:
    kept = set(node.modifier.group_labels or ())
    if str(node.modifier.card).endswith("ManyToOne"):
        return left | kept
    if str(node.modifier.card).endswith("OneToMany"):
        return right | kept
    assert left == on, f"{node.lhs} has more labels than {on}: the join would lose {left - on}"
    assert right == on, f"{node.rhs} has more labels than {on}: the join may find several"
    return on
