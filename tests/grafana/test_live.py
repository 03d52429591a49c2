"""Every query of every panel, asked of a Prometheus that scrapes two exporters on the simulator.

The two poll the same projects, as a pair for high availability does.
"""

import math
import re

import pytest

from tests.grafana.dashboards import (
    all_targets,
    annotations,
    document,
    documents,
    panel_of,
    query_variables,
    targets_of,
)
from tests.grafana.prometheus import everything
from tests.grafana.tables import transformed
from tests.grafana.variables import ALL, substitute

RICH = 'Research/Lab "Signal" 7'
SEVERAL = (RICH, "CFD Indices", "Volatility/Short Puts")

EMPTY = {
    "Failures in the time range": "no poll of the simulator fails",
    "Times / B": "nothing has stopped yet",
    "Projects / K": "nothing has stopped yet",
}
"""Queries without a result, by panel, or panel and letter, each with the reason."""


def _one(name, offered):
    if name == "project_id":
        return [value for value, text in offered.items() if text == RICH]
    return [next(iter(offered))]


def _several(name, offered):
    if name == "project_id":
        return [value for value, text in offered.items() if text in SEVERAL]
    return list(offered)[:2]


CHOICES = {"one": _one, "several": _several, "all": everything}
CASES = [(uid, choice) for uid in (each["uid"] for each in documents().values()) for choice in CHOICES]


def _ask(prometheus, window, target, chosen):
    query = substitute(target.expression, chosen, window)
    return prometheus.instant(query, window.end) if target.instant else prometheus.over(query, window)


def _numbers(series):
    pairs = series["values"] if "values" in series else [series["value"]]
    return [float(value) for _, value in pairs if math.isfinite(float(value))]


def _legend(target, series):
    return re.sub(r"\{\{(\w+)\}\}", lambda found: series["metric"].get(found[1], ""), target.legend)


@pytest.mark.parametrize(("uid", "choice"), CASES)
def test_every_panel_has_data(live, uid, choice):
    """With one project, several or all chosen, each query returns numbers, and no two lines share a name."""
    prometheus, window = live
    chosen = prometheus.choose(uid, CHOICES[choice], window)
    for target in all_targets():
        if target.dashboard != uid:
            continue
        result = _ask(prometheus, window, target, chosen)
        reason = EMPTY.get(target.panel) or EMPTY.get(f"{target.panel} / {target.letter}")
        assert any(map(_numbers, result)) != bool(reason), f"{target.name} with {chosen}"
        if not target.table:
            names = [_legend(target, series) for series in result]
            assert len(set(names)) == len(names), target.name


@pytest.mark.parametrize("uid", [each["uid"] for each in documents().values()])
def test_variables_offer_what_there_is(live, uid):
    """Each variable has values with All chosen before it; projects are offered by name and chosen by id."""
    prometheus, window = live
    chosen = {}
    for variable in query_variables(uid):
        offered = prometheus.options(variable, chosen, window)
        assert offered
        if variable.name == "project_id":
            assert set(SEVERAL) | {"Never Deployed"} <= set(offered.values())
            assert all(value.isdigit() for value in offered)
        chosen[variable.name] = [ALL]


def test_pair_of_exporters_shows_every_project_once(live):
    """The fleet's table has one row for each project, though two exporters poll it."""
    prometheus, window = live
    rows = _rows(prometheus, window, "quantconnect-fleet", "Projects")
    known = prometheus.instant("group by (project_id) (quantconnect_algorithm_status)", window.end)
    assert len({row["Id"] for row in rows}) == len(rows) == len(known) == 14
    statuses = {row["Project"]: row["Status"] for row in rows}
    assert statuses["Never Deployed"] == "unknown"
    assert statuses[RICH] == "running"


def test_pair_of_exporters_shows_every_position_once(live):
    """The table of positions has a row for each one held, the heaviest first, and none for subscriptions."""
    prometheus, window = live
    rows = _rows(prometheus, window, "quantconnect-overview", "Open positions")
    held = prometheus.instant(
        "group by (project_id, symbol_id) (quantconnect_holding_quantity != 0)", window.end
    )
    assert len(rows) == len(held)
    assert all(row["Quantity"] for row in rows)
    weights = [abs(row["Weight"]) for row in rows]
    assert weights == sorted(weights, reverse=True)


def test_contracts_with_one_name_are_told_apart(live):
    """Two puts that differ in strike have a bar each, under names of their own."""
    prometheus, window = live
    names = [row["position"] for row in _rows(prometheus, window, "quantconnect-overview", "Allocation")]
    puts = [name for name in names if name.startswith("SPY 2026-12-18 P") or re.match(r"SPY \S+ P ", name)]
    assert len(set(puts)) == 2


@pytest.mark.parametrize(("uid", "annotation"), annotations(), ids=lambda value: str(value)[:24])
def test_annotations_have_data(live, uid, annotation):
    """Deployments are found; no alert fires, since this Prometheus has no rules."""
    prometheus, window = live
    chosen = prometheus.choose(uid, everything, window)
    result = prometheus.over(substitute(annotation["expr"], chosen, window), window)
    assert bool(result) == (annotation["name"] == "Deployments")


def _rows(prometheus, window, uid, title):
    panel = panel_of(uid, title)
    chosen = prometheus.choose(uid, everything, window)
    assert document(uid)
    results = {target.letter: _ask(prometheus, window, target, chosen) for target in targets_of(uid, panel)}
    return transformed(panel, results)
