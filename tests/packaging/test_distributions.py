"""The wheel and the source distribution: what is in them, and that the wheel is enough to run the command."""

import re
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from exporter import __version__
from tests.packaging.project import PYPROJECT, REPOSITORY, ROOT, run

NAME = f"quantconnect_exporter-{__version__}"


def files_below(*folders):
    """Return what is in the folders, and them themselves when they are files, without what Python leaves behind."""
    found = (path for folder in folders for path in [folder, *folder.rglob("*")] if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder with both, the wheel built from the source distribution in an environment of its own."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


def test_two_files_are_built(built):
    """One wheel for every platform and one source distribution, of the version in the code."""
    assert {path.name for path in built.iterdir()} == {f"{NAME}.tar.gz", f"{NAME}-py3-none-any.whl"}


def test_wheel_holds_the_package_and_nothing_else(built):
    """Every file of the package is in the wheel, and besides them only what describes the wheel."""
    about = {f"{NAME}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    assert names == files_below(ROOT / "exporter") | about | {f"{NAME}.dist-info/licenses/LICENSE"}
    assert "exporter/py.typed" in names


def test_wheel_describes_itself(built):
    """Name, version, licence and address are those of pyproject.toml and of the code."""
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        metadata = Parser().parsestr(wheel.read(f"{NAME}.dist-info/METADATA").decode())
    assert metadata["Name"] == PYPROJECT["project"]["name"]
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert f"Repository, {PYPROJECT['project']['urls']['Repository']}" in metadata.get_all("Project-URL")


def test_readme_of_the_package_index_leads_into_the_repository(built):
    """Every link and picture of the text that comes with the wheel is absolute, and leads to what is there."""
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        metadata = Parser().parsestr(wheel.read(f"{NAME}.dist-info/METADATA").decode())
    assert metadata["Description-Content-Type"] == "text/markdown"
    targets = re.findall(r"""(?:\]\(|src="|srcset="|href=")([^)"\s]+)""", metadata.get_payload())
    raw = REPOSITORY.replace("https://github.com", "https://raw.githubusercontent.com")
    ours = [target for target in targets if target.startswith((REPOSITORY + "/blob/main/", raw + "/main/"))]
    assert len(ours) > 20
    for target in targets:
        assert re.match(r"https?://|#", target), target
    for target in ours:
        path = ROOT / target.partition("/main/")[2].partition("#")[0]
        assert path.exists(), target
        assert (path.suffix == ".png") == target.startswith(raw)


def test_source_distribution_holds_what_it_should(built):
    """All that pyproject.toml names is in it, and nothing else."""
    include = PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    expected = files_below(*(ROOT / name.removeprefix("/") for name in include)) | {"PKG-INFO", ".gitignore"}
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        assert {name.removeprefix(f"{NAME}/") for name in archive.getnames()} == expected


def test_version_stands_in_one_place():
    """pyproject.toml takes the version from the code."""
    assert "version" in PYPROJECT["project"]["dynamic"]
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "exporter/__init__.py"


def test_wheel_is_enough_to_run_the_command(built, tmp_path):
    """In an empty environment, away from the sources, the wheel brings a command that works."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    pip = (sys.executable, "-m", "pip", "--python", tmp_path / "venv/bin/python")
    run(*pip, "install", "--quiet", "--no-compile", built / f"{NAME}-py3-none-any.whl")
    command = tmp_path / "venv/bin/quantconnect-exporter"
    environment = {"PATH": "/usr/bin:/bin"}
    version = run(command, "--version", environment=environment, folder=tmp_path)
    assert version.startswith(f"quantconnect-exporter {__version__} (")
    assert run(command, "--demo", "--config.check", environment=environment, folder=tmp_path).startswith(
        "configuration is valid"
    )
