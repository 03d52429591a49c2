"""Tables: a row for each set of labels, its values side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import table as build_table
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import dashboard

from grafana.generate.look import (
    BLUE,
    GROUPED_DIGITS,
    NOTHING,
    NUMBER,
    PLAIN,
    UNKNOWN,
    Steps,
    ValueMapping,
    thresholds,
)
from grafana.generate.panels import (
    Panel,
    Query,
    begin,
    by_threshold,
    decimals_of,
    finish,
    fixed,
    prop,
    step,
    target,
)

TREND = "T"
"""The letter of the query over time that a table draws as a line in each row."""

_TREND_POINTS = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field it shows, its heading, its width in pixels, and how its cells look.

    ``field`` is a label of the results, or the letter of the query whose value it shows. A column
    has a ``width``, or takes what is left from a ``least`` width on.
    """

    field: str
    title: str
    unit: str = NUMBER
    decimals: int | None = None
    steps: Steps | None = None
    words: Sequence[ValueMapping] = ()
    width: int | None = None
    least: int | None = None
    link: str | None = None
    new_tab: bool = False
    hidden: bool = False
    align: str = ""
    no_value: str = ""
    price: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """The order of the rows: fields and whether they descend, the last one deciding first.

    ``without`` is a field and the value of the rows that are left out.
    """

    order: Sequence[tuple[str, bool]]
    without: tuple[str, str] | None = None


def table(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    rows: Rows,
    *,
    trend: str = "",
    header: bool = True,
    frame: bool = True,
    no_value: str = UNKNOWN,
) -> Panel:
    """Return a table. ``trend`` is a query over time, drawn in the column of the field ``T``."""
    panel = begin(build_table.Panel(), title, description).unit(NUMBER).no_value(no_value)
    panel.color_scheme(by_threshold()).mappings([NOTHING]).show_header(show_header=header)
    panel.filterable(filterable=False).min_width(50).cell_height(shape.TableCellHeight.SM)
    panel.transparent(transparent=not frame)
    for letter, one in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(target(Query(one), letter, instant=True, table=True))
    if trend:
        panel.with_target(target(Query(trend, "trend"), TREND, instant=False)).max_data_points(_TREND_POINTS)
    several = len(queries) > 1 or bool(trend)
    for each in _transformations(columns, rows, several=several, trend=bool(trend)):
        panel.with_transformation(each)
    for column in columns:
        panel.override_by_name(column.title, _properties_of(column))
    return finish(panel, PLAIN)


def arranged(fields: Sequence[str], titles: Sequence[str]) -> list[dashboard.DataTransformerConfig]:
    """Return the steps that keep fields, in this order, under their titles."""
    return [
        step("filterFieldsByName", include={"names": list(fields)}),
        step(
            "organize",
            excludeByName={},
            indexByName={field: index for index, field in enumerate(fields)},
            renameByName=dict(zip(fields, titles, strict=True)),
        ),
    ]


def sorted_by(field: str, *, descending: bool) -> dashboard.DataTransformerConfig:
    """Return the step that sorts rows; rows that agree stay in their order."""
    return step("sortBy", fields={}, sort=[{"field": field, "desc": descending}])


def _transformations(
    columns: Sequence[Column], rows: Rows, *, several: bool, trend: bool
) -> list[dashboard.DataTransformerConfig]:
    def name(field: str) -> str:
        if len(field) > 1:
            return field
        return f"Trend #{field}" if field == TREND else f"Value #{field}" if several else "Value"

    steps = [_trends()] if trend else []
    if several:
        steps.append(step("merge"))
    if rows.without is not None:
        field, value = rows.without
        match = {"id": "equal", "options": {"value": value}}
        steps.append(
            step(
                "filterByValue", type="exclude", match="any", filters=[{"fieldName": field, "config": match}]
            )
        )
    steps += [sorted_by(name(field), descending=descending) for field, descending in rows.order]
    texts = [
        {"targetField": name(column.field), "destinationType": "string"} for column in columns if column.price
    ]
    if texts:
        steps.append(step("convertFieldType", fields={}, conversions=texts))
    return steps + arranged([name(column.field) for column in columns], [column.title for column in columns])


def _trends() -> dashboard.DataTransformerConfig:
    """Return the step that makes a line of each series of the trend.

    It is kept to that query: Grafana takes a table of one row for a series over time.
    """
    made = step("timeSeriesTable", **{TREND: {"stat": "lastNotNull"}})
    made.filter_val = dashboard.MatcherConfig(id_val="byRefId", options=TREND)
    return made


def _properties_of(column: Column) -> list[dashboard.DynamicConfigValue]:  # noqa: C901 - one test for each setting
    if column.hidden:
        mappings = [prop("mappings", [each.to_json() for each in column.words])] if column.words else []
        return [prop("custom.hidden", True), *mappings]
    width = ("custom.width", column.width) if column.width is not None else ("custom.minWidth", column.least)
    properties = [prop(*width)]
    if column.field == TREND:
        return [*properties, prop("custom.cellOptions", _sparkline()), prop("color", fixed(BLUE))]
    if column.unit != NUMBER:
        properties.append(prop("unit", column.unit))
    decimals = decimals_of(column.unit, column.decimals)
    if decimals is not None:
        properties.append(prop("decimals", decimals))
    if column.price:
        properties.append(prop("mappings", [each.to_json() for each in GROUPED_DIGITS]))
        properties.append(prop("custom.align", "right"))
    if column.words:
        properties.append(prop("mappings", [each.to_json() for each in column.words]))
    if column.steps is not None:
        properties.append(prop("thresholds", thresholds(column.steps).to_json()))
    if column.steps is not None or any(_colors(each) for each in column.words):
        properties.append(prop("custom.cellOptions", {"type": "color-text"}))
    if column.align:
        properties.append(prop("custom.align", column.align))
    if column.no_value:
        properties.append(prop("noValue", column.no_value))
    if column.link is not None:
        link = {"title": "Open", "url": column.link, "targetBlank": column.new_tab}
        properties.append(prop("links", [link]))
    return properties


def _colors(mapping: ValueMapping) -> bool:
    return isinstance(mapping, dashboard.ValueMap) and any(each.color for each in mapping.options.values())


def _sparkline() -> dict[str, object]:
    return {
        "type": "sparkline",
        "hideValue": True,
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 12,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False,
    }
