"""Which names and labels an expression uses, judged against those that exist."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import promql_parser as ast
import yaml

from exporter.config.model import LimitName, Severity
from exporter.domain.deployment import AlgorithmStatus
from exporter.errors import Reason
from exporter.metrics.exposition import Kind
from exporter.metrics.families import FAMILIES
from exporter.polling.state import Source
from exporter.quantconnect.client import ENDPOINTS, RESULTS

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "quantconnect.rules.yml"

Labels = frozenset[str]

TARGET: Final = frozenset({"cluster", "namespace", "job", "instance"})
"""What Prometheus adds to every scraped series; the first two only where a scraper sets them."""

CHOSEN_BY_USERS: Final = "label_…"
"""Stands for the labels of the configuration, of which our examples use one."""

VALUES: Final[Mapping[str, frozenset[str]]] = {
    "status": frozenset(AlgorithmStatus),
    "source": frozenset(Source),
    "reason": frozenset(Reason),
    "limit": frozenset(LimitName) | {"strategy_drawdown_ratio", "week_drawdown_ratio"},
    "severity": frozenset(Severity),
    "api_endpoint": frozenset(ENDPOINTS),
    "result": frozenset(RESULTS),
}
"""The labels whose values are fixed: a matcher for any other value matches nothing, for ever."""

ANY: Final = "x"
"""Stands for what a template fills in."""

_SET_OPERATORS: Final = ("and", "or", "unless")
_QUERY: Final = re.compile(r'query \(printf "((?:[^"\\]|\\.)*)"')


class UnknownNameError(AssertionError):
    """An expression names what does not exist."""


@dataclass(frozen=True)
class Known:
    """The labels of every series that exists, by its name."""

    series: Mapping[str, Labels] = field(default_factory=dict)

    def with_series(self, name: str, labels: Labels) -> "Known":
        """Return what is known when a recording rule adds a series."""
        return Known({**self.series, name: labels})

    def labels(self, expression: str) -> Labels:
        """Return the labels that the result of an expression may have; UnknownNameError for a wrong name."""
        return self._of(ast.parse(expression))

    def _of(self, node: Any) -> Labels:
        kind = type(node).__name__
        if kind in {"SubqueryExpr", "ParenExpr", "UnaryExpr"}:
            return self._of(node.expr)
        judges = {
            "VectorSelector": self._of_selector,
            "MatrixSelector": lambda matrix: self._of_selector(matrix.vector_selector),
            "Call": self._of_call,
            "AggregateExpr": self._of_aggregate,
            "BinaryExpr": self._of_binary,
        }
        return judges[kind](node) if kind in judges else frozenset()

    def _of_selector(self, node: Any) -> Labels:
        if node.name not in self.series:
            raise UnknownNameError(f"no series is named {node.name}")
        labels = self.series[node.name]
        for matcher in node.matchers.matchers:
            _require({matcher.name}, labels, node.name)
            allowed = None if matcher.value == ANY else VALUES.get(matcher.name)
            if allowed is not None and not any(_matches(matcher, value) for value in allowed):
                raise UnknownNameError(f"{node.name}: no {matcher.name} is {matcher.value!r}")
            values = matcher.value.split("|") if "Re" in str(matcher.op) else [matcher.value]
            plain = [value for value in values if value.isidentifier()]
            if allowed is not None and not allowed.issuperset(plain):
                raise UnknownNameError(f"{node.name}: no {matcher.name} is {matcher.value!r}")
        return labels

    def _of_call(self, node: Any) -> Labels:
        parts = [self._of(argument) for argument in node.args]
        labels: Labels = frozenset().union(*parts)
        if node.func.name == "label_replace":
            return labels | {node.args[1].val}
        if node.func.name == "absent":
            return frozenset()
        if node.func.name == "vector":
            return frozenset()
        return labels

    def _of_aggregate(self, node: Any) -> Labels:
        inner = self._of(node.expr)
        by = _labels_of(node.modifier)
        _require(by, inner, f"by in {node.prettify()}")
        operator = str(node.op)
        if operator == "sum" and "account_currency" in inner and not by & {"account_currency", "project_id"}:
            raise UnknownNameError(f"adds up several currencies: {node.prettify()}")
        return inner if operator in {"topk", "bottomk"} else by

    def _of_binary(self, node: Any) -> Labels:
        left, right = self._of(node.lhs), self._of(node.rhs)
        modifier = node.modifier
        matching = modifier.matching if modifier else None
        if matching is not None:
            _require(_labels_of(matching), left, f"left of {node.prettify()}")
            _require(_labels_of(matching), right, f"right of {node.prettify()}")
        operator = str(node.op)
        if operator in _SET_OPERATORS:
            return left | right if operator == "or" else left
        if type(node.lhs).__name__ == "NumberLiteral" or not left:
            return right
        if not right or matching is None:
            return left
        many = str(modifier.card)
        added = frozenset(modifier.group_labels or ())
        _require(added, left if "OneToMany" in many else right, f"group in {node.prettify()}")
        if "OneToMany" in many:
            return right | added
        return left | added if "ManyToOne" in many else _labels_of(matching)


def _labels_of(modifier: Any) -> Labels:
    return frozenset(modifier.labels) if modifier is not None else frozenset()


def _require(names: Labels | set[str], known: Labels, place: str) -> None:
    if missing := set(names) - known:
        raise UnknownNameError(f"{place}: no label {', '.join(sorted(missing))}")


def exported() -> Known:
    """Return every series that a Prometheus with the exporter as its target has."""
    series: dict[str, Labels] = {
        "up": TARGET,
        "ALERTS": TARGET | {"alertname", "alertstate", "severity"},
        "prometheus_rule_evaluation_failures_total": TARGET | {"rule_group"},
    }
    for family in FAMILIES:
        labels = frozenset(family.labels) | TARGET
        if CHOSEN_BY_USERS in labels:
            labels = labels - {CHOSEN_BY_USERS} | {"label_desk"}
        if family.kind is Kind.HISTOGRAM:
            series[f"{family.name}_bucket"] = labels
            series |= dict.fromkeys((f"{family.name}_sum", f"{family.name}_count"), labels - {"le"})
        else:
            series[family.name] = labels
    return Known(series)


@cache
def shipped() -> Mapping[str, Any]:
    """Return the rules file."""
    content: Mapping[str, Any] = yaml.load(RULES.read_text(), Loader=yaml.CSafeLoader)
    return content


def shipped_rules() -> list[dict[str, Any]]:
    """Return every rule of the rules file in its order."""
    return [rule for group in shipped()["groups"] for rule in group["rules"]]


@cache
def recorded() -> Known:
    """Return the exported series and those of the recording rules, each checked on the way.

    A rule may read its own earlier samples; its labels are then those of the rest. Several rules may
    record one series, and each must have the same labels.
    """
    known = Known({**exported().series, **_SELF})
    for rule in shipped_rules():
        if "record" in rule:
            labels = known.labels(rule["expr"]) | frozenset(rule.get("labels", {}))
            known = known.with_series(rule["record"], labels)
    return known


def _matches(matcher: Any, value: str) -> bool:
    operator = str(matcher.op)
    found = re.fullmatch(matcher.value, value) is not None if "Re" in operator else value == matcher.value
    return not found if "Not" in operator else found


_PROJECT: Final = frozenset({"project_id"})
_SELF: Final[Mapping[str, Labels]] = {
    "project:quantconnect_seen:timestamp": _PROJECT | TARGET,
    "exporter:quantconnect_seen:timestamp": TARGET,
    "project:quantconnect_deployment:known": _PROJECT | TARGET | {"account", "deploy_id"},
    "project:quantconnect_status:known": _PROJECT | {"project", "status"},
    "project:quantconnect_limit:known": _PROJECT | {"project", "limit", "severity"},
    "project:quantconnect_equity:known": _PROJECT | {"account_currency"},
    "project:quantconnect_equity:max7d": _PROJECT | {"account_currency"},
    "project:quantconnect_strategy_pnl:best": _PROJECT | {"deploy_id"},
    "project:quantconnect_order_rejections:known": _PROJECT,
    "project_source:quantconnect_last_success:known": _PROJECT | {"source"},
    "project_source:quantconnect_poll_interval:known": _PROJECT | {"project", "source"},
    "project:quantconnect_measure:known": _PROJECT | {"limit", "source"},
}
"""The labels of the series that remember, for the first reading of their own rules."""


def template_queries(text: str) -> Iterator[str]:
    """Yield the expressions that the template of an annotation queries."""
    for query in _QUERY.findall(text):
        yield query.replace("%q", f'"{ANY}"')


def template_query_labels(text: str) -> Iterator[tuple[str, str]]:
    """Yield each expression that a template queries with each label it takes from the result."""
    parts = _QUERY.split(text)
    for query, rest in zip(parts[1::2], parts[2::2], strict=True):
        for label in re.findall(r'\| label "(\w+)"', rest):
            yield query.replace("%q", f'"{ANY}"'), label
