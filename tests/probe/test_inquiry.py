"""What the probe finds out, held against what the exporter does with the same configuration."""

from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.config.model import Config, NamedProject, Polling, ProjectSettings
from exporter.config.shard import Shard
from exporter.demo.faults import Fault
from exporter.errors import Rejected, Unauthorized
from exporter.polling.state import Source
from exporter.probe.command import probe
from exporter.probe.facts import AccountFacts, Findings, FoundProject, Polled
from exporter.probe.inquiry import ask_account
from exporter.probe.screen import drawn
from tests.support import config_of, project_named

CHARTED = "US Equities/Long Short Momentum"
DRAFT = "Never Deployed"
MISSING = 99_999_999
CONFIGURATIONS = ("discovering", "named alone", "named besides", "a small budget", "a shard")


@pytest.fixture
def probed(api, clock):
    """Return what the probe finds out about an account of a configuration, by default the first."""

    def probe(config=None, shard=None, taken=(), account=0) -> AccountFacts:
        config = (shard or Shard()).apply(config or config_of(api))
        return ask_account(config, config.accounts[account], taken, clock, clock.advance)

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
        (source, round(interval, 6))
        for source in Source
        for project_id in own
        for interval in page.all("quantconnect_poll_interval_seconds", source=source, project_id=project_id)
    }
    foretold = {(each.source, round(each.in_force, 6)) for each in findings.intervals}
    polled = {each.project_id for each in findings.projects if each.polled is Polled.YES}
    (workers, *_) = bench.exporter.poller.accounts

    assert polled == workers.poller.jobs._running
    assert foretold == published
    assert findings.stretched == (name in {"a small budget", "a shard"})


def test_leaves_half_of_the_budget(api, probed, clock):
    """Of twelve requests a minute the probe makes six at once, and waits with the seventh."""
    before = clock.monotonic()
    missing = {MISSING + number: ProjectSettings() for number in range(4)}
    probed(
        replace(
            config_of(api, requests_per_minute=12),
            projects=tuple(NamedProject(each, "main", settings) for each, settings in missing.items()),
        )
    )
    times = [request.received_at - api.requests[0].received_at for request in api.requests]

    assert times == [0, 0, 0, 0, 0, 0, 60]
    assert clock.monotonic() == before + 60


def test_waits_for_the_smallest_budget(api, probed):
    """With one request a minute, each is a minute after the one before."""
    probed(config_of(api, requests_per_minute=1))
    asked = [request.endpoint for request in api.requests]
    times = [request.received_at for request in api.requests]

    assert asked == ["authenticate", "live/list", "projects/read"]
    assert [later - earlier for earlier, later in pairwise(times)] == [60, 60]


def test_a_wait_is_announced(api, clock):
    """Before the command waits for a budget it says so, and for how long."""
    shown: list[str] = []
    succeeded = probe(
        config_of(api, requests_per_minute=1),
        clock,
        lambda line: shown.append(drawn(line, colour=False)),
        clock.advance,
    )

    assert succeeded
    assert shown[0] == "waiting 60 s, to keep requests_per_minute"
    assert shown.count(shown[0]) == 2 * len(api.accounts)


def test_named_projects_that_are_not_listed(api, probed):
    """A named project that was never deployed, and one that does not exist, are each said to be so."""
    draft = project_named(api, DRAFT)
    facts = probed(config_of(api, named={draft: ProjectSettings()}))
    config = config_of(api)
    missing = replace(config, projects=(NamedProject(MISSING, "main", ProjectSettings(name="gone")),))

    assert project_of(facts, draft) == FoundProject(draft, DRAFT, Polled.STATUS_ONLY)
    assert project_of(facts, draft).status == "never deployed"
    assert project_of(probed(missing), MISSING) == FoundProject(MISSING, "gone", Polled.REFUSED)
    assert project_of(probed(missing), MISSING).status == "unknown"
    (note,) = findings_of(probed(missing)).notes
    assert note.startswith(f"project {MISSING}: rejected: live/read: Invalid argument")


def test_why_a_project_is_not_polled(api, probed):
    """Not running, not named, another shard's and another account's are told apart."""
    coins, stock, fresh = (project_named(api, name) for name in ("Coins", "Single Stock", "Fresh"))
    forgetful = ProjectSettings(polling=Polling(keep_ended_for=0))
    api.projects[stock].stop()
    discovering = probed(config_of(api, forgetful), taken={coins})
    naming = probed(config_of(api, named={coins: ProjectSettings()}, discover=False))
    shard = next(Shard(index, 2) for index in range(2) if not Shard(index, 2).owns(fresh))
    sharing = probed(config_of(api, named={fresh: ProjectSettings()}, discover=False), shard)

    assert project_of(discovering, stock).polled is Polled.NOT_RUNNING
    assert project_of(probed(), stock).polled is Polled.STATUS_ONLY
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

    assert (project_of(facts, 7).polled, project_of(facts, 7).status) == (Polled.UNREADABLE, "unknown")
    assert findings_of(facts).notes == ("project 7: malformed: live[0].status: expected a text, found 5",)


@pytest.mark.parametrize("status", [429, 401])
def test_asks_no_more_when_told_to_stay_away(api, probed, status):
    """After a 429 or a refusal in the midst of it nothing more is asked, and what is known is told."""
    api.faults.add(Fault("live/read", status=status))
    named = tuple(NamedProject(MISSING + number, "main", ProjectSettings()) for number in range(3))
    findings = findings_of(probed(replace(config_of(api), projects=named)))

    assert [request.endpoint for request in api.requests].count("live/read") == 1
    assert [each.polled for each in findings.projects if each.project_id >= MISSING] == [
        Polled.UNANSWERED
    ] * 3
    assert len(findings.notes) == 1


def test_names_that_cannot_be_read_stop_nothing(api, probed):
    """Without names the projects are found under their ids, and it is said."""
    api.faults.add(Fault("projects/read", status=503, body=b"<html>"))
    findings = findings_of(probed())

    assert {each.name for each in findings.projects} == {""}
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
