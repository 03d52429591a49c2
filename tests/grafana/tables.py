"""Grafana's table transformations, as far as the dashboards use them."""

from typing import Any

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
    """Return the rows that a panel shows, from the results of its queries by letter."""
    several = len(results) > 1
    frames = [frame(result, f"Value #{letter}" if several else "Value") for letter, result in results.items()]
    rows = frames[0][1]
    for step in panel["transformations"]:
        rows = _STEPS[step["id"]](rows, step["options"], frames)
    return rows


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
    return [
        {names.get(name, name): row[name] for name in sorted(row, key=lambda name: order[name])}
        for row in rows
    ]


def _sorted(rows: list[Row], options: Row, _: object) -> list[Row]:
    (by,) = options["sort"]
    known = [row for row in rows if row.get(by["field"]) is not None]
    unknown = [row for row in rows if row.get(by["field"]) is None]
    return sorted(known, key=lambda row: row[by["field"]], reverse=by["desc"]) + unknown


_STEPS = {"merge": _merged, "filterFieldsByName": _kept, "organize": _arranged, "sortBy": _sorted}
