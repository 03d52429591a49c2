"""Charts over time: lines, bars for periods, heat maps; and bars that compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import barchart, common, heatmap, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as query

from grafana.generate.look import GREEN, NOTHING, PLAIN, RED, SIGN_OF_RATIO, UNKNOWN, Steps, ValueMapping
from grafana.generate.panels import (
    Builder,
    Panel,
    Query,
    begin,
    by_threshold,
    finish,
    fixed,
    prop,
    set_decimals,
    step,
    target,
)
from grafana.generate.tables import arranged, sorted_by

AXIS = "AXIS"
"""The letter of the query that sets the ends of a bar chart's axis."""

_RANKING_POINTS = 180


@dataclass(frozen=True, slots=True)
class Look:
    """How the line of one query differs from the others of a chart."""

    color: str | None = None
    width: float | None = None
    fill: int | None = None
    dashed: bool = False
    stepped: bool = False


def lines(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    *,
    looks: Mapping[str, Look] | None = None,
    lowest: float | None = None,
    highest: float | None = None,
    at_least: float | None = None,
    decimals: int | None = None,
    points: bool = False,
    coarse: bool = False,
    no_value: str = UNKNOWN,
) -> Panel:
    """Return lines over time. ``looks`` by the letter of a query. Gaps stay gaps: they are not known.

    ``at_least`` is how far from zero the axis reaches on either side, so that a flat line has a scale.
    ``points`` marks values, so that one without neighbours can be seen. ``coarse`` asks for fewer
    points, for a query over many series.
    """
    panel = _over_time(title, description, queries, unit, no_value)
    if coarse:
        panel.max_data_points(_RANKING_POINTS)
    if at_least is not None:
        panel.axis_soft_min(-at_least).axis_soft_max(at_least)
    if points:
        panel.show_points(shape.VisibilityMode.AUTO)
    panel.legend(_legend(shape.LegendDisplayMode.LIST, shape.LegendPlacement.BOTTOM))
    _set_bounds(panel, lowest, highest)
    set_decimals(panel, unit, decimals)
    for letter, look in (looks or {}).items():
        panel.override_by_query(letter, _properties_of(look))
    return finish(panel, PLAIN)


def ranking(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    one: Query,
    unit: str,
    *,
    width: int = 330,
    ascending: bool = False,
    lowest: float | None = None,
    highest: float | None = None,
    decimals: int | None = None,
) -> Panel:
    """Return a few lines with a legend beside them, sorted by the last value."""
    panel = _over_time(title, description, [one], unit, UNKNOWN).max_data_points(_RANKING_POINTS)
    legend = _legend(shape.LegendDisplayMode.TABLE, shape.LegendPlacement.RIGHT).calcs(["lastNotNull"])
    panel.legend(legend.sort_by("Last *").sort_desc(sort_desc=not ascending).width(width))
    _set_bounds(panel, lowest, highest)
    set_decimals(panel, unit, decimals)
    return finish(panel, PLAIN)


def by_day(
    title: str,
    description: str,
    queries: Sequence[tuple[str, str, str]],
    unit: str,
    *,
    since: str = "30d",
    decimals: int | None = None,
    legend: bool = True,
) -> Panel:
    """Return a stack of bars for each day, of queries with their legend and colour."""
    asked = [Query(expression, name, step="1d") for expression, name, _ in queries]
    panel = _over_time(title, description, asked, unit, UNKNOWN).time_from(since)
    panel.draw_style(shape.GraphDrawStyle.BARS).line_width(0).fill_opacity(75)
    panel.bar_alignment(shape.BarAlignment.AFTER).bar_width_factor(0.7)
    panel.stacking(common.StackingConfig().mode(shape.StackingMode.NORMAL).group("A"))
    panel.legend(
        _legend(shape.LegendDisplayMode.LIST, shape.LegendPlacement.BOTTOM).show_legend(show_legend=legend)
    )
    set_decimals(panel, unit, decimals)
    for letter, (_, _, color) in zip(ascii_uppercase, queries, strict=False):
        panel.override_by_query(letter, [prop("color", fixed(color))])
    return finish(panel, PLAIN)


def gains_by_day(title: str, description: str, expression: str, unit: str, *, decimals: int) -> Panel:
    """Return a bar for each day, green above zero and red below."""
    signs = [(f"({expression}) >= 0", "gain", GREEN), (f"({expression}) < 0", "loss", RED)]
    return by_day(title, description, signs, unit, decimals=decimals, legend=False)


def gains_by_period(
    title: str, description: str, expression: str, unit: str, *, since: str, date: str, decimals: int
) -> Panel:
    """Return a bar for each longer period that has a result, with its value and the date it begins on.

    The query asks for each day. ``date`` is how dates are written.
    """
    panel = _bars(title, description, unit).no_value("none is known yet").time_from(since).decimals(decimals)
    panel.orientation(shape.VizOrientation.VERTICAL).x_field("Time").x_tick_label_max_length(12)
    panel.bar_width(0.5)
    panel.with_target(target(Query(expression, step="1d"), "A", instant=False, table=True))
    for each in arranged(["Time", "Value"], ["Time", title]):
        panel.with_transformation(each)
    panel.override_by_name("Time", [prop("unit", f"time:{date}")])
    return finish(panel, SIGN_OF_RATIO)


