"""Rules that every dashboard keeps."""

import re
import tomllib
from collections import Counter
from itertools import combinations

import pytest
import yaml

from exporter.metrics.families import FAMILIES
from tests.grafana.dashboards import (
    ROOT,
    all_targets,
    annotations,
    document,
    documents,
    legend_labels,
    panel_of,
    panels,
    query_variables,
    targets_of,
)

pytest.importorskip("promql_parser")

from tests.grafana.prometheus import HIDDEN
from tests.grafana.promql import RULES, counters, known_metrics, parsed, result_labels, selectors

UIDS = ("quantconnect-exporter", "quantconnect-fleet", "quantconnect-overview", "quantconnect-positions")
TIMES = "suffix:\N{MULTIPLICATION SIGN}"
UNITS = {
    "none", "short", "locale", "percentunit", "s", "dtdurations", "bytes", "reqpm", "cpm", "dateTimeFromNow",
    TIMES, "time:MMM D", "time:MMM YYYY",
}  # fmt: skip
"""Spelt as Grafana knows them: it shows an unknown unit as text behind the number."""

COLORS = {"red", "orange", "green", "blue", "purple", "text", "#8e8e8e"}
RANGES = {"$__range", "$__range:5m", "$__interval", "$__rate_interval"}
PERIODS = {"1d", "7d", "28d", "29d", "30d", "31d"}
NOT_SHOWN: dict[str, str] = {
    "quantconnect_holdings_dropped": "0 but for a portfolio larger than its bound, whose table is short then",
    "quantconnect_chart_series_dropped": "0 but for charts with more series than their bound",
    "quantconnect_project_labels": "which labels there are is the user's choice: docs/metrics.md has a join",
}
"""Families that no dashboard uses, each with the reason."""

TARGETS = {target.name: target for target in all_targets()}
EVERY_DASHBOARD = pytest.mark.parametrize("uid", UIDS)
EVERY_TARGET = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def _walk(value):
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _walk(part)


def test_uids_and_titles_are_the_promised_ones():
    """Links of alerts and of other dashboards rely on four addresses; each title is used once."""
    assert sorted(document["uid"] for document in documents().values()) == sorted(UIDS)
    assert sorted(documents()) == sorted(f"{uid}.json" for uid in UIDS)
    assert sorted(document["title"] for document in documents().values()) == [
        f"QuantConnect / {name}" for name in ("Exporter", "Fleet", "Overview", "Positions")
    ]


@EVERY_DASHBOARD
def test_dashboard_can_be_provisioned_as_it_is(uid):
    """No inputs to fill in, no number of another Grafana, not editable, one tag, a shared crosshair."""
    dashboard = document(uid)
    assert not {"__inputs", "__requires", "id", "version"} & dashboard.keys()
    assert dashboard["schemaVersion"] == 39
    assert dashboard["editable"] is False
    assert dashboard["tags"] == ["quantconnect"]
    assert dashboard["graphTooltip"] == 1
    assert dashboard["description"]


@EVERY_DASHBOARD
def test_links_lead_to_the_other_dashboards(uid):
    """One menu finds them by tag; it keeps time range and variables. No address names a server."""
    (link,) = document(uid)["links"]
    assert (link["type"], link["tags"], link["includeVars"], link["keepTime"]) == (
        "dashboards", ["quantconnect"], True, True,
    )  # fmt: skip
    assert link["asDropdown"] is True
    texts = [value for value in _walk(document(uid)) if isinstance(value, str)]
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    assert not [text for text in texts if "://" in text and not text.startswith(f"{own}/blob/main/docs/")]
    for text in texts:
        if text.startswith("/d/"):
            other = re.match(r"/d/([\w-]+)", text)[1]
            names = {variable.name for variable in query_variables(other)}
            assert other in UIDS
            assert set(re.findall(r"var-(\w+)=", text)) <= names


@EVERY_DASHBOARD
def test_everything_asks_the_chosen_data_source(uid):
    """A uid of somebody else's data source would find nothing."""
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    dashboard = document(uid)
    places = [*panels(dashboard), *(target for panel in panels(dashboard) for target in panel["targets"])]
    places += [one for one in dashboard["templating"]["list"] if one["type"] == "query"]
    places += dashboard["annotations"].get("list") or ()
    assert all(place["datasource"] == chosen for place in places)


