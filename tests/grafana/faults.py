"""Faults of dashboards that only an eye sees, found in their JSON: each function returns what it finds."""

from collections.abc import Iterator
from typing import Any

from tests.grafana.dashboards import legend_labels, panels
from tests.grafana.promql import parsed, result_labels, walk

Json = dict[str, Any]

NARROWEST_PAGE = 1366
"""Pixels; a table must not need more than its share of them."""

_PAGE_MARGIN, _PANEL_MARGIN, _COLUMNS = 40, 24, 24
_UNSET_WIDTH = 150
"""What Grafana gives a column without a width."""

_LONGEST_DATE = 136
"""What "a few seconds ago" needs, seen in Grafana."""

_NO_COLOR = {"text", "transparent", "#8e8e8e"}
_SIZES = ("weight", "allocation", "net value", "market value", "exposure")
_LETTERS_PER_COLUMN = 11 / 3
_COLORED_BY_THRESHOLD = {"stat", "table", "gauge", "bargauge"}


def _fields(panel: Json) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the settings of all fields together, then those of each override on top of them."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = {f"custom.{name}": value for name, value in defaults.get("custom", {}).items()}
    base = {**{name: value for name, value in defaults.items() if name != "custom"}, **custom}
    yield "all fields", base
    for override in panel["fieldConfig"]["overrides"]:
        own = {each["id"]: each["value"] for each in override["properties"]}
        yield str(override["matcher"]["options"]), {**base, **own}


def _matches_nothing(mapping: Json) -> bool:
    return mapping["type"] == "special" and mapping["options"]["match"] in {"null", "null+nan"}


def colors_of_nothing(dashboard: Json) -> list[str]:
    """A threshold without a mapping for nothing: a value that is not known takes the first colour."""
    found = []
    for panel in panels(dashboard):
        if panel["type"] not in _COLORED_BY_THRESHOLD:
            continue
        for name, field in _fields(panel):
            colored = {step["color"] for step in field.get("thresholds", {}).get("steps", ())} - _NO_COLOR
            nothing = [mapping for mapping in field.get("mappings", ()) if _matches_nothing(mapping)]
            neutral = [each for each in nothing if each["options"]["result"].get("color") in _NO_COLOR]
            if colored and not neutral:
                found.append(f"{panel['title']}: {name}")
    return found


def backgrounds(dashboard: Json) -> list[str]:
    """A background on a number: it drowns the number, and fills empty cells."""
    found = []
    for panel in panels(dashboard):
        if str(panel.get("options", {}).get("colorMode", "")).startswith("background"):
            found.append(panel["title"])
        found += [
            f"{panel['title']}: {name}"
            for name, field in _fields(panel)
            if str(field.get("custom.cellOptions", {}).get("type", "")).startswith("color-background")
        ]
    return found


def wide_tables(dashboard: Json) -> list[str]:
    """A table whose columns need more than their share of 1366 pixels."""
    found = []
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        (last,) = [step["options"] for step in panel["transformations"] if step["id"] == "organize"]
        titles = [last["renameByName"].get(name, name) for name in last["indexByName"]]
        settings = dict(_fields(panel))
        needed = sum(_width(settings.get(title, {})) for title in titles)
        share = (NARROWEST_PAGE - _PAGE_MARGIN) * panel["gridPos"]["w"] / _COLUMNS - _PANEL_MARGIN
        if needed > share:
            found.append(f"{panel['title']}: {needed} of {share:.0f} pixels")
    return found


def narrow_dates(dashboard: Json) -> list[str]:
    """A column of "10 minutes ago" that cuts it on the left, where it reads "0 minutes ago"."""
    return [
        f"{panel['title']}: {name}"
        for panel in panels(dashboard)
        if panel["type"] == "table"
        for name, field in _fields(panel)
        if field.get("unit") == "dateTimeFromNow" and not field.get("custom.hidden")
        if _width(field) < _LONGEST_DATE
    ]


