"""What the probe finds out, held against what the exporter does with the same configuration."""

from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.config.model import Config, NamedProject, Polling, ProjectSettings
from exporter.config.shard import Shard
from exporter.demo.faults import Fault
from exporter.errors import Rejected, Unauthorized
from exporter.metrics.exporter_metrics import AccountView
from exporter.polling.job_specs import LISTING
from exporter.polling.state import Source
from exporter.probe.asking import MEASURING_SECONDS, ask_account
from exporter.probe.command import probe
from exporter.probe.facts import AccountFacts, Findings, FoundProject, Polled
from exporter.probe.screen import drawn
from exporter.probe.series import own_series
from tests.support import FakeClock, config_of, project_named

CHARTED = "US Equities/Long Short Momentum"
DRAFT = "Never Deployed"
MISSING = 99_999_999
PORTFOLIO = "live/portfolio/read"
STATISTICS = "live/read"
CONFIGURATIONS = ("discovering", "named alone", "named besides", "a small budget", "a shard")


@pytest.fixture
def probed(api, clock):
    """Return what the probe finds out about an account of a configuration, by default the first."""

    def probe(config=None, shard=None, taken=(), account=0) -> AccountFacts:
        config = config or config_of(api)
        return ask_account(config, config.accounts[account], shard or Shard(), taken, clock, clock.advance)

    return probe


def configuration(api, name: str) -> tuple[Config, Shard]:
    charted, coins, draft = (project_named(api, each) for each in (CHARTED, "Coins", DRAFT))
    own = ProjectSettings(polling=Polling(status=20, portfolio=10), charts=("Drawdown", "Exposure"))
    several = {charted: own, draft: ProjectSettings()}
    return {
        "discovering": (config_of(api), Shard()),
        "named alone": (config_of(api, named={coins: ProjectSettings()}, discover=False), Shard()),
        "named besides": (config_of(api, named=several), Shard()),
        "a small budget": (config_of(api, named=several, requests_per_minute=7), Shard()),
        "a shard": (config_of(api, named=several, requests_per_minute=31), Shard(1, 3)),
    }[name]


def findings_of(facts: AccountFacts) -> Findings:
    assert facts.failure is None, facts.failure
    assert facts.findings is not None
    return facts.findings


def project_of(facts: AccountFacts, project_id: int) -> FoundProject:
    (found,) = [each for each in findings_of(facts).projects if each.project_id == project_id]
    return found


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_foretells_what_is_polled_how_often(api, probed, make_bench, name):
    """Which projects are polled, and every interval in force, are those that the exporter comes to itself."""
    config, shard = configuration(api, name)
    findings = findings_of(probed(config, shard))
    bench = make_bench(config, shard)
    bench.poll()
    page = bench.samples()
    own = [str(each.project_id) for each in findings.projects]
    published = {
        (source, interval)
        for source in Source
        for project_id in own
        for interval in page.all("quantconnect_poll_interval_seconds", source=source, project_id=project_id)
    }
    foretold = {
        (Source.STATUS if row.kind == LISTING.kind else Source(row.kind), row.in_force)
        for row in findings.plan.rows
    }
    polled = {each.project_id for each in findings.projects if each.polled is Polled.YES}
    (workers, *_) = bench.exporter.poller.accounts

    assert polled == workers.poller.jobs._running
    assert foretold == published
    assert (findings.plan.stretch > 1) == (name in {"a small budget", "a shard"})


@pytest.mark.parametrize("name", CONFIGURATIONS[:3])
def test_foretells_how_many_series_there_will_be(api, probed, make_bench, name):
    """When every project could be asked, the number is that of the page after a first round, to the last series."""
    config, shard = configuration(api, name)
    accounts = [probed(config, shard, account=number) for number in range(2)]
    bench = make_bench(config, shard)
    bench.poll()
    views = [AccountView(each.account.name, 1, 1, each.requests) for each in accounts]
    estimates = [findings_of(facts).series for facts in accounts]

    assert all(each.is_exact for each in estimates)
    assert sum(each.total for each in estimates) + own_series(views) == len(bench.samples().by_series)


def test_counts_the_rest_as_the_mean_of_what_it_could_ask(api, probed):
    """With a budget for some projects only, the others count as their mean, and it is said how many were asked."""
    exact = findings_of(probed()).series
    rough = findings_of(probed(config_of(api, requests_per_minute=20))).series

    assert (rough.measured, rough.running, rough.uncounted) == (3, 10, ())
    assert not rough.is_exact
    assert rough.total == pytest.approx(exact.total, rel=0.4)
    assert rough.total != exact.total


def test_leaves_half_of_the_budget(api, probed, clock):
    """Of thirty requests a minute the probe makes fifteen at most, and so waits for nothing."""
    before = clock.monotonic()
    probed(config_of(api, requests_per_minute=30))

    assert 10 < len(api.requests) <= 15
    assert clock.monotonic() == before


def test_waits_for_the_smallest_budget(api, probed):
    """With one request a minute, what must be asked is asked a minute apart, and nothing else is."""
    findings = findings_of(probed(config_of(api, requests_per_minute=1)))
    asked = [request.endpoint for request in api.requests]
    times = [request.received_at for request in api.requests]

    assert asked == ["authenticate", "live/list"]
    assert [later - earlier for earlier, later in pairwise(times)] == [60]
    assert findings.series.uncounted == (Source.PORTFOLIO, Source.STATISTICS)
    assert findings.notes == ("names of projects: not asked for, to keep the budget",)


