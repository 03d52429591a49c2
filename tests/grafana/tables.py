"""Grafana's table transformations, as far as the dashboards use them."""

from typing import Any

AXIS, TREND = "AXIS", "T"
"""The letters of queries that set an axis, and that are drawn as a line in each row."""

Row = dict[str, Any]


def frame(result: list[Row], value_name: str) -> tuple[list[str], list[Row]]:
    """Return columns and rows of one instant query in table format: a label not there is empty."""
    labels = sorted({label for series in result for label in series["metric"]})
    rows = [
        {
            "Time": 0,
            **{label: series["metric"].get(label, "") for label in labels},
            value_name: float(series["value"][1]),
        }
        for series in result
    ]
    return ["Time", *labels, value_name], rows


def transformed(panel: Row, results: dict[str, list[Row]]) -> list[Row]:
    """Return the rows that a panel shows, from the results of its queries by letter.

    Grafana drops queries without a result, and names the value of the only one left ``Value``.
    """
    found = {letter: result for letter, result in results.items() if result}
    if not found:
        return []
    several = len(found) > 1
    frames = [
        _trend(result) if letter == TREND else frame(result, f"Value #{letter}" if several else "Value")
        for letter, result in found.items()
        if letter != AXIS
    ]
    rows = frames[0][1]
    for step in panel["transformations"]:
        rows = _STEPS[step["id"]](rows, step["options"], frames)
    return rows


def _trend(result: list[Row]) -> tuple[list[str], list[Row]]:
    labels = sorted({label for series in result for label in series["metric"]})
    rows = [
        {
            **{label: series["metric"].get(label, "") for label in labels},
            f"Trend #{TREND}": [float(value) for _, value in series["values"]],
        }
        for series in result
    ]
    return [*labels, f"Trend #{TREND}"], rows


def _unchanged(rows: list[Row], _: Row, __: object) -> list[Row]:
    return rows


def _without(rows: list[Row], options: Row, _: object) -> list[Row]:
    (match,) = options["filters"]
    assert (options["type"], options["match"], match["config"]["id"]) == ("exclude", "any", "equal")
    return [row for row in rows if row.get(match["fieldName"]) != match["config"]["options"]["value"]]


def _as_text(rows: list[Row], options: Row, _: object) -> list[Row]:
    names = {each["targetField"] for each in options["conversions"]}
    return [{name: f"{value:g}" if name in names else value for name, value in row.items()} for row in rows]


def _merged(_: list[Row], __: Row, frames: list[tuple[list[str], list[Row]]]) -> list[Row]:
    """Join rows that agree in all columns that every frame has, and contradict each other nowhere."""
    shared = set.intersection(*(set(columns) for columns, _ in frames))
    found: list[Row] = []
    for _, rows in frames:
        for row in rows:
            same = [one for one in found if all(one.get(key) == row[key] for key in shared)]
            fitting = [one for one in same if all(one.get(key) in (None, row[key]) for key in row)]
            for one in fitting:
                one.update(row)
            if not fitting:
                found.append(dict(row))
    return found


def _kept(rows: list[Row], options: Row, _: object) -> list[Row]:
    names = options["include"]["names"]
    return [{name: value for name, value in row.items() if name in names} for row in rows]


def _arranged(rows: list[Row], options: Row, _: object) -> list[Row]:
    order, names = options["indexByName"], options["renameByName"]
    return [{names.get(name, name): row[name] for name in sorted(row, key=order.__getitem__)} for row in rows]


def _sorted(rows: list[Row], options: Row, _: object) -> list[Row]:
    (by,) = options["sort"]
    known = [row for row in rows if row.get(by["field"]) is not None]
    unknown = [row for row in rows if row.get(by["field"]) is None]
    return sorted(known, key=lambda row: row[by["field"]], reverse=by["desc"]) + unknown


_STEPS = {
    "timeSeriesTable": _unchanged,
    "configFromData": _unchanged,
    "merge": _merged,
    "filterByValue": _without,
    "convertFieldType": _as_text,
    "filterFieldsByName": _kept,
    "organize": _arranged,
    "sortBy": _sorted,
}