@EVERY_DASHBOARD
def test_variables_are_chained(uid):
    """Data source, then job, then what depends on it: refreshed with the range, sorted.

    Several or All can be chosen, but for the Overview, which shows one project.
    """
    source, *others = document(uid)["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert others[0]["name"] == "job"
    assert "project_id" in [one["name"] for one in others]
    before = set()
    for one in others:
        assert (one["refresh"], one["sort"]) == (2, 5)
        single = uid == "quantconnect-overview" and one["name"] == "project_id"
        offered = (one.get("multi", False), one.get("includeAll", False), one.get("allValue"))
        hidden = one["name"] in HIDDEN
        assert offered == ((False, False, None) if single else (True, True, None if hidden else ".+"))
        assert (one.get("hide") == 2) == hidden
        assert one["label"]
        assert one["definition"] == one["query"]["query"]
        used = {name for name in re.findall(r"\$(\w+)", one["definition"]) if not name.startswith("__")}
        assert used <= before
        assert one["name"] == "job" or "job" in used
        before.add(one["name"])


@EVERY_DASHBOARD
def test_panels_have_their_own_number_and_place(uid):
    """No two panels overlap or share a number, and none leaves the 24 columns."""
    every = document(uid)["panels"]
    assert max(Counter(panel["id"] for panel in every).values()) == 1
    places = [(panel["title"], panel["gridPos"]) for panel in every]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for _, place in places)
    for (one, a), (other, b) in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, f"{one} and {other} overlap"


@EVERY_DASHBOARD
def test_panels_say_what_they_show(uid):
    """Each has a title of its own, a description, a query and a unit that Grafana knows."""
    titles = Counter(panel["title"] for panel in panels(document(uid)))
    assert max(titles.values()) == 1
    assert titles[""] == (uid == "quantconnect-overview")
    for panel in panels(document(uid)):
        assert panel["description"].endswith(".") or not panel["title"], panel["title"]
        assert panel["targets"], panel["title"]
        config = panel["fieldConfig"]
        units = [config["defaults"]["unit"]] + [
            each["value"] for override in config["overrides"] for each in override["properties"]
            if each["id"] == "unit"
        ]  # fmt: skip
        assert set(units) <= UNITS, panel["title"]


@EVERY_DASHBOARD
def test_thresholds_ascend_from_the_first(uid):
    """The first step has no value, the others rise, and all colours are Grafana's."""
    found = [
        value["steps"]
        for value in _walk(document(uid))
        if isinstance(value, dict) and isinstance(value.get("steps"), list)
    ]
    assert found
    for steps in found:
        values = [step["value"] for step in steps]
        assert values[0] is None
        assert values[1:] == sorted(set(values[1:]))
        assert {step["color"] for step in steps} <= COLORS


def _asked(step):
    """Return the fields that a transformation names."""
    options = step["options"]
    named = {
        "sortBy": lambda: {one["field"] for one in options["sort"]},
        "filterByValue": lambda: {one["fieldName"] for one in options["filters"]},
        "convertFieldType": lambda: {one["targetField"] for one in options["conversions"]},
        "configFromData": lambda: {one["fieldName"] for one in options["mappings"]},
        "filterFieldsByName": lambda: set(options["include"]["names"]),
        "organize": lambda: {*options["indexByName"], *options["renameByName"]},
    }
    return named.get(step["id"], set)()


def _left(step, names):
    """Return the fields that there are behind a transformation."""
    options = step["options"]
    if step["id"] == "filterFieldsByName":
        return set(options["include"]["names"])
    if step["id"] == "organize":
        assert set(options["indexByName"]) == names
        return {options["renameByName"].get(name, name) for name in names}
    return names


@EVERY_DASHBOARD
def test_tables_show_columns_that_exist(uid):
    """Fields that transformations and overrides name come from a label or a query."""
    for panel in panels(document(uid)):
        if "transformations" not in panel:
            continue
        targets = targets_of(uid, panel)
        names = {"Time"} | ({f"Value #{one.letter}" for one in targets} if len(targets) > 1 else {"Value"})
        names |= {"Trend #T"} if any(one.letter == "T" for one in targets) else set()
        for target in targets:
            names |= result_labels(parsed(target.expression)) or set()
        for step in panel["transformations"]:
            assert _asked(step) <= names, panel["title"]
            names = _left(step, names)
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["id"] == "byName"
            assert override["matcher"]["options"] in names, panel["title"]


WORDS_THAT_FIT = 30
"""Letters that the column has room for on a page of 1366 pixels."""


