"""Charts whose points are arrays, objects or candles."""

import json

import pytest

from exporter.domain.chart import ChartPoint
from exporter.errors import Malformed, NotReady
from exporter.quantconnect.wire.chart import parse_chart, parse_chart_answer

POINTS = (ChartPoint(100.0, 1.5, 1.5), ChartPoint(160.0, -2.0, -2.0))


def chart(values, **members):
    return {"name": "C", "chartType": 0, "series": {"S": {"name": "S", "values": values, **members}}}


def points(values, **members):
    return parse_chart(chart(values, **members), "C").series.get("S")


def closed(values) -> bool:
    return parse_chart(chart(values), "C").closed == {"S"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[100, 1.5], [160, -2]], POINTS),
        ([{"x": 100, "y": 1.5}, {"x": 160, "y": -2}], POINTS),
        ([{"X": 100, "Y": 1.5}, {"X": 160, "Y": -2}], POINTS),
        ([{"x": 100, "y": 1.5, "tooltip": "buy"}, {"x": 160, "y": -2, "tooltip": None}], POINTS),
        ([{"x": 100, "y": 1.5}, [160, -2]], POINTS),
        # a candle's value is its close, and its high is kept beside it
        ([[100, 1, 3, 0.5, 2]], (ChartPoint(100.0, 2.0, 3.0),)),
        ([[100, -4, -1, -5, -3]], (ChartPoint(100.0, -3.0, -1.0),)),
        # what is called high may be missing or be below the rest
        ([[100, 5, None, 1, 2]], (ChartPoint(100.0, 2.0, 5.0),)),
        ([[100, None, None, None, 2]], (ChartPoint(100.0, 2.0, 2.0),)),
        ([[100, 1, 1, 1, 7]], (ChartPoint(100.0, 7.0, 7.0),)),
        # gaps
        ([[100, None], [160, -2]], POINTS[1:]),
        ([[100, 1, 3, 0.5, None], [160, -2]], POINTS[1:]),
        ([[100, None, None, None, None]], ()),
        ([{"x": 100, "y": None}, {"x": 160, "y": -2}], POINTS[1:]),
        # a y that is left out is 0
        ([{"x": 100}], (ChartPoint(100.0, 0.0, 0.0),)),
        # candles of the older form beside newer ones
        ([[100, 1.5], [160, -3, -2, -3, -2]], POINTS),
        # order, and more than one statement about a moment
        ([[160, -2], [100, 1.5]], POINTS),
        ([[100, 1], [100, 2]], (ChartPoint(100.0, 1.0, 1.0), ChartPoint(100.0, 2.0, 2.0))),
        ([[1.5, 2]], (ChartPoint(1.5, 2.0, 2.0),)),
        ([], ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_points(values, expected):
    """Points of each form are read, those without a value left out, in rising time."""
    assert expected == points(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[100, 1.5], [160, None]], True),
        ([[160, None], [100, 1.5]], True),
        ([[100, 1.5], [160, 1, 3, 0.5, None]], True),
        ([{"x": 100, "y": 1.5}, {"x": 160, "y": None}], True),
        ([[100, None]], True),
        ([[100, None], [160, 1.5]], False),
        ([[100, 1.5]], False),
        ([{"x": 100}], False),
        ([], False),
    ],
)
def test_series_that_ends_in_a_gap_is_closed(values, expected):
    """LEAN ends a series with one point without a value: from then on it has none."""
    assert expected == closed(values)


@pytest.mark.parametrize("series_type", [0, 2, 3, 7, "Line", None])
def test_series_type_does_not_matter(series_type):
    """A point's form tells what it is, whatever the type of its series."""
    assert points([[100, 1.5], [160, -2]], seriesType=series_type) == POINTS


@pytest.mark.parametrize(
    "mark",
    [
        {"type": "deploy", "time": 100},
        {"x": 100, "type": "deploy"},
        {"x": 100, "y": 1, "message": "stopped"},
        {},
    ],
)
def test_series_of_marks_is_left_out(mark):
    """A series whose points are objects of another kind, as the cloud's Meta, is no series of numbers."""
    value = chart([[100, 1.5], [160, -2]])
    value["series"]["Meta"] = {"name": "Meta", "values": [{"x": 90, "y": 1}, mark]}
    assert parse_chart(value, "C").series == {"S": POINTS}


