"""Exporters that go away, come back, move, or were never there."""

from dataclasses import replace
from math import inf
from typing import Any

from tests.deploy.fleet import Exporter, Project, Series, minutes, status
from tests.deploy.lines import clock, steady, steps
from tests.deploy.scenarios.model import (
    BEGIN,
    END,
    TAIL,
    Expected,
    Scenario,
    away_and_back,
    beside_sound_ones,
    neighbours,
)

UNTIL_4, AGAIN_AT_22 = minutes((0, 4)), minutes((0, 4), (22, inf))


def _exporter(name: str, *projects: Project, account: str = "", **other: Any) -> Exporter:
    return Exporter(f"{name}:11722", account or name, projects, **other)


def _down(severity: str, name: str, start: float = 4 + 3, end: float = inf) -> Expected:
    return Expected("ExporterDown", severity, {"instance": f"{name}:11722"}, start, end)


def _beside(severity: str, exporter: Exporter, start: float, end: float) -> Scenario:
    name = exporter.account
    return beside_sound_ones(Scenario(name, (exporter,), (_down(severity, name, start, end),)), count=3)


def _empty_beside_shards() -> Scenario:
    """Return an exporter without projects that goes away together with its neighbours, which have some."""
    empty = _exporter("all-gone", page=AGAIN_AT_22)
    shards = [replace(each, page=AGAIN_AT_22) for each in neighbours(empty)[:3]]
    critical = replace(_down("critical", "all-gone", end=22), alone=False)
    return Scenario("all-gone", (empty, *shards), (_down("warning", "all-gone", end=22), critical))


def soon() -> list[Scenario]:
    """Return what happens to exporters, all of it within minutes."""
    gone = steps((0, 1), (4, None))
    stopped = Project("650", status=status((0, "running"), (1, "stopped")))
    fallen = {"drawdown_ratio": steps((0, 0.01), (BEGIN, 0.15))}
    money = {"capital": steady(90_000), "portfolio_value": steady(100_000)}
    failures = Series(
        "prometheus_rule_evaluation_failures_total",
        {"rule_group": "/etc/q.yml;quantconnect_limits"},
        steps((0, 0), (2, 3)),
    )
    return [
        Scenario("one-shard-down", (
            _exporter("shard-a", Project("600"), account="sharded"), _exporter("shard-b", Project("601"), account="sharded", page=AGAIN_AT_22),
        ), (_down("critical", "shard-b", end=22),)),
        Scenario("one-shard-no-longer-discovered", (
            _exporter("left-a", Project("610"), account="left"), _exporter("left-b", Project("611"), account="left", page=UNTIL_4, up=gone),
        ), (_down("critical", "left-b"),)),
        Scenario("one-of-a-pair-down", (
            _exporter("pair-a", Project("620"), account="pair"), _exporter("pair-b", Project("620"), account="pair", page=AGAIN_AT_22),
        ), (_down("warning", "pair-b", end=22),)),
        # The money is still at stake.
        Scenario("fallen-and-gone", (
            _exporter("fallen", Project("625", values={"drawdown_ratio": steady(0.15)}), page=UNTIL_4),
        ), (_down("critical", "fallen"), Expected("Drawdown", "warning", {"project_id": "625"}, 2))),
        Scenario("a-page-that-is-not-ours", (_exporter("other", Project("630"), page=UNTIL_4, up=steady(1)),), (_down("critical", "other"),)),
        Scenario("never-our-page", (_exporter("never", page=(), up=steady(1)),), (_down("critical", "never", 3),)),
        # A name like ours is enough to be down, but not to be one of us.
        Scenario("names-like-ours", (
            _exporter("like-up", page=(), up=steady(1), job="quantconnect-proxy"), _exporter("like-down", page=(), job="quantconnect-proxy"),
        ), (_down("critical", "like-down", 3),)),
        Scenario("another-job-name", (_exporter("named", Project("640"), job="trading", page=AGAIN_AT_22),), (_down("critical", "named", end=22),)),
        Scenario("without-projects", (_exporter("empty", page=AGAIN_AT_22),), (_down("warning", "empty", end=22),)),
        _beside("critical", _exporter("down-beside-sound-ones", Project("632"), page=AGAIN_AT_22), 7, 22),
        _beside("warning", _exporter("empty-beside-sound-ones", page=AGAIN_AT_22), 7, 22),
        _beside("critical", _exporter("never-beside-sound-ones", page=(), up=steady(1)), 3, inf),
        _empty_beside_shards(),
        Scenario("only-stopped-projects", (_exporter("idle", stopped, page=minutes((0, 14), (30, inf))),), (
            Expected("AlgorithmNotRunning", "warning", {"project_id": "650"}, 6, 19),
            _down("warning", "idle", 17, 30),
            Expected("AlgorithmNotRunning", "warning", {"project_id": "650"}, 35),
        )),
        Scenario("restarts", (_exporter("restarts", Project("660"), page=minutes((0, 10), (11, 20), (21, inf))),)),
        Scenario("failed-scrapes", (
            _exporter("flaky", Project("670", values=fallen), Project("671", read={"status": clock((4, 34))}), flaky=True),
        ), (Expected("Drawdown", "warning", {"project_id": "670"}, 6), Expected("StatusStale", "warning", {"project_id": "671"}, 22, 34))),
        # Two exporters were told different account currencies.
        Scenario("two-currencies", (
            _exporter("usd", Project("626", values=money), account="currencies"),
            _exporter("eur", Project("626", values=money, account_currency="EUR"), account="currencies"),
        )),
        Scenario("moved", (
            _exporter("from", Project("680", shown=minutes((0, 10))), account="moved"), _exporter("to", Project("680", shown=minutes((10, inf))), account="moved"),
        )),
        Scenario("reload-failed", (_exporter("reload", Project("690"), reloaded=away_and_back(1, 0)),),
                 (Expected("ConfigReloadFailed", "warning", {"instance": "reload:11722"}, BEGIN + 1, END),)),
        Scenario("rules-failing", (_exporter("beside", more=(failures,)),), (Expected("RulesFailing", "critical", {}, 2, 17 + TAIL),)),
    ]  # fmt: skip
