"""Which changes of the alert rules no scenario notices: ``python -m tests.deploy.mutants [--only TEXT]``.

Each comparison, match, window, number, wait and set operator of the rules file is changed, one at a time. A
change that the scenarios accept in every world survives. It must be in ``survivors.yml`` with its reason, and
nothing else may be there.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.checking import promtool_file, questions
from tests.deploy.mutations import Mutant, Rules, affected, mutants, side_by_side
from tests.deploy.promql import RULES
from tests.deploy.scenarios.fleets import FLEETS
from tests.deploy.scenarios.model import Fleet
from tests.deploy.worlds import WORLDS, World

SURVIVORS: Final = Path(__file__).parent / "survivors.yml"
FINE: Final = [(replace(WORLDS[0], evaluation=30), replace(fleet, evaluation=0)) for fleet in FLEETS]
PLACES: Final = sorted(
    [*((world, fleet) for world in WORLDS for fleet in FLEETS), *FINE],
    key=lambda place: (place[0].name != "twins", place not in FINE, place[0].name != "pairs"),
)
"""Those that notice most are the first; only what survives there is tried in the others."""
AT_ONCE: Final = 60
"""Mutants in one run of promtool."""
_SUFFIX: Final = re.compile(r"_m(\d+)\b")


def _survivors(
    tried: Sequence[Mutant], shipped: Rules, promtool: str, jobs: int
) -> Iterator[tuple[str, Sequence[Mutant]]]:
    """Yield each world and fleet, one after the other, with the mutants that have survived so far."""
    alive = list(tried)
    with ThreadPoolExecutor(jobs) as pool:
        for world, fleet in PLACES:
            if not alive:
                return
            parts = [alive[start : start + AT_ONCE] for start in range(0, len(alive), AT_ONCE)]
            rest = pool.map(
                lambda part, world=world, fleet=fleet: _unnoticed(part, shipped, promtool, world, fleet),
                parts,
            )
            left = {id(each) for part in rest for each in part}
            alive = [each for each in alive if id(each) in left]
            yield f"{world.name}, {fleet.name}", alive


def _unnoticed(
    tried: Sequence[Mutant], shipped: Rules, promtool: str, world: World, fleet: Fleet
) -> Sequence[Mutant]:
    """Return the mutants under which a fleet in a world does all that is expected of it."""
    unchanged = Mutant(0, 0, "", "", shipped["groups"][0]["rules"][0])
    alive = {f"_m{number}": mutant for number, mutant in enumerate([unchanged, *tried])}
    groups = [group["name"] for group in shipped["groups"]]
    while True:
        names = {suffix: affected(shipped, mutant) for suffix, mutant in alive.items()}
        asked = [
            question
            for suffix in alive
            for question in questions(world, fleet, suffix=suffix, only=names[suffix])
        ]
        test = promtool_file(world, fleet, groups, promql_expr_test=asked)
        test["tests"][0]["input_series"] += _remembered(test["tests"][0]["input_series"], names)
        said = _run(promtool, world.rules(side_by_side(shipped, alive)), test)
        for number in _SUFFIX.findall(said):
            alive.pop(f"_m{number}", None)
        assert "_m0" in alive, said
        # promtool stops when a rule cannot be evaluated.
        if "err:" not in said:
            return list(alive.values())[1:]


def _remembered(
    series: Sequence[Mapping[str, str]], names: Mapping[str, Collection[str]]
) -> list[dict[str, str]]:
    """Return what was recorded before the beginning, under the names of all who change it."""
    recorded = [each for each in series if ":quantconnect_" in each["series"]]
    return [
        {**each, "series": each["series"].replace("{", f"{suffix}{{", 1)}
        for suffix, changed in names.items()
        for each in recorded
        if each["series"].partition("{")[0] in changed
    ]


def _run(promtool: str, rules: Rules, test: Mapping[str, Any]) -> str:
    """Return what promtool finds wrong."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("rules.yml", rules), ("test.yml", test)):
            (Path(folder) / name).write_text(json.dumps(content))
        done = subprocess.run(
            [promtool, "test", "rules", "test.yml"],
            cwd=folder, env={**os.environ, "GOMAXPROCS": "1", "GOGC": "200"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0 or _SUFFIX.search(said), said
    return said if done.returncode else ""


def main() -> int:
    """Print which mutants survive; return 1 unless they are those of ``survivors.yml``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="changes that contain this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--promtool", default="promtool")
    arguments = parser.parse_args()
    shipped = yaml.safe_load(RULES.read_text())
    tried = [each for each in mutants(shipped) if arguments.only in str(each)]
    alive: Sequence[Mutant] = tried
    for place, alive in _survivors(tried, shipped, arguments.promtool, arguments.jobs):
        sys.stdout.write(f"{place}: {len(alive)} of {len(tried)} survive\n")
        sys.stdout.flush()
    found = {str(each) for each in alive}
    listed = {each for each in yaml.safe_load(SURVIVORS.read_text()) or {} if arguments.only in each}
    for each in sorted(found | listed):
        about = (
            "SURVIVES" if each not in listed else "listed" if each in found else "IS NOTICED, though listed"
        )
        sys.stdout.write(f"{about}: {each}\n")
    return int(found != listed)


if __name__ == "__main__":
    sys.exit(main())
