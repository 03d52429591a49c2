"""Whatever stands in the file, loading it gives a configuration or the list of its problems."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.accounts import ACCOUNT_KEYS
from exporter.config.limits import LIMIT_KEYS, SEVERITY_KEYS
from exporter.config.load import load_config
from exporter.config.schema import PROJECT_KEYS, TOP_KEYS
from exporter.config.settings import CARDINALITY_KEYS, POLLING_KEYS
from exporter.errors import ConfigError

KEYS = st.sampled_from(
    [*TOP_KEYS, *ACCOUNT_KEYS, *PROJECT_KEYS, *POLLING_KEYS, *CARDINALITY_KEYS, *LIMIT_KEYS, *SEVERITY_KEYS]
)
SHORT_TEXT = st.text(st.sampled_from("aZ09 .:/'\n\0é\u2028\U0001f600"), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | SHORT_TEXT
    | st.sampled_from(["30s", "5m", "main", "USD", "https://localhost/", "."])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
ACCOUNT = st.fixed_dictionaries(
    {"user_id": st.integers(1, 3), "api_token": st.just("worthless")},
    optional={key: VALUES for key in ACCOUNT_KEYS if key not in {"user_id", "api_token"}},
)
SETTINGS = {
    "polling": st.dictionaries(st.sampled_from(POLLING_KEYS), SCALARS, max_size=4) | VALUES,
    "limits": st.dictionaries(
        st.sampled_from(LIMIT_KEYS),
        st.dictionaries(st.sampled_from(SEVERITY_KEYS), SCALARS) | VALUES,
        max_size=4,
    ),
}
PROJECT = st.fixed_dictionaries(
    {"id": st.integers(1, 3)},
    optional={"account": SCALARS, "name": SCALARS, "charts": VALUES, **SETTINGS},
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "accounts": st.lists(ACCOUNT, max_size=3) | VALUES,
        "projects": st.lists(PROJECT, max_size=3) | VALUES,
        **SETTINGS,
    },
)
YAML_TEXT = st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@#<=~019._ \t\n\r\\\0\x85\u2028\ufeff"), max_size=40)
ENVIRONMENTS = st.dictionaries(
    st.sampled_from(["QUANTCONNECT_USER_ID", "QUANTCONNECT_API_TOKEN", "QUANTCONNECT_API_TOKEN_FILE"]),
    SHORT_TEXT | st.just("1"),
)


def _load(content: bytes, environment: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "config.yml")
        path.write_bytes(content)
        problems: tuple[str, ...] = ()
        loaded = None
        try:
            loaded = load_config(path, environment)
        except ConfigError as error:
            problems = error.problems

    assert all(problem.isprintable() for problem in problems)
    assert loaded.config.accounts if loaded else problems


@given(st.binary(max_size=60), ENVIRONMENTS)
def test_any_bytes(content, environment):
    """Bytes of any kind raise nothing but ConfigError."""
    _load(content, environment)


@given(YAML_TEXT, ENVIRONMENTS)
@example("%YAML 1." + "9" * 5000, {})
@example("%YAML 1." + "9" * 5000 + "\n--- a", {})
@example('"\\UFFFFFFFF"', {})
@example('"\\U00110000"', {})
@example('accounts: [{user_id: 1, api_token: x, name: "\\ud800"}]', {})
@example("[" * 100_000, {})
@example("- " * 50_000, {})
@example("a: &a [*a]", {})
@example("!%ff a", {})
@example("accounts: [{user_id: " + "9" * 5000 + ", api_token: x}]", {})
@example("limits: {gross_leverage_ratio: {warning: " + "9" * 5000 + "}}", {})
@example("polling: {status: " + "9" * 5000 + "s}", {})
def test_any_text_of_yaml_characters(text, environment):
    """Texts rich in YAML's own characters raise nothing but ConfigError."""
    _load(text.encode(), environment)


@given(DOCUMENTS, ENVIRONMENTS)
def test_any_tree_of_known_keys(document, environment):
    """Well-formed documents with any value at any key raise nothing but ConfigError."""
    _load(json.dumps(document).encode(), environment)
