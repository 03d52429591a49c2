"""What a valid configuration means."""

import dataclasses
from pathlib import Path

import pytest

from exporter.config.load import load_config
from exporter.config.model import (
    DEFAULT_LIMITS,
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
from exporter.errors import ConfigError

ONE = "accounts: [{user_id: 123456, api_token: worthless}]\n"
TWO = """\
accounts:
  - {name: main, user_id: 1, api_token: worthless}
  - {name: paper, user_id: 2, api_token: worthless}
"""


def test_two_keys_are_enough(load):
    """A user id and a token give one discovering account with every default."""
    loaded = load(ONE)

    assert loaded.config == Config(accounts=(Account("default", 123456, Secret("worthless")),))
    assert loaded.warnings == ()


def test_every_key_is_read(load):
    """Each key of an account, a project, polling and limits arrives in its field."""
    config = load("""\
accounts:
  - name: main
    user_id: 123456
    api_token: worthless
    base_url: http://127.0.0.1:8080/api
    requests_per_minute: 12
    max_concurrent_requests: 32
    discover: true
    labels: {env: paper, desk: fx}
projects:
  - id: 23456789
    account: main
    name: momentum
    account_currency: USDT
    charts: ["Custom Signal", Other]
    peak_since: 2026-11-02T14:30:00Z
    labels: {desk: equities, _owner2: "7"}
    polling: {status: 2m}
    cardinality: {chart_series: 4}
    limits: {cash_ratio_min: {warning: -0.5, critical: -10}}
charts: [Exposure, Other]
polling:
  status: 10s
  portfolio: 20s
  equity: 30s
  statistics: 40s
  charts: 50s
  timeout: 100ms
  orders: 55s
  stale_after: 1h30m
  keep_ended_for: 2d12h
cardinality: {holdings: 1, runtime_statistics: 2, chart_series: 3, projects: 5}
limits:
  gross_leverage_ratio: {warning: 2, critical: 4}
  memory_ratio: {warning: 0.7}
  strategy_loss: {warning: 5000}
  slippage_ratio: {warning: 0.002}
  open_order_age: {critical: 1h}
  equity_age: {warning: 1h30m}
""").config

    polling = Polling(10, 20, 30, 40, 50, 0.1, 5400, orders=55, keep_ended_for=216_000)
    limits = {
        **DEFAULT_LIMITS,
        (LimitName.MEMORY_RATIO, Severity.WARNING): 0.7,
        (LimitName.STRATEGY_LOSS, Severity.WARNING): 5000.0,
        (LimitName.SLIPPAGE_RATIO, Severity.WARNING): 0.002,
        (LimitName.OPEN_ORDER_AGE, Severity.CRITICAL): 3600.0,
        (LimitName.EQUITY_AGE, Severity.WARNING): 5400.0,
        (LimitName.GROSS_LEVERAGE_RATIO, Severity.WARNING): 2.0,
        (LimitName.GROSS_LEVERAGE_RATIO, Severity.CRITICAL): 4.0,
    }
    settings = ProjectSettings(
        name="momentum",
        account_currency="USDT",
        charts=("Exposure", "Other", "Custom Signal"),
        peak_since=1793629800.0,
        labels=(("_owner2", "7"), ("desk", "equities"), ("env", "paper")),
        polling=dataclasses.replace(polling, status=120),
        cardinality=Cardinality(1, 2, 4, 5),
        limits={
            **limits,
            (LimitName.CASH_RATIO_MIN, Severity.WARNING): -0.5,
            (LimitName.CASH_RATIO_MIN, Severity.CRITICAL): -10.0,
        },
    )
    assert config == Config(
        accounts=(
            Account(
                "main",
                123456,
                Secret("worthless"),
                "http://127.0.0.1:8080/api/",
                12,
                32,
                discover=True,
                labels=(("desk", "fx"), ("env", "paper")),
            ),
        ),
        projects=(NamedProject(23456789, "main", settings),),
        defaults=ProjectSettings(
            charts=("Exposure", "Other"), polling=polling, cardinality=Cardinality(1, 2, 3, 5), limits=limits
        ),
    )


def test_a_discovered_project_has_the_labels_of_its_account(load):
    """What is said of an account holds for the projects that nobody named, beside the defaults."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, labels: {env: paper}}]\ncharts: [Signal]"
    ).config

    settings = config.discovered(config.accounts[0])
    assert settings == dataclasses.replace(config.defaults, labels=(("env", "paper"),))
    assert settings.charts == ("Signal",)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02T14:30:00Z",
        "2026-11-02T14:30:00+00:00",
        "'2026-11-02T14:30:00Z'",
        "2026-11-02 15:30:00+01:00",
        "2026-11-02T09:30-05:00",
        "20261102T143000Z",
    ],
)
def test_a_time_in_any_zone_is_one_moment(load, text):
    """``peak_since`` is Unix seconds, whatever zone it was written in, with or without quotes."""
    config = load(f"{ONE}projects: [{{id: 1, peak_since: {text}}}]").config

    assert config.projects[0].settings.peak_since == 1793629800.0


def test_a_peak_that_begins_in_the_future_is_refused(tmp_path):
    """A slip in the year would leave the project without a drawdown, and its alert silent."""
    path = tmp_path / "config.yml"
    path.write_text(f"{ONE}projects: [{{id: 1, peak_since: 2026-11-02T14:30:00Z}}]")
    path.chmod(0o600)

    assert load_config(path, {}, now=1793629800.0 - 300).config.projects[0].settings.peak_since
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, now=1793629800.0 - 301)

    assert caught.value.problems == (
        f"{path}:2: projects[0].peak_since: lies in the future: until then there would be no drawdown",
    )


@pytest.mark.parametrize(
    ("general", "own", "orders"),
    [("{}", "{}", 300.0), ("{orders: null}", "{}", None), ("{orders: ~}", "{orders: 1m}", 60.0)],
)
def test_orders_can_be_left_alone(load, general, own, orders):
    """``null`` turns the source off, for all projects or for one; a project may turn it on again."""
    config = load(f"{ONE}polling: {general}\nprojects: [{{id: 1, polling: {own}}}]").config

    assert config.projects[0].settings.polling.orders == orders
    assert (
        load(f"{ONE}projects: [{{id: 1, polling: {{orders: null}}}}]").config.defaults.polling.orders == 300
    )


@pytest.mark.parametrize("form", ["123456", '"123456"', "'123456'"])
def test_a_user_id_may_stand_in_quotes(load, form):
    """A user id means the same as a number and as text."""
    config = load(f"accounts: [{{user_id: {form}, api_token: worthless}}]").config

    assert config.accounts[0].user_id == 123456


def test_json_is_accepted(load):
    """YAML includes JSON, so a generated JSON file loads too."""
    assert load('{"accounts": [{"user_id": 1, "api_token": "worthless"}]}').config.accounts[0].user_id == 1


@pytest.mark.parametrize(
    ("projects", "discovers"),
    [
        ("", (True, True)),
        ("projects: []", (True, True)),
        ("projects: [{id: 1, account: main}]", (False, True)),
        ("projects: [{id: 1, account: main}, {id: 2, account: paper}]", (False, False)),
    ],
)
def test_an_account_discovers_unless_one_of_its_projects_is_named(load, projects, discovers):
    """The default of ``discover`` is decided for each account by its own projects."""
    accounts = load(TWO + projects).config.accounts

    assert tuple(account.discover for account in accounts) == discovers


def test_discovery_beside_named_projects_is_a_choice(load):
    """``discover: true`` holds although a project is named."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, discover: true}]\nprojects: [{id: 1}]"
    ).config

    assert config.accounts[0].discover


