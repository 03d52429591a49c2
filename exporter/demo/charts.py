"""The charts of a project, as live/chart/read answers them. Times in Unix seconds."""

import math
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final, Literal

from exporter.demo.candles import DAY, TEN_MINUTES, Candle
from exporter.demo.deployment import Deployment
from exporter.demo.lean import rounded, smart_rounding
from exporter.demo.market import Security
from exporter.demo.phpjson import PlainObject
from exporter.demo.project import SimulatedProject

CountRule = Literal["latest", "downsample"]
Point = tuple[float, float | None]

_SIGNAL_HISTORY: Final = 2 * DAY


class SeriesType(IntEnum):
    """How a series is drawn (Common/Chart.cs)."""

    LINE = 0
    SCATTER = 1
    CANDLE = 2
    BAR = 3


class ChartReader:
    """Builds charts of one market: ``benchmark`` is the security whose price the Benchmark chart shows."""

    def __init__(self, benchmark: Security, count_rule: CountRule) -> None:
        self._benchmark = benchmark
        self._count_rule = count_rule

    def read(
        self, project: SimulatedProject, name: str, now: float, *, count: int, start: int, end: int
    ) -> dict[str, Any] | None:
        """Return a chart, None when the project has none of that name."""
        builders: dict[str, Callable[[SimulatedProject, float], list[dict[str, Any]]]] = {
            "Strategy Equity": _strategy_equity,
            "Drawdown": _drawdown,
            "Benchmark": self._benchmark_chart,
            "Exposure": _exposure,
        }
        if project.custom_chart:
            builders[project.custom_chart] = _custom
        if name not in builders:
            return None
        series = builders[name](project, now)
        for one in series:
            within = [point for point in one["values"] if start <= _time_of(point) <= end]
            one["values"] = [_wire(point) for point in fewer(within, count, self._count_rule)]
        return {"name": name, "chartType": 0, "series": PlainObject((one["name"], one) for one in series)}

    def _benchmark_chart(self, project: SimulatedProject, now: float) -> list[dict[str, Any]]:
        points = [
            (candle.time, project.quotes.price(self._benchmark, candle.time))
            for candle in _history(project, now)
            if candle.close is not None
        ]
        return [_series("Benchmark", "$", 0, SeriesType.LINE, points)]


