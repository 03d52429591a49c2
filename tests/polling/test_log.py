"""The log of polling says when something begins and when it ends, and nothing between."""

import logging

import pytest

from exporter.demo.faults import Fault
from tests.support import pair_of, project_named

STOCKS = "US Equities/Long Short Momentum"


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog):
    caplog.set_level(logging.INFO, "exporter.polling")


def told(caplog, *messages: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage() in messages]


def test_listing_that_fails_and_recovers(pair, api, caplog):
    """An account whose list fails for ten minutes gets one warning, and one line when it answers again."""
    handle = api.faults.add(Fault(endpoint="live/list", user_id=api.accounts[0].user_id, status=502))
    pair.advance(600, step=60)
    assert told(caplog, "listing live algorithms failed") == ["listing live algorithms failed"]
    api.faults.remove(handle)
    pair.advance(600, step=60)

    records = [each for each in caplog.records if each.getMessage() == "listing live algorithms recovered"]
    assert [(each.levelname, each.account) for each in records] == [("INFO", "main")]


def test_algorithm_that_comes_and_goes(make_bench, api, caplog):
    """A discovered algorithm is announced, its status told when it changes, and its leaving said."""
    project_id = project_named(api, STOCKS)

    def own() -> list[str]:
        records = [each for each in caplog.records if getattr(each, "project_id", None) == project_id]
        caplog.clear()
        return [each.getMessage() for each in records]

    bench = make_bench()
    bench.poll()
    assert own() == ["live algorithm discovered", "algorithm status"]
    bench.advance(300, step=60)
    assert own() == []
    api.projects[project_id].stop()
    bench.advance(120, step=60)
    assert own() == ["algorithm status"]
    api.projects[project_id].delete()
    bench.advance(300, step=60)
    assert own() == ["live algorithm gone"]


def test_budget_that_becomes_short_and_suffices_again(make_bench, api, caplog):
    """A budget that is short for two algorithms is told once, and once more when it suffices for what still runs."""
    bench = make_bench(pair_of(api, requests_per_minute=4))
    bench.poll()
    bench.advance(300, step=60)
    (short,) = (each for each in caplog.records if "budget is short" in each.getMessage())
    assert (short.levelname, short.account) == ("WARNING", "main")
    api.projects[project_named(api, STOCKS)].stop()
    bench.advance(600, step=60)

    assert told(caplog, "request budget suffices again") == ["request budget suffices again"]
