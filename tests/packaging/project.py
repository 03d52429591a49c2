"""Where the packaging is, what the project says of itself, and running commands."""

import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
REPOSITORY = PYPROJECT["project"]["urls"]["Repository"]
IMAGE = "ghcr.io/quantconnect-exporter/quantconnect-exporter"


def run(
    *command: str | Path,
    seconds: float = 120,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> str:
    """Return what a command writes; fail with it when the command fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, env=environment, cwd=folder, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
