"""The configuration in force, shown as YAML."""

from dataclasses import replace
from datetime import UTC, datetime

import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.dump import dump_config
from exporter.config.limits import AGES
from exporter.config.load import load_config
from exporter.config.model import (
    Account,
    Cardinality,
    Config,
    LimitName,
    NamedProject,
    Polling,
    ProjectSettings,
    Severity,
)
from exporter.config.secret import Secret

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
SECONDS = st.integers(1000, 400_000).map(lambda milliseconds: milliseconds / 1000)
POLLING = st.builds(
    Polling,
    status=SECONDS,
    portfolio=SECONDS,
    timeout=SECONDS,
    orders=st.none() | SECONDS,
    stale_after=st.just(1e6),
)
LABELS = st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True), TEXTS, max_size=3).map(
    lambda labels: tuple(sorted(labels.items()))
)
LIMITS = st.dictionaries(
    st.tuples(st.sampled_from(LimitName), st.just(Severity.WARNING)), st.integers(1, 1000), max_size=4
).map(lambda limits: {key: bound * 1.0 if key[0] in AGES else bound / 1000 for key, bound in limits.items()})


@st.composite
def configurations(draw):
    accounts = tuple(
        Account(name, number, Secret(f"worthless{number}"), labels=draw(LABELS), discover=draw(st.booleans()))
        for number, name in enumerate(draw(st.lists(TEXTS, min_size=1, max_size=2, unique=True)), 1)
    )
    defaults = ProjectSettings(
        charts=tuple(draw(st.lists(TEXTS, max_size=2, unique=True))),
        polling=draw(POLLING),
        cardinality=Cardinality(chart_series=draw(st.integers(0, 9)), projects=draw(st.integers(0, 9))),
        limits=draw(LIMITS),
    )
    projects = []
    for number in range(draw(st.integers(0, 3))):
        account = draw(st.sampled_from(accounts))
        own = draw(st.lists(TEXTS, max_size=2, unique=True))
        since = draw(st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001
        projects.append(
            NamedProject(
                number + 1,
                account.name,
                ProjectSettings(
                    name=draw(st.none() | TEXTS),
                    account_currency=draw(st.none() | st.sampled_from(["USD", "NO"])),
                    charts=tuple(dict.fromkeys([*defaults.charts, *own])),
                    peak_since=since and since.replace(tzinfo=UTC).timestamp(),
                    labels=tuple(sorted({**dict(account.labels), **dict(draw(LABELS))}.items())),
                    polling=replace(draw(POLLING), keep_ended_for=defaults.polling.keep_ended_for),
                    cardinality=replace(defaults.cardinality, holdings=draw(st.integers(0, 9))),
                    limits=draw(LIMITS),
                ),
            )
        )
    return Config(accounts, tuple(projects), defaults)


@given(configurations())
def test_what_is_shown_loads_as_what_is_in_force(tmp_path_factory, config):
    """Whatever the configuration, its YAML means the same, but for the tokens."""
    path = tmp_path_factory.getbasetemp() / "dumped.yml"
    path.write_text(dump_config(config), "utf-8")
    path.chmod(0o600)
    accounts = tuple(replace(account, api_token=Secret("<secret>")) for account in config.accounts)

    assert load_config(path, {}).config == replace(config, accounts=accounts)


def test_no_secret_is_shown():
    """Every token is masked, and nothing that looks like one is anywhere else."""
    accounts = tuple(Account(f"a{number}", number, Secret(f"worthless-{number}")) for number in (1, 2))
    text = dump_config(Config(accounts))

    assert "worthless" not in text
    assert [account["api_token"] for account in yaml.safe_load(text)["accounts"]] == ["<secret>", "<secret>"]


def test_only_what_differs_is_shown_of_a_project(load):
    """A reader finds what was set for a project, as it would be written."""
    (project,) = yaml.safe_load(
        dump_config(
            load("""\
accounts: [{user_id: 1, api_token: x, labels: {env: live}}]
charts: [A]
limits: {gross_leverage_ratio: {warning: 2}}
projects:
  - {id: 7, charts: [B], polling: {charts: 1m}, limits: {drawdown_ratio: null, gross_leverage_ratio: {critical: 4}}}
""").config
        )
    )["projects"]

    assert project == {
        "id": 7,
        "account": "default",
        "charts": ["B"],
        "labels": {"env": "live"},
        "polling": {"charts": "1m"},
        "limits": {
            "drawdown_ratio": {"warning": None, "critical": None},
            "gross_leverage_ratio": {"warning": 2.0, "critical": 4.0},
        },
    }
