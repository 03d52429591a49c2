"""What the probe found out, and what follows from it."""

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.probe.facts import FAILED, Findings, FoundProject, Interval, Polled


@pytest.mark.parametrize("polled", Polled)
def test_a_project_without_a_deployment_is_unknown_only_where_asking_failed(polled):
    """Never deployed is said only where QuantConnect said so."""
    project = FoundProject(1, "a", polled)

    assert project.status == ("unknown" if polled in FAILED else "never deployed")
    assert not project.runs


def test_a_deployment_says_whether_it_runs():
    """The status is that of the latest deployment."""
    running, stopped = (
        FoundProject(1, "a", Polled.YES, Deployment("L-1", status, 0.0))
        for status in (AlgorithmStatus.RUNNING, AlgorithmStatus.STOPPED)
    )

    assert (running.status, running.runs) == ("running", True)
    assert (stopped.status, stopped.runs) == ("stopped", False)


def test_one_longer_interval_is_enough_to_be_stretched():
    """The budget is short when any source is polled less often than configured."""
    even, longer = Interval("status", 60, 60), Interval("equity", 60, 61)

    assert not Findings((), 1.0, (even,)).stretched
    assert Findings((), 1.0, (even, longer)).stretched
