"""An equity curve: what it keeps, its peak, its drawdown and the day's return."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.chart import ChartPoint
from exporter.domain.equity import SECONDS_PER_DAY, EquityCurve, midnight_before
from exporter.domain.gaps import Gap

MIDNIGHT = 1_790_035_200.0
"""2026-09-22 00:00:00 UTC, a Tuesday."""
HOUR = 3600.0
NOON = MIDNIGHT + 12 * HOUR


def point(time: float, value: float, high: float | None = None) -> ChartPoint:
    return ChartPoint(time, value, value if high is None else high)


def curve(*points: ChartPoint, launched: float = 0.0, now: float = NOON) -> EquityCurve:
    return EquityCurve(launched).extended(points, now)


def approximately(expected: float | None) -> Any:
    return None if expected is None else pytest.approx(expected)


def test_peak_is_the_highest_candle_high():
    """The peak counts what a candle reached, not only where it closed."""
    made = curve(point(NOON - 120, 100, 130), point(NOON - 60, 110, 112))
    assert made.peak == 130


def test_peak_counts_the_value_where_a_high_is_below_it():
    """A high that is lower than its own close does not lower the peak."""
    assert curve(point(NOON, 100, 90)).peak == 100


def test_peak_outlives_the_points_it_came_from():
    """The peak stays when its point is trimmed away."""
    made = curve(point(MIDNIGHT - 9 * SECONDS_PER_DAY, 200), point(MIDNIGHT - 60, 100), point(NOON, 90))
    assert (made.peak, [each.value for each in made.points]) == (200, [100, 90])


def test_peak_never_falls():
    """Points below the peak leave it where it is."""
    made = curve(point(NOON - 60, 100)).extended([point(NOON, 50)], NOON)
    assert made.peak == 100


def test_points_before_the_launch_are_left_out():
    """Points of an earlier deployment count neither for the curve nor for its peak."""
    made = curve(point(NOON - 61, 900), point(NOON - 60, 100), point(NOON, 95), launched=NOON - 60)
    assert ([each.value for each in made.points], made.peak) == ([100, 95], 100)


def test_later_statement_about_a_moment_replaces_the_earlier():
    """A candle that was still being filled is replaced by its later form."""
    made = curve(point(NOON - 60, 100), point(NOON, 101)).extended(
        [point(NOON, 105), point(NOON + 60, 99)], NOON
    )
    assert [(each.time, each.value) for each in made.points] == [
        (NOON - 60, 100),
        (NOON, 105),
        (NOON + 60, 99),
    ]


def test_input_need_not_be_sorted():
    """Points come out in rising time, however the pages of a history came in."""
    made = curve(point(NOON, 3), point(NOON - 120, 1), point(NOON - 60, 2))
    assert ([each.value for each in made.points], made.latest.value) == ([1, 2, 3], 3)


def test_older_points_do_not_become_the_latest():
    """A page of older history leaves the latest point in place."""
    made = curve(point(NOON, 3)).extended([point(NOON - 60, 2)], NOON)
    assert made.latest == point(NOON, 3)


def test_empty_curve_knows_nothing():
    """Without points there is no latest point, peak, drawdown or return."""
    made = curve()
    assert (
        made.latest,
        made.peak,
        made.drawdown_ratio(),
        made.daily_return_ratio(NOON),
    ) == (None, None, None, None)


def test_extending_by_nothing_changes_nothing():
    """A poll that brings no points keeps the curve."""
    made = curve(point(NOON, 100))
    assert made == made.extended([], NOON)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 80], 0.2),
        ([100, 100], 0.0),
        ([80, 100], 0.0),
        ([100, 0], 1.0),
        ([100, -50], 1.0),  # all is lost, more than all cannot be
        ([-5, -7], None),
        ([0], None),
    ],
)
def test_drawdown_is_the_share_lost_since_the_peak(values, expected):
    """Drawdown is 1 - equity / peak, between 0 and 1, and unknown without a positive peak."""
    points = [point(NOON + number, value) for number, value in enumerate(values)]
    assert approximately(expected) == curve(*points).drawdown_ratio()


def test_drawdown_counts_from_a_candle_high():
    """The drawdown is measured from a high inside a candle."""
    assert curve(point(NOON, 90, 120)).drawdown_ratio() == 1 - 90 / 120


@pytest.mark.parametrize(
    ("points", "launched", "now", "expected"),
    [
        # the last point before midnight opens the day
        ([(MIDNIGHT - HOUR, 90), (MIDNIGHT - 60, 100), (NOON, 105)], 0.0, NOON, 105 / 100 - 1),
        # a point at midnight itself belongs to the day
        ([(MIDNIGHT - 60, 100), (MIDNIGHT, 150), (NOON, 110)], 0.0, NOON, 110 / 100 - 1),
        # just before midnight the day is still yesterday's
        ([(MIDNIGHT - 25 * HOUR, 80), (MIDNIGHT - 60, 100)], 0.0, MIDNIGHT - 1, 100 / 80 - 1),
        # at midnight a new day begins at the last point
        ([(MIDNIGHT - 25 * HOUR, 80), (MIDNIGHT - 60, 100)], 0.0, MIDNIGHT, 0.0),
        # launched today: the first point opens the day
        ([(NOON - 60, 100), (NOON, 97)], NOON - 120, NOON, 97 / 100 - 1),
        ([(MIDNIGHT, 100), (NOON, 97)], MIDNIGHT, NOON, 97 / 100 - 1),
        ([(NOON, 97)], NOON, NOON, 0.0),
        # launched yesterday, but the first point is today's: that opens the day
        ([(MIDNIGHT + 60, 100), (NOON, 97)], MIDNIGHT - 60, NOON, 97 / 100 - 1),
        # a weekend with frozen equity: the last point is the opening too
        ([(MIDNIGHT - 50 * HOUR, 95), (MIDNIGHT - 49 * HOUR, 100)], 0.0, NOON, 0.0),
        # after the weekend the day counts from Friday's last point
        ([(MIDNIGHT - 49 * HOUR, 100), (NOON, 90)], 0.0, NOON, 90 / 100 - 1),
        # an opening of 0 or below has no return
        ([(MIDNIGHT - 60, 0), (NOON, 100)], 0.0, NOON, None),
        ([(MIDNIGHT - 60, -10), (NOON, 100)], 0.0, NOON, None),
        ([(MIDNIGHT - 60, 100), (NOON, 0)], 0.0, NOON, -1.0),
        ([(MIDNIGHT - 60, 100), (NOON, -20)], 0.0, NOON, -1.2),
    ],
)
def test_daily_return(points, launched, now, expected):
    """The day's return is equity against the last point before midnight UTC, or the first if launched today."""
    made = curve(*(point(*each) for each in points), launched=launched, now=now)
    assert approximately(expected) == made.daily_return_ratio(now)


