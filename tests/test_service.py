"""The exporter under a changed configuration, and several exporters that share the projects."""

import re
from dataclasses import replace
from datetime import datetime

import pytest

from exporter.build import DOCUMENTATION
from exporter.config.model import LimitName, NamedProject, Polling, ProjectSettings, Severity
from exporter.config.shard import Shard
from exporter.demo.faults import Fault
from exporter.service import Exporter
from tests.support import config_of, project_named

STOCKS = "US Equities/Long Short Momentum"


def series(bench, project_id: int) -> set:
    """Return every series of a project."""
    own = ("project_id", str(project_id))
    return {key for key in bench.samples().by_series if own in key[1]}


def test_kept_projects_lose_no_series(bench):
    """A reload with the same configuration leaves every series and every value where it was."""
    before = bench.samples()
    bench.reconfigure(bench.config)
    after = bench.samples()

    names = [
        key for key in before.by_series if key[0].startswith("quantconnect_") and "exporter" not in key[0]
    ]
    assert {key: before.by_series[key] for key in names} == {key: after.by_series.get(key) for key in names}


def test_configuration_in_force_is_written_once(pair):
    """The same text is shown to all who ask until the configuration changes: writing it takes a while."""
    shown = pair.exporter.pages().config
    text = shown()
    assert shown() is text
    pair.reconfigure(replace(pair.config, projects=()))
    assert shown() != text


def test_kept_projects_are_polled_on_as_planned(bench, api):
    """A reload asks for nothing at once: each source is asked for when it would have been anyway."""
    bench.clock.advance(5)
    bench.poll()
    api.requests.clear()
    bench.reconfigure(bench.config)
    bench.poll()

    assert api.requests.snapshot() == []
    bench.advance(60, step=5)
    assert len(api.requests.snapshot()) >= 2 + 2 * 13


@pytest.mark.parametrize(
    ("fault", "asked"),
    [(Fault(status=429, headers={"Retry-After": "90"}), False), (Fault(status=401), True)],
    ids=["rate limit", "refused credentials"],
)
def test_reload_keeps_to_a_rate_limit(bench, api, fault, asked):
    """Whoever was told to wait still waits after a reload; after refused credentials it is how they are mended."""
    handle = api.faults.add(fault)
    bench.advance(60, step=5)
    api.faults.remove(handle)
    bench.reconfigure(bench.config)
    api.requests.clear()
    bench.advance(20, step=5)
    assert bool(api.requests.snapshot()) is asked
    bench.advance(120, step=5)
    assert api.requests.snapshot()


def test_reloading_again_and_again_starves_nothing(bench):
    """With a reload every five seconds each source is still asked for on its interval."""
    polls = sum(bench.samples().all("quantconnect_polls_total", source="portfolio"))
    for _ in range(36):
        bench.clock.advance(5)
        bench.poll()
        bench.reconfigure(bench.config)

    made = sum(bench.samples().all("quantconnect_polls_total", source="portfolio")) - polls
    assert 3 * 13 - 13 <= made <= 3 * 13 + 13


def test_removed_project_leaves_at_once(make_bench, api):
    """A project that the new configuration does not have is off the page before anything is polled."""
    kept, removed = project_named(api, STOCKS), project_named(api, "Coins")
    named = {kept: ProjectSettings(), removed: ProjectSettings()}
    bench = make_bench(config_of(api, named=named, discover=False))
    bench.poll()
    before = series(bench, kept)
    bench.reconfigure(config_of(api, named={kept: ProjectSettings()}, discover=False))

    assert series(bench, removed) == set()
    assert series(bench, kept) == before


def test_removed_account_leaves_at_once(bench, api):
    """With an account its projects and its own metrics go."""
    bench.reconfigure(replace(bench.config, accounts=bench.config.accounts[:1]))
    samples = bench.samples()

    assert series(bench, project_named(api, "CFD Indices")) == set()
    assert samples.all("quantconnect_projects", account="europe") == []
    assert samples.one("quantconnect_projects", account="main") == 10


def test_added_project_is_polled(make_bench, api):
    """A project that is new in the configuration is there after the next poll."""
    kept, added = project_named(api, STOCKS), project_named(api, "Coins")
    bench = make_bench(config_of(api, named={kept: ProjectSettings()}, discover=False))
    bench.poll()
    named = {kept: ProjectSettings(), added: ProjectSettings()}
    bench.reconfigure(config_of(api, named=named, discover=False))
    bench.poll()

    assert bench.samples().all("quantconnect_equity", project_id=str(added))


def test_new_limits_and_names_show_at_once(bench, api):
    """Limits, name and account currency of a kept project change without a poll, its state does not."""
    project_id = project_named(api, "Coins")
    settings = ProjectSettings(
        name="coins", account_currency="USD", limits={(LimitName.DRAWDOWN_RATIO, Severity.WARNING): 0.33}
    )
    polls = bench.samples().one("quantconnect_polls_total", project_id=str(project_id), source="portfolio")
    named = NamedProject(project_id, "main", settings)
    bench.reconfigure(replace(bench.config, projects=(named,), accounts=bench.config.accounts))
    samples = bench.samples()
    label = {"project_id": str(project_id), "project": "coins"}

    assert samples.all("quantconnect_limit", project_id=str(project_id)) == [0.33]
    assert samples.labels("quantconnect_equity", **label)[0]["account_currency"] == "USD"
    assert samples.one("quantconnect_polls_total", source="portfolio", **label) == polls


def test_counters_go_on_after_a_reload(bench):
    """The account's request counters do not start anew."""
    before = sum(bench.samples().all("quantconnect_api_requests_total", result="ok"))
    bench.reconfigure(bench.config)

    assert sum(bench.samples().all("quantconnect_api_requests_total", result="ok")) == before > 0


