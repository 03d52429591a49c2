"""Which part may know which, and through which door each library comes in."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "exporter"

ORDER = (
    "clock",
    "errors",
    "printable",
    "loopback",
    "build",
    "config",
    "log_format",
    "log_writer",
    "domain",
    "quantconnect",
    "polling",
    "metrics",
    "web",
    "flags",
    "service",
    "reload",
    "signals",
    "process",
    "probe",
)
"""Each part imports only from parts before it; the command line, which comes last, wires them all."""

DOORS = {
    "requests": {"quantconnect/client.py", "quantconnect/deadline.py", "demo"},
    "urllib3": {"quantconnect/client.py", "quantconnect/deadline.py"},
    "yaml": {"config/tree.py", "config/document.py", "config/dump.py"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "h11": {"web/bounded_requests.py"},
    "bcrypt": {"web/basic_auth.py"},
    "isal": {"metrics/page.py"},
    "msgspec": {
        "metrics/exposition.py",
        "quantconnect/envelope.py",
        "quantconnect/wire/chart.py",
        "quantconnect/wire/orders.py",
        "quantconnect/wire/portfolio.py",
    },
    "prometheus_client": {"metrics/process_metrics.py"},
}

MODULES = sorted(ROOT.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """Return the dotted names of everything a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part_of(dotted: str) -> str:
    return dotted.removeprefix("exporter.").split(".")[0]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(module):
    """No part imports from one that comes after it; the simulation is known to the command line alone."""
    part = module.relative_to(ROOT).parts[0].removesuffix(".py")
    used = {part_of(name) for name in imported(module) if name.startswith("exporter.")} - {"__version__"}
    if part == "demo":
        assert used <= {"clock", "demo"}
    elif part in ORDER:
        assert used <= set(ORDER[: ORDER.index(part) + 1])


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_door(module):
    """A third-party library is imported only where its purpose lies."""
    place = module.relative_to(ROOT).as_posix()
    for library, doors in DOORS.items():
        if any(name.split(".")[0] == library for name in imported(module)):
            assert place in doors or place.split("/")[0] in doors


def test_contributing_lists_the_parts_in_their_order():
    """The list for contributors has every part, each below those it may import from."""
    text = (ROOT.parent / "CONTRIBUTING.md").read_text("utf-8")
    listed = [name.removesuffix(".py") for name in re.findall(r"^  ([a-z_]+(?:\.py|/)) ", text, re.MULTILINE)]
    parts = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    names = [name.rstrip("/") for name in listed]

    assert set(names) == {part for part in parts if not part.startswith("__")}
    assert [name for name in names if name in ORDER] == list(ORDER)
    assert names[-1] == "cli"


def test_domain_is_pure():
    """The domain knows nothing but itself and the standard library's types and arithmetic."""
    allowed = (
        "exporter.domain",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "itertools",
        "math",
        "types",
        "typing",
    )
    for module in (ROOT / "domain").glob("*.py"):
        assert all(name.startswith(allowed) for name in imported(module)), module


def test_nothing_that_acts_is_in_the_source():
    """No endpoint that creates, stops, liquidates or commands is named anywhere."""
    acting = ("live/create", "live/update", "live/commands", '/stop"', '/liquidate"', '/delete"', '/create"')
    for module in MODULES:
        if "demo" not in module.parts:
            text = module.read_text("utf-8")
            assert not [each for each in acting if each in text], module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_mirror_the_package(module):
    """Whoever changes a module finds its tests under the same name."""
    place = module.relative_to(ROOT)
    if place.name.startswith("__"):
        return
    tests = Path(__file__).parent
    mirrored = tests / place.with_name(f"test_{place.name}")
    assert mirrored.exists(), f"add tests/{mirrored.relative_to(tests)}"