def test_the_only_account_is_the_one_of_every_project(load):
    """With one account a project need not name it."""
    config = load("accounts: [{name: main, user_id: 1, api_token: worthless}]\nprojects: [{id: 1}]").config

    assert config.projects[0].account == "main"


def test_an_address_gets_the_slash_at_its_end_and_small_letters_in_its_host(load):
    """Paths are appended to ``base_url``, so it always ends with a slash."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, base_url: 'HTTPS://API.Example.com/V2'}]"
    ).config

    assert config.accounts[0].base_url == "https://api.example.com/V2/"


def _limits(load, text, project="{}"):
    config = load(f"{ONE}limits: {text}\nprojects: [{{id: 1, limits: {project}}}]").config
    return {
        (name.value, severity.value): bound
        for (name, severity), bound in config.projects[0].settings.limits.items()
        if name is LimitName.DRAWDOWN_RATIO
    }


@pytest.mark.parametrize(
    ("text", "project", "warning", "critical"),
    [
        ("{}", "{}", 0.1, 0.2),
        ("{drawdown_ratio: {warning: 0.05}}", "{}", 0.05, 0.2),
        ("{drawdown_ratio: {warning: 0.05}}", "{drawdown_ratio: {critical: 0.3}}", 0.05, 0.3),
        ("{drawdown_ratio: {critical: null}}", "{}", 0.1, None),
        ("{drawdown_ratio: {critical: ~}}", "{drawdown_ratio: {warning: 0.9}}", 0.9, None),
        ("{drawdown_ratio: {critical: null}}", "{drawdown_ratio: {critical: 0.5}}", 0.1, 0.5),
        ("{drawdown_ratio: null}", "{}", None, None),
        ("{drawdown_ratio: null}", "{drawdown_ratio: {warning: 0.1}}", 0.1, None),
        ("{}", "{drawdown_ratio: null}", None, None),
        ("{drawdown_ratio: {warning: -0, critical: 1e-3}}", "{}", 0.0, 0.001),
        ("{drawdown_ratio: {warning: .5, critical: 1.}}", "{}", 0.5, 1.0),
    ],
)
def test_limits_lie_over_each_other_one_by_one(load, text, project, warning, critical):
    """A project's limit comes before the general one, that before the built-in one; null takes it away."""
    expected = {("drawdown_ratio", "warning"): warning, ("drawdown_ratio", "critical"): critical}

    assert _limits(load, text, project) == {
        key: bound for key, bound in expected.items() if bound is not None
    }


