"""What all kinds of panel share, and the panels that show single figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, text
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import prometheus as query
from grafana_foundation_sdk.models.text import TextMode

from grafana.generate.look import (
    MONEY,
    MONEY_DECIMALS,
    NOTHING,
    PLAIN,
    UNKNOWN,
    Steps,
    ValueMapping,
    thresholds,
)

DATASOURCE = shape.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = dashboard.Panel
Builder = Any
"""One of the SDK's panel builders: they share their methods, but no type."""


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are named; ``step`` is the least time between points."""

    expression: str
    legend: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a list of figures."""

    name: str
    expression: str
    unit: str
    decimals: int | None = None
    steps: Steps = PLAIN
    words: Sequence[ValueMapping] = ()


def tile(
    title: str,
    description: str,
    expression: str,
    unit: str,
    steps: Steps = PLAIN,
    *,
    decimals: int | None = None,
    words: Sequence[ValueMapping] = (),
    size: int = 26,
) -> Panel:
    """Return one number. Tiles of a row share a size of text, so that none looks more important."""
    panel = _stat(title, description).unit(unit).text_mode(shape.BigValueTextMode.VALUE)
    panel.mappings([NOTHING, *words]).wide_layout(wide_layout=False)
    panel.text(common.VizTextDisplayOptions().value_size(size))
    set_decimals(panel, unit, decimals)
    panel.with_target(target(Query(expression, title), "A", instant=True))
    return finish(panel, steps)


def figures(
    title: str,
    description: str,
    shown: Sequence[Figure],
    *,
    side_by_side: bool = False,
) -> Panel:
    """Return a list of numbers under their names, below or beside each other."""
    panel = _stat(title, description).unit(shown[0].unit).text_mode(shape.BigValueTextMode.VALUE_AND_NAME)
    panel.mappings([NOTHING]).wide_layout(wide_layout=not side_by_side)
    panel.orientation(shape.VizOrientation.VERTICAL if side_by_side else shape.VizOrientation.HORIZONTAL)
    if side_by_side:
        panel.justify_mode(shape.BigValueJustifyMode.CENTER)
    name_size, value_size = (12, 24) if side_by_side else (13, 17)
    panel.text(common.VizTextDisplayOptions().title_size(name_size).value_size(value_size))
    for letter, figure in zip(ascii_uppercase, shown, strict=False):
        panel.with_target(target(Query(figure.expression, figure.name), letter, instant=True))
        panel.override_by_query(letter, _properties_of(figure))
    return finish(panel, PLAIN)


def heading(content: str) -> Panel:
    """Return a text without a frame."""
    return (
        text.Panel().title("").mode(TextMode.MARKDOWN).content(content).transparent(transparent=True).build()
    )


def target(one: Query, letter: str, *, instant: bool, table: bool = False) -> prometheus.Dataquery:
    """Return a query of a panel: its value now, or over time."""
    made = prometheus.Dataquery().ref_id(letter).datasource(DATASOURCE).expr(one.expression)
    made.editor_mode(query.QueryEditorMode.CODE)
    made.format(query.PromQueryFormat.TABLE if table else query.PromQueryFormat.TIME_SERIES)
    if one.legend:
        made.legend_format(one.legend)
    if one.step:
        made.interval(one.step)
    return made.instant() if instant else made.range()


def begin(panel: Builder, title: str, description: str) -> Builder:
    """Give a panel its title, description and data source."""
    return panel.title(title).description(description).datasource(DATASOURCE)


def finish(panel: Builder, steps: Steps) -> Panel:
    """Build a panel with its thresholds."""
    made: Panel = panel.build()
    made.repeat_direction = None
    if made.field_config is not None and made.field_config.defaults is not None:
        made.field_config.defaults.thresholds = thresholds(steps)
    return made


def decimals_of(unit: str, decimals: int | None) -> int | None:
    """Return how many decimals a number has; an amount of money at most as many as queries leave it."""
    return MONEY_DECIMALS if decimals is None and unit == MONEY else decimals


def set_decimals(panel: Builder, unit: str, decimals: int | None) -> None:
    """Set how many decimals the numbers of a panel have."""
    shown = decimals_of(unit, decimals)
    if shown is not None:
        panel.decimals(shown)


def by_threshold() -> build.FieldColor:
    """Return the colour scheme that goes by thresholds."""
    return build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def fixed(color: str) -> dict[str, str]:
    """Return one colour for all values."""
    return {"mode": "fixed", "fixedColor": color}


def prop(name: str, value: object) -> dashboard.DynamicConfigValue:
    """Return one setting of an override."""
    return dashboard.DynamicConfigValue(name, value)


def step(name: str, **options: object) -> dashboard.DataTransformerConfig:
    """Return a transformation."""
    return dashboard.DataTransformerConfig(id_val=name, options=options)


def _stat(title: str, description: str) -> Builder:
    panel = begin(stat.Panel(), title, description).no_value(UNKNOWN).color_scheme(by_threshold())
    panel.graph_mode(shape.BigValueGraphMode.NONE).color_mode(shape.BigValueColorMode.VALUE)
    return panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _properties_of(figure: Figure) -> list[dashboard.DynamicConfigValue]:
    properties = [
        prop("unit", figure.unit),
        prop("thresholds", thresholds(figure.steps).to_json()),
        prop("mappings", [each.to_json() for each in (NOTHING, *figure.words)]),
    ]
    decimals = decimals_of(figure.unit, figure.decimals)
    if decimals is not None:
        properties.append(prop("decimals", decimals))
    return properties