def fewer(points: list[Any], count: int, rule: CountRule) -> list[Any]:
    """Return at most ``count`` points: the latest ones, or groups of neighbours merged into one."""
    if len(points) <= count:
        return points
    if rule == "latest":
        return points[len(points) - count :]
    edges = [len(points) * number // count for number in range(count + 1)]
    return [_merged(points[first:last]) for first, last in pairwise(edges)]


def _merged(points: Sequence[Any]) -> Any:
    candles = [point for point in points if isinstance(point, Candle) and point.close is not None]
    if not candles:
        return points[-1]
    return Candle(
        candles[-1].time,
        candles[0].open,
        max(candle.high for candle in candles if candle.high is not None),
        min(candle.low for candle in candles if candle.low is not None),
        candles[-1].close,
    )


def _runs(project: SimulatedProject, now: float) -> list[Deployment]:
    with project.lock:
        return [run for run in project.deployments if run.launched <= now]


def _history(project: SimulatedProject, now: float) -> list[Candle]:
    """Return the candles of every deployment, a gap of nulls between two."""
    candles: list[Candle] = []
    for run in _runs(project, now):
        if candles:
            candles.append(Candle(min(candles[-1].time + 1, run.launched)))
        candles.extend(project.candles(run, now))
    return candles


def _strategy_equity(project: SimulatedProject, now: float) -> list[dict[str, Any]]:
    returns = [point for run in _runs(project, now) for point in _daily_returns(project, run, now)]
    marks = [mark for run in _runs(project, now) for mark in _marks(run, now)]
    return [
        # The unit is "$" whatever the account currency: LEAN makes the series before it knows that.
        _series("Equity", "$", 0, SeriesType.CANDLE, _history(project, now)),
        _series("Return", "%", 1, SeriesType.BAR, returns),
        _series("Meta", "", 2, SeriesType.SCATTER, marks),
    ]


def _daily_returns(project: SimulatedProject, run: Deployment, now: float) -> Iterator[Point]:
    """Yield the return of each whole day, in percent points, at the midnight that ends it."""
    before = project.shown(run, run.launched).equity
    midnight = (math.floor(run.launched / DAY) + 1) * DAY
    while midnight <= run.last_moment(now):
        after = project.shown(run, midnight).equity
        yield midnight, 100 * (after / before - 1) if before else None
        before, midnight = after, midnight + DAY


def _marks(run: Deployment, now: float) -> Iterator[dict[str, Any]]:
    """Yield the cloud's own points: objects that mark launch, stop and error."""
    yield {"x": int(run.launched), "y": None, "type": "deploy", "deployId": run.deploy_id}
    if run.has_ended(now):
        kind = "error" if run.error else "stop"
        yield {"x": int(run.last_moment(now)), "y": None, "type": kind, "deployId": run.deploy_id}


def _drawdown(project: SimulatedProject, now: float) -> list[dict[str, Any]]:
    points: list[Point] = []
    for run in _runs(project, now):
        highest = 0.0
        for candle in project.candles(run, now):
            highest = max(highest, candle.high or 0.0)
            points.append((candle.time, 100 * ((candle.close or 0.0) / highest - 1) if highest else None))
    return [_series("Equity Drawdown", "%", 0, SeriesType.LINE, points)]


def _exposure(project: SimulatedProject, now: float) -> list[dict[str, Any]]:
    """Return the share of equity held long and short by security type, daily and now."""
    ratios: dict[str, list[Point]] = {}
    for run in _runs(project, now):
        for time in _days(run, now):
            valuation = project.shown(run, time)
            if not valuation.equity:
                continue
            sums: dict[str, float] = {}
            for holding in valuation.holdings:
                kind = holding.security.kind.name.title().replace("_", "")
                for side, matches in (("Long", holding.value > 0), ("Short", holding.value < 0)):
                    name = f"{kind} - {side} Ratio"
                    sums[name] = sums.get(name, 0.0) + (holding.value if matches else 0.0)
            for name, value in sums.items():
                ratios.setdefault(name, []).append((time, rounded(value / valuation.equity, 4)))
    return [
        _series(name, "", index, SeriesType.LINE, ratios[name]) for index, name in enumerate(sorted(ratios))
    ]


def _days(run: Deployment, now: float) -> Iterator[float]:
    midnight = (math.floor(run.launched / DAY) + 1) * DAY
    end = run.last_moment(now)
    while midnight < end:
        yield midnight
        midnight += DAY
    yield end


def _custom(project: SimulatedProject, now: float) -> list[dict[str, Any]]:
    """Return two lines the algorithm plots every ten minutes: one oscillates, one has a daily gap."""
    momentum: list[Point] = []
    threshold: list[Point] = []
    for run in _runs(project, now):
        end = run.last_moment(now)
        time = math.ceil(max(run.launched, now - _SIGNAL_HISTORY) / TEN_MINUTES) * TEN_MINUTES
        while time < end:
            momentum.append((time, signal(time)))
            threshold.append((time, None if time % DAY == 0 else 0.5))
            time += TEN_MINUTES
        momentum.append((end, signal(end)))
        threshold.append((end, 0.5))
    return [
        _series("Momentum", "", 0, SeriesType.LINE, momentum),
        _series("Threshold", "", 1, SeriesType.LINE, threshold),
    ]


def signal(time: float) -> float:
    """Return the value of the series ``Momentum``: -1 to 1."""
    return (math.sin(time / 7000) + math.sin(time / 41)) / 2


def _series(name: str, unit: str, index: int, kind: SeriesType, points: Sequence[Any]) -> dict[str, Any]:
    drawn = {} if kind is SeriesType.CANDLE else {"color": "", "scatterMarkerSymbol": "none"}
    return {
        "name": name,
        "unit": unit,
        "index": index,
        "seriesType": int(kind),
        **drawn,
        "values": list(points),
    }


def _time_of(point: Any) -> float:
    if isinstance(point, Candle):
        return point.time
    time: float = point["x"] if isinstance(point, dict) else point[0]
    return time


def _wire(point: Any) -> Any:
    """Return a point as LEAN writes it: an array, whole seconds, smartly rounded."""
    if isinstance(point, dict):
        return point
    if isinstance(point, Candle):
        point = (point.time, point.open, point.high, point.low, point.close)
    time, *values = point
    return [int(time), *(None if value is None else smart_rounding(value) for value in values)]