@pytest.mark.parametrize("spelled", [("series", "values"), ("Series", "Values")])
def test_spellings(spelled):
    """Members are found in the spelling of both generations."""
    series, values = spelled
    assert parse_chart({series: {"S": {values: [[100, 1.5], [160, -2]]}}}, "C").series == {"S": POINTS}


@pytest.mark.parametrize(
    "value", [{}, [], {"series": {}}, {"series": []}, {"series": None}, {"Series": {}}, {"name": "C"}]
)
def test_empty_charts(value):
    """A chart without series has none, however the empty object is sent."""
    assert parse_chart(value, "C").series == {}


@pytest.mark.parametrize("series", [{}, [], None, {"values": []}, {"values": {}}, {"name": "S"}])
def test_empty_series(series):
    """A series without points is there and empty."""
    assert parse_chart({"series": {"S": series}}, "C").series == {"S": ()}


def test_chart_has_the_name_it_was_asked_by():
    """A chart is known by the name that was asked for."""
    assert parse_chart({"name": "other"}, "Custom Signal").name == "Custom Signal"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"chart": None},
        {"progress": 0.3, "status": "loading", "success": True},
        {"progress": 100},
        {"chart": [], "status": "loading", "progress": 0},
        {"chart": {}, "status": "loading"},
    ],
)
def test_loading(answer):
    """An answer without a chart is not ready."""
    with pytest.raises(NotReady, match="Strategy Equity"):
        parse_chart_answer(answer, "Strategy Equity")


def test_answer_with_a_chart():
    """The chart of an answer is read, beside whatever the answer says of progress."""
    answer = {"chart": chart([[100, 1.5], [160, -2]]), "progress": 1, "status": "loading"}
    assert parse_chart_answer(answer, "C").series == {"S": POINTS}


def test_one_series_alone():
    """With a series named, the others are not even looked at."""
    value = chart([[100, 1.5], [160, -2]])
    value["series"]["Broken"] = {"values": [["x"]]}
    assert parse_chart(value, "C", "S").series == {"S": POINTS}
    with pytest.raises(Malformed):
        parse_chart(value, "C")


@pytest.mark.parametrize("series", [{}, [], None, {"Meta": {"values": [{"type": "deploy"}]}}])
def test_one_series_before_its_first_sample(series):
    """A chart without series, or with the cloud's marks alone, has no points yet: nothing is wrong with it."""
    assert parse_chart({"series": series}, "C", "Equity").series == {"Equity": ()}


def test_one_series_that_has_another_name():
    """When other series stand where the one should be, it has been renamed, not emptied."""
    with pytest.raises(Malformed, match=r'chart\.series\["Return"\]: missing, while there are other series'):
        parse_chart(chart([[100, 1.5]]), "C", "Return")


