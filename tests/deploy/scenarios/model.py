"""What a scenario is: exporters, and every alert that ever fires for them. Times are minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from tests.deploy.fleet import LISTING, ONE_A_MINUTE, Exporter, Project, Series
from tests.deploy.lines import ALWAYS, Line, Piece, steps

BEGIN: Final = 4
END: Final = 20
"""When something happens, unless told otherwise."""
TAIL: Final = 15
"""How long an alert on a limit goes on after the value came back."""
BACK: Final = END + TAIL
DAY: Final = 1440


@dataclass(frozen=True)
class Expected:
    """An alert that fires from a minute on until another, and not before or after."""

    alert: str
    severity: str
    subject: Mapping[str, str]
    start: float
    end: float = inf
    alone: bool = True
    """Whether no other exporter of the same instance raises it at the same time."""


@dataclass(frozen=True)
class Scenario:
    """Exporters, and every alert that ever fires for them."""

    name: str
    exporters: Sequence[Exporter]
    expected: Sequence[Expected] = ()


@dataclass(frozen=True)
class Fleet:
    """Scenarios side by side, for some minutes. The rules are evaluated as a world does, but no sooner than ``evaluation``."""

    name: str
    minutes: int
    scenarios: Sequence[Scenario]
    evaluation: int = 0


def away_and_back(normal: float, away: float) -> Line:
    """Return the line of a value that is away for a while."""
    return steps((0, normal), (BEGIN, away), (END, normal))


def standing_still(start: float, end: float) -> Line:
    """Return a counter of one a minute that stands still in a window."""
    return (Piece(0, 0, 1 / 60), Piece(start * 60, start), Piece(end * 60, start, 1 / 60))


def growing(start: float, end: float, per_minute: float) -> Line:
    """Return a counter that grows in a window alone."""
    return (Piece(0, 0), Piece(start * 60, 0, per_minute / 60), Piece(end * 60, (end - start) * per_minute))


def project(one: Project, *expected: tuple[str, str, float, float]) -> Scenario:
    """Return a scenario of one project on an exporter of its own."""
    name = f"project-{one.id}"
    alerts = [Expected(a, s, {"project_id": one.id}, start, end) for a, s, start, end in expected]
    return Scenario(name, (Exporter(f"{name}:11722", name, (one,)),), alerts)


def account(exporter: Exporter, *expected: tuple[str, str, float, float]) -> Scenario:
    """Return a scenario of one exporter; alerts on values and sources are expected of each of its projects."""
    alerts = []
    for alert, severity, start, end in expected:
        of_projects = alert.endswith("Stale") or alert == "Drawdown"
        subjects = (
            [{"project_id": each.id} for each in exporter.projects]
            if of_projects
            else [{"account": exporter.account}]
        )
        alerts += [Expected(alert, severity, subject, start, end) for subject in subjects]
    return Scenario(exporter.account, (exporter,), alerts)


def neighbours(exporter: Exporter, listed: Line = ONE_A_MINUTE) -> list[Exporter]:
    """Return sound exporters that differ from another in their cluster, namespace, job or instance alone."""
    sound = replace(exporter, listed=listed, failed={}, more=(), page=ALWAYS, up=None)
    places = [
        replace(sound, place={"cluster": "b"}), replace(sound, place={"namespace": "b"}),
        replace(sound, job="trading"), replace(sound, instance=f"beside-{exporter.instance}"),
    ]  # fmt: skip
    return [
        replace(each, projects=(Project(f"{number}-{exporter.instance}", limits={}, values_shown=()),))
        for number, each in enumerate(places)
    ]


def beside_sound_ones(scenario: Scenario, count: int = 4) -> Scenario:
    """Return a scenario of one exporter beside some neighbours, and with another, sound account on its page."""
    (exporter,) = scenario.exporters
    other = Series(
        "quantconnect_api_requests_total",
        {"account": "other", "api_endpoint": LISTING, "result": "ok"},
        ONE_A_MINUTE,
    )
    shown = replace(exporter, more=(*exporter.more, other))
    return replace(scenario, exporters=(shown, *neighbours(exporter)[:count]))