def test_a_project_overrides_single_polling_keys(load):
    """Keys that a project leaves out follow the general ones, not the built-in ones."""
    config = load(
        ONE + "polling: {status: 10s, equity: 20s}\nprojects: [{id: 1, polling: {status: 30s}}]"
    ).config

    assert config.projects[0].settings.polling == Polling(status=30, equity=20)
    assert config.defaults.polling == Polling(status=10, equity=20)


@pytest.mark.parametrize("name", ["'2024'", '"yes"', "'null'", "Börse 7", "a: b", "x,y"])
def test_text_in_quotes_stays_text(load, name):
    """What YAML would take for something else is plain text in quotes."""
    quoted = name if name[0] in "'\"" else f'"{name}"'
    config = load(f"{ONE}projects: [{{id: 1, name: {quoted}, charts: [{quoted}]}}]").config

    assert config.projects[0].settings.name == quoted[1:-1]
    assert config.projects[0].settings.charts == (quoted[1:-1],)


CLOSE = "is shorter than 2.5 intervals of"
STAY = "their values stay for 2.5 intervals"
WARNINGS = [
    pytest.param(
        "accounts: [{user_id: 1, api_token: worthless, base_url: http://proxy.example/}]",
        [":1: accounts[0].base_url: is plain http: the hash of the token travels unencrypted"],
        id="plain http",
    ),
    pytest.param(
        "accounts: [{user_id: 1, api_token: worthless, discover: false}]",
        [":1: accounts[0].discover: is false and no project of this account is named: nothing is polled"],
        id="nothing to poll",
    ),
    pytest.param(
        ONE + "polling:\n  stale_after: 5m",
        [
            f":3: polling.stale_after: 5m {CLOSE} statistics (5m), charts (5m): {STAY}",
        ],
        id="short stale_after",
    ),
    pytest.param(
        ONE + "polling: {charts: 10m}\nprojects: [{id: 1, polling: {equity: 8m}}]",
        [
            f":2: polling.stale_after: 15m {CLOSE} charts (10m): {STAY}",
            f":3: projects[0].polling.stale_after: 15m {CLOSE} equity (8m): {STAY}",
        ],
        id="long interval, each named where it is given",
    ),
    pytest.param(
        ONE + "polling: {orders: 10m}",
        [f":2: polling.stale_after: 15m {CLOSE} orders (10m): {STAY}"],
        id="long interval of orders",
    ),
    pytest.param(
        ONE + "polling: {keep_ended_for: 59m}",
        [
            ":2: polling.keep_ended_for: 59m is shorter than 1h: an algorithm that ends may be gone before its alert fires",
        ],
        id="ended algorithms leave too early",
    ),
]


