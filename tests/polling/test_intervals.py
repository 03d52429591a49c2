"""The intervals in force are shown, and the log says when they make values stay longer."""

import logging

import pytest

from tests.polling.cloud import polled, row, with_polling

TEXT = "values are shown for longer than stale_after"


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog):
    caplog.set_level(logging.INFO, "exporter.polling")


def told(caplog, text: str) -> list[logging.LogRecord]:
    return [each for each in caplog.records if text in each.getMessage()]


def test_values_that_stay_longer_are_told_once(cloud, caplog):
    """A budget so short that 2.5 intervals exceed ``stale_after`` is told when it begins and when it ends."""
    cloud.rows = [row(each) for each in range(1, 41)]
    with polled(cloud, cloud.config(budget=6)) as bench:
        bench.advance(2000, step=20)
        (warning,) = told(caplog, TEXT)
        samples = bench.samples()
        portfolio = {"project_id": "1", "source": "portfolio"}
        in_force = samples.one("quantconnect_poll_interval_seconds", **portfolio)
        assert (warning.levelname, warning.account) == ("WARNING", "main")
        assert f"portfolio {2.5 * in_force:.0f}s" in warning.shown_for
        assert "status" not in warning.shown_for
        cloud.rows = cloud.rows[:1]
        bench.advance(300, step=20)

        assert [each.levelname for each in told(caplog, "no value is shown for longer")] == ["INFO"]


def test_budget_that_suffices_is_not_mentioned(cloud, caplog):
    """With room in the budget nothing is said, and intervals are those of the configuration."""
    cloud.rows = [row(1)]
    with polled(cloud, cloud.config()) as bench:
        bench.advance(300, step=30)

        assert told(caplog, TEXT) + told(caplog, "budget") == []
        assert bench.samples().one("quantconnect_poll_interval_seconds", source="portfolio") == 60


def test_healthy_projects_stay_on_the_page_however_short_the_budget(cloud):
    """With ten projects and two requests a minute no value that was read leaves the page in three hours."""
    cloud.rows = [row(each) for each in range(1, 11)]
    with polled(cloud, cloud.config(with_polling(stale_after=180), budget=2)) as bench:
        shown = 0
        for _ in range(180):
            bench.advance(60)
            now = bench.page().count("quantconnect_cash_amount{")
            assert now >= shown
            shown = now

        assert shown == 10
        statuses = bench.samples().all("quantconnect_poll_interval_seconds", source="status")
        assert set(statuses) == {60}
