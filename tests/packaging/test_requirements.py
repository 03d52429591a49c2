"""The locked requirements of image and release: complete, hashed, and what pyproject.toml allows."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging.project import PYPROJECT, ROOT

LOCKS = {
    "runtime": PYPROJECT["project"]["dependencies"],
    "build": [*PYPROJECT["build-system"]["requires"], "build"],
}


def locked(name: str) -> dict[str, tuple[Version, list[str]]]:
    """Return version and hashes of each distribution of a lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line.partition("    #")[0] for line in text.splitlines() if not line.lstrip().startswith("#")]
    found = [
        re.fullmatch(r"([\w.-]+)==([\w.]+)(?: ; [^-]+?)?((?: +--hash=sha256:[0-9a-f]{64})*) *", line)
        for line in lines
    ]
    assert None not in found, [line for line, match in zip(lines, found, strict=True) if match is None]
    return {match[1]: (Version(match[2]), match[3].split()) for match in found if match is not None}


@pytest.mark.parametrize("name", LOCKS)
def test_every_distribution_has_hashes(name):
    """No distribution is installed that was not seen when the lock was made."""
    assert all(hashes for _, hashes in locked(name).values())


@pytest.mark.parametrize(
    ("name", "requirement"), [(name, each) for name, needs in LOCKS.items() for each in needs]
)
def test_lock_has_what_is_declared(name, requirement):
    """Each declared dependency is locked at a version that its declaration allows."""
    declared = Requirement(requirement)
    version, _ = locked(name)[declared.name.lower()]
    assert declared.specifier.contains(version)


def test_nothing_else_is_locked():
    """Each locked distribution is declared, or needed by one that is locked."""
    text = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    for entry in re.split(r"\n(?=\w)", text.strip()):
        name = entry.partition("==")[0]
        reasons = set(re.findall(r"#(?: +via)? +([\w.-]+)", entry)) - {"via"}
        assert reasons, name
        assert all(
            reason in locked("runtime") or reason.startswith("quantconnect-exporter") for reason in reasons
        )
