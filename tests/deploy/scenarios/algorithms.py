"""What becomes of algorithms: they crash, stop, start and vanish."""

from math import inf

from tests.deploy.fleet import Exporter, Project, Series, minutes, status
from tests.deploy.lines import counting, grid, steady, steps
from tests.deploy.scenarios.model import BEGIN, END, TAIL, Expected, Scenario, project


def soon() -> list[Scenario]:
    """Return what is known within minutes."""
    crashed = status((0, "running"), (BEGIN, "runtime_error"))
    until_it = minutes((0, BEGIN))
    return [
        project(Project("300", status=crashed, values_shown=until_it), ("AlgorithmNotRunning", "critical", BEGIN, inf)),
        # The exporter starts anew at minute 16 and does not discover what does not run.
        project(
            Project("301", status=crashed, shown=minutes((0, 16)), values_shown=until_it),
            ("AlgorithmNotRunning", "critical", BEGIN, inf),
        ),
        project(
            Project("303", status=status((0, "running"), (BEGIN, "stopped"), (END, "running"))),
            ("AlgorithmNotRunning", "warning", BEGIN + 5, END),
        ),
        project(Project("304", status=status((0, "running"), (4, "stopped"), (7, "in_queue"), (36, "running")))),
        # Never deployed.
        project(Project("305", status=status((0, "unknown")), deployments=(), launched=None, values_shown=())),
        # As if never deployed.
        project(
            Project("306", status=status((0, "running"), (BEGIN, "unknown")), deployments=(("L-1", until_it),),
                    launched=steps((0, -86400), (BEGIN, None)), values_shown=until_it),
            ("AlgorithmNotRunning", "warning", BEGIN + 5, inf),
        ),
        project(Project("308", shown=until_it), ("AlgorithmVanished", "warning", BEGIN + 20, inf)),
        # It had ended before it left the page.
        project(
            Project("309", status=status((0, "running"), (4, "stopped")), shown=minutes((0, 16))),
            ("AlgorithmNotRunning", "warning", 9, 20.5),
        ),
    ]  # fmt: skip


def later() -> list[Scenario]:
    """Return what takes an hour or more."""
    crashing = [(minute, ("running", "runtime_error")[minute // 5 % 2]) for minute in range(0, 31, 5)]
    deployed_anew = [
        (minute, ("stopped", "running")[number % 2]) for number, minute in enumerate(range(72, 93, 4))
    ]
    slowly_listed = Project(
        "310", shown=minutes((0, 20)), read={"status": grid(10, 20)}, interval={"status": steady(600)}
    )
    listed = Series(
        "quantconnect_account_last_success_timestamp_seconds",
        {"account": "rare-listing"},
        steps((0, 0), (40, 2400), (80, 4800)),
    )
    return [
        # Five minutes up, five minutes down; an alert of a crash bridges five minutes.
        project(
            Project("302", status=status(*crashing)),
            ("AlgorithmNotRunning", "critical", 5, 35), ("CrashLoop", "critical", 25, 64 + TAIL),
        ),
        # An hour after its launch.
        project(
            Project("307", status=status((0, "logging_in"), (90, "running")), launched=steady(0)),
            ("AlgorithmNotRunning", "warning", 60 + 5, 90),
        ),
        # An hour after it ran.
        project(
            Project("311", status=status((0, "running"), (5, "logging_in"), (90, "running"))),
            ("AlgorithmNotRunning", "warning", 65 + 5, 90),
        ),
        # It crashed once, and is deployed anew again and again later on.
        project(
            Project("312", status=status((0, "running"), (5, "runtime_error"), (10, "running"), *deployed_anew)),
            ("AlgorithmNotRunning", "critical", 5, 10 + 5),
        ),
        # It has no values, and none is missed.
        project(
            Project("314", status=status((0, "running"), (BEGIN, "stopped")), values_shown=minutes((0, BEGIN))),
            ("AlgorithmNotRunning", "warning", BEGIN + 5, inf),
        ),
        Scenario(
            "vanished-slow-listing",
            (Exporter("slow:11722", "slow", (slowly_listed,), listed=counting(0.1)),),
            (Expected("AlgorithmVanished", "warning", {"project_id": "310"}, 40),),
        ),
        Scenario(
            "vanished-rare-listing",
            (Exporter("rare:11722", "rare-listing", (Project("313", shown=minutes((0, 20))),), listed=counting(1 / 40), more=(listed,)),),
            (Expected("AlgorithmVanished", "warning", {"project_id": "313"}, 40),),
        ),
    ]  # fmt: skip
