"""The worker threads: isolation between accounts, health, and the end."""

import threading
from dataclasses import replace

import pytest

from exporter.clock import SystemClock
from exporter.config.model import Polling, ProjectSettings
from exporter.demo.faults import Fault
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.metrics.exposition import Format
from exporter.polling.poller import AccountWorkers
from exporter.quantconnect.budget import RequestBudget
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from exporter.service import Exporter
from tests.programs import wait_until
from tests.support import FakeClock, config_of, parse_page, project_named

FAST = ProjectSettings(polling=Polling(1, 1, 1, 1, 1, timeout=20, stale_after=60))


@pytest.fixture
def live():
    """A simulated QuantConnect on the real clock, and a way to start exporters on it."""
    clock = SystemClock()
    started: list[Exporter] = []

    def start(config) -> Exporter:
        started.append(Exporter(config, clock))
        started[-1].start()
        return started[-1]

    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock) as api:
        yield api, start
        for exporter in started:
            exporter.stop()


def polls(exporter: Exporter, project_id: int, source: str) -> float:
    page = parse_page(bytes(exporter.page.plain(Format.TEXT)).decode())
    return sum(page.all("quantconnect_polls_total", project_id=str(project_id), source=source))


def test_stalled_account_delays_no_other(live):
    """While every request of one account hangs, the other account's projects are polled on their grid."""
    api, start = live
    api.faults.add(Fault(user_id=api.accounts[0].user_id, effect="stall"))
    exporter = start(config_of(api, FAST))
    sound = project_named(api, "CFD Indices")

    wait_until(lambda: polls(exporter, sound, "portfolio") >= 4)
    assert exporter.poller.healthy()
    assert exporter.poller.not_ready()


def test_stalled_project_delays_no_other(live):
    """A project whose requests hang holds one worker of its account; the others go on."""
    api, start = live
    stalled, sound = project_named(api, "Coins"), project_named(api, "FX Carry")
    named = {stalled: FAST, sound: FAST}
    api.faults.add(Fault(project_id=stalled, effect="stall"))
    exporter = start(config_of(api, FAST, named=named, discover=False, max_concurrent_requests=2))

    wait_until(lambda: polls(exporter, sound, "portfolio") >= 4)
    assert polls(exporter, stalled, "portfolio") == 0


def test_answer_that_comes_after_a_reload_is_dropped(live):
    """What was asked under the configuration before is not published over what is known since."""
    api, start = live
    late = project_named(api, "Coins")
    settings = ProjectSettings(polling=replace(FAST.polling, portfolio=3600))
    config = config_of(api, settings, named={late: settings}, discover=False)
    handle = api.faults.add(Fault(endpoint="live/portfolio/read", delay=1))
    exporter = start(config)
    wait_until(lambda: any(each.endpoint == "live/portfolio/read" for each in api.requests))
    old = exporter.poller.accounts
    api.faults.remove(handle)
    exporter.reconfigure(config)
    wait_until(lambda: polls(exporter, late, "portfolio") == 1)

    wait_until(lambda: not any(thread.is_alive() for each in old for thread in each._crew.threads))
    answered = [each for each in api.requests if each.endpoint == "live/portfolio/read"]
    assert len(answered) == 2
    assert polls(exporter, late, "portfolio") == 1


def test_budget_is_never_exceeded(live):
    """With twelve requests a minute allowed, no more than twelve are made at once, and waiting is counted."""
    api, start = live
    config = config_of(api, FAST, requests_per_minute=12)
    exporter = start(replace(config, accounts=config.accounts[:1]))

    def throttled() -> bool:
        page = parse_page(bytes(exporter.page.plain(Format.TEXT)).decode())
        return page.one("quantconnect_api_throttled_seconds_total", account="main") > 0

    wait_until(throttled)
    assert len(api.requests.snapshot()) == 12


def test_stop_does_not_wait_for_a_stalled_request(live):
    """Stopping returns at once although every worker is inside a request that never ends."""
    api, start = live
    api.faults.add(Fault(effect="stall"))
    exporter = start(config_of(api, FAST))
    wait_until(lambda: len(api.requests.snapshot()) >= 2)
    stopper = threading.Thread(target=exporter.stop)
    stopper.start()
    stopper.join(1)

    assert not stopper.is_alive()


def test_worker_that_shows_no_life_is_unhealthy(make_bench):
    """When a worker has shown nothing for longer than its bound, health says so."""
    bench = make_bench()
    clock = FakeClock()
    poller = bench.exporter.poller.accounts[0].poller
    released = threading.Event()

    def hang(_: object) -> Client:
        released.wait()
        return bench.client()

    workers = AccountWorkers(poller, hang, RequestLog(ENDPOINTS, RESULTS), RequestBudget(1), 30, clock)
    workers.start()

    clock.advance(119)
    assert workers.healthy()
    clock.advance(1)
    assert not workers.healthy()
    workers.stop()
    released.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_worker_that_dies_is_noticed(make_bench):
    """A worker that ends by itself makes the exporter unhealthy and lost: nobody would poll in its place."""
    poller = make_bench().exporter.poller.accounts[0].poller

    def leave(_: object) -> Client:
        raise SystemExit

    workers = AccountWorkers(poller, leave, RequestLog(ENDPOINTS, RESULTS), RequestBudget(1), 30, FakeClock())
    workers.start()

    wait_until(workers.lost)
    assert not workers.healthy()
    workers.stop()
    assert not workers.lost()


def portfolios_asked(api: SimulatedQuantConnect) -> int:
    return sum(each.endpoint == "live/portfolio/read" for each in api.requests.snapshot())


def test_answer_about_an_ended_deployment_is_dropped(live):
    """A portfolio that arrives after its deployment has ended is not shown: it would look alive."""
    api, start = live
    project_id = project_named(api, "Coins")
    exporter = start(config_of(api, FAST, named={project_id: FAST}, discover=False))
    label = {"project_id": str(project_id)}

    def page():
        return parse_page(bytes(exporter.page.plain(Format.TEXT)).decode())

    def answered() -> float:
        return page().one(
            "quantconnect_api_requests_total", account="main", api_endpoint="live/portfolio/read", result="ok"
        )

    wait_until(lambda: page().all("quantconnect_cash_amount", **label) != [])
    api.faults.add(Fault(endpoint="live/portfolio/read", project_id=project_id, delay=3))
    asked = portfolios_asked(api)
    wait_until(lambda: portfolios_asked(api) > asked)
    before = answered()
    api.projects[project_id].stop()
    wait_until(lambda: page().all("quantconnect_cash_amount", **label) == [], what="the stop")
    wait_until(lambda: answered() > before, what="the late answer")

    assert page().all("quantconnect_cash_amount", **label) == []
    assert page().all("quantconnect_up", source="portfolio", **label) == []