def buckets(title: str, description: str, metric: str, unit: str) -> Panel:
    """Return a heat map of a histogram's increases."""
    panel = begin(heatmap.Panel(), title, description).unit(unit).no_value(UNKNOWN).max_data_points(40)
    colors = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues")
    # From 0, so that a cell of 1 is not as white as the page.
    panel.color(colors.steps(32).min(0).fill("blue").exponent(0.5).reverse(reverse=False))
    panel.y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(shape.AxisPlacement.LEFT))
    panel.cell_gap(1).filter_values(heatmap.FilterValueRange().le(1e-9))
    one = Query(f"sum by (le) (max by (project_id, le) (increase({metric}[$__interval])))", "{{le}}")
    panel.with_target(target(one, "A", instant=False).format(query.PromQueryFormat.HEATMAP))
    return finish(panel, PLAIN)


def bars(  # noqa: PLR0913 - each is one thing to say of a panel
    title: str,
    description: str,
    expression: str,
    label: str,
    unit: str,
    steps: Steps,
    *,
    extent: str = "",
    decimals: int | None = None,
    words: Sequence[ValueMapping] = (),
    no_value: str = UNKNOWN,
) -> Panel:
    """Return a bar for each result, the largest first, with its value at its end.

    ``label`` names the label that tells bars apart. Grafana gives names less than a third of the width
    and cuts them on the left: queries shorten them. It leaves no room for values: a query sets the axis, from
    the ends of ``extent`` where that is a simpler query with the same ends.
    """
    panel = _bars(title, description, unit).no_value(no_value)
    panel.orientation(shape.VizOrientation.HORIZONTAL).x_field(label)
    set_decimals(panel, unit, decimals)
    panel.with_target(target(Query(expression), "A", instant=True, table=True))
    panel.with_target(target(Query(_ends(extent or expression)), AXIS, instant=True, table=True))
    ends = [
        {"fieldName": f"Value #{AXIS}", "handlerKey": "min"},
        {"fieldName": "highest", "handlerKey": "max", "reducerId": "lastNotNull"},
        {"fieldName": "Time", "handlerKey": "__ignore"},
    ]
    panel.with_transformation(step("configFromData", configRefId=AXIS, mappings=ends))
    panel.with_transformation(sorted_by("Value #A", descending=True))
    for each in arranged([label, "Value #A"], [label, title]):
        panel.with_transformation(each)
    if words:
        panel.override_by_name(label, [prop("mappings", [word.to_json() for word in words])])
    return finish(panel, steps)


def _ends(expression: str) -> str:
    """Return the lower end of an axis as a value and the upper one as a label, with room for values."""
    room = f"0.28 * max(abs({expression}))"
    highest = f"1.05 * (max({expression}) > 0) + {room} or vector(0)"
    lowest = f"1.05 * (min({expression}) < 0) - {room} or vector(0)"
    return f'0 * count_values("highest", {highest}) + on () group_left () ({lowest})'


def _bars(title: str, description: str, unit: str) -> Builder:
    panel = begin(barchart.Panel(), title, description).unit(unit).no_value(UNKNOWN)
    panel.color_scheme(by_threshold()).color_by_field(title).mappings([NOTHING])
    panel.show_value(shape.VisibilityMode.ALWAYS).bar_width(0.8).group_width(0.7)
    panel.fill_opacity(75).line_width(0).axis_grid_show(axis_grid_show=False)
    panel.text(common.VizTextDisplayOptions().value_size(12))
    panel.legend(
        _legend(shape.LegendDisplayMode.LIST, shape.LegendPlacement.BOTTOM).show_legend(show_legend=False)
    )
    panel.override_by_name(title, [prop("custom.axisPlacement", "hidden")])
    return panel.tooltip(
        common.VizTooltipOptions().mode(shape.TooltipDisplayMode.SINGLE).sort(shape.SortOrder.NONE)
    )


def _over_time(title: str, description: str, queries: Sequence[Query], unit: str, no_value: str) -> Builder:
    panel = begin(timeseries.Panel(), title, description).unit(unit).no_value(no_value)
    panel.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
    panel.line_width(1.5).fill_opacity(0).show_points(shape.VisibilityMode.NEVER).span_nulls(span_nulls=False)
    panel.tooltip(
        common.VizTooltipOptions().mode(shape.TooltipDisplayMode.MULTI).sort(shape.SortOrder.DESCENDING)
    )
    for letter, one in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(target(one, letter, instant=False))
    return panel


def _legend(mode: shape.LegendDisplayMode, placement: shape.LegendPlacement) -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(mode)
        .placement(placement)
        .show_legend(show_legend=True)
        .calcs([])
    )


def _set_bounds(panel: Builder, lowest: float | None, highest: float | None) -> None:
    if lowest is not None:
        panel.min(lowest)
    if highest is not None:
        panel.max(highest)


def _properties_of(look: Look) -> list[dashboard.DynamicConfigValue]:
    properties = []
    if look.color is not None:
        properties.append(prop("color", fixed(look.color)))
    if look.width is not None:
        properties.append(prop("custom.lineWidth", look.width))
    if look.fill is not None:
        properties.append(prop("custom.fillOpacity", look.fill))
    if look.dashed:
        properties.append(prop("custom.lineStyle", {"fill": "dash", "dash": [6, 5]}))
    if look.stepped:
        properties.append(prop("custom.lineInterpolation", "stepAfter"))
    return properties
