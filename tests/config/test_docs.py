"""The user guide is held to the code."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from exporter.config.accounts import ACCOUNT_KEYS
from exporter.config.credentials import API_TOKEN, API_TOKEN_FILE, USER_ID
from exporter.config.duration import format_duration, parse_duration
from exporter.config.limits import LIMIT_KEYS, SEVERITY_KEYS
from exporter.config.model import (
    DEFAULT_BASE_URL,
    DEFAULT_LIMITS,
    Account,
    Cardinality,
    LimitName,
    Polling,
    Severity,
)
from exporter.config.schema import PROJECT_KEYS, TOP_KEYS
from exporter.config.secret import Secret
from exporter.config.settings import CARDINALITY_KEYS, POLLING_KEYS
from exporter.errors import ConfigError

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TABLES = {
    title: {row.split("|")[1].strip(" `"): row for row in re.findall(r"^\| `.*$", text, re.MULTILINE)}
    for title, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
}


@pytest.fixture
def secrets(tmp_path):
    """Stand in for ``/run/secrets`` of the example."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, content in {
        "quantconnect_token": "worthless",
        "research_token": "worthless",
        "research_user_id": "654321",
    }.items():
        path = folder / name
        path.write_text(content)
        path.chmod(0o600)
    return folder


def test_the_full_example_loads_without_warning(load, secrets):
    """A reader who copies the example gets what its comments say."""
    loaded = load(EXAMPLES[0].replace("/run/secrets", str(secrets)))

    main, research = loaded.config.accounts
    momentum, other = loaded.config.projects
    limits = momentum.settings.limits
    assert loaded.warnings == ()
    assert (main.discover, research.discover) == (True, True)
    assert (momentum.account, other.account) == ("main", "main")
    assert momentum.settings.polling == Polling(charts=60)
    assert momentum.settings.charts == ("Exposure", "Custom Signal")
    assert momentum.settings.labels == (("desk", "fx"), ("env", "live"))
    assert limits[LimitName.DRAWDOWN_RATIO, Severity.WARNING] == 0.05
    assert (LimitName.CONCENTRATION_RATIO, Severity.WARNING) not in limits


def test_the_full_example_shows_every_key():
    """Only the keys that its file-based credentials replace are missing from the example."""
    keys = {
        *TOP_KEYS,
        *ACCOUNT_KEYS,
        *PROJECT_KEYS,
        *POLLING_KEYS,
        *CARDINALITY_KEYS,
        *LIMIT_KEYS,
        *SEVERITY_KEYS,
    }

    assert {key for key in keys if not re.search(rf"\b{key}:", EXAMPLES[0])} == {"api_token"}


def test_the_other_examples_load(load):
    """Each shorter example is a valid file once an account is there."""
    for example in EXAMPLES[1:]:
        assert load(example, QUANTCONNECT_USER_ID="1", QUANTCONNECT_API_TOKEN="worthless")


def test_the_tables_name_exactly_the_keys_of_the_schema():
    """No key is undocumented, and no documented key is unknown."""
    assert set(TABLES["Accounts"]) == set(ACCOUNT_KEYS)
    assert set(TABLES["Projects"]) == set(PROJECT_KEYS)
    assert set(TABLES["Polling"]) == set(POLLING_KEYS)
    assert set(TABLES["Cardinality"]) == set(CARDINALITY_KEYS)
    assert set(TABLES["Limits"]) == set(LIMIT_KEYS)
    assert set(TABLES["Environment variables"]) == {USER_ID, API_TOKEN, API_TOKEN_FILE}
    assert all(f"`{key}`" in PAGE for key in (*TOP_KEYS, *SEVERITY_KEYS))


def test_the_tables_state_the_defaults_of_the_code():
    """Each default in the guide is the one in force."""
    account = Account("", 0, Secret(""))
    assert f"| `{DEFAULT_BASE_URL}` |" in TABLES["Accounts"]["base_url"]
    assert f"| `{account.requests_per_minute}` |" in TABLES["Accounts"]["requests_per_minute"]
    assert f"| `{account.max_concurrent_requests}` |" in TABLES["Accounts"]["max_concurrent_requests"]
    for key, seconds in asdict(Polling()).items():
        default = TABLES["Polling"][key].split("|")[2].strip(" `")
        assert parse_duration(default) == seconds, format_duration(seconds)
    for key, most in asdict(Cardinality()).items():
        assert TABLES["Cardinality"][key].split("|")[2].strip(" `") == str(most)
    for name in LimitName:
        cells = TABLES["Limits"][name].split("|")[2:4]
        bounds = [DEFAULT_LIMITS.get((name, severity)) for severity in Severity]
        assert [cell.strip(" `") for cell in cells] == [
            "none" if bound is None else format_duration(bound) if name.endswith("_age") else f"{bound:.2f}"
            for bound in bounds
        ]


def test_the_problems_shown_are_those_of_the_loader(load, tmp_path):
    """The sample of ``--config.check`` is real output."""
    broken = (Path(__file__).parent / "testdata" / "five_mistakes.yml").read_text()
    sample = re.findall(r"^config\.yml:.*$", PAGE, re.MULTILINE)

    with pytest.raises(ConfigError) as caught:
        load(broken)

    told = {problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems}
    assert len(sample) == 3
    assert set(sample) <= told
