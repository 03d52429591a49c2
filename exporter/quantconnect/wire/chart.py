"""``live/chart/read``: charts whose points are arrays, objects or candles."""

from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from exporter.domain.chart import Chart, ChartPoint
from exporter.errors import Malformed, NotReady
from exporter.quantconnect.envelope import Envelope
from exporter.quantconnect.wire.reader import (
    array,
    first_member,
    malformed,
    mapping,
    member_path,
    number,
    text,
)

_Point = Annotated[list[float | None], Meta(min_length=2)]


class _Series(TypedDict):
    values: list[_Point]


class _Chart(TypedDict):
    series: dict[str, _Series]


class ChartShape(Envelope):
    """Today's shape of an answer to ``live/chart/read``."""

    chart: _Chart
    status: NotRequired[str | None]


MOST_POINTS = 50_000
"""Of one series in one answer: fifty times as many as are asked for."""

_PAIR = 2
_CANDLE = 5
_OF_THE_CLOUD = frozenset({"Meta", "Out of Sample Backtest"})
"""Series added by the cloud, present before LEAN has sampled anything."""

_Sample = tuple[float, ChartPoint | None]
"""A time in Unix seconds, and the point there, ``None`` for a gap."""


def parse_chart_answer(
    body: Mapping[str, Any], name: str, only: str | None = None, latest: float = inf
) -> Chart:
    """Return the chart of an answer to ``live/chart/read``; raises NotReady while it is loading."""
    if body.get("chart") is None or (body.get("status") == "loading" and not _series_of(body["chart"])):
        raise NotReady(f"the chart {name!r} is still loading")
    return parse_chart(body["chart"], name, only, latest)


def parse_chart(value: Any, name: str, only: str | None = None, latest: float = inf) -> Chart:
    """Return a chart in LEAN's JSON of any generation; with ``only``, that series alone.

    Series whose points are not numbers, such as the cloud's ``Meta``, are left out, and so are
    points without a value. Raises Malformed with the path of what is wrong. A point after ``latest``
    (Unix seconds) is malformed too: it would hide all true points and never look old.
    """
    series = _series_of(value)
    if only is not None:
        series = {only: _only(series, only)}
    samples = {}
    for key, each in series.items():
        path = member_path("chart.series", key)
        samples[text(key, path)] = _samples(each, path, latest)
    numeric = {key: each for key, each in samples.items() if each is not None}
    if only is not None and only not in numeric:
        raise Malformed(f"{member_path('chart.series', only)}.values: expected numbers, found marks")
    return Chart(
        name,
        {key: tuple([point for _, point in each if point is not None]) for key, each in numeric.items()},
        frozenset(key for key, each in numeric.items() if each and each[-1][1] is None),
    )


def _series_of(chart: Any) -> Mapping[str, Any]:
    return mapping(first_member(mapping(chart, "chart"), "series", "Series"), "chart.series")


def _only(series: Mapping[str, Any], name: str) -> Any:
    """Return one series, which is empty until LEAN has sampled something.

    Raises Malformed when only other series of LEAN's are there.
    """
    if name not in series and not series.keys() <= _OF_THE_CLOUD:
        raise Malformed(f"{member_path('chart.series', name)}: missing, while there are other series")
    return series.get(name)


def _samples(value: Any, path: str, latest: float) -> list[_Sample] | None:
    """Return the samples in rising time, or ``None`` for a series that is not numbers."""
    series = mapping(value, path)
    values = array(first_member(series, "values", "Values"), f"{path}.values")
    if any(isinstance(point, dict) and not _is_coordinates(point) for point in values):
        return None
    if len(values) > MOST_POINTS:
        raise Malformed(f"{path}.values: more than {MOST_POINTS}")
    samples = []
    for index, point in enumerate(values):
        try:
            samples.append(_sample(point))
        except Malformed as error:
            raise Malformed(f"{path}.values[{index}]{error}") from None
    samples.sort(key=lambda sample: sample[0])
    if samples and samples[-1][0] > latest:
        raise Malformed(f"{path}.values: a time that has not come yet, {samples[-1][0]:.15g}")
    return samples


def _is_coordinates(point: Mapping[str, Any]) -> bool:
    """Whether this is a scatter or legacy point, and not one of the cloud's marks."""
    return bool(point.keys() & {"x", "X"}) and point.keys() <= {"x", "y", "X", "Y", "tooltip", "Tooltip"}


def _sample(value: Any) -> _Sample:
    """Return a point in any form. Paths in errors begin at the point."""
    if isinstance(value, dict):
        y = first_member(value, "y", "Y")
        missing_is_zero = not {"y", "Y"} & value.keys()  # LEAN's older converter leaves a 0 out
        return _line_sample(first_member(value, "x", "X"), 0 if missing_is_zero else y)
    if isinstance(value, list) and len(value) == _PAIR:
        return _line_sample(value[0], value[1])
    if isinstance(value, list) and len(value) == _CANDLE:
        return _candle(value)
    raise malformed("", "a point", value)


def _line_sample(x: Any, y: Any) -> _Sample:
    time = number(x, ".x")
    if y is None:
        return time, None
    value = number(y, ".y")
    return time, ChartPoint(time, value, value)


def _candle(value: list[Any]) -> _Sample:
    time, open_, high, low, close = (
        None if each is None else number(each, f"[{index}]") for index, each in enumerate(value)
    )
    if time is None:
        raise malformed("", "a time first", value)
    if close is None:
        return time, None
    return time, ChartPoint(time, close, max(each for each in (open_, high, low, close) if each is not None))
