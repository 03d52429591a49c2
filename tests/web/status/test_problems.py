"""What needs attention on the status page, and the state of an account."""

import pytest

from exporter.config.model import Severity
from exporter.errors import Reason
from exporter.polling.state import SourceHealth
from exporter.web.status.problems import AccountStatus, Problem
from tests.web.status.states import NOW, account

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@pytest.mark.parametrize(
    ("up", "failure", "refused_since", "state"),
    [
        (None, None, None, "signing in"),
        (True, None, None, "signed in"),
        (False, Reason.TIMEOUT, None, "unreachable"),
        (False, Reason.MALFORMED, None, "unreachable"),
        (False, Reason.RATE_LIMITED, None, "rate limited"),
        (True, None, 1.0, "refused"),
        (None, None, 1.0, "refused"),
    ],
)
def test_state_of_an_account(up, failure, refused_since, state):
    """What listing an account came to says how it is doing; refused credentials outweigh what came before."""
    listing = SourceHealth(up=up, last_failure=failure)
    assert AccountStatus("main", listing, refused_since, 0, 30).state == state


@pytest.mark.parametrize("state", ["signed in", "signing in"])
def test_an_account_that_can_be_asked_is_no_problem(state):
    """Neither is one that is still signing in."""
    assert account(state).problem is None


@pytest.mark.parametrize(
    ("state", "severity", "since"),
    [
        ("refused", CRITICAL, NOW.wall - 1680),
        ("unreachable", CRITICAL, NOW.wall - 600),
        ("rate limited", WARNING, NOW.wall - 600),
    ],
)
def test_an_account_that_cannot_be_asked(state, severity, since):
    """It counts since the refusal, not since the last list; otherwise since it was last listed."""
    problem = account(state).problem
    assert (problem.severity, problem.since) == (severity, since)
    assert (problem.subject, problem.what) == ("Account main", f"is {state}")


def test_an_account_that_was_never_listed():
    """Since when it cannot be asked is not known then."""
    listing = SourceHealth(up=False, last_failure=Reason.TIMEOUT)
    assert AccountStatus("main", listing, None, 0, 30).problem.since is None


def test_the_most_urgent_comes_first():
    """Critical ones come before warnings, accounts before projects, and the newest first."""
    newer, older, untimed, late = (
        Problem(CRITICAL, "p", "newer", "", NOW.wall - 300, 1),
        Problem(CRITICAL, "p", "older", "", NOW.wall - 3000, 1),
        Problem(CRITICAL, "p", "untimed", "", None, 1),
        Problem(WARNING, "p", "late", "", NOW.wall, 1),
    )
    refused, limited = account("refused").problem, account("rate limited").problem
    found = sorted([late, untimed, older, limited, newer, refused], key=lambda problem: problem.urgency)
    assert found == [refused, newer, older, untimed, limited, late]
