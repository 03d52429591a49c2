"""Which notifications arrive, counted: real Prometheus, real Alertmanager, a minute in a second."""

from collections import Counter

import pytest

from tests.deploy.fleet import DEFAULT_LIMITS, Exporter, Project, minutes, status
from tests.deploy.hurried import hurried_stack
from tests.deploy.lines import clock, steps
from tests.deploy.scenarios.accounts import outage_of
from tests.deploy.scenarios.fleets import FLEETS
from tests.deploy.worlds import WORLDS

BEGIN, END, WATCHED = 10, 70, 112
"""Minutes: an hour of outage, and what is watched of the time after it."""


def exporters() -> list[Exporter]:
    """Return an account with 20 projects in an outage, and four exporters to which something happens beside it."""
    fallen = Project(
        "701", limits=DEFAULT_LIMITS, values={"drawdown_ratio": steps((0, 0.01), (BEGIN, 0.25), (40, 0.01))}
    )
    rejected = Project(
        "702",
        values={"order_rejections_total": steps((0, 1), (20, 3))},
        launched=steps((0, -600)),
        read={"orders": clock()},
    )
    crashed = Project(
        "703", status=status((0, "running"), (BEGIN, "runtime_error")), values_shown=minutes((0, BEGIN))
    )
    return [
        outage_of(range(800, 820), BEGIN, END),
        Exporter("fallen:11722", "fallen", (fallen,)),
        Exporter("rejected:11722", "rejected", (rejected,)),
        Exporter("crashed:11722", "crashed", (crashed,)),
        Exporter("gone:11722", "gone", (Project("704"),), page=minutes((0, BEGIN))),
    ]


LATE = ("resolved", "ApiFailing", "warning", "outage")
"""Prometheus repeats what is over for 15 minutes of ours, which are 15 hours of a scenario."""


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "world", [each for each in WORLDS if each.name in {"plain", "twins"}], ids=lambda world: world.name
)
def test_each_incident_sends_as_few_notifications_as_can_be(needs, tmp_path, world):
    """An outage sends three: requests fail, the account is unread, it is over. Others send one, a reminder, their end."""
    with hurried_stack(needs, tmp_path, world, exporters()) as stack:
        stack.wait_until(WATCHED)
        sent = [(each["status"], *about(each)) for each in stack.notifications()]
        assert stack.rule_errors() == []
    if LATE in sent:
        assert sent.index(LATE) > sent.index(("resolved", "AccountUnread", "critical", "outage"))
        sent.remove(LATE)
    assert Counter(sent) == Counter(
        [
            ("firing", "ApiFailing", "warning", "outage"),
            ("firing", "AccountUnread", "critical", "outage"),
            ("resolved", "AccountUnread", "critical", "outage"),
            ("firing", "Drawdown", "critical", "701"),
            ("resolved", "Drawdown", "critical", "701"),
            ("firing", "OrderRejected", "warning", "702"),
            ("resolved", "OrderRejected", "warning", "702"),
            *2 * [("firing", "AlgorithmNotRunning", "critical", "703")],
            *2 * [("firing", "ExporterDown", "critical", "gone:11722")],
        ]
    )


def test_the_end_of_an_outage_is_one_notification():
    """The alert that mutes ApiFailing outlasts it by the time for which Prometheus repeats its end, and a group's interval."""
    ends = {
        each.alert: each.end
        for fleet in FLEETS
        for scenario in fleet.scenarios
        for each in scenario.expected
        if scenario.name == "outage"
    }
    assert ends["AccountUnread"] - ends["ApiFailing"] >= 15 + 5


def about(notification):
    """Return the names of the alerts of a notification, their severity, and what they are about."""
    labels = [each["labels"] for each in notification["alerts"]]
    names = "+".join(sorted({each["alertname"].removeprefix("QuantConnect") for each in labels}))
    (severity,) = {each["severity"] for each in labels}
    (subject,) = {each.get("project_id") or each.get("account") or each["instance"] for each in labels}
    return names, severity, subject
