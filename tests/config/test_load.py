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
from tests.config.texts import ONE


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


@pytest.mark.parametrize("form", ["123456", '"123456"', "'123456'"])
def test_a_user_id_may_stand_in_quotes(load, form):
    """A user id means the same as a number and as text."""
    config = load(f"accounts: [{{user_id: {form}, api_token: worthless}}]").config

    assert config.accounts[0].user_id == 123456


def test_a_relative_path_is_said_as_given_and_as_resolved(tmp_path, monkeypatch):
    """Whoever runs the command in the wrong folder sees where the file was looked for."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError) as caught:
        load_config(Path("none.yml"), {})

    assert caught.value.problems == (
        f"none.yml: the file cannot be read: No such file or directory ({tmp_path}/none.yml)",
    )
