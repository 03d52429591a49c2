"""The equity and the configured charts, from a QuantConnect that shortens its answers as it likes."""

from dataclasses import replace

import pytest

from exporter.polling.state import ProjectState, Source
from tests.polling.cloud import LOADING, SETTINGS, earliest, latest, polled, row, thinned, with_polling
from tests.support import START, FakeClock

MINUTE, TEN_MINUTES, HOUR, DAY = 60.0, 600.0, 3600.0, 86_400.0
MIDNIGHT = START - START % DAY
CHART = "live/chart/read"


def equity_of(bench, *families: str) -> dict[str, float]:
    """Return the equity families that a page shows, without their prefix."""
    samples = bench.samples()
    names = ("equity", "equity_peak", "drawdown_ratio", "daily_return_ratio")
    found = {name: samples.all(f"quantconnect_{name}") for name in families or names}
    return {name: values[0] for name, values in found.items() if values}


def state_of(bench) -> ProjectState:
    return bench.exporter._store.get(7)


def every(seconds: float, count: int, value=lambda _: 100_000.0):
    """Return points up to START, each with the value for its number."""
    return [(START - seconds * (count - 1 - number), value(number)) for number in range(count)]


@pytest.mark.parametrize("shorten", [latest, earliest, thinned])
@pytest.mark.parametrize("most", [50, 200, 1000])
def test_peak_of_a_history_that_comes_in_pieces(cloud, shorten, most):
    """Three days of ten-minute points with an early high: the peak is that, however QuantConnect shortens."""
    cloud.points = every(TEN_MINUTES, 432, lambda number: 150_000.0 if number == 20 else 100_000.0)
    cloud.rows = [row(7, launched=cloud.points[0][0] - 90)]
    cloud.shorten, cloud.most = shorten, most
    with polled(cloud, cloud.config()) as bench:
        bench.advance(300, step=5)

        assert equity_of(bench) == pytest.approx(
            {"equity": 100_000, "equity_peak": 150_000, "drawdown_ratio": 1 / 3, "daily_return_ratio": 0}
        )


def test_long_history_is_read_within_the_budget(cloud, clock):
    """25,000 points at 1,000 an answer, 30 requests a minute: equity at once, the peak in minutes, no failure."""
    cloud.points = every(MINUTE, 25_000, lambda number: 2e5 if number == 3 else 1e5 + number)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    with polled(cloud, cloud.config(budget=30)) as bench:
        first = equity_of(bench)
        while "equity_peak" not in equity_of(bench) and clock.elapsed < 2000:
            bench.advance(5)
        samples = bench.samples()

        assert first.keys() == {"equity", "daily_return_ratio"}
        assert equity_of(bench, "equity", "equity_peak") == {"equity": 124_999, "equity_peak": 2e5}
        assert clock.elapsed - 1000 < 300
        assert sum(samples.all("quantconnect_poll_failures_total")) == 0
        assert len(cloud.asked) <= 30 * (clock.elapsed - 1000 + 60) / 60
        assert samples.one("quantconnect_poll_interval_seconds", source="portfolio") == 60


def test_history_once_read_is_not_asked_for_again(cloud):
    """When the history is complete, a poll of the equity is one request for the last hour."""
    cloud.points = every(MINUTE, 3000)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    with polled(cloud, cloud.config()) as bench:
        bench.advance(300, step=10)
        cloud.asked.clear()
        bench.advance(600, step=10)
        asked = cloud.requests(CHART)

        assert len(asked) == 10
        assert all(each["end"] - each["start"] <= HOUR + 1000 for each in asked)


