"""Settings for all projects and for one."""

import pytest

from exporter.config.model import Cardinality, Polling
from exporter.errors import ConfigError
from tests.config.texts import ONE


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


def test_a_project_overrides_single_polling_keys(load):
    """Keys that a project leaves out follow the general ones, not the built-in ones."""
    config = load(
        ONE + "polling: {status: 10s, equity: 20s}\nprojects: [{id: 1, polling: {status: 30s}}]"
    ).config

    assert config.projects[0].settings.polling == Polling(status=30, equity=20)
    assert config.defaults.polling == Polling(status=10, equity=20)


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
