"""The last points of a chart's series."""

import pytest

from exporter.domain.chart import Chart, ChartPoint

OLD, NEW = ChartPoint(100.0, 1.0, 1.0), ChartPoint(200.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("series", "since", "expected"),
    [
        ({"A": (OLD, NEW)}, 0.0, {"A": NEW}),
        ({"A": (OLD, NEW), "B": (OLD,)}, 0.0, {"A": NEW, "B": OLD}),
        ({"A": (OLD, NEW), "B": (OLD,)}, 150.0, {"A": NEW}),
        ({"A": (NEW,)}, 200.0, {"A": NEW}),
        ({"A": (NEW,)}, 200.5, {}),
        ({"A": ()}, 0.0, {}),
        ({}, 0.0, {}),
    ],
)
def test_latest_is_the_last_point_of_this_deployment(series, since, expected):
    """Each series gives its last point, unless it has none since the launch."""
    assert expected == Chart("Signal", series).latest(since)


@pytest.mark.parametrize(
    ("chart", "known", "expected"),
    [
        (Chart("C", {"A": (OLD,)}), {"A": NEW, "B": NEW}, {"A": OLD, "B": NEW}),
        (Chart("C", {"A": ()}), {"A": NEW}, {"A": NEW}),
        (Chart("C", {"A": (OLD,), "B": (NEW,)}, frozenset({"A"})), {}, {"B": NEW}),
        (Chart("C", {"A": ()}, frozenset({"A"})), {"A": OLD, "B": NEW}, {"B": NEW}),
    ],
)
def test_closed_series_has_no_latest_point(chart, known, expected):
    """A closed series has no value, also when an earlier answer gave it one; others keep their last."""
    assert expected == chart.latest(0.0, known)
