"""What a refusal means for an account: its sign-in decides, and not the refused request."""

import logging

import pytest

from exporter.config.model import Config
from exporter.demo.faults import Fault
from tests.support import Bench, FakeClock, config_of, project_named

PROJECTS = ("US Equities/Long Short Momentum", "Coins", "Single Stock")
PORTFOLIO = "live/portfolio/read"
REFUSALS = {
    "HTTP 401": Fault(status=401),
    "text": Fault(body={"success": False, "errors": ["Hash doesn't match. UID: 1, hash: abc"]}),
}


@pytest.fixture
def three(make_bench, api):
    """An exporter with three projects of one account at default intervals, which has polled them once."""
    bench = make_bench(three_of(api))
    bench.poll()
    return bench


def three_of(api) -> Config:
    named = dict.fromkeys((project_named(api, name) for name in PROJECTS), config_of(api).defaults)
    return config_of(api, named=named, discover=False, requests_per_minute=30)


def refuse(api, fault: Fault, **aim: object) -> int:
    return api.faults.add(Fault(status=fault.status, body=fault.body, **aim))


def asked(api, endpoint: str, project_id: int | None = None) -> int:
    return sum(
        each.endpoint == endpoint
        and each.user_id == api.accounts[0].user_id
        and project_id in (None, each.project_id)
        for each in api.requests.snapshot()
    )


def failures(samples, **labels: str) -> dict[str, float]:
    found = samples.labels("quantconnect_poll_failures_total", **labels)
    counts = {each["reason"]: samples.one("quantconnect_poll_failures_total", **each) for each in found}
    return {reason: count for reason, count in counts.items() if count}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_one_refused_project_takes_no_other_down(three, api, caplog, refusal):
    """While one project's portfolio is refused, the others are polled as before, and a crash is seen."""
    refused, sound, crashing = (project_named(api, name) for name in PROJECTS)
    refuse(api, REFUSALS[refusal], endpoint=PORTFOLIO, project_id=refused)
    api.requests.clear()
    three.advance(600, step=5)
    api.projects[crashing].crash("division by zero")
    three.advance(600, step=5)
    samples = three.samples()

    assert failures(samples, project_id=str(refused), source="portfolio").keys() == {"rejected"}
    assert failures(samples, project_id=str(sound), source="portfolio") == {}
    assert asked(api, PORTFOLIO, refused) <= 6
    assert asked(api, PORTFOLIO, sound) >= 19
    assert asked(api, "live/list") >= 19
    assert asked(api, "live/read", sound) >= 3
    assert asked(api, "authenticate") == asked(api, PORTFOLIO, refused)
    assert samples.one("quantconnect_up", project_id=str(refused), source="equity") == 1
    status = {"project_id": str(crashing), "status": "runtime_error"}
    assert samples.one("quantconnect_algorithm_status", **status) == 1
    assert [each.reason for each in caplog.records if each.levelno == logging.WARNING] == ["rejected"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused_account_is_only_signed_in_to(three, api, caplog, refusal):
    """While the account itself is refused nothing but its sign-in is asked, rarely, and every source says so."""
    handle = refuse(api, REFUSALS[refusal], user_id=api.accounts[0].user_id)
    three.advance(60, step=5)
    api.requests.clear()
    three.advance(1140, step=5)
    samples = three.samples()

    refused = {each.endpoint for each in api.requests.snapshot() if each.user_id == api.accounts[0].user_id}
    assert refused == {"authenticate"}
    assert 4 <= asked(api, "authenticate") <= 7
    for source in ("status", "portfolio", "equity", "statistics"):
        assert set(samples.all("quantconnect_up", source=source)) == {0}
        assert failures(samples, source=source).keys() == {"unauthorized"}
    assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1
    api.faults.remove(handle)
    three.advance(305, step=5)
    assert set(three.samples().all("quantconnect_up")) == {1}


def test_clock_that_is_right_again_ends_the_hold(api, clock):
    """With a clock three hours off the account is refused; when it is right again, the next sign-in frees it."""
    own = FakeClock(now=clock.now - 3 * 3600)
    bench = Bench(api, own, three_of(api))

    def let_pass(minutes: int) -> None:
        for _ in range(12 * minutes):
            clock.advance(5)
            bench.advance(5)

    let_pass(10)
    assert bench.samples().all("quantconnect_up", source="status") == [0, 0, 0]
    own.now += 3 * 3600
    api.requests.clear()
    let_pass(6)

    assert set(bench.samples().all("quantconnect_up")) == {1}
    endpoints = [each.endpoint for each in api.requests.snapshot() if each.user_id == api.accounts[0].user_id]
    assert endpoints[0] == "authenticate"
    assert endpoints.count("authenticate") == 1
    bench.close()


def test_refusals_together_are_decided_by_one_sign_in(three, api):
    """Three projects refused in one instant cost one sign-in, and are each refused alone."""
    refuse(api, REFUSALS["HTTP 401"], endpoint=PORTFOLIO)
    api.requests.clear()
    three.advance(61)

    assert asked(api, "authenticate") == 1
    assert failures(three.samples(), source="portfolio").keys() == {"rejected"}
    assert set(three.samples().all("quantconnect_up", source="equity")) == {1}


def test_sign_in_without_an_answer_decides_nothing(three, api):
    """When the sign-in fails for another reason, the refusal counts as what it said, and no other job waits."""
    refused, sound, _ = (project_named(api, name) for name in PROJECTS)
    refuse(api, REFUSALS["HTTP 401"], endpoint=PORTFOLIO, project_id=refused)
    api.faults.add(Fault(endpoint="authenticate", status=503))
    three.advance(300, step=5)
    samples = three.samples()

    assert failures(samples, project_id=str(refused), source="portfolio").keys() == {"unauthorized"}
    assert failures(samples, project_id=str(sound)) == {}


def test_refused_list_leaves_values_alone(three, api):
    """An account that is signed in to, but not listed, has statuses that fail as rejected and values that go on."""
    refuse(api, REFUSALS["HTTP 401"], endpoint="live/list")
    three.advance(300, step=5)
    samples = three.samples()

    assert failures(samples, source="status").keys() == {"rejected"}
    assert set(samples.all("quantconnect_up", source="portfolio")) == {1}
