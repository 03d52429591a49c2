"""Changes of the alert rules, one at a time, and all of them side by side in one rules file."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Rule = Mapping[str, Any]
Rules = Mapping[str, Any]

COMPARISONS: Final = {">": "<", "<": ">", "==": "!=", ">=": "<", "<=": ">"}
SET_OPERATORS: Final = {"unless": "and", "and": "unless"}
_COMPARISON: Final = re.compile(r"(?<=[\s)\]}])(>=|<=|==|>|<)(?=\s)")
_SET_OPERATOR: Final = re.compile(r"\b(unless|and)\b(?= on)")
_MATCH: Final = re.compile(r"\b(on|by) \(([^)]+)\)")
_WINDOW: Final = re.compile(r"\[(\d+)([smhd])(?=[\]:])|offset (\d+)([mh])")
_NUMBER: Final = re.compile(r"(?<=[<>*] )(0\.\d+|\d{2,})\b")


@dataclass(frozen=True)
class Mutant:
    """One change of one rule: which rule, at its place in its group, and what it becomes."""

    group: int
    place: int
    name: str
    change: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.name}: {self.change}"


def mutants(rules: Rules) -> Iterator[Mutant]:
    """Yield every change of a comparison, a match, a window, a number, a wait or a set operator."""
    for group, content in enumerate(rules["groups"]):
        for place, rule in enumerate(content["rules"]):
            labels = [value for value in rule.get("labels", {}).values() if "{" not in value]
            name = " ".join((rule.get("alert") or rule["record"], *labels))
            for change, changed in _changes(rule):
                yield Mutant(group, place, name, change, changed)


def side_by_side(rules: Rules, tried: Mapping[str, Mutant]) -> Rules:
    """Return the rules with a copy of what each mutant changes, for each suffix of ``tried``.

    Copied are the changed rule and all that read it. Their names have the suffix, so that no mutant disturbs
    another, and annotations are left out.
    """
    groups = [dict(group) for group in without_texts(rules)["groups"]]
    for suffix, mutant in tried.items():
        changed = [list(group["rules"]) for group in rules["groups"]]
        changed[mutant.group][mutant.place] = mutant.rule
        names = affected(rules, mutant)
        pattern = re.compile(rf"(?<![\w:])({'|'.join(map(re.escape, names))})(?![\w:])")
        for group, content in zip(groups, changed, strict=True):
            for rule in content:
                kind = "alert" if "alert" in rule else "record"
                if rule[kind] in names:
                    renamed = {kind: rule[kind] + suffix, "expr": pattern.sub(rf"\1{suffix}", rule["expr"])}
                    group["rules"].append(_bare(rule) | renamed)
    return {"groups": groups}


def affected(rules: Rules, mutant: Mutant) -> Collection[str]:
    """Return the names of the changed rule and of all rules that read it."""
    every: Sequence[Rule] = [rule for group in rules["groups"] for rule in group["rules"]]
    names = {mutant.rule.get("alert") or mutant.rule["record"]}
    while True:
        reading = re.compile(rf"(?<![\w:])(?:{'|'.join(map(re.escape, names))})(?![\w:])")
        found = {
            rule.get("alert") or rule["record"] for rule in every if reading.search(rule["expr"])
        } - names
        if not found:
            return names
        names |= found


def without_texts(rules: Rules) -> Rules:
    """Return the rules without annotations, which take a third of the time and do not change when an alert fires."""
    return {
        "groups": [{**group, "rules": [_bare(rule) for rule in group["rules"]]} for group in rules["groups"]]
    }


def _bare(rule: Rule) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key != "annotations"}


def _changes(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for change, expression in _expressions(rule["expr"]):
        yield change, {**rule, "expr": expression}
    for wait in ("for", "keep_firing_for"):
        if wait in rule:
            yield f"without {wait}", {key: value for key, value in rule.items() if key != wait}
            yield f"{wait} three times as long", {**rule, wait: _scaled(rule[wait], 3)}


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    for found in _COMPARISON.finditer(expression):
        yield _replaced(expression, found, COMPARISONS[found[1]])
    for found in _SET_OPERATOR.finditer(expression):
        yield _replaced(expression, found, SET_OPERATORS[found[1]])
    for found in _NUMBER.finditer(expression):
        yield _replaced(expression, found, f"{float(found[1]) * 2:g}")
    for found in _MATCH.finditer(expression):
        names = found[2].split(", ")
        for name in names:
            kept = ", ".join(each for each in names if each != name)
            yield _replaced(expression, found, f"{found[1]} ({kept})")
    for found in _WINDOW.finditer(expression):
        yield _replaced(expression, found, _scaled(found[0], 4))


def _replaced(expression: str, found: "re.Match[str]", by: str) -> tuple[str, str]:
    before = expression[: found.start()]
    line = before.count("\n") + 1
    changed = before + by + expression[found.end() :]
    return f"line {line}: {found[0]} -> {by}", changed


def _scaled(duration: str, factor: int) -> str:
    return re.sub(r"\d+", lambda digits: str(int(digits[0]) * factor), duration)
