"""What an error means for whoever runs the probe."""

import pytest

from exporter.config.model import Account
from exporter.config.secret import Secret
from exporter.config.shard import Shard
from exporter.errors import (
    ApiError,
    Malformed,
    NotReady,
    RateLimited,
    Refused,
    Rejected,
    TimedOut,
    TransportFailure,
    Unauthorized,
    Unavailable,
)
from exporter.probe.diagnosis import diagnose
from exporter.probe.facts import AccountFacts
from exporter.quantconnect.telemetry import Requests
from tests.support import START


def failed(error: ApiError, endpoint: str = "authenticate") -> ApiError:
    error.endpoint = endpoint
    return error


def diagnosis_of(error: ApiError, skew: float | None = 0.2) -> tuple[str, str]:
    facts = AccountFacts(
        account=Account("main", 123456, Secret("worthless")),
        shard=Shard(),
        requests=Requests(clock_skew_seconds=skew),
        timeout=30.0,
        asked_at=START,
        failure=error,
    )
    found = diagnose(error, facts)
    return found.what, " ".join(found.advice)


REFUSED = failed(Unauthorized("QuantConnect refused", Refused.HASH))


def test_refusals_are_told_apart():
    """A hash that does not match, an unknown user, and a refusal that says neither are three diagnoses."""
    hashed, known = diagnosis_of(REFUSED)
    unknown_user, user = diagnosis_of(Unauthorized("refused", Refused.USER_ID))
    unstated, _ = diagnosis_of(Unauthorized("refused"))

    assert hashed == "the hash of token and time does not match"
    assert "not that of user 123456" in known
    assert unknown_user == "QuantConnect does not know user 123456"
    assert "user_id" in user
    assert "does not say which" in unstated
    assert "clock" not in known.lower()


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (-7300.0, "The clock is the likely cause: it is 2h1m40s behind"),
        (300.0, "The clock may be the cause: it is 5m ahead"),
        (None, "no date to compare clocks with"),
    ],
)
def test_refusal_with_a_clock_that_is_off(skew, expected):
    """A clock too far behind is the likely cause, one ahead may be, and one that nobody compared is suspected."""
    assert diagnosis_of(REFUSED, skew)[1].startswith((expected, f"The answer carried {expected}"))


def test_clock_that_signs_well_enough_is_no_suspect():
    """An hour behind is within what QuantConnect accepts: the token is to blame."""
    assert "clock" not in diagnosis_of(REFUSED, -3600.0)[1]


@pytest.mark.parametrize("transport_failure", TransportFailure)
def test_every_obstacle_has_words(transport_failure):
    """Whatever kept an answer from coming is said, with something to try, and all blanks filled."""
    error = Unavailable("no usable connection")
    error.transport_failure = transport_failure
    what, advice = diagnosis_of(error)

    assert len(what) > 20
    assert advice.endswith((".", "www.quantconnect.com"))
    assert "{" not in what + advice


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (RateLimited("429", 90.0), "QuantConnect asks to stay away for 1m30s", "requests_per_minute"),
        (RateLimited("429"), "does not say for how long", "requests_per_minute"),
        (TimedOut("late"), "no complete answer from www.quantconnect.com within 30s", "timeout"),
        (
            Unavailable("HTTP 503 with a body that is not JSON", 600.0),
            "HTTP 503",
            "(it asks to stay away for 10m)",
        ),
        (Malformed("live: missing"), "live: missing", "base_url"),
        (NotReady("loading"), "still loading", "in a minute"),
        (Rejected("Internal Error 7"), "Internal Error 7", "report"),
    ],
)
def test_other_failures(error, what, advice):
    """Each other kind of failure is named, with what to do about it."""
    found = diagnosis_of(failed(error))

    assert what in found[0]
    assert "authenticate" not in found[0]
    assert advice in found[1]