def test_a_wait_is_announced(api, clock):
    """Before the command waits for a budget it says so, and for how long."""
    shown: list[str] = []
    well = probe(
        config_of(api, requests_per_minute=1),
        Shard(),
        clock,
        lambda line: shown.append(drawn(line, colour=False)),
        clock.advance,
    )

    assert well
    assert shown[0] == "waiting 60 s, to keep requests_per_minute"
    assert shown.count(shown[0]) == len(api.accounts)


def test_stops_measuring_after_some_seconds(api, probed, clock):
    """A slow API is not asked on and on: after ten seconds the number is made of what has come."""

    class Slow(FakeClock):
        def wall(self) -> float:
            clock.advance(MEASURING_SECONDS / 4)
            return clock.wall()

    api.clock = Slow()
    series = findings_of(probed()).series

    assert 0 < series.measured < series.running


def test_named_projects_that_are_not_listed(api, probed):
    """A named project that was never deployed, and one that does not exist, are each said to be so."""
    draft = project_named(api, DRAFT)
    facts = probed(config_of(api, named={draft: ProjectSettings()}))
    config = config_of(api)
    missing = replace(config, projects=(NamedProject(MISSING, "main", ProjectSettings(name="gone")),))

    assert project_of(facts, draft) == FoundProject(draft, DRAFT, "never deployed", Polled.STATUS_ONLY)
    assert project_of(probed(missing), MISSING) == FoundProject(MISSING, "gone", "unknown", Polled.REFUSED)
    (note,) = findings_of(probed(missing)).notes
    assert note.startswith(f"project {MISSING}: rejected: live/read: Invalid argument")


def test_why_a_project_is_not_polled(api, probed):
    """Not running, not named, another shard's and another account's are told apart."""
    coins, stock, fresh = (project_named(api, name) for name in ("Coins", "Single Stock", "Fresh"))
    api.projects[stock].stop()
    discovering = probed(taken={coins})
    naming = probed(config_of(api, named={coins: ProjectSettings()}, discover=False))
    shard = next(Shard(index, 2) for index in range(2) if not Shard(index, 2).owns(fresh))
    sharing = probed(config_of(api, named={fresh: ProjectSettings()}, discover=False), shard)

    assert project_of(discovering, stock).polled is Polled.NOT_RUNNING
    assert project_of(discovering, coins).polled is Polled.OTHER_ACCOUNT
    assert project_of(naming, fresh).polled is Polled.NOT_NAMED
    assert project_of(naming, stock).polled is Polled.NOT_NAMED
    assert project_of(sharing, fresh).polled is Polled.OTHER_SHARD
    assert project_of(probed(shard=shard), fresh).polled is Polled.OTHER_SHARD
    assert project_of(probed(config_of(api, named={stock: ProjectSettings()})), stock).polled is (
        Polled.STATUS_ONLY
    )


def test_a_row_that_cannot_be_read(api, probed):
    """A project whose row is malformed is said to be so, and the others are found all the same."""
    row = {"projectId": 7, "deployId": "L-1", "status": 5}
    api.faults.add(Fault("live/list", body={"success": True, "live": [row]}))
    facts = probed()

    assert project_of(facts, 7).polled is Polled.UNREADABLE
    assert findings_of(facts).notes == ("project 7: malformed: live[0].status: expected a text, found 5",)


def test_a_source_that_fails_is_noted(api, probed):
    """A portfolio that is not there yet and a chart that does not exist are noted, and the rest is measured."""
    coins = project_named(api, "Coins")
    api.faults.add(Fault(PORTFOLIO, coins, body={"success": True, "status": "loading", "progress": 0}))
    settings = ProjectSettings(charts=("No Such Chart",))
    findings = findings_of(probed(config_of(api, named={coins: settings})))

    assert len(findings.notes) == 2
    assert findings.notes[0].startswith(f"portfolio of project {coins}: not_ready: live/portfolio/read: ")
    assert findings.notes[1].startswith(
        f"charts of project {coins}: rejected: live/chart/read: Chart No Such"
    )
    assert (findings.series.measured, findings.series.running) == (9, 10)


@pytest.mark.parametrize("fault", [Fault(STATISTICS, status=429), Fault(STATISTICS, status=401)])
def test_asks_no_more_when_told_to_stay_away(api, probed, fault):
    """After a 429 or a refusal in the midst of it, nothing more is asked, and what is known is told."""
    api.faults.add(fault)
    findings = findings_of(probed())

    assert api.requests[-1].endpoint == STATISTICS
    assert findings.series.uncounted == (Source.STATISTICS,)
    assert len(findings.notes) == 1


def test_names_that_cannot_be_read_stop_nothing(api, probed):
    """Without names the projects are found under their ids, and it is said."""
    api.faults.add(Fault("projects/read", status=503, body=b"<html>"))
    findings = findings_of(probed())

    assert {each.name for each in findings.projects} == {""}
    assert findings.series.is_exact
    assert findings.notes[0].startswith("names of projects: unavailable: projects/read: HTTP 503")


def test_failures_end_the_account(api, probed):
    """A refused sign-in and a list that cannot be had are failures, each with its endpoint."""
    api.faults.add(Fault("live/list", body={"success": False, "errors": ["Internal Error 7"]}))
    unlisted = probed()
    api.faults.add(Fault("authenticate", status=401))
    refused = probed()

    assert (type(unlisted.failure), unlisted.failure.endpoint) == (Rejected, "live/list")
    assert (type(refused.failure), refused.failure.endpoint) == (Unauthorized, "authenticate")
    assert (unlisted.findings, refused.findings) == (None, None)
