"""What this build is, and where to read about it."""

import os
import platform
from collections.abc import Mapping

from exporter import __version__

REPOSITORY = "https://github.com/quantconnect-exporter/quantconnect-exporter"
DOCUMENTATION = f"{REPOSITORY}/tree/main/docs"

REVISION_VARIABLE = "QUANTCONNECT_EXPORTER_REVISION"
"""Set by the container image to the commit it was built from."""


def revision(environment: Mapping[str, str] = os.environ) -> str:
    """Return the commit that was built, ``unknown`` outside the image."""
    return environment.get(REVISION_VARIABLE) or "unknown"


def describe(environment: Mapping[str, str] = os.environ) -> str:
    """Return version, revision and Python in one line."""
    python = platform.python_version()
    return f"quantconnect-exporter {__version__} (revision {revision(environment)}, Python {python})"