def test_one_series_of_marks():
    """Marks where numbers should be are malformed, not a series without points."""
    with pytest.raises(Malformed, match=r'chart\.series\["S"\]\.values: expected numbers, found marks'):
        parse_chart(chart([{"type": "deploy"}]), "C", "S")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "chart: expected an object, found the text 'x'"),
        ({"series": [1]}, "chart.series: expected an object, found an array"),
        ({"series": {"S": 5}}, 'chart.series["S"]: expected an object, found 5'),
        ({"series": {"S": {"values": 5}}}, 'chart.series["S"].values: expected an array, found 5'),
        (chart([5]), 'chart.series["S"].values[0]: expected a point, found 5'),
        (chart([[1, 2], []]), 'chart.series["S"].values[1]: expected a point, found an array'),
        (chart([[1, 2, 3]]), 'chart.series["S"].values[0]: expected a point, found an array'),
        (chart([[1, 2, 3, 4, 5, 6]]), 'chart.series["S"].values[0]: expected a point, found an array'),
        (chart([None]), 'chart.series["S"].values[0]: expected a point, found null'),
        (chart([["1", 2]]), "chart.series[\"S\"].values[0].x: expected a number, found the text '1'"),
        (chart([[None, 2]]), 'chart.series["S"].values[0].x: expected a number, found null'),
        (chart([[1, "2"]]), "chart.series[\"S\"].values[0].y: expected a number, found the text '2'"),
        (chart([[1, True]]), 'chart.series["S"].values[0].y: expected a number, found true'),
        (chart([[1, float("nan")]]), 'chart.series["S"].values[0].y: expected a finite number, found nan'),
        (chart([[float("inf"), 1]]), 'chart.series["S"].values[0].x: expected a finite number, found inf'),
        (chart([{"x": None, "y": 1}]), 'chart.series["S"].values[0].x: expected a number, found null'),
        (chart([{"x": 1, "y": []}]), 'chart.series["S"].values[0].y: expected a number, found an array'),
        (
            chart([[1, 2, "3", 4, 5]]),
            "chart.series[\"S\"].values[0][2]: expected a number, found the text '3'",
        ),
        (
            chart([[1, 2, 3, 4, float("nan")]]),
            'chart.series["S"].values[0][4]: expected a finite number, found nan',
        ),
        (chart([[None, 2, 3, 4, 5]]), 'chart.series["S"].values[0]: expected a time first, found an array'),
    ],
)
def test_malformed_charts(value, expected):
    """Whatever is wrong with a chart is named with its whole path."""
    with pytest.raises(Malformed) as caught:
        parse_chart(value, "C")
    assert expected == str(caught.value)


GENUINE = [
    "lean_backtest_current_shape_2025.json",
    "lean_backtest_SpyBondPortfolioRebalance_2021.json",
    "lean_backtest_BasicTemplateAlgorithm_2020.json",
    "lean_test_report_data.json",
]


def charts_of(path):
    body = json.loads(path.read_text())
    return body.get("charts") or body["Charts"]


def plain(point) -> tuple[float, float, float]:
    """Return time, value and high of a genuine point, read without the code under test."""
    values = [point["x"], point["y"]] if isinstance(point, dict) else point
    return values[0], values[-1], max(values[1:])


@pytest.mark.parametrize("name", GENUINE)
def test_every_genuine_chart(name, sample):
    """Every point of every chart of a genuine file is read as it stands there."""
    charts = charts_of(sample(name))
    assert len(charts) >= 5
    for chart_name, genuine in charts.items():
        series = genuine["series"] if "series" in genuine else genuine["Series"]
        parsed = parse_chart(genuine, chart_name).series
        assert list(series) == list(parsed)
        for series_name, each in series.items():
            expected = sorted(map(plain, each.get("values") or each["Values"]), key=lambda point: point[0])
            assert expected == [(point.time, point.value, point.high) for point in parsed[series_name]]


@pytest.mark.parametrize(
    ("name", "chart_name", "series_name", "count", "last"),
    [
        (GENUINE[0], "Strategy Equity", "Equity", 1, (1704085200, 1000000.0)),
        (GENUINE[0], "Exposure", "Option - Short Ratio", 1, (1704085200, 0.0)),
        (GENUINE[1], "Strategy Equity", "Equity", 438, (1585684800, 9065.5778)),
        (GENUINE[1], "Benchmark", "Benchmark", 63, (1585684800, 254.5123)),
        (GENUINE[2], "Strategy Equity", "Daily Performance", 6, (1381536000, 0.6360335)),
        (GENUINE[3], "Drawdown", "Equity Drawdown", 3, (1609909200, -0.01)),
    ],
)
def test_some_genuine_points(name, chart_name, series_name, count, last, sample):
    """Counts and last points that were read from the genuine files by hand."""
    parsed = parse_chart(charts_of(sample(name))[chart_name], chart_name).series[series_name]
    assert (count, last) == (len(parsed), (parsed[-1].time, parsed[-1].value))


def test_genuine_charts_with_names_alone(sample):
    """An answer that lists charts by name alone has charts without series."""
    body = json.loads(sample("qc_api_backtests_create_response_2024.json").read_text())
    charts = body["backtest"]["charts"]
    assert len(charts) == 3
    assert [parse_chart(each, name).series for name, each in charts.items()] == [{}] * 3
