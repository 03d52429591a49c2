"""The table of families held to the naming rules, which promtool checks only in part."""

import re

import pytest

from exporter.metrics.exposition import Kind
from exporter.metrics.families import ACCOUNT_FAMILIES, FAMILIES, PROJECT, PROJECT_COLUMNS, PROJECT_FAMILIES
from exporter.metrics.table import CURRENCY

TARGET_LABELS = {"job", "instance", "env", "environment", "region", "cluster"}

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
    """Exactly the values that their help text says to be in account currency carry the label that names it."""
    for family in FAMILIES:
        assert ("account currency" in family.help) == (CURRENCY in family.labels), family.name


def test_openmetrics_knows_no_family_twice():
    """A counter's family has no ``_total`` in OpenMetrics, where a gauge of the same name would be the same family."""
    names = {family.name for family in FAMILIES}
    beside = {name for name in names if name.endswith("_total") and name.removesuffix("_total") in names}

    assert beside == {each.name for each in PROJECT_COLUMNS if each.kind is Kind.COUNTER_BESIDE_GAUGE}


def test_signed_histogram_is_one_family():
    """Buckets, count and sum, in this order, are columns of the page and one histogram of the table."""
    parts = [each.name for each in PROJECT_COLUMNS if each.kind is Kind.SIGNED_HISTOGRAM]
    (family,) = [each for each in FAMILIES if each.name == "quantconnect_order_slippage_ratio"]

    assert parts == [f"{family.name}_{part}" for part in ("bucket", "count", "sum")]
    assert (family.kind, family.labels) == (Kind.HISTOGRAM, (*PROJECT, "le"))
    assert "_sum may fall" in family.help
