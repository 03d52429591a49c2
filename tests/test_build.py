"""What this build says of itself."""

import platform
import tomllib
from pathlib import Path

from exporter import __version__
from exporter.build import DOCUMENTATION, REPOSITORY, describe, revision

URLS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["urls"]


def test_addresses_are_those_of_the_project():
    """The repository's address is that of pyproject.toml."""
    assert (URLS["Repository"], URLS["Documentation"]) == (REPOSITORY, DOCUMENTATION)


def test_the_revision_is_unknown_outside_the_image():
    """The image says which commit it was built from; an empty variable says nothing."""
    assert revision({"QUANTCONNECT_EXPORTER_REVISION": "0123abc"}) == "0123abc"
    assert revision({"QUANTCONNECT_EXPORTER_REVISION": ""}) == revision({}) == "unknown"


def test_one_line_says_it_all():
    """Version, revision and Python, as a report of a mistake needs them."""
    assert describe({}) == (
        f"quantconnect-exporter {__version__} (revision unknown, Python {platform.python_version()})"
    )
