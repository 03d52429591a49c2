"""The committed JSON is what the generator writes, and Grafana's SDK knows every key of it."""

import json
import warnings

import pytest

from tests.grafana.dashboards import FOLDER, documents

pytest.importorskip("grafana_foundation_sdk")

with warnings.catch_warnings():
    # The SDK prefers a schema that Grafana 10 and 11 cannot read.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    from grafana.generate.__main__ import files, main


def test_committed_files_are_what_the_generator_writes():
    """Nobody has edited the JSON by hand, nor the generator without writing the JSON."""
    written = files()
    assert set(FOLDER.glob("*.json")) <= written.keys()
    assert {path: path.read_text(encoding="utf-8") for path in written} == written


def test_check_succeeds_on_the_committed_files():
    """``--check`` is the same comparison for continuous integration."""
    assert main(["--check"]) == 0


def test_unknown_argument_is_wrong_usage(capsys):
    """Anything but ``--check`` is refused with the usage."""
    assert main(["--chek"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(documents()))
def test_no_key_is_lost_in_the_sdk(name):
    """A misspelt key would be dropped when Grafana's own model reads and writes the dashboard."""
    register_default_plugins()
    before = documents()[name]
    after = json.loads(json.dumps(Dashboard.from_json(before), cls=JSONEncoder))
    assert _lost(before, after) == []


def _lost(before, after, place="$"):
    """Return the places of what is in one document and not, or otherwise, in the other."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            lost
            for key, value in before.items()
            for lost in (_lost(value, after[key], f"{place}.{key}") if key in after else [f"{place}.{key}"])
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return [
            lost
            for index, (one, other) in enumerate(pairs)
            for lost in _lost(one, other, f"{place}[{index}]")
        ]
    return [] if before == after else [place]