def test_return_across_midnight_needs_no_new_history():
    """The points kept today are enough for tomorrow's return."""
    made = curve(point(MIDNIGHT - 60, 100), point(NOON, 110), point(MIDNIGHT + 86_340, 120))
    tomorrow = MIDNIGHT + SECONDS_PER_DAY + 60
    assert made.extended([point(tomorrow, 126)], tomorrow).daily_return_ratio(tomorrow) == pytest.approx(0.05)


def test_trimming_keeps_the_last_point_before_midnight():
    """What is kept reaches back to the last point before today's midnight and no further."""
    made = curve(*(point(MIDNIGHT + hour * HOUR, 100 + hour) for hour in range(-48, 12)))
    assert list(range(-1, 12)) == [(each.time - MIDNIGHT) / HOUR for each in made.points]


def test_trimming_keeps_everything_of_a_deployment_launched_today():
    """Without a point before midnight nothing is trimmed."""
    made = curve(*(point(MIDNIGHT + hour * HOUR, 100) for hour in range(12)), launched=MIDNIGHT)
    assert len(made.points) == 12


def test_points_trimmed_before_can_come_again():
    """A page that overlaps what was trimmed changes neither the points kept nor the peak."""
    history = [point(MIDNIGHT + hour * HOUR, 100 + hour % 7) for hour in range(-72, 12)]
    made = curve(*history)
    assert made == made.extended(history, NOON)


