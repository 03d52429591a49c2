"""Which projects are on the page, whatever the account's lists say of them."""

from dataclasses import replace

import pytest

from exporter.config.model import Cardinality
from tests.polling.cloud import SETTINGS, polled, row, with_polling
from tests.support import START

DAY = 86_400.0
LIST = "live/list"

UNREADABLE = {
    "deployId": {"deployId": None},
    "status": {"status": None},
    "launched": {"launched": "soon", "status": "Stopped"},
}
FOREIGN = [None, 5, "row", [], {"projectId": None}, {"projectId": "x"}, {"id": 7, "status": "Running"}]


def status_of(bench, project_id: int) -> str:
    samples = bench.samples()
    labels = samples.labels("quantconnect_algorithm_status", project_id=str(project_id))
    (current,) = [each["status"] for each in labels if samples.one("quantconnect_algorithm_status", **each)]
    return current


def projects(bench) -> set[str]:
    return {each["project_id"] for each in bench.samples().labels("quantconnect_up")}


def deploy_ids(bench, project_id: int) -> list[str]:
    infos = bench.samples().labels("quantconnect_algorithm_info", project_id=str(project_id))
    return [each["deploy_id"] for each in infos]


@pytest.mark.parametrize("members", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("is_first", [True, False])
def test_unreadable_row_hides_no_running_one(cloud, members, is_first):
    """Of a project with a running row and one that cannot be read, the running one counts."""
    rows = [row(7, "L-0", **members), row(7, "L-1")]
    cloud.rows = rows if is_first else rows[::-1]
    with polled(cloud, cloud.config()) as bench:
        assert status_of(bench, 7) == "running"
        assert bench.samples().all("quantconnect_cash_amount") == [100]


@pytest.mark.parametrize("members", UNREADABLE.values(), ids=UNREADABLE)
def test_project_without_a_readable_row_is_on_the_page(cloud, caplog, members):
    """A project of which no row can be read is shown as failing, for its reason, and the log names it."""
    cloud.rows = [row(7, **members), row(8)]
    with polled(cloud, cloud.config()) as bench:
        samples = bench.samples()
        malformed = {"project_id": "7", "source": "status", "reason": "malformed"}
        warned = [each for each in caplog.records if each.levelname == "WARNING"]

        assert samples.one("quantconnect_up", project_id="7", source="status") == 0
        assert samples.one("quantconnect_poll_failures_total", **malformed) == 1
        assert samples.one("quantconnect_up", project_id="8", source="status") == 1
        assert [(each.project_id, each.reason) for each in warned] == [(7, "malformed")]
        cloud.rows = [row(7), row(8)]
        bench.advance(95)
        assert status_of(bench, 7) == "running"


@pytest.mark.parametrize("foreign", FOREIGN, ids=repr)
def test_row_of_no_project_hides_none(cloud, caplog, foreign):
    """A row that names no project is logged once, and every other row counts."""
    cloud.rows = [foreign, row(7)]
    with polled(cloud, cloud.config()) as bench:
        bench.advance(300, step=30)

        assert projects(bench) == {"7"}
        assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1


OTHERS = {
    "of the same second": {"status": "Stopped"},
    "newer, which failed to deploy": {"status": "DeployError", "launched": START},
    "newer, in the queue": {"status": "InQueue", "launched": START},
    "newer, of a status that is not known": {"status": "Odd", "launched": START},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("is_first", [True, False])
def test_running_row_wins(cloud, other, is_first):
    """What runs is shown, whatever rows there are beside it."""
    rows = [row(7, "L-2", **other), row(7, "L-1")]
    cloud.rows = rows if is_first else rows[::-1]
    with polled(cloud, cloud.config()) as bench:
        assert status_of(bench, 7) == "running"
        assert bench.samples().labels("quantconnect_algorithm_info")[0]["deploy_id"] == "L-1"


def test_no_time_is_not_the_latest(cloud):
    """A launch in the year 1 is no time: it is not shown, and the row does not count before one with a time."""
    cloud.rows = [
        row(7, "L-2", "Stopped", launched="0001-01-01 00:00:00"),
        row(7, "L-1", "RuntimeError", launched=START),
    ]
    with polled(cloud, cloud.config()) as bench:
        assert status_of(bench, 7) == "runtime_error"
        assert bench.samples().all("quantconnect_algorithm_launched_timestamp_seconds") == [START]


def test_crashed_project_is_found_after_a_restart(cloud):
    """A project that crashed six days ago is on the page of an exporter that starts now, until seven days are over."""
    cloud.rows = [row(7, status="RuntimeError", stopped=START - 6.9 * DAY)]
    with polled(cloud, cloud.config()) as bench:
        assert status_of(bench, 7) == "runtime_error"
        bench.advance(0.1 * DAY - 100, step=200)
        assert projects(bench) == {"7"}
        bench.advance(300, step=100)

        assert projects(bench) == set()


def test_long_ended_project_is_not_found(cloud):
    """What ended before the time for which it is kept is not discovered; what is named is shown for ever."""
    cloud.rows = [row(each, status="Stopped", stopped=START - 8 * DAY) for each in (7, 8)]
    with polled(cloud, cloud.config(SETTINGS, 8, discover=True)) as bench:
        bench.advance(300, step=30)

        assert projects(bench) == {"8"}


def test_end_without_a_time_counts_from_when_it_was_seen(cloud):
    """A project launched long ago that ends without telling when is kept from when its end was seen."""
    cloud.rows = [row(7, launched=START - 100 * DAY)]
    with polled(cloud, cloud.config(with_polling(keep_ended_for=600))) as bench:
        cloud.rows = [row(7, launched=START - 100 * DAY, status="RuntimeError")]
        bench.advance(600, step=30)
        assert status_of(bench, 7) == "runtime_error"
        bench.reconfigure(bench.config)
        bench.advance(120, step=30)

        assert projects(bench) == set()


def test_list_that_leaves_out_a_running_project(cloud):
    """One list without a project changes nothing; two in a row take it off the page."""
    cloud.rows = [row(7), row(8)]
    with polled(cloud, cloud.config()) as bench:
        for rows in ([row(8)], [row(7), row(8)], [row(8)]):
            cloud.rows = rows
            bench.advance(60)
        samples = bench.samples()
        assert samples.one("quantconnect_up", project_id="7", source="portfolio") == 1
        assert samples.one("quantconnect_polls_total", project_id="7", source="portfolio") >= 3
        bench.advance(60)

        assert projects(bench) == {"8"}


@pytest.mark.parametrize(
    ("latest", "older"),
    [("Running", "RuntimeError"), ("Running", "Running"), ("RuntimeError", "Stopped")],
)
def test_list_that_leaves_out_the_latest_row(cloud, latest, older):
    """One list with only older rows of a project changes nothing; two in a row are believed."""
    newer, other = row(7, "L-2", latest, launched=START - 60), row(8)
    before = row(7, "L-1", older, launched=START - DAY)
    cloud.rows = [before, newer, other]
    with polled(cloud, cloud.config()) as bench:
        status = status_of(bench, 7)
        for rows in ([before, other], [before, newer, other], [before, other]):
            cloud.rows = rows
            bench.advance(60)
            assert (deploy_ids(bench, 7), status_of(bench, 7)) == (["L-2"], status)
        bench.advance(60)

        assert deploy_ids(bench, 7) == ["L-1"]


@pytest.mark.parametrize("members", UNREADABLE.values(), ids=UNREADABLE)
def test_running_row_that_becomes_unreadable(cloud, members):
    """While the row of a running deployment cannot be read, an older row says nothing of its status."""
    older = row(7, "L-1", "RuntimeError", launched=START - DAY)
    cloud.rows = [older, row(7, "L-2", launched=START - 60)]
    with polled(cloud, cloud.config()) as bench:
        cloud.rows = [older, row(7, "L-2", **{"launched": START - 60, **members})]
        bench.advance(300, step=60)
        samples = bench.samples()

        assert deploy_ids(bench, 7) == ["L-2"]
        assert samples.one("quantconnect_up", project_id="7", source="status") == 0
        assert samples.one("quantconnect_poll_failures_total", source="status", reason="malformed") == 5
        cloud.rows = [older, row(7, "L-2", "Stopped", launched=START - 60)]
        bench.advance(60)
        assert status_of(bench, 7) == "stopped"


def test_list_that_is_suddenly_empty(cloud, caplog):
    """Two empty lists take nothing off the page, the third takes all; the log says so once."""
    cloud.rows = [row(7), row(8)]
    with polled(cloud, cloud.config()) as bench:
        cloud.rows = []
        for _ in range(2):
            bench.advance(60)
            assert projects(bench) == {"7", "8"}
        assert caplog.text.count("suddenly empty") == 1
        before = len(cloud.requests("live/portfolio/read"))
        bench.advance(60)

        assert before >= 4
        assert projects(bench) == set()


def test_named_project_left_out_is_asked_for(cloud):
    """A named project that two lists leave out is asked for by itself, and shown as it answers."""
    cloud.rows = [row(7), row(8)]
    with polled(cloud, cloud.config(SETTINGS, 7)) as bench:
        cloud.rows, cloud.reads = [row(8)], {7: {"success": True, **row(7)}}
        bench.advance(60)
        asked = len(cloud.requests("live/read"))
        bench.advance(100, step=10)

        assert status_of(bench, 7) == "running"
        assert len(cloud.requests("live/read")) > asked
        assert bench.samples().one("quantconnect_up", project_id="7", source="portfolio") == 1


def test_running_projects_come_before_ended_ones(cloud, caplog):
    """With more running algorithms than allowed the first are polled, the others counted, and none that ended."""
    settings = replace(SETTINGS, cardinality=Cardinality(projects=2))
    cloud.rows = [row(each, status="Stopped", stopped=START - DAY) for each in (1, 2)]
    cloud.rows += [row(each) for each in (3, 4, 5, 6)]
    with polled(cloud, cloud.config(settings)) as bench:
        bench.advance(120, step=30)
        samples = bench.samples()

        assert projects(bench) == {"3", "4"}
        assert samples.one("quantconnect_projects_dropped") == 2
        assert caplog.text.count("cardinality.projects") == 1
        cloud.rows[3] = row(4, status="Stopped", stopped=START)
        bench.advance(120, step=30)
        assert {"3", "5"} <= projects(bench)
        assert bench.samples().one("quantconnect_projects_dropped") == 1


@pytest.mark.parametrize("was_running", [True, False])
def test_portfolio_waits_until_the_new_deployment_answers(cloud, was_running):
    """After a redeployment a portfolio may be the one before, as long as ``live/read`` does not answer."""
    cloud.rows = [row(7, "L-1", "Running" if was_running else "Stopped", stopped=START - 60)]
    with polled(cloud, cloud.config()) as bench:
        cloud.rows = [row(7, "L-1", "Stopped", stopped=START - 60), row(7, "L-2", launched=START)]
        cloud.overrides["live/read"] = lambda _: {"success": False, "errors": ["Sorry"]}
        bench.advance(300, step=10)
        assert bench.samples().all("quantconnect_cash_amount") == []
        del cloud.overrides["live/read"]
        bench.advance(400, step=10)
        assert bench.samples().all("quantconnect_cash_amount") == [100]


def test_portfolio_does_not_wait_for_ever(cloud):
    """Where ``live/read`` never answers, the portfolio of half an hour after the launch is the new one's."""
    cloud.rows = [row(7, "L-1", "Stopped", stopped=START - 60)]
    with polled(cloud, cloud.config()) as bench:
        cloud.rows.append(row(7, "L-2", launched=START))
        cloud.overrides["live/read"] = lambda _: {"success": False, "errors": ["Sorry"]}
        bench.advance(1700, step=20)
        assert bench.samples().all("quantconnect_cash_amount") == []
        bench.advance(200, step=20)
        assert bench.samples().all("quantconnect_cash_amount") == [100]


def test_redeployed_project_shows_nothing_of_the_deployment_before(cloud):
    """While ``live/read`` answers with the deployment before, neither its statistics nor a portfolio are shown."""
    cloud.rows = [row(7, "L-1")]
    old = {"success": True, **row(7, "L-1"), "runtimeStatistics": {"Net Profit": "$5.00"}}
    cloud.reads = {7: old}
    with polled(cloud, cloud.config()) as bench:
        assert bench.samples().all("quantconnect_net_profit") == [5]
        cloud.rows = [row(7, "L-1", "Stopped"), row(7, "L-2", launched=START)]
        bench.advance(300, step=10)
        samples = bench.samples()
        for name in ("net_profit", "cash_amount", "holding_quantity"):
            assert samples.all(f"quantconnect_{name}") == []
        for source in ("portfolio", "statistics"):
            assert samples.one("quantconnect_up", source=source) == 0
            assert samples.one("quantconnect_poll_failures_total", source=source, reason="not_ready") >= 1
        cloud.reads = {7: {**old, "deployId": "L-2", "runtimeStatistics": {"Net Profit": "$9.00"}}}
        bench.advance(400, step=10)

        assert bench.samples().all("quantconnect_net_profit") == [9]
        assert bench.samples().all("quantconnect_cash_amount") == [100]
