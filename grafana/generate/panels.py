"""The kinds of panel that the dashboards are made of, each with the conventions that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import barchart, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import prometheus as query

from grafana.generate.look import MONEY, NEUTRAL, NUMBER, PLAIN, Steps, thresholds

DATASOURCE = shape.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = dashboard.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are named."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How the series of one query differ from the others of a chart: several get shades of its colour."""

    color: str | None = None
    dashed: bool = False
    fill: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field it shows, its heading, and how its cells look.

    ``field`` is a label of the results, or the letter of the query whose value it shows.
    """

    field: str
    title: str
    unit: str = NUMBER
    decimals: int | None = None
    steps: Steps | None = None
    words: dashboard.ValueMap | None = None
    width: int | None = None
    link: str | None = None


def stat_panel(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    steps: Steps = PLAIN,
    *,
    decimals: int | None = None,
    words: dashboard.ValueMap | None = None,
    plain_queries: str = "",
    no_value: str = "No data",
) -> Panel:
    """Return the newest values, each under its name. ``plain_queries`` are the letters left uncoloured."""
    panel = stat.Panel().title(title).description(description).datasource(DATASOURCE)
    panel.unit(unit).color_scheme(_by_threshold()).no_value(no_value)
    panel.graph_mode(shape.BigValueGraphMode.NONE).color_mode(shape.BigValueColorMode.VALUE)
    panel.text_mode(shape.BigValueTextMode.VALUE_AND_NAME)
    panel.wide_layout(wide_layout=False).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if decimals is not None:
        panel.decimals(decimals)
    if words is not None:
        panel.mappings([words])
    for letter, one in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(one, letter, query.PromQueryFormat.TIME_SERIES, instant=True))
    for letter in plain_queries:
        panel.override_by_query(letter, [_property("color", {"mode": "fixed", "fixedColor": NEUTRAL})])
    return _finish(panel.build(), steps)


def text_panel(
    title: str, description: str, expression: str, fields: tuple[str, str], words: dashboard.ValueMap
) -> Panel:
    """Return the text of one label under the text of another, coloured by its words."""
    name, value = fields
    panel = stat.Panel().title(title).description(description).datasource(DATASOURCE)
    panel.unit("string").color_scheme(_by_threshold()).mappings([words]).no_value("No data")
    panel.graph_mode(shape.BigValueGraphMode.NONE).color_mode(shape.BigValueColorMode.BACKGROUND_SOLID)
    panel.text_mode(shape.BigValueTextMode.VALUE_AND_NAME).wide_layout(wide_layout=False)
    panel.reduce_options(
        common.ReduceDataOptions().values(values=True).calcs(["lastNotNull"]).fields(f"/^{value}$/")
    )
    panel.with_target(_target(Query(expression), "A", query.PromQueryFormat.TABLE, instant=True))
    panel.with_transformation(_keep([name, value]))
    return _finish(panel.build(), PLAIN)


def chart_panel(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    *,
    looks: dict[str, Look] | None = None,
    lowest: float | None = None,
    highest: float | None = None,
    decimals: int | None = None,
    fill: int = 0,
    calcs: tuple[str, ...] = ("lastNotNull", "min", "max"),
    no_value: str = "No data",
) -> Panel:
    """Return lines over time. ``looks`` by the letter of a query. Gaps stay gaps: they are not known."""
    panel = timeseries.Panel().title(title).description(description).datasource(DATASOURCE)
    panel.unit(unit).color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    panel.line_width(1).fill_opacity(fill).show_points(shape.VisibilityMode.AUTO).span_nulls(span_nulls=False)
    panel.no_value(no_value)
    panel.tooltip(
        common.VizTooltipOptions().mode(shape.TooltipDisplayMode.MULTI).sort(shape.SortOrder.DESCENDING)
    )
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shape.LegendDisplayMode.TABLE)
        .placement(shape.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs(list(calcs))
    )
    if lowest is not None:
        panel.min(lowest)
    if highest is not None:
        panel.max(highest)
    if decimals is not None:
        panel.decimals(decimals)
    for letter, one in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(one, letter, query.PromQueryFormat.TIME_SERIES, instant=False))
    for letter, look in (looks or {}).items():
        panel.override_by_query(letter, _properties_of(look))
    return _finish(panel.build(), PLAIN)


def bar_panel(title: str, description: str, expression: str, unit: str, steps: Steps) -> Panel:
    """Return a bar for each ``position``, to the left of zero when negative, coloured by its value."""
    panel = barchart.Panel().title(title).description(description).datasource(DATASOURCE)
    panel.unit(unit).color_scheme(_by_threshold()).no_value("No data")
    panel.orientation(shape.VizOrientation.HORIZONTAL).x_field("position").color_by_field(title)
    panel.show_value(shape.VisibilityMode.AUTO).x_tick_label_max_length(32).bar_width(0.8).fill_opacity(70)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shape.LegendDisplayMode.LIST)
        .placement(shape.LegendPlacement.BOTTOM)
        .show_legend(show_legend=False)
        .calcs([])
    )
    panel.tooltip(common.VizTooltipOptions().mode(shape.TooltipDisplayMode.SINGLE).sort(shape.SortOrder.NONE))
    panel.with_target(_target(Query(expression), "A", query.PromQueryFormat.TABLE, instant=True))
    for step in (
        _keep(["position", "Value"]),
        _arrange({"position": 0, "Value": 1}, {"Value": title}),
        _sort(title, descending=True),
    ):
        panel.with_transformation(step)
    return _finish(panel.build(), steps)


def table_panel(
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    sort: str,
    descending: bool = False,
    no_value: str = "",
) -> Panel:
    """Return a row for each set of labels, its values side by side.

    ``sort`` is the title of a column, or the letter of a query that is not shown: rows are then in
    the order of its value.
    """
    panel = table.Panel().title(title).description(description).datasource(DATASOURCE)
    panel.unit(NUMBER).filterable(filterable=True).cell_height(shape.TableCellHeight.SM)
    if no_value:
        panel.no_value(no_value)
    panel.color_scheme(_by_threshold())
    for letter, one in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(Query(one), letter, query.PromQueryFormat.TABLE, instant=True))
    several = len(queries) > 1
    fields = [_field_name(column.field, several=several) for column in columns]
    titles = [column.title for column in columns]
    if several:
        panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    if sort in titles:
        panel.with_transformation(_sort(fields[titles.index(sort)], descending=descending))
    else:
        panel.with_transformation(_sort(_field_name(sort, several=several), descending=descending))
    panel.with_transformation(_keep(fields))
    panel.with_transformation(
        _arrange(
            {field: index for index, field in enumerate(fields)},
            {field: column.title for field, column in zip(fields, columns, strict=True)},
        )
    )
    for column in columns:
        panel.override_by_name(column.title, _properties_of_column(column))
    return _finish(panel.build(), PLAIN)


def _finish(panel: Panel, steps: Steps) -> Panel:
    panel.repeat_direction = None
    config = panel.field_config
    if config is not None and config.defaults is not None:
        config.defaults.thresholds = thresholds(steps)
    return panel


def _target(one: Query, letter: str, result: query.PromQueryFormat, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).datasource(DATASOURCE).expr(one.expression)
    target.editor_mode(query.QueryEditorMode.CODE).format(result)
    if one.legend:
        target.legend_format(one.legend)
    return target.instant() if instant else target.range()


def _by_threshold() -> build.FieldColor:
    return build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def _field_name(field: str, *, several: bool) -> str:
    if len(field) > 1:
        return field
    return f"Value #{field}" if several else "Value"


def _keep(names: list[str]) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": names}})


def _arrange(order: dict[str, int], names: dict[str, str]) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(
        id_val="organize", options={"excludeByName": {}, "indexByName": order, "renameByName": names}
    )


def _sort(field: str, *, descending: bool) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(
        id_val="sortBy", options={"fields": {}, "sort": [{"field": field, "desc": descending}]}
    )


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(name, value)


def _properties_of(look: Look) -> list[dashboard.DynamicConfigValue]:
    properties = []
    if look.color is not None:
        properties.append(_property("color", {"mode": "shades", "fixedColor": look.color}))
    if look.dashed:
        properties.append(_property("custom.lineStyle", {"fill": "dash", "dash": [6, 4]}))
    if look.fill is not None:
        properties.append(_property("custom.fillOpacity", look.fill))
    return properties


def _properties_of_column(column: Column) -> list[dashboard.DynamicConfigValue]:
    properties = [_property("unit", column.unit)]
    decimals = 2 if column.decimals is None and column.unit == MONEY else column.decimals
    if decimals is not None:
        properties.append(_property("decimals", decimals))
    if column.words is not None:
        properties.append(_property("mappings", [column.words.to_json()]))
    if column.steps is not None:
        properties.append(_property("thresholds", thresholds(column.steps).to_json()))
    if column.words is not None or column.steps is not None:
        properties.append(_property("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column.width is not None:
        properties.append(_property("custom.width", column.width))
    if column.link is not None:
        properties.append(_property("links", [{"title": "Open", "url": column.link, "targetBlank": False}]))
    return properties
