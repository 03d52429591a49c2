import pytest

from exporter.demo.candles import DAY, Candle, cells, equity_candles, peak

VALUES = {0: 5.0, 300: 9.0, 600: 7.0, 900: 1.0, 1200: 6.0, 1300: 8.0}


def test_cells_are_days_and_then_ten_minutes():
    """Days until two days ago, ten minutes since; launch, the change of width, and the end cut cells short."""
    now = 4 * DAY + 650
    made = list(cells(0.5 * DAY, now, now))
    fine = 2 * DAY + 600
    assert made[:4] == [
        (0.5 * DAY, DAY, 10_800),
        (DAY, 2 * DAY, 10_800),
        (2 * DAY, fine, 10_800),
        (fine, fine + 600, 300),
    ]
    assert made[-2:] == [(4 * DAY, 4 * DAY + 600, 300), (4 * DAY + 600, now, 300)]
    assert [start for start, _, _ in made[1:]] == [end for _, end, _ in made[:-1]]


@pytest.mark.parametrize("now", [700, 9 * DAY])
def test_launch_alone_is_a_cell(now):
    """A deployment that has just been launched, or ended at once, has one candle, of no width."""
    assert [(start, end) for start, end, _ in cells(700, 700, now)] == [(700, 700)]


def test_candles_are_what_equity_was():
    """A candle is the first, highest, lowest and last of its samples, every five minutes; the next begins where it ends."""
    assert equity_candles(VALUES.__getitem__, 0, 1200, 1200, {}) == [
        Candle(600, 5, 9, 5, 7),
        Candle(1200, 7, 7, 1, 6),
    ]


def test_candles_of_the_past_are_kept():
    """What ended earlier is not worked out again, and what ends now is."""
    asked = []

    def equity(time):
        asked.append(time)
        return VALUES[time]

    cache = {}
    first = equity_candles(equity, 0, 1200, 1200, cache)
    asked.clear()
    assert equity_candles(equity, 0, 1300, 1300, cache)[:2] == first
    assert asked == [600, 900, 1200, 1200, 1300]


def test_peak_passes_over_gaps():
    """The peak is the highest high, gaps have none, and without a candle it is 0."""
    assert peak([Candle(600, 5, 9, 5, 7), Candle(601), Candle(1200, 7, 7, 1, 6)]) == 9
    assert peak([Candle(600)]) == peak([]) == 0
