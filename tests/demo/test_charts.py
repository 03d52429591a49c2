"""Charts as a client reads them, and what becomes of points beyond the count asked for."""

import pytest

from exporter.demo.candles import Candle
from exporter.demo.charts import fewer
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.demo.world import LAB, START, STOCKS


def test_equity_chart(client, ids):
    """Candles rise in time from days to ten minutes, with a gap between two deployments."""
    project_id = ids[STOCKS]
    series = client.chart(project_id)
    assert set(series) == {"Equity", "Return", "Meta"}
    assert series["Equity"]["seriesType"] == 2
    assert "color" not in series["Equity"]
    assert series["Return"]["seriesType"] == 3
    candles = series["Equity"]["values"]
    times = [candle[0] for candle in candles]
    assert times == sorted(set(times))
    assert times[-1] == START
    assert times[-1] - times[0] > 28 * 86400
    assert times[5] - times[4] == 86400
    assert times[-2] - times[-3] == 600
    gaps = [candle for candle in candles if candle[1:] == [None] * 4]
    assert len(gaps) == 1
    assert all(low <= min(o, c) and high >= max(o, c) for _, o, high, low, c in candles if o is not None)
    assert all(isinstance(mark, dict) for mark in series["Meta"]["values"])
    assert [mark["type"] for mark in series["Meta"]["values"]] == ["deploy", "stop", "deploy"]


def test_count_rules(client, ids, clock):
    """Too many points: the latest by default, or merged evenly with highs and lows kept."""
    project_id = ids["Single Stock"]
    all_candles = client.chart(project_id)["Equity"]["values"]
    assert client.chart(project_id, count=50)["Equity"]["values"] == all_candles[-50:]
    with SimulatedQuantConnect(demo_scenario(START), clock=clock, count_rule="downsample") as merging:
        client.api = merging
        merged = client.chart(project_id, count=50)["Equity"]["values"]
    assert len(merged) == 50
    assert merged[-1][0] == all_candles[-1][0]
    assert merged[-1][4] == all_candles[-1][4]
    assert merged[0][1] == all_candles[0][1]
    assert max(c[2] for c in merged) == max(c[2] for c in all_candles)
    assert min(c[3] for c in merged) == min(c[3] for c in all_candles)


@pytest.mark.parametrize("rule", ["latest", "downsample"])
def test_few_points_stay_as_they_are(rule):
    """No more points than asked for, or fewer, are all sent, gaps among them."""
    points = [(10, 1.0), (20, None), (30, 3.0)]
    assert fewer(points, 3, rule) == fewer(points, 5, rule) == points


def test_merged_lines_keep_the_last_point_of_each_group():
    """A line has no highs to keep: neighbours become the later one, a gap too."""
    points = [(10, 1.0), (20, 2.0), (30, 3.0), (40, None), (50, 5.0)]
    assert fewer(points, 2, "downsample") == [(20, 2.0), (50, 5.0)]
    assert fewer(points[:4], 2, "downsample") == [(20, 2.0), (40, None)]


def test_merged_candles_pass_over_gaps():
    """A gap goes into the candle beside it, and stays a gap only among gaps."""
    first, gap, second = Candle(10, 2, 4, 1, 3), Candle(11), Candle(20, 5, 6, 5, 6)
    assert fewer([first, gap, second], 1, "downsample") == [Candle(20, 2, 6, 1, 6)]
    assert fewer([first, gap], 1, "downsample") == [first]
    assert fewer([first, second, gap, Candle(12)], 2, "downsample") == [Candle(20, 2, 6, 1, 6), Candle(12)]


def test_chart_window(client, ids):
    """Points outside start and end are left out; an end before the start and an unknown name fail."""
    arguments = {"projectId": ids["FX Carry"], "name": "Strategy Equity", "count": 1000}
    body = client.ask("live/chart/read", **arguments, start=int(START) - 3600, end=int(START) - 600)
    times = [candle[0] for candle in body["chart"]["series"]["Equity"]["values"]]
    assert START - 3600 <= times[0] < times[-1] <= START - 600
    assert client.ask("live/chart/read", **arguments, start=20, end=10)["success"] is False
    arguments["name"] = "Nonsense"
    assert client.ask("live/chart/read", **arguments, start=0, end=10)["success"] is False


def test_other_charts(client, ids):
    """Drawdown is at most 0, Exposure has a long and a short ratio, the custom chart two lines."""
    project_id = ids[LAB]
    (drawdown,) = client.chart(project_id, "Drawdown").values()
    assert all(value <= 0 for _, value in drawdown["values"])
    assert drawdown["values"][-1][1] == pytest.approx(
        -100 * client.api.state(project_id).drawdown_ratio, abs=1e-4
    )
    assert set(client.chart(project_id, "Exposure")) == {"Equity - Long Ratio", "Equity - Short Ratio"}
    assert client.chart(project_id, "Benchmark")["Benchmark"]["values"][-1][1] > 100
    custom = client.chart(project_id, "Custom Signal")
    assert set(custom) == {"Momentum", "Threshold"}
    assert all(series["seriesType"] == 0 for series in custom.values())
    assert None in [value for _, value in custom["Threshold"]["values"]]


def test_chart_without_series_is_an_empty_object(client, ids):
    """A project that never held anything has no ratios of exposure, and no list in their place."""
    assert client.chart(ids["Fresh"], "Exposure") == {}