def _width(field: Json) -> int:
    if field.get("custom.hidden"):
        return 0
    return int(field.get("custom.width") or field.get("custom.minWidth") or _UNSET_WIDTH)


def _bounded(expression: str) -> bool:
    """Tell whether a query returns one series, or as many as it says."""
    tree = parsed(expression)
    limits = {"topk", "bottomk"}
    bounded = any(str(node.op) in limits for node, _ in walk(tree) if type(node).__name__ == "AggregateExpr")
    return bounded or not result_labels(tree)


def endless_stats(dashboard: Json) -> list[str]:
    """A stat of many values without a limit: Grafana shows the first 25 and does not say so."""
    return [
        f"{panel['title']}: {target['refId']}"
        for panel in panels(dashboard)
        if panel["type"] == "stat"
        for target in panel["targets"]
        if not _bounded(target["expr"])
    ]


def endless_lines(dashboard: Json) -> list[str]:
    """A chart with a line for each project or position, however many there are."""
    return [
        f"{panel['title']}: {target['refId']}"
        for panel in panels(dashboard)
        if panel["type"] == "timeseries"
        for target in panel["targets"]
        if {"project", "symbol"} & set(legend_labels(target["legendFormat"]))
        and "account_currency" not in legend_labels(target["legendFormat"])
        and not _bounded(target["expr"])
    ]


def repeated_names(dashboard: Json) -> list[str]:
    """A legend that repeats the one chosen project; and a choice of several where one is shown."""
    choices = [one for one in dashboard["templating"]["list"] if one["name"] == "project_id"]
    found = [f"{one['label']}: several can be chosen" for one in choices if one.get("multi")]
    return found + [
        f"{panel['title']}: {target['refId']}"
        for panel in panels(dashboard)
        for target in panel["targets"]
        if {"project", "project_id"} & set(legend_labels(target.get("legendFormat", "")))
    ]


def filtered_tables(dashboard: Json) -> list[str]:
    """A filter icon in each heading, which leaves no room for the heading."""
    return [
        panel["title"]
        for panel in panels(dashboard)
        if panel["type"] == "table"
        if panel["fieldConfig"]["defaults"].get("custom", {}).get("filterable")
    ]


def shown_ids(dashboard: Json) -> list[str]:
    """A column of project ids, which nobody reads."""
    found = []
    for panel in panels(dashboard):
        if panel["type"] != "table":
            continue
        (last,) = [step["options"] for step in panel["transformations"] if step["id"] == "organize"]
        settings = dict(_fields(panel))
        title = last["renameByName"].get("project_id", "project_id")
        if "project_id" in last["indexByName"] and not settings.get(title, {}).get("custom.hidden"):
            found.append(panel["title"])
    return found


def colored_zero(dashboard: Json) -> list[str]:
    """Zero as a gain or a loss: between red and green there must be something neutral."""
    found = []
    for panel in panels(dashboard):
        for name, field in _fields(panel):
            steps = field.get("thresholds", {}).get("steps", ())
            colors = [step["color"] for step in steps]
            at_zero = [step["color"] for step in steps if step["value"] is None or step["value"] <= 0]
            if {"red", "green"} <= set(colors) and at_zero[-1] not in _NO_COLOR:
                found.append(f"{panel['title']}: {name}")
    return found


def signed_sizes(dashboard: Json) -> list[str]:
    """A short position as a loss: the sign of a weight or a value is neither good nor bad."""
    return [
        f"{panel['title']}: {name}"
        for panel in panels(dashboard)
        for name, field in _fields(panel)
        if any(word in (panel["title"] if name == "all fields" else name).lower() for word in _SIZES)
        and {"red", "green"} & {step["color"] for step in field.get("thresholds", {}).get("steps", ())}
    ]


def cut_titles(dashboard: Json) -> list[str]:
    """A title of a narrow tile that is cut on a page of 1366 pixels."""
    return [
        panel["title"]
        for panel in panels(dashboard)
        if panel["type"] == "stat" and panel["gridPos"]["w"] * _LETTERS_PER_COLUMN < len(panel["title"])
    ]
