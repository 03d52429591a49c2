"""The README and the other documents held to what is there."""

import re
import tomllib
from pathlib import Path

import pytest

from exporter.flags import _parser, environment_name
from exporter.metrics.families import FAMILIES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def command(mark: str) -> str:
    """Return the command behind a mark of the README."""
    found = re.search(rf"<!-- {mark} command -->\n```sh\n(.+?)\n```", README, re.DOTALL)
    assert found
    return found[1]


def test_first_command_installs_and_runs():
    """The first command makes an environment, installs the package and runs a script that the package declares."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    steps = command("run").split(" && ")

    assert steps[:2] == ["python3 -m venv .venv", ".venv/bin/pip install --quiet ."]
    assert steps[2] in {f".venv/bin/{name} --demo" for name in scripts}


def test_second_command_is_what_ci_runs():
    """CI takes the test command from the README, so that both stay one."""
    assert command("test").endswith("&& .venv/bin/pytest -n 4")
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(document):
    """Every link within the repository leads to a file, and its anchor to a heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = document.parent / file if file else document
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_metrics_that_exist(document):
    """A metric that a document mentions is in the table of families."""
    known = {family.name for family in FAMILIES}
    text = document.read_text("utf-8")
    mentioned = set(re.findall(r"(?<![\w:])quantconnect_[a-z_]+[a-z](?![\w:.])", text))
    mentioned -= {"quantconnect_token"}

    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in mentioned} <= known


def test_every_flag_is_in_the_readme():
    """The README lists each flag of the command, and no other."""
    flags = {option for action in _parser()._actions for option in action.option_strings} - {"-h"}
    listed = set(re.findall(r"`(--[a-z.-]+)(?:=[a-z]+)?`", README))

    assert flags == listed


def test_environment_variable_in_the_readme_is_true():
    """The example of an environment variable is spelled as the code spells it."""
    assert environment_name("--web.listen-address") in README


def test_changelog_knows_the_version():
    """The changelog has a section for the present version, or for what is not released yet."""
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
