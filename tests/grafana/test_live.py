"""Every query of every panel, asked of a Prometheus that scrapes two exporters on the simulator.

The two poll the same projects, as a pair for high availability does.
"""

import math
import re

import pytest

pytest.importorskip("promql_parser")

from tests.grafana.dashboards import (
    all_targets,
    annotations,
    documents,
    panel_of,
    query_variables,
    targets_of,
)
from tests.grafana.prometheus import HIDDEN, everything
from tests.grafana.tables import TREND, transformed
from tests.grafana.variables import ALL, substitute

RICH = 'Research/Lab "Signal" 7'
SEVERAL = (RICH, "CFD Indices", "Volatility/Short Puts")
OVERVIEW = "quantconnect-overview"

EMPTY = {
    "Failures in the time range": "no poll of the simulator fails",
    "Failed requests by reason": "no request fails",
    "Underwater / B": "this Prometheus has no alert rules",
    "Orders / C": "no order is stuck",
    "Orders / D": "no order rests",
    "Orders by status": "nothing was ordered yet",
    "Fills by day": "the window is seconds long",
    "Fees by day": "the window is seconds long",
    "Slippage": "no order fills within seconds",
    "Time to fill": "no order fills within seconds",
    "Header / E": "the project runs",
    "Needs attention / A": "this Prometheus has no alert rules, which is a row",
    "Return by week": "the window is seconds long",
    "Return by month": "the window is seconds long",
    "Return by day": "the window is seconds long",
    "Rebuilt value against equity": "cannot be rebuilt for every project",
    "Configured charts": "only one project has charts of its own",
    "Own figures": "only one project sets any",
    "Times / D": "only one project has charts of its own",
}
"""Queries that may have no result, by panel, or panel and letter, each with the reason."""


def _project(name):
    def pick(variable, offered):
        if variable == "project_id":
            return [value for value, text in offered.items() if text == name]
        return [next(iter(offered))]

    return pick


def _several(variable, offered):
    if variable == "project_id":
        return [value for value, text in offered.items() if text in SEVERAL]
    return list(offered)[:2]


CHOICES = {
    "dollars": _project(RICH),
    "euros": _project("CFD Indices"),
    "several": _several,
    "all": everything,
}
CASES = [
    (uid, choice)
    for uid in (each["uid"] for each in documents().values())
    for choice in (("dollars", "euros") if uid == OVERVIEW else CHOICES)
]


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
        may_be_empty = target.panel in EMPTY or f"{target.panel} / {target.letter}" in EMPTY
        assert any(map(_numbers, result)) or may_be_empty, f"{target.name} with {chosen}"
        if not target.table and target.letter != TREND:
            names = [_legend(target, series) for series in result]
            assert len(set(names)) == len(names), target.name


def test_empty_portfolio_is_none_and_not_zero(live):
    """A project without positions has the profit that stands for none; one that never ran has nothing."""
    prometheus, window = live
    (target,) = targets_of(OVERVIEW, panel_of(OVERVIEW, "Open P&L"))
    answers = {
        name: _ask(prometheus, window, target, prometheus.choose(OVERVIEW, _project(name), window))
        for name in ("Fresh", "Never Deployed")
    }
    assert [_numbers(each) for each in answers["Fresh"]] == [[1e-9]]
    assert answers["Never Deployed"] == []


@pytest.mark.parametrize("uid", [each["uid"] for each in documents().values()])
def test_variables_offer_what_there_is(live, uid):
    """Each variable has values with All chosen before it; projects are offered by name and chosen by id."""
    prometheus, window = live
    chosen = {}
    for variable in query_variables(uid):
        offered = prometheus.options(variable, chosen, window)
        assert offered or variable.name in HIDDEN
        if variable.name == "project_id":
            assert set(SEVERAL) | {"Never Deployed"} <= set(offered.values())
            assert all(value.isdigit() for value in offered)
        chosen[variable.name] = [ALL] if variable.every else list(offered)[:1] or [""]


def test_pair_of_exporters_shows_every_project_once(live):
    """The fleet's table has one row for each project, though two exporters poll it."""
    prometheus, window = live
    rows = _rows(prometheus, window, "quantconnect-fleet", "Projects")
    known = prometheus.instant("group by (project_id) (quantconnect_algorithm_status)", window.end)
    assert len({row["project_id"] for row in rows}) == len(rows) == len(known) == 14
    statuses = {row["Project"]: row["Status"] for row in rows}
    assert statuses["Never Deployed"] == "unknown"
    assert statuses[RICH] == "running"


def test_pair_of_exporters_shows_every_position_once(live):
    """The table of positions has a row for each one held, the heaviest first, and none for subscriptions."""
    prometheus, window = live
    rows = _rows(prometheus, window, "quantconnect-positions", "Open positions")
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
    chosen = prometheus.choose(OVERVIEW, _project("Volatility/Short Puts"), window)
    rows = _rows(prometheus, window, OVERVIEW, "Open positions, change", chosen)
    names = [row["position"] for row in rows]
    puts = [name for name in names if re.fullmatch(r"SPY \d{6} P …\w{4}", name)]
    assert len(set(puts)) == 2


def test_all_well_is_a_row(live):
    """A healthy project of a Prometheus without alert rules has one row, which says that they are missing."""
    prometheus, window = live
    chosen = prometheus.choose(OVERVIEW, _project(RICH), window)
    rows = _rows(prometheus, window, OVERVIEW, "Needs attention", chosen)
    assert [(row["level"], row["what"]) for row in rows] == [("5", "no_rules")]


@pytest.mark.parametrize(
    ("project", "row"), [(RICH, ("6", "well")), ("Never Deployed", ("7", "not_deployed"))]
)
def test_project_that_was_never_deployed_is_idle(live, project, row):
    """With alert rules it would be called well, though nothing of it runs."""
    prometheus, window = live
    (target,) = [
        one for one in targets_of(OVERVIEW, panel_of(OVERVIEW, "Needs attention")) if one.letter == "A"
    ]
    loaded = target.expression.replace("absent(ALERTS{", "absent(up{").replace(
        'alertname="QuantConnectWatchdog",alertstate="firing"', ""
    )
    assert loaded != target.expression
    chosen = prometheus.choose(OVERVIEW, _project(project), window)
    (shown,) = prometheus.instant(substitute(loaded, chosen, window), window.end)
    assert (shown["metric"]["level"], shown["metric"]["what"]) == row


@pytest.mark.parametrize(("uid", "annotation"), annotations(), ids=lambda value: str(value)[:24])
def test_annotations_have_data(live, uid, annotation):
    """Deployments are found; no alert fires, since this Prometheus has no rules."""
    prometheus, window = live
    chosen = {variable.name: [ALL] for variable in query_variables(uid)}
    result = prometheus.over(substitute(annotation["expr"], chosen, window), window)
    assert bool(result) == (annotation["name"] == "Deployments")


def _rows(prometheus, window, uid, title, chosen=None):
    panel = panel_of(uid, title)
    chosen = chosen or prometheus.choose(uid, everything, window)
    results = {target.letter: _ask(prometheus, window, target, chosen) for target in targets_of(uid, panel)}
    return transformed(panel, results)
