"""Which of a project's deployments counts, and what its status means."""

from dataclasses import replace

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment, Statistics, latest_deployment


def deployment(name: str, launched: float | None, status: str = "stopped") -> Deployment:
    return Deployment(name, AlgorithmStatus(status), launched)


@pytest.mark.parametrize(
    ("deployments", "expected"),
    [
        ([], None),
        ([deployment("L-1", 100.0)], "L-1"),
        ([deployment("L-1", 100.0), deployment("L-2", 200.0)], "L-2"),
        ([deployment("L-2", 200.0), deployment("L-1", 100.0)], "L-2"),
        ([deployment("L-1", None), deployment("L-2", 1.0)], "L-2"),
        ([deployment("L-1", None)], "L-1"),
        ([deployment("L-1", 300.0, "running"), deployment("L-2", 200.0, "running")], "L-1"),
        ([deployment("L-1", 300.0, "stopped"), deployment("L-2", 200.0, "running")], "L-2"),
        ([deployment("L-1", 200.0, "stopped"), deployment("L-2", 200.0, "running")], "L-2"),
        ([deployment("L-1", None, "running"), deployment("L-2", 200.0, "deploy_error")], "L-1"),
    ],
)
def test_latest_deployment_runs_or_was_launched_last(deployments, expected):
    """What runs speaks for the project, else what was launched last, whatever the order of the rows."""
    latest = latest_deployment(deployments)
    assert expected == (latest.deploy_id if latest else None)


def test_latest_deployment_takes_any_iterable():
    """Deployments may come from a generator."""
    assert latest_deployment(deployment(f"L-{time}", float(time)) for time in (1, 3, 2)).deploy_id == "L-3"


def test_end_of_a_deployment():
    """A deployment ended when it stopped; without that time, not before its launch; a running one has not."""
    assert replace(deployment("L-1", 1.0), stopped=5.0).ended == 5
    assert deployment("L-1", 1.0).ended == 1
    assert deployment("L-1", None).ended is None
    assert deployment("L-1", 1.0, "running").ended is None


@pytest.mark.parametrize("status", AlgorithmStatus)
def test_only_running_is_running(status):
    """No status but running means that values are alive."""
    assert (status == "running") == Deployment("L-1", status, 1.0).is_running


def test_statuses_are_spelled_as_labels():
    """Statuses are LEAN's names in lower snake case, and unknown."""
    expected = [
        "deploy_error",
        "in_queue",
        "running",
        "stopped",
        "liquidated",
        "deleted",
        "completed",
        "runtime_error",
        "invalid",
        "logging_in",
        "initializing",
        "history",
        "pending_input",
        "idle",
        "unknown",
    ]
    assert expected == [str(each) for each in AlgorithmStatus]


@pytest.mark.parametrize(
    ("equity", "net_profit", "unrealized", "pnl", "capital"),
    [
        (110_000.0, -40_000.0, 0.0, -40_000.0, 150_000.0),
        (101_662.54, 0.0, 1662.54, 1662.54, 100_000.0),
        (9065.58, 16.46, -931.88, -915.42, 9981.0),
        (-50.0, -100.0, -30.0, -130.0, 80.0),
        (None, 5.0, 5.0, None, None),
        (5.0, None, 5.0, None, None),
        (5.0, 5.0, None, None, None),
    ],
)
def test_profit_and_capital(equity, net_profit, unrealized, pnl, capital):
    """What trading made is N + U, the capital E - N - U, and neither is known unless all three are."""
    statistics = Statistics(equity=equity, net_profit=net_profit, unrealized_pnl=unrealized)
    assert (pnl, capital) == (statistics.strategy_pnl, statistics.capital)