@pytest.mark.parametrize(("text", "warnings"), WARNINGS)
def test_what_is_probably_not_meant_is_a_warning(load, tmp_path, text, warnings):
    """A doubtful configuration is usable, and each doubt has its line and key."""
    assert load(text).warnings == tuple(f"{tmp_path / 'config.yml'}{warning}" for warning in warnings)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "127.9.9.9", "[::1]:80", "localhost", "api.localhost"])
def test_plain_http_on_this_machine_is_no_warning(load, host):
    """What never leaves the machine need not be encrypted."""
    loaded = load(f"accounts: [{{user_id: 1, api_token: worthless, base_url: 'http://{host}/'}}]")

    assert loaded.warnings == ()


def test_one_user_at_two_addresses_is_two_accounts(load):
    """The same user id at another address is another user, such as a simulated one."""
    config = load("""\
accounts:
  - {name: real, user_id: 1, api_token: worthless}
  - {name: simulated, user_id: 1, api_token: worthless, base_url: "http://localhost:1/"}
""").config

    assert [account.name for account in config.accounts] == ["real", "simulated"]


def test_a_wrong_account_brings_no_second_problem_for_its_projects(load):
    """While an account's name is unreadable, projects are not blamed for naming it."""
    text = "accounts: [{name: 7, user_id: 1, api_token: worthless}]\nprojects: [{id: 1, account: '7'}]"

    with pytest.raises(ConfigError) as caught:
        load(text)

    assert len(caught.value.problems) == 1


def test_a_relative_path_is_said_as_given_and_as_resolved(tmp_path, monkeypatch):
    """Whoever runs the command in the wrong folder sees where the file was looked for."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as caught:
        load_config(Path("none.yml"), {})

    assert caught.value.problems == (
        f"none.yml: the file cannot be read: No such file or directory ({tmp_path}/none.yml)",
    )


def test_cardinality_of_a_project_over_the_sections(load):
    """A project's own bound replaces the section's, key by key; the others keep the built-in one."""
    loaded = load(
        "accounts: [{user_id: 1, api_token: worthless}]\n"
        "cardinality: {holdings: 500}\n"
        "projects: [{id: 7, cardinality: {chart_series: 0}}]\n"
    )

    assert loaded.config.defaults.cardinality == Cardinality(holdings=500)
    assert loaded.config.projects[0].settings.cardinality == Cardinality(holdings=500, chart_series=0)


def test_negative_cardinality(load):
    """A bound below zero is a problem, with its line."""
    with pytest.raises(ConfigError) as caught:
        load("accounts: [{user_id: 1, api_token: worthless}]\ncardinality:\n  holdings: -1\n")

    (problem,) = caught.value.problems
    assert ":3: cardinality.holdings: must be a whole number" in problem
