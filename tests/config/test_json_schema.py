"""The JSON schema of the configuration: what the reading code takes, for completion in editors.

``pytest tests/config --update-golden`` writes it anew.
"""

import json
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from exporter.config.load import load_config
from exporter.errors import ConfigError
from tests.config.recorder import configuration_schema
from tests.config.test_docs import EXAMPLES
from tests.config.test_example import EXAMPLE, UNCOMMENTED

jsonschema = pytest.importorskip("jsonschema")

FILE = Path(__file__).parents[2] / "docs" / "configuration.schema.json"
TESTDATA = Path(__file__).parent / "testdata"


class _Loader(yaml.SafeLoader):
    """Reads YAML as editors do: a time is a text."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _accepts(text: str) -> bool:
    document = yaml.load(text, _Loader)  # noqa: S506 - a safe one
    return jsonschema.Draft7Validator(json.loads(FILE.read_text("utf-8"))).is_valid(document)


def test_it_is_what_the_code_reads(request):
    """The file is made by the code that reads a configuration: nobody edits it."""
    text = json.dumps(configuration_schema(), indent=2) + "\n"
    if request.config.getoption("--update-golden"):
        FILE.write_text(text, "utf-8")

    assert text == FILE.read_text("utf-8")


def test_it_is_a_schema():
    """Editors can use it: it follows the meta-schema, and every key says what it takes."""
    schema = json.loads(FILE.read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)

    def empty(part, path):
        for key, value in part.get("properties", {}).items():
            if not value:
                yield f"{path}.{key}"
            yield from empty(value.get("items") or value, f"{path}.{key}")
            for choice in value.get("anyOf", ()):
                yield from empty(choice, f"{path}.{key}")

    assert list(empty(schema, "")) == []


@pytest.mark.parametrize("text", [EXAMPLE, UNCOMMENTED, *EXAMPLES])
def test_it_accepts_what_is_right(text):
    """The examples are right for an editor too."""
    assert _accepts(text)


@pytest.mark.parametrize(
    "name",
    [
        "unknown_top_key",
        "unknown_account_key",
        "unknown_project_key",
        "unknown_polling_key",
        "unknown_limit",
        "unknown_severity",
        "accounts_mapping",
        "charts_text",
        "charts_twice",
        "discover_quoted",
        "duration_bare_number",
        "duration_wrong_order",
        "limit_above_one",
        "limit_negative",
        "limit_percent",
        "age_number",
        "label_number",
        "labels_list",
        "max_concurrent_requests_33",
        "requests_per_minute_zero",
        "project_id_text",
        "project_keeps_ended",
        "polling_null",
        "top_charts_text",
    ],
)
def test_it_refuses_what_the_loader_refuses(name):
    """An editor marks what ``--config.check`` would: keys, types and bounds."""
    path = TESTDATA / f"{name}.yml"
    with pytest.raises(ConfigError):
        load_config(path, {})

    assert not _accepts(path.read_text("utf-8"))
