"""Which changes of the alert rules no scenario notices: ``python -m tests.deploy.mutants [--jobs 2] [--only TEXT]``.

Every comparison, label list of a match, window, wait and label matcher of the rules file is changed, one at a
time. Mutants are judged by the scenarios in the world of twins. A mutant that they accept
survives.
"""

import argparse
import copy
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.checking import promtool_test
from tests.deploy.promql import RULES
from tests.deploy.scenarios import FLEETS
from tests.deploy.worlds import WORLDS

Rules = Mapping[str, Any]

COMPARISONS: Final = {">": "<", "<": ">", "==": "!=", ">=": "<", "<=": ">"}
SET_OPERATORS: Final = {"unless": "and", "and": "unless"}
_COMPARISON: Final = re.compile(r"(?<=[\s)\]}])(>=|<=|==|>|<)(?=\s)")
_SET_OPERATOR: Final = re.compile(r"\b(unless|and)\b(?= on)")
_MATCH: Final = re.compile(r"\bon \(([^)]+)\)")
_WINDOW: Final = re.compile(r"\[(\d+)([smhd])(?=[\]:])|offset (\d+)([mh])")
_NUMBER: Final = re.compile(r"(?<=[<>*] )(0\.\d+|\d{2,})\b")


@dataclass(frozen=True)
class Mutant:
    """The rules with one change, and what the change is."""

    rule: str
    change: str
    rules: Rules


def mutants(rules: Rules) -> Iterator[Mutant]:
    """Yield the rules with one change each."""
    for group, content in enumerate(rules["groups"]):
        for number, rule in enumerate(content["rules"]):
            name = rule.get("alert") or rule["record"]
            labels = ",".join(rule.get("labels", {}).values())
            for change, changed in _changes(rule):
                mutated = copy.deepcopy(dict(rules))
                mutated["groups"][group]["rules"][number] = changed
                yield Mutant(f"{name} {labels}", change, mutated)


def _changes(rule: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for change, expression in _expressions(rule["expr"]):
        yield change, {**rule, "expr": expression}
    for wait in ("for", "keep_firing_for"):
        if wait in rule:
            without = {key: value for key, value in rule.items() if key != wait}
            yield f"without {wait}", without
            yield f"{wait} three times as long", {**rule, wait: _scaled(rule[wait], 3)}


def _expressions(expression: str) -> Iterator[tuple[str, str]]:
    for found in _COMPARISON.finditer(expression):
        yield _replaced(expression, found, COMPARISONS[found[1]])
    for found in _SET_OPERATOR.finditer(expression):
        yield _replaced(expression, found, SET_OPERATORS[found[1]])
    for found in _NUMBER.finditer(expression):
        yield _replaced(expression, found, f"{float(found[1]) * 2:g}")
    for found in _MATCH.finditer(expression):
        names = found[1].split(", ")
        for name in names if len(names) > 1 else []:
            kept = ", ".join(each for each in names if each != name)
            yield _replaced(expression, found, f"on ({kept})")
    for found in _WINDOW.finditer(expression):
        wide = re.sub(r"\d+", lambda digits: str(int(digits[0]) * 4), found[0])
        yield _replaced(expression, found, wide)


def _replaced(expression: str, found: "re.Match[str]", by: str) -> tuple[str, str]:
    before = expression[: found.start()]
    line = before.count("\n") + 1
    changed = before + by + expression[found.end() :]
    return f"line {line}: {found[0]} -> {by}", changed


def _scaled(duration: str, factor: int) -> str:
    return re.sub(r"\d+", lambda digits: str(int(digits[0]) * factor), duration)


def survives(mutant: Mutant, promtool: str, tests: Mapping[str, str]) -> bool:
    """Tell whether all scenarios accept the rules of a mutant."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tests.items():
            (Path(folder) / name).write_text(text)
        (Path(folder) / "rules.yml").write_text(
            yaml.dump(mutant.rules, Dumper=yaml.CSafeDumper, sort_keys=False)
        )
        environment = {**os.environ, "GOMAXPROCS": "1", "GOGC": "800"}
        return all(
            subprocess.run(
                [promtool, "test", "rules", name],
                cwd=folder,
                env=environment,
                capture_output=True,
                check=False,
            ).returncode
            == 0
            for name in tests
        )


def main() -> int:
    """Print of each mutant whether it survives, and how many do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="rules whose name contains this text")
    parser.add_argument("--every", type=int, default=1, help="try one of so many mutants")
    parser.add_argument("--promtool", default="promtool")
    arguments = parser.parse_args()
    shipped = yaml.safe_load(RULES.read_text())
    groups = [group["name"] for group in shipped["groups"]]
    world = next(world for world in WORLDS if world.name == "twins")
    tests = {
        f"{number}.yml": yaml.dump(
            promtool_test(world, fleet, groups), Dumper=yaml.CSafeDumper, sort_keys=False, width=1 << 30
        )
        for number, fleet in enumerate(FLEETS)
    }
    tried = [each for each in mutants(shipped) if arguments.only in each.rule][:: arguments.every]
    survivors = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, alive in zip(
            tried, pool.map(lambda each: survives(each, arguments.promtool, tests), tried), strict=True
        ):
            survivors += alive
            sys.stdout.write(f"{'SURVIVES' if alive else 'noticed'} {mutant.rule}: {mutant.change}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{survivors} of {len(tried)} mutants survive\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