def test_two_weeks_of_minutes_shrink_to_a_day():
    """A long history leaves what today needs and the peak of all."""
    history = [point(MIDNIGHT - 60 * (minute + 1), 1000 + minute % 997) for minute in range(20_000)]
    made = curve(*history)
    assert (len(made.points), made.peak) == (1, 1996)


def test_restated_high_replaces_the_peak():
    """A high that is stated lower later counts no longer."""
    made = curve(point(NOON - 120, 100), point(NOON - 60, 101, 150)).extended(
        [point(NOON - 60, 101, 102)], NOON
    )
    assert made.peak == 102


def test_point_that_is_left_out_of_a_later_answer_is_gone():
    """What an answer leaves out between its first and its last point has been taken back."""
    made = curve(point(NOON - 120, 100), point(NOON - 60, 900), point(NOON, 101))
    assert made.extended([point(NOON - 120, 100), point(NOON, 101)], NOON).peak == 101


def test_restated_high_of_an_earlier_day_is_read_again():
    """When the high of an earlier day is taken back, the peak is unknown until that day has been read again."""
    day = [point(MIDNIGHT - 20 * HOUR, 120), point(MIDNIGHT - 10 * HOUR, 150), point(MIDNIGHT - HOUR, 100)]
    made = curve(*day, point(NOON, 90))
    assert made.peak == 150
    restated = made.extended([point(MIDNIGHT - 10 * HOUR, 110)], NOON)
    assert (restated.peak, restated.drawdown_ratio()) == (None, None)
    asked = restated.missing(NOON)
    assert (asked.start, asked.end) == (MIDNIGHT - SECONDS_PER_DAY, MIDNIGHT - 1)

    day[1] = point(MIDNIGHT - 10 * HOUR, 110)
    whole = restated.extended(day, NOON, asked)
    while (asked := whole.missing(NOON)) is not None:
        whole = whole.extended([each for each in day if asked.start <= each.time <= asked.end], NOON, asked)
    assert whole.peak == 120


def test_peak_counts_from_a_configured_moment():
    """With ``peak_since`` earlier equity does not count, and without any later the peak is unknown."""
    points = [point(NOON - 120, 150), point(NOON - 60, 100)]
    assert EquityCurve(0.0, peak_since=NOON - 60).extended(points, NOON).peak == 100
    assert EquityCurve(0.0, peak_since=NOON).extended(points, NOON).peak is None


def test_first_page_gives_the_equity_but_no_peak():
    """Of a history that goes on before the first page, the latest point is known and the peak is not."""
    launched = MIDNIGHT - 10 * SECONDS_PER_DAY
    begun = EquityCurve(launched)
    made = begun.extended([point(MIDNIGHT - 60, 80), point(NOON - 60, 100)], NOON, begun.window(NOON + 60))
    assert (made.latest.value, made.daily_return_ratio(NOON)) == (100, 0.25)
    assert (made.peak, made.drawdown_ratio()) == (None, None)
    assert made.missing(NOON) == (launched, MIDNIGHT - 61)


def test_no_points_is_an_answer():
    """A deployment without a point has been read: there is nothing more to ask for."""
    begun = EquityCurve(NOON - HOUR)
    assert begun.extended([], NOON, begun.window(NOON + 60)).missing(NOON) is None


def test_latest_point_is_unknown_while_a_later_one_may_come():
    """When a page ends long before what was asked for, its last point may not be the latest."""
    begun = EquityCurve(NOON - 10 * HOUR)
    page = [point(NOON - 10 * HOUR, 100), point(NOON - 5 * HOUR, 110)]
    made = begun.extended(page, NOON, begun.window(NOON + 60))
    assert (made.latest, made.drawdown_ratio(), made.daily_return_ratio(NOON)) == (None, None, None)
    asked = made.missing(NOON)
    assert asked == (NOON - 5 * HOUR + 1, NOON + 60)
    assert made.extended([], NOON, asked).latest == page[-1]