@pytest.mark.parametrize("held_back", [0, 372, 431])
def test_points_that_come_late(cloud, held_back):
    """Points that earlier answers did not have are all read, also where one answer is too short for them."""
    history = every(TEN_MINUTES, 432, lambda number: 150_000.0 if number == 375 else 100_000.0)
    cloud.rows = [row(7, launched=history[0][0] - 90)]
    cloud.points, cloud.most = history[:held_back], 50
    with polled(cloud, cloud.config()) as bench:
        bench.advance(120, step=5)
        cloud.points = history
        bench.advance(60)
        before = equity_of(bench)
        bench.advance(240, step=5)
        whole = {"equity": 1e5, "equity_peak": 1.5e5, "drawdown_ratio": 1 / 3, "daily_return_ratio": 0}

        assert before == pytest.approx({name: whole[name] for name in before})
        assert equity_of(bench) == pytest.approx(whole)
        cloud.asked.clear()
        bench.advance(600, step=10)
        assert len(cloud.requests(CHART)) == 10


@pytest.mark.parametrize("shorten", [latest, earliest])
def test_equity_does_not_lag_behind_points_that_come_late(cloud, shorten):
    """When hours of points come at once, the poll that begins to read them shows the latest of them or none."""
    history = every(MINUTE, 1200, lambda number: 1000.0 + number)
    cloud.rows = [row(7, launched=history[0][0])]
    cloud.points, cloud.most, cloud.shorten = history[:300], 200, shorten
    with polled(cloud, cloud.config()) as bench:
        bench.advance(60)
        cloud.points = history
        for _ in range(12):
            bench.advance(10)
            assert equity_of(bench, "equity").get("equity") in {1299, 2199}
        assert equity_of(bench, "equity", "equity_peak") == {"equity": 2199, "equity_peak": 2199}


def test_clock_that_goes_back_to_the_day_before(cloud):
    """A clock an hour ahead begins a day too early; when it is set right, the day's return is the right one."""
    launched = MIDNIGHT - DAY - HOUR
    cloud.points = [(launched + TEN_MINUTES * each, 100.0 + each) for each in range(148)]
    cloud.rows = [row(7, launched=launched)]
    cloud.clock.now = MIDNIGHT - 1200
    clock = FakeClock(MIDNIGHT + 2400)
    with polled(cloud, cloud.config(), clock) as bench:
        assert equity_of(bench, "daily_return_ratio") == {"daily_return_ratio": 0}
        clock.now = MIDNIGHT - 1200
        bench.advance(100)

        assert equity_of(bench, "daily_return_ratio") == pytest.approx({"daily_return_ratio": 247 / 105 - 1})


def test_short_budget_still_reads_the_history(cloud):
    """With a budget that is short for one project, two requests a poll bring the whole history in time."""
    cloud.points = every(TEN_MINUTES, 432, lambda number: 150_000.0 if number == 20 else 100_000.0)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    cloud.most = 100
    with polled(cloud, cloud.config(budget=2)) as bench:
        bench.advance(3600, step=10)

        assert equity_of(bench, "equity_peak") == {"equity_peak": 150_000}


def test_todays_return_comes_with_the_first_poll(cloud):
    """When a page does not reach back to midnight, the point that opens the day is asked for next."""
    cloud.points = every(MINUTE, 6000, lambda number: 1e5 + number)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    cloud.most = 100
    with polled(cloud, cloud.config(budget=5)) as bench:
        opening = max(value for time, value in cloud.points if time < MIDNIGHT)

        bench.advance(200, step=10)
        assert equity_of(bench, "daily_return_ratio", "equity_peak") == pytest.approx(
            {"daily_return_ratio": cloud.points[-1][1] / opening - 1}
        )


def test_launched_before_midnight_with_its_first_point_after(cloud):
    """Of a deployment without a point before midnight, today's return counts from its first point."""
    cloud.points = [(MIDNIGHT + HOUR, 100.0), (START - 60, 80.0)]
    cloud.rows = [row(7, launched=MIDNIGHT - 60)]
    with polled(cloud, cloud.config()) as bench:
        assert equity_of(bench, "daily_return_ratio") == pytest.approx({"daily_return_ratio": -0.2})


