"""The table of families held to the naming rules, which promtool checks only in part."""

import re

import pytest

from exporter.metrics.exposition import Kind
from exporter.metrics.families import ACCOUNT_FAMILIES, FAMILIES, PROJECT, PROJECT_FAMILIES
from exporter.metrics.rows import CURRENCY

MONEY = (
    "holding_market_value",
    "holding_unrealized_pnl",
    "holding_conversion_rate",
    "cash_conversion_rate",
    "cash_value",
    "equity",
    "equity_peak",
    "portfolio_value",
    "gross_exposure",
    "net_exposure",
    "net_profit",
    "fees",
    "volume",
    "unrealized_pnl",
    "strategy_pnl",
    "capital",
)
TARGET_LABELS = {"job", "instance", "env", "environment", "region", "cluster", "type"}

every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def test_names_are_unique():
    """No metric stands twice in the table."""
    names = [family.name for family in FAMILIES]

    assert len(names) == len(set(names))


@every_family
def test_name_follows_the_conventions(family):
    """Every name has the prefix and base units, and only counters end in ``_total``."""
    assert re.fullmatch(r"quantconnect(_[a-z]+)+", family.name)
    assert not re.search(r"(_percent|_minutes|_hours|_days|_milliseconds|_megabytes)(_|$)", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert not family.name.endswith(("_count", "_sum", "_bucket"))


@every_family
def test_help_is_a_sentence_that_needs_no_escaping(family):
    """Each help text ends with a full stop and can be written on its line as it is."""
    assert family.help.endswith(".")
    assert not set(family.help) & set('\\\n"')


@every_family
def test_labels_are_unique_and_no_target_labels(family):
    """No label occurs twice or collides with what Prometheus users attach to targets."""
    assert len(family.labels) == len(set(family.labels))
    assert not TARGET_LABELS & set(family.labels)


def test_project_families_begin_with_the_project():
    """Every project's series says which project it is of, by id and by name."""
    assert {family.labels[:2] for family in PROJECT_FAMILIES} == {PROJECT}
    assert {family.labels[0] for family in ACCOUNT_FAMILIES} == {"account"}


def test_money_names_its_currency():
    """Exactly the values in account currency carry the label that names it."""
    labelled = {family.name for family in FAMILIES if CURRENCY in family.labels}

    assert labelled == {f"quantconnect_{name}" for name in MONEY}
