"""What needs attention on the status page."""

import pytest

from exporter.config.model import Severity
from exporter.domain.deployment import AlgorithmStatus
from exporter.errors import Reason
from exporter.polling.state import Source, SourceHealth
from exporter.web.status.figures import figures_of
from exporter.web.status.problems import AccountState, account_problems, account_state, entry_of, urgency
from tests.web.status.states import NOW, account, ended, failing, running

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def problems(state, of=None):
    return entry_of(state, figures_of(state, NOW.wall), of, NOW.wall).problems


def sound(**further):
    return running(equity=100_000.0, **further)


def test_a_sound_project_has_none():
    """A project that runs, is read and keeps its limits needs no attention."""
    assert problems(sound()) == ()


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (AlgorithmStatus.RUNTIME_ERROR, "crashed"),
        (AlgorithmStatus.DEPLOY_ERROR, "failed to deploy"),
        (AlgorithmStatus.LIQUIDATED, "was liquidated"),
    ],
)
def test_a_project_that_ended_badly(status, what):
    """A crash is critical, and says since when."""
    (problem,) = problems(ended(sound(), status))
    assert (problem.severity, problem.what, problem.since) == (CRITICAL, what, NOW.wall - 60)
    assert problem.project_id == 7


@pytest.mark.parametrize(
    "status", [AlgorithmStatus.STOPPED, AlgorithmStatus.COMPLETED, AlgorithmStatus.DELETED]
)
def test_a_deliberate_end_needs_no_attention(status):
    """What somebody stopped is no problem."""
    assert problems(ended(sound(), status)) == ()


def test_an_exceeded_limit():
    """A limit is named with value and threshold."""
    (problem,) = problems(running(equity=75_000.0))
    assert (problem.severity, problem.what) == (CRITICAL, "is over its drawdown limit")
    assert problem.advice == "It is 25.00 %, the limit is 20.00 %."


def test_old_data_names_sources_and_reasons():
    """A source that fails is named with its reason and the last success."""
    state = failing(failing(sound(), Source.PORTFOLIO), Source.EQUITY, Reason.RATE_LIMITED)
    (problem,) = problems(state, account())
    assert (problem.severity, problem.what, problem.since) == (WARNING, "has old data", NOW.wall)
    assert "portfolio (timeout), equity (rate_limited)" in problem.advice


@pytest.mark.parametrize("state", [AccountState.REFUSED, AccountState.UNREACHABLE, AccountState.RATE_LIMITED])
def test_what_an_account_causes_is_said_once(state):
    """While an account cannot be asked, its projects' old data is no problem of their own; a crash still is."""
    of = account(state)
    (of_account,) = account_problems([of])
    assert of_account.subject == "Account main"
    assert of_account.since == of.last_listed
    assert problems(failing(sound(), Source.PORTFOLIO), of) == ()
    (crash,) = problems(failing(ended(sound(), AlgorithmStatus.RUNTIME_ERROR), Source.STATUS), of)
    assert crash.what == "crashed"


@pytest.mark.parametrize(
    ("up", "failure", "is_refused", "state"),
    [
        (None, None, False, AccountState.SIGNING_IN),
        (True, None, False, AccountState.SIGNED_IN),
        (False, Reason.TIMEOUT, False, AccountState.UNREACHABLE),
        (False, Reason.MALFORMED, False, AccountState.UNREACHABLE),
        (False, Reason.RATE_LIMITED, False, AccountState.RATE_LIMITED),
        (True, None, True, AccountState.REFUSED),
        (None, None, True, AccountState.REFUSED),
    ],
)
def test_state_of_an_account(up, failure, is_refused, state):
    """What listing an account came to says how it is doing; refused credentials outweigh what came before."""
    assert account_state(SourceHealth(up=up, last_failure=failure), is_refused=is_refused) is state


def test_an_account_that_is_signed_in_is_no_problem():
    """Neither is one that is still signing in."""
    assert account_problems([account(), account(AccountState.SIGNING_IN)]) == []


def test_the_most_urgent_comes_first():
    """Critical ones come before warnings, accounts before projects, and the newest first."""
    crashed = [
        problem
        for minutes in (5, 50)
        for problem in problems(ended(sound(), AlgorithmStatus.RUNTIME_ERROR, NOW.wall - 60 * minutes))
    ]
    late = problems(failing(sound(), Source.EQUITY))
    accounts = account_problems([account(AccountState.RATE_LIMITED), account(AccountState.REFUSED)])
    ordered = sorted([*late, *reversed(crashed), *accounts], key=urgency)
    assert [problem.what for problem in ordered] == [
        "is refused",
        "crashed",
        "crashed",
        "is rate limited",
        "has old data",
    ]
    assert ordered[1].since > ordered[2].since