def test_high_that_is_taken_back(cloud):
    """A bad tick counts while QuantConnect states it, and no longer when it is restated."""
    cloud.points = [*every(TEN_MINUTES, 10)[:-1], (START, 150_000.0)]
    cloud.rows = [row(7, launched=START - DAY)]
    with polled(cloud, cloud.config()) as bench:
        assert equity_of(bench, "equity_peak") == {"equity_peak": 150_000}
        cloud.points = [*cloud.points[:-1], (START, 99_000.0)]
        bench.advance(95)

        assert equity_of(bench, "equity_peak", "drawdown_ratio") == pytest.approx(
            {"equity_peak": 100_000, "drawdown_ratio": 0.01}
        )


def test_peak_since_acknowledges_a_withdrawal(cloud):
    """With ``peak_since`` only later equity counts for the peak, and today's return is what it was."""
    cloud.points = every(TEN_MINUTES, 432, lambda number: 200_000.0 if number < 400 else 120_000.0 - number)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    cloud.most = 20
    settings = replace(SETTINGS, peak_since=cloud.points[402][0])
    with polled(cloud, cloud.config()) as bench:
        bench.advance(300, step=10)
        before = equity_of(bench)
        bench.reconfigure(cloud.config(settings, 7))
        assert equity_of(bench) == before, "a reload leaves no gap"
        bench.advance(300, step=10)
        after = equity_of(bench)

        assert before["equity_peak"] == 200_000
        assert after["equity_peak"] == 120_000 - 402
        assert after["daily_return_ratio"] == before["daily_return_ratio"]


FUTURE = {"milliseconds": 1000 * START, "weeks ahead": START + 14 * DAY, "beyond any calendar": 1e17}


@pytest.mark.parametrize("time", FUTURE.values(), ids=FUTURE)
def test_time_that_cannot_be_true(cloud, time):
    """A point in the future is malformed and shows nothing; the points before it stand."""
    cloud.points = every(TEN_MINUTES, 10, lambda number: 100.0 + number)
    cloud.rows = [row(7, launched=START - DAY)]
    honest = cloud.chart
    with polled(cloud, cloud.config()) as bench:

        def lying(request):
            body = honest(request)
            body["chart"]["series"]["Equity"]["values"].append([time, 5.0])
            return body

        cloud.overrides[CHART] = lying
        bench.advance(95)
        samples = bench.samples()

        assert samples.one("quantconnect_up", source="equity") == 0
        malformed = {"source": "equity", "reason": "malformed"}
        assert samples.one("quantconnect_poll_failures_total", **malformed) == 1
        assert samples.one("quantconnect_equity") == 109
        assert samples.one("quantconnect_equity_timestamp_seconds") == START


def test_point_of_an_api_whose_clock_is_ahead(cloud, clock):
    """A point is judged by the later of both clocks: one by the API's own is not in the future."""
    own = FakeClock(now=clock.now - 2 * HOUR, elapsed=clock.elapsed)
    cloud.points = every(TEN_MINUTES, 10)
    cloud.rows = [row(7, launched=START - DAY)]
    with polled(cloud, cloud.config(), own) as bench:
        cloud.overrides[CHART] = lambda request: cloud.chart({**request, "end": START})
        bench.advance(95)

        assert bench.samples().one("quantconnect_up", source="equity") == 1


def test_loading_chart_is_asked_for_with_the_same_times(cloud):
    """While a chart loads, each request repeats start and end; afterwards they move on."""
    cloud.points = every(TEN_MINUTES, 10)
    cloud.rows = [row(7, launched=START - DAY)]
    with polled(cloud, cloud.config()) as bench:
        cloud.overrides[CHART] = lambda _: LOADING
        cloud.asked.clear()
        bench.advance(180, step=5)
        repeated = {(each["start"], each["end"]) for each in cloud.requests(CHART)}
        count = len(cloud.requests(CHART))
        del cloud.overrides[CHART]
        cloud.asked.clear()
        bench.advance(180, step=5)
        later = [(each["start"], each["end"]) for each in cloud.requests(CHART)]

        assert len(repeated) == 1
        assert count >= 4
        assert later[0] in repeated
        assert later[1] not in repeated
        assert bench.samples().one("quantconnect_up", source="equity") == 1
        assert state_of(bench).loading == {}


