"""``live/chart/read``: charts whose points are arrays, objects or candles."""

from collections.abc import Mapping
from typing import Any

from exporter.domain.chart import Chart, ChartPoint
from exporter.errors import Malformed, NotReady
from exporter.quantconnect.wire.reader import array, first_member, malformed, mapping, member_path, number

_PAIR = 2
_CANDLE = 5
_OF_THE_CLOUD = frozenset({"Meta", "Out of Sample Backtest"})
"""Series that the cloud adds to LEAN's, and that are there before LEAN has sampled anything."""


def parse_chart_answer(body: Mapping[str, Any], name: str, only: str | None = None) -> Chart:
    """Return the chart of an answer to ``live/chart/read``; raises NotReady while it is loading."""
    if body.get("chart") is None:
        raise NotReady(f"the chart {name!r} is still loading")
    return parse_chart(body["chart"], name, only)


def parse_chart(value: Any, name: str, only: str | None = None) -> Chart:
    """Return a chart in LEAN's JSON of any generation; with ``only``, that series alone.

    Series whose points are not numbers, such as the cloud's ``Meta``, are left out, and so are
    points without a value. Raises Malformed with the path of what is wrong.
    """
    chart = mapping(value, "chart")
    series = mapping(first_member(chart, "series", "Series"), "chart.series")
    if only is not None:
        return Chart(name, {only: _only(series, only)})
    parsed = {key: _points(each, member_path("chart.series", key)) for key, each in series.items()}
    return Chart(name, {key: points for key, points in parsed.items() if points is not None})


def _only(series: Mapping[str, Any], name: str) -> tuple[ChartPoint, ...]:
    """Return the points of one series; none while LEAN has sampled nothing yet.

    Raises Malformed when there are other series of LEAN's in its place, or when its points are not numbers.
    """
    if name not in series:
        if series.keys() <= _OF_THE_CLOUD:
            return ()
        raise Malformed(f"{member_path('chart.series', name)}: missing, while there are other series")
    points = _points(series[name], member_path("chart.series", name))
    if points is None:
        raise Malformed(f"{member_path('chart.series', name)}.values: expected numbers, found marks")
    return points


def _points(value: Any, path: str) -> tuple[ChartPoint, ...] | None:
    """Return the points with a value in rising time, or ``None`` for a series that is not numbers."""
    series = mapping(value, path)
    values = array(first_member(series, "values", "Values"), f"{path}.values")
    if any(isinstance(point, dict) and not _is_coordinates(point) for point in values):
        return None
    points = [_point(point, f"{path}.values[{index}]") for index, point in enumerate(values)]
    return tuple(sorted((point for point in points if point is not None), key=lambda point: point.time))


def _is_coordinates(point: Mapping[str, Any]) -> bool:
    """Tell a scatter or legacy point from a mark of the cloud's, which says more than where it stands."""
    return bool(point.keys() & {"x", "X"}) and point.keys() <= {"x", "y", "X", "Y", "tooltip", "Tooltip"}


def _point(value: Any, path: str) -> ChartPoint | None:
    if isinstance(value, dict):
        y = first_member(value, "y", "Y")
        missing_is_zero = not {"y", "Y"} & value.keys()  # LEAN's older converter leaves a 0 out
        return _line_point(first_member(value, "x", "X"), 0 if missing_is_zero else y, path)
    if isinstance(value, list) and len(value) == _PAIR:
        return _line_point(value[0], value[1], path)
    if isinstance(value, list) and len(value) == _CANDLE:
        return _candle(value, path)
    raise malformed(path, "a point", value)


def _line_point(x: Any, y: Any, path: str) -> ChartPoint | None:
    time = number(x, f"{path}.x")
    if y is None:
        return None
    value = number(y, f"{path}.y")
    return ChartPoint(time, value, value)


def _candle(value: list[Any], path: str) -> ChartPoint | None:
    time, open_, high, low, close = (
        None if each is None else number(each, f"{path}[{index}]") for index, each in enumerate(value)
    )
    if time is None:
        raise malformed(path, "a time first", value)
    if close is None:
        return None
    return ChartPoint(time, close, max(each for each in (open_, high, low, close) if each is not None))