def test_opening_of_the_day_is_asked_for_first():
    """With the latest point known, what today's return counts from comes before the rest of the history."""
    begun = EquityCurve(MIDNIGHT - 10 * SECONDS_PER_DAY)
    made = begun.extended([point(NOON - 60, 100)], NOON, begun.window(NOON + 60))
    assert made.missing(NOON) == (begun.launched, MIDNIGHT - 1)
    assert made.daily_return_ratio(NOON) is None


def test_history_after_an_outage_is_filled():
    """After a day without answers, what a short page leaves out between is asked for."""
    made = EquityCurve(MIDNIGHT).extended([point(MIDNIGHT, 100)], MIDNIGHT, Gap(MIDNIGHT, MIDNIGHT + 60))
    later = made.extended([point(NOON, 100)], NOON, made.window(NOON + 60))
    assert later.peak is None
    assert later.missing(NOON) == (MIDNIGHT + 1, NOON - 1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MIDNIGHT, MIDNIGHT),
        (MIDNIGHT + 0.5, MIDNIGHT),
        (NOON, MIDNIGHT),
        (MIDNIGHT - 0.5, MIDNIGHT - SECONDS_PER_DAY),
        (0.0, 0.0),
    ],
)
def test_midnight_is_utc(now, expected):
    """A day begins at midnight UTC."""
    assert expected == midnight_before(now)


POINTS = st.lists(
    st.builds(
        point,
        st.integers(int(MIDNIGHT) - 300_000, int(NOON)).map(float),
        st.floats(-1e6, 1e9),
        st.floats(-1e6, 1e9),
    ),
    max_size=30,
)


@given(POINTS, st.integers(0, 30))
def test_pages_give_what_the_whole_gives(points, cut):
    """Polling a history in two parts gives the same return and the same peak as polling it at once."""
    launched = MIDNIGHT - 200_000
    points = list({each.time: each for each in points}.values())
    points.sort(key=lambda each: each.time)
    whole = EquityCurve(launched).extended(points, NOON)
    parts = EquityCurve(launched).extended(points[:cut], NOON).extended(points[cut:], NOON)
    assert whole == parts


@given(
    st.lists(st.integers(2, 400).map(lambda number: 600.0 * number), min_size=1, unique=True),
    st.lists(st.floats(1, 1e6), min_size=1),
    st.integers(1, 5),
    st.sampled_from(["latest", "earliest"]),
)
def test_any_history_is_read_to_its_end(times, values, most, side):
    """However few points an answer has, and from whichever end, asking ends with every point read."""
    launched = NOON - 241_000
    history = [
        point(NOON - time, values[number % len(values)]) for number, time in enumerate(sorted(times)[::-1])
    ]
    made, asked = EquityCurve(launched), EquityCurve(launched).window(NOON + 60)
    requests = 0
    while asked is not None:
        within = [each for each in history if asked.start <= each.time <= asked.end]
        page = within[-most:] if side == "latest" else within[:most]
        made, requests = made.extended(page, NOON, asked), requests + 1
        asked = made.missing(NOON)
        assert made.latest in {None, history[-1]}
        assert made.peak in {None, max(each.high for each in history)}
        assert requests <= 2 * len(history) + 3
    whole = EquityCurve(launched).extended(history, NOON)
    assert (made.points, made.peak) == (whole.points, whole.peak)
    assert [each.high for each in made.highs] == [each.high for each in whole.highs]


@given(POINTS)
def test_drawdown_stays_between_zero_and_one(points):
    """Whatever the points, the drawdown is a ratio from 0 to 1 or unknown."""
    ratio = curve(*points).drawdown_ratio()
    assert ratio is None or 0 <= ratio <= 1
