"""No dashboard has a fault that only an eye sees, and each check finds the fault in a small example."""

import copy

import pytest

pytest.importorskip("promql_parser")

from tests.grafana import faults
from tests.grafana.dashboards import document, documents

RED_OR_GREEN = {"steps": [{"value": None, "color": "red"}, {"value": 0, "color": "green"}]}
EQUITY = 'max by (project_id, project) (quantconnect_equity{job=~"$job",project_id=~"$project_id"})'
CHECKS = [
    faults.colors_of_nothing,
    faults.backgrounds,
    faults.wide_tables,
    faults.narrow_dates,
    faults.endless_stats,
    faults.endless_lines,
    faults.filtered_tables,
    faults.shown_ids,
    faults.colored_zero,
    faults.signed_sizes,
    faults.cut_titles,
]


def _panel(kind, *, columns=("project", "Value"), legend="{{project}}", **settings):
    return {
        "title": "Example",
        "type": kind,
        "gridPos": {"w": 12},
        "options": settings.pop("options", {}),
        "targets": [{"refId": "A", "expr": EQUITY, "legendFormat": legend}],
        "transformations": [
            {
                "id": "organize",
                "options": {
                    "indexByName": {name: place for place, name in enumerate(columns)},
                    "renameByName": {},
                },
            }
        ],
        "fieldConfig": {"defaults": settings.pop("defaults", {}), "overrides": settings.pop("overrides", [])},
    }


def _dashboard(panel, *, several=False):
    choice = {"name": "project_id", "label": "Project", "multi": several}
    return {"panels": [panel], "templating": {"list": [choice]}}


