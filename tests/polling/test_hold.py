"""How long an account is left alone."""

from math import inf

from exporter.polling.hold import LONGEST_REFUSAL, SHORTEST_REFUSAL, AccountHold


def test_new_account_is_not_on_hold():
    """Nothing is refused and nothing limited before QuantConnect says so."""
    hold = AccountHold()

    assert not hold.is_refused
    assert (hold.rate_limited_until, hold.sign_in_due) == (-inf, inf)


def test_refusals_double_the_wait_up_to_a_bound():
    """The credentials are tried again after 30, 60, 120, 240 and then each 300 seconds."""
    hold = AccountHold()
    waits = []
    for _ in range(6):
        hold.refuse(1000)
        waits.append(hold.sign_in_due - 1000)
        hold.try_signing_in()
        assert hold.sign_in_due == inf

    assert waits == [SHORTEST_REFUSAL, 60, 120, 240, LONGEST_REFUSAL, LONGEST_REFUSAL]


def test_acceptance_ends_the_hold():
    """Once accepted, the credentials are not tried again, and the next refusal begins anew."""
    hold = AccountHold()
    hold.refuse(0)
    hold.refuse(30)
    hold.release()
    assert (hold.is_refused, hold.sign_in_due) == (False, inf)
    hold.refuse(100)

    assert hold.sign_in_due == 100 + SHORTEST_REFUSAL


def test_rate_limit_holds_the_sign_in_too():
    """While QuantConnect wants no requests the credentials are not tried either; a shorter limit changes nothing."""
    hold = AccountHold()
    hold.refuse(0)
    hold.limit(500)
    hold.limit(100)

    assert hold.sign_in_due == 500