def test_another_user_inherits_nothing(bench):
    """When an account's user changes, nothing of the old user's projects is shown under the new one."""
    first, second = bench.config.accounts
    other = replace(first, user_id=second.user_id, api_token=second.api_token, discover=False)
    bench.reconfigure(replace(bench.config, accounts=(other,)))

    assert bench.samples().all("quantconnect_equity") == []


def test_answer_that_comes_after_the_reload_is_dropped(make_bench, api):
    """What an old worker hears after the reload is not published: its project may not be ours any more."""
    project_id = project_named(api, STOCKS)
    bench = make_bench(config_of(api, named={project_id: ProjectSettings()}, discover=False))
    bench.poll()
    old = bench.exporter.poller.accounts[0].poller
    bench.reconfigure(config_of(api, named={project_id: ProjectSettings()}, discover=False))
    polls = bench.samples().one("quantconnect_polls_total", project_id=str(project_id), source="portfolio")
    bench.clock.advance(120)
    while old.poll_once(bench.client()):
        pass

    after = bench.samples().one("quantconnect_polls_total", project_id=str(project_id), source="portfolio")
    assert after == polls


def test_reload_is_shown(bench):
    """The two reload metrics tell whether the last configuration was taken, and when one was."""
    bench.clock.advance(100)
    bench.exporter.keep_configuration()
    assert bench.samples().one("quantconnect_exporter_config_last_reload_successful") == 0
    started = bench.samples().one("quantconnect_exporter_config_last_reload_success_timestamp_seconds")
    assert started == bench.clock.wall() - 100
    bench.reconfigure(bench.config)
    assert bench.samples().one("quantconnect_exporter_config_last_reload_successful") == 1
    loaded = bench.samples().one("quantconnect_exporter_config_last_reload_success_timestamp_seconds")
    assert loaded == bench.clock.wall()


def test_chart_added_by_a_reload_is_polled(make_bench, api):
    """A chart that is new in the configuration is a source from the next poll on, and gone when it is removed."""
    project_id = next(each for each, project in api.projects.items() if project.custom_chart)
    without = config_of(api, named={project_id: ProjectSettings()}, discover=False)
    charted = ProjectSettings(charts=(api.projects[project_id].custom_chart,))
    bench = make_bench(without)
    bench.poll()
    bench.reconfigure(config_of(api, named={project_id: charted}, discover=False))
    bench.poll()
    assert len(bench.samples().all("quantconnect_chart_value")) == 2
    bench.reconfigure(without)
    assert bench.samples().all("quantconnect_chart_value") == []
    assert bench.samples().all("quantconnect_up", source="charts") == []


@pytest.mark.parametrize("total", [2, 3])
def test_shards_are_disjoint_and_complete(api, make_bench, total):
    """Several shards together show every project once, each asks within its part of the budget."""
    whole = make_bench()
    whole.poll()
    shown = []
    for index in range(total):
        bench = make_bench(config_of(api), shard=Shard(index, total))
        bench.poll()
        samples = bench.samples()
        shown += [each["project_id"] for each in samples.labels("quantconnect_equity")]
        limit = samples.one("quantconnect_api_requests_per_minute_limit", account="main")
        assert limit == 6000 / total

    assert sorted(shown) == sorted(
        each["project_id"] for each in whole.samples().labels("quantconnect_equity")
    )


def test_polling_settings_change_with_a_reload(bench, api):
    """A new interval is in force, and shown, from the reload on."""
    faster = replace(bench.config.defaults, polling=Polling(status=60, portfolio=10, equity=60))
    bench.reconfigure(replace(bench.config, defaults=faster))
    label = {"project_id": str(project_named(api, STOCKS)), "source": "portfolio"}

    assert bench.samples().one("quantconnect_poll_interval_seconds", **label) == 10


def test_not_ready_while_no_account_can_be_listed(bench, api):
    """Readiness names each account's reason while none can be listed, and is back with the first that can."""
    not_ready = bench.exporter.pages().not_ready
    assert not_ready() is None
    handle = api.faults.add(Fault(status=401))
    bench.advance(300, step=5)
    first, second = (account.name for account in bench.config.accounts)
    assert not_ready() == f"no account can be listed ({first}: unauthorized, {second}: unauthorized)"
    api.faults.remove(handle)
    bench.reconfigure(bench.config)
    bench.advance(300, step=5)
    assert not_ready() is None


def test_status_page_leads_to_the_pages_behind_a_path_prefix(bench):
    """Its links are relative to it; Grafana's address is there when one is told."""
    for grafana, last in (
        (None, DOCUMENTATION),
        ("https://grafana.example.org", "https://grafana.example.org"),
    ):
        exporter = Exporter(bench.config, bench.clock, "/own/metrics", grafana)
        links = re.findall(r'<a href="([^"]+)">', exporter.pages().status("").split("</nav>")[0])
        assert links[:4] == ["own/metrics", "-/healthy", "-/ready", "-/config"]
        assert links[-1] == last


def test_status_page_says_since_when_an_account_is_refused(bench, api):
    """It counts from the first refused sign-in, not from the last list of projects."""
    status = bench.exporter.pages().status
    bench.advance(10, step=5)
    assert "refused" not in status("")
    api.faults.add(Fault(status=401))
    while "is refused" not in status(""):
        bench.advance(5, step=5)
    refused_at = bench.clock.wall()
    bench.advance(600, step=5)
    accounts = status("").split('<table id="accounts">')[1]
    (shown,) = set(re.findall(r'refused</span><small><time datetime="([^"]+)"', accounts))
    assert abs(datetime.fromisoformat(shown).timestamp() - refused_at) <= 5
    (minutes,) = set(re.findall(r">(\d+) min ago</time></small>", accounts))
    assert int(minutes) == 10