def test_chart_that_loads_for_ever_is_asked_for_anew(cloud):
    """After ten minutes of loading, a request with later times is made: the one before may be lost."""
    cloud.rows = [row(7, launched=START - DAY)]
    cloud.overrides[CHART] = lambda _: LOADING
    with polled(cloud, cloud.config()) as bench:
        bench.advance(1500, step=10)

    assert 2 <= len({each["end"] for each in cloud.requests(CHART)}) <= 3


def test_pages_are_kept_when_a_later_one_fails(cloud):
    """The equity of a first page is shown while the history fails, and the failure is told."""
    cloud.points = every(TEN_MINUTES, 432, lambda number: 1000.0 - number)
    cloud.rows = [row(7, launched=cloud.points[0][0])]
    cloud.most = 200

    def failing_further_back(request):
        if request["end"] < START - DAY:
            return {"success": False, "errors": ["Invalid argument"]}
        return cloud.chart(request)

    cloud.overrides[CHART] = failing_further_back
    with polled(cloud, cloud.config()) as bench:
        samples = bench.samples()
        assert equity_of(bench).keys() == {"equity", "daily_return_ratio"}
        assert samples.one("quantconnect_up", source="equity") == 0
        assert samples.one("quantconnect_poll_failures_total", source="equity", reason="rejected") == 1
        del cloud.overrides[CHART]
        cloud.asked.clear()
        bench.advance(200, step=10)

        assert equity_of(bench, "equity_peak") == {"equity_peak": 1000}
        assert len(cloud.requests(CHART)) <= 6, "what came before was kept"


def test_unknown_launch_shows_no_equity(cloud):
    """Without a launch time a point may be of an earlier deployment: the equity waits, the portfolio is shown."""
    cloud.points = every(TEN_MINUTES, 10)
    cloud.rows = [row(7, launched="0001-01-01 00:00:00")]
    with polled(cloud, cloud.config()) as bench:
        samples = bench.samples()
        assert samples.all("quantconnect_equity") == []
        assert samples.one("quantconnect_poll_failures_total", source="equity", reason="not_ready") == 1
        assert samples.all("quantconnect_cash_amount") == [100]
        cloud.rows = [row(7, launched=START - DAY)]
        bench.advance(180, step=10)

        assert bench.samples().all("quantconnect_equity") == [100_000]


def test_chart_that_fails_takes_no_other_off_the_page(cloud):
    """What one chart has shown leaves when it is too old, and the other chart stays all the time."""
    cloud.points = every(MINUTE, 3)
    cloud.rows = [row(7, launched=START - HOUR)]
    settings = replace(with_polling(charts=310.0), charts=("Good", "Bad"))
    with polled(cloud, cloud.config(settings)) as bench:
        shown = "quantconnect_chart_value"
        cloud.overrides[CHART] = lambda request: (
            {"success": False, "errors": ["Sorry"]} if request["name"] == "Bad" else cloud.chart(request)
        )
        for _ in range(89):
            bench.advance(10)
            assert len(bench.samples().all(shown)) == 2
        for _ in range(60):
            bench.advance(10)
            assert [each["chart"] for each in bench.samples().labels(shown)] == ["Good"]


def test_chart_point_in_the_future_costs_its_chart_alone(cloud):
    """A configured chart with a time that cannot be true is malformed, the other chart is shown."""
    cloud.rows = [row(7, launched=START - DAY)]
    settings = replace(SETTINGS, charts=("Odd", "Even"))
    with polled(cloud, cloud.config(settings)) as bench:
        odd = {"success": True, "chart": {"series": {"S": {"values": [[1000 * START, 5.0]]}}}}
        even = {"success": True, "chart": {"series": {"S": {"values": [[START, 6.0]]}}}}
        cloud.overrides[CHART] = lambda request: {"Odd": odd, "Even": even}.get(request["name"], LOADING)
        bench.advance(600, step=10)
        samples = bench.samples()

        assert [each["chart"] for each in samples.labels("quantconnect_chart_value")] == ["Even"]
        assert samples.one("quantconnect_up", source=Source.CHARTS) == 0