def _override(name, **values):
    properties = [{"id": key.replace("_", "."), "value": value} for key, value in values.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


@pytest.mark.parametrize("uid", [each["uid"] for each in documents().values()])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_dashboards_have_no_fault(check, uid):
    """Nothing unknown has a colour, no number a background, every table fits, every list ends."""
    assert check(document(uid)) == []


def test_overview_names_its_project_once():
    """One project is chosen, and no legend repeats its name."""
    assert faults.repeated_names(document("quantconnect-overview")) == []


def test_threshold_without_a_mapping_for_nothing_is_found():
    """In all fields or in a column; a mapping that gives nothing a colour does not help."""
    nothing = {
        "type": "special",
        "options": {"match": "null+nan", "result": {"text": "none", "color": "text"}},
    }
    stat = _panel("stat", defaults={"thresholds": RED_OR_GREEN})
    assert faults.colors_of_nothing(_dashboard(stat)) == ["Example: all fields"]
    column = _panel("table", overrides=[_override("Value", thresholds=RED_OR_GREEN)])
    assert faults.colors_of_nothing(_dashboard(column)) == ["Example: Value"]
    colored = copy.deepcopy(nothing)
    colored["options"]["result"]["color"] = "green"
    stat["fieldConfig"]["defaults"]["mappings"] = [colored]
    assert faults.colors_of_nothing(_dashboard(stat)) == ["Example: all fields"]
    stat["fieldConfig"]["defaults"]["mappings"] = [nothing]
    assert faults.colors_of_nothing(_dashboard(stat)) == []


def test_background_on_a_number_is_found():
    """Of a cell, and of a tile."""
    cell = _panel("table", overrides=[_override("Value", custom_cellOptions={"type": "color-background"})])
    assert faults.backgrounds(_dashboard(cell)) == ["Example: Value"]
    tile = _panel("stat", options={"colorMode": "background_solid"})
    assert faults.backgrounds(_dashboard(tile)) == ["Example"]


def test_table_that_is_too_wide_is_found():
    """A column without a width takes 150 pixels, a hidden one none; half a page has 639."""
    table = _panel("table", columns=("a", "b", "c", "d", "e"))
    assert faults.wide_tables(_dashboard(table)) == ["Example: 750 of 639 pixels"]
    table["fieldConfig"]["overrides"] = [_override("e", custom_width=30)]
    assert faults.wide_tables(_dashboard(table)) == []
    table["fieldConfig"]["overrides"] = [_override("e", custom_hidden=True)]
    assert faults.wide_tables(_dashboard(table)) == []


def test_date_that_is_cut_is_found():
    """The longest date needs 136 pixels, and a column that is hidden none."""
    cut = _panel("table", overrides=[_override("Value", unit="dateTimeFromNow", custom_width=104)])
    assert faults.narrow_dates(_dashboard(cut)) == ["Example: Value"]
    cut["fieldConfig"]["overrides"] = [_override("Value", unit="dateTimeFromNow", custom_width=136)]
    assert faults.narrow_dates(_dashboard(cut)) == []


def test_stat_of_many_values_without_a_limit_is_found():
    """One value for each project; not when the query keeps the ten largest or adds up."""
    stat = _panel("stat")
    assert faults.endless_stats(_dashboard(stat)) == ["Example: A"]
    for bounded in (f"topk(10, {EQUITY})", f"max({EQUITY})"):
        stat["targets"][0]["expr"] = bounded
        assert faults.endless_stats(_dashboard(stat)) == []


def test_chart_with_a_line_for_each_project_is_found():
    """Two hundred lines in one chart; not when the query keeps ten."""
    chart = _panel("timeseries")
    assert faults.endless_lines(_dashboard(chart)) == ["Example: A"]
    chart["targets"][0]["expr"] = f"topk(10, {EQUITY})"
    assert faults.endless_lines(_dashboard(chart)) == []


def test_legend_that_repeats_the_chosen_project_is_found():
    """A legend with the project, and a choice of several projects."""
    assert faults.repeated_names(_dashboard(_panel("timeseries"))) == ["Example: A"]
    assert faults.repeated_names(_dashboard(_panel("timeseries", legend="Equity"))) == []
    assert faults.repeated_names(_dashboard(_panel("timeseries", legend="Equity"), several=True)) == [
        "Project: several can be chosen"
    ]


def test_filter_icons_and_ids_are_found():
    """Both take room that the headings and values of a table need."""
    assert faults.filtered_tables(_dashboard(_panel("table", defaults={"custom": {"filterable": True}})))
    table = _panel("table", columns=("project", "project_id"))
    assert faults.shown_ids(_dashboard(table)) == ["Example"]
    table["fieldConfig"]["overrides"] = [_override("project_id", custom_hidden=True)]
    assert faults.shown_ids(_dashboard(table)) == []


def test_zero_that_is_a_gain_is_found():
    """Red below zero and green from zero on; not with something neutral around zero."""
    stat = _panel("stat", defaults={"thresholds": RED_OR_GREEN})
    assert faults.colored_zero(_dashboard(stat)) == ["Example: all fields"]
    neutral = [
        {"value": None, "color": "red"},
        {"value": -0.1, "color": "text"},
        {"value": 0.1, "color": "green"},
    ]
    stat["fieldConfig"]["defaults"]["thresholds"] = {"steps": neutral}
    assert faults.colored_zero(_dashboard(stat)) == []


def test_short_position_that_is_a_loss_is_found():
    """A weight in red; not its profit."""
    weight = _panel("table", overrides=[_override("Weight", thresholds=RED_OR_GREEN)])
    assert faults.signed_sizes(_dashboard(weight)) == ["Example: Weight"]
    profit = _panel("table", overrides=[_override("P&L", thresholds=RED_OR_GREEN)])
    assert faults.signed_sizes(_dashboard(profit)) == []


def test_title_that_is_cut_is_found():
    """Eleven letters fit into three columns."""
    stat = _panel("stat")
    stat["gridPos"]["w"], stat["title"] = 3, "Twelve chars"
    assert faults.cut_titles(_dashboard(stat)) == ["Twelve chars"]
