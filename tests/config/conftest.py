"""A configuration is written to a folder of its own and loaded from there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config.load import Loaded, load_config

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a text as a file that its owner alone may read, with the given environment."""

    def load_text(text: str, mode: int = 0o600, **environment: str) -> Loaded:
        path = tmp_path / "config.yml"
        path.write_text(text)
        path.chmod(mode)
        return load_config(path, environment)

    return load_text