def test_every_alert_has_words():
    """What needs attention is said in words, and leads to a section of the runbook."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    for uid in ("quantconnect-overview", "quantconnect-fleet"):
        panel = panel_of(uid, "Needs attention")
        words = {
            each["matcher"]["options"]: option
            for each in panel["fieldConfig"]["overrides"]
            for one in each["properties"]
            if one["id"] == "mappings"
            for option in [one["value"][0]["options"]]
        }
        assert alerts - {"QuantConnectWatchdog"} <= words["what"].keys()
        assert {one["text"] for one in words["what"].values() if len(one["text"]) > WORDS_THAT_FIT} == set()
        assert all(words["alertname"][alert]["text"] == alert.lower() for alert in words["alertname"])


@EVERY_DASHBOARD
def test_only_the_trend_becomes_a_line(uid):
    """Grafana takes a table of one row for a series over time: without a filter its columns would vanish."""
    steps = [step for panel in panels(document(uid)) for step in panel.get("transformations", ())]
    filters = [step.get("filter") for step in steps if step["id"] == "timeSeriesTable"]
    assert all(one == {"id": "byRefId", "options": "T"} for one in filters)
    assert bool(filters) == (uid in {"quantconnect-fleet", "quantconnect-positions"})


@EVERY_DASHBOARD
def test_overrides_by_query_name_a_query(uid):
    """An override of a letter that no query has would silently do nothing."""
    for panel in panels(document(uid)):
        letters = {target["refId"] for target in panel["targets"]}
        assert len(letters) == len(panel["targets"])
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["id"] == "byFrameRefID":
                assert override["matcher"]["options"] in letters, panel["title"]


@EVERY_TARGET
def test_query_names_metrics_and_labels_that_exist(target):
    """Every metric is in the table of families, and every label is one of that metric's."""
    for selector, _ in selectors(target.expression):
        assert selector.name in known_metrics()
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= known_metrics()[selector.name]
        assert "job" in labels or selector.name.startswith(("ALERTS", "project:"))


@EVERY_TARGET
def test_legend_and_joins_fit_the_result(target):
    """Aggregations and joins keep the labels they name, and the legend names labels of the result."""
    labels = result_labels(parsed(target.expression))
    assert labels is not None
    assert set(legend_labels(target.legend)) <= labels
    if not target.table:
        assert target.legend


@EVERY_TARGET
def test_projects_are_counted_once_however_many_exporters_poll_them(target):
    """Outside the exporter's own dashboard nothing is told apart by instance, and ``max by`` comes first."""
    if target.dashboard == "quantconnect-exporter":
        return
    assert "instance" not in (result_labels(parsed(target.expression)) or set())
    for selector, above in selectors(target.expression):
        if "project_id" not in known_metrics()[selector.name]:
            continue
        first = next(node for node in reversed(above) if type(node).__name__ == "AggregateExpr")
        assert str(first.op) in {"max", "min"}


SINCE_LAUNCH = {f"quantconnect_{name}_total" for name in ("orders", "order_rejections", "fills_lost")}
"""Counters that begin at 0 with the deployment, not with the exporter: their value says something by itself."""


@EVERY_TARGET
def test_rates_are_of_counters_alone(target):
    """Counters are shown as rates over an interval that fits the step; nothing else is."""
    for selector, above in selectors(target.expression):
        functions = {node.func.name for node in above if type(node).__name__ == "Call"}
        rated = bool(functions & {"rate", "increase"})
        assert (selector.name in counters() - SINCE_LAUNCH) == rated
    ranges = set(re.findall(r"\[([^\]]+)\]", re.sub(r'"[^"]*"', "", target.expression)))
    assert ranges <= RANGES | PERIODS


@pytest.mark.parametrize(("uid", "annotation"), annotations(), ids=lambda value: str(value)[:40])
def test_annotations_ask_for_what_exists(uid, annotation):
    """The labels that their titles name are in the result."""
    labels = result_labels(parsed(annotation["expr"])) or set()
    named = legend_labels(annotation["titleFormat"] + annotation["textFormat"])
    assert uid in UIDS
    assert set(named) | set(annotation["tagKeys"].split(",")) <= labels


def test_every_family_is_shown_or_left_out_for_a_reason():
    """A new metric has to find its place in a dashboard."""
    used = {selector.name for target in TARGETS.values() for selector, _ in selectors(target.expression)}
    shown = {
        family.name
        for family in FAMILIES
        if used & {family.name, *(family.name + s for s in ("_bucket", "_sum"))}
    }
    assert {family.name for family in FAMILIES} - shown <= NOT_SHOWN.keys()
    assert not shown & NOT_SHOWN.keys()


def test_one_order_of_a_heat_map_is_seen():
    """Colours begin at 0, not at the smallest count: in the light theme that would be as white as the page."""
    maps = [panel for uid in UIDS for panel in panels(document(uid)) if panel["type"] == "heatmap"]
    assert {panel["title"] for panel in maps} == {"Slippage", "Time to fill"}
    assert [panel["options"]["color"]["min"] for panel in maps] == [0, 0]
