"""What the rules remember: scenarios that begin a while after something was last seen."""

from typing import Final

from tests.deploy.fleet import Exporter, Project, Series, minutes
from tests.deploy.lines import steady, steps
from tests.deploy.scenarios.limits import limit
from tests.deploy.scenarios.model import DAY, TAIL, Expected, Scenario

EXPORTER: Final = {"cluster": "", "namespace": "", "job": "", "instance": ""}
"""Labels that the exporter's own take the place of."""


def _known(name: str, value: float = 1, **labels: str) -> Series:
    return Series(name, labels, steady(value))


def _seen(minutes_ago: float, **labels: str) -> Series:
    return _known("project:quantconnect_seen:timestamp", -60 * minutes_ago, **EXPORTER, **labels)


def _status(status: str, **labels: str) -> Series:
    return _known("project:quantconnect_status:known", project="Momentum", status=status, **labels)


def soon() -> list[Scenario]:
    """Return a week that ends in twenty minutes."""
    last = {"project_id": "655"}
    known = (
        _seen(7 * DAY - 20, **last),
        _status("running", **last),
        _known(
            "project:quantconnect_deployment:known", **EXPORTER, **last, account="last-week", deploy_id="L-1"
        ),
        _known("project:quantconnect_equity:known", **last, account_currency="USD"),
        _known("project:quantconnect_order_rejections:known", **last),
        _known("project:quantconnect_measure:known", **last, limit="drawdown_ratio", source="equity"),
        _known("project_source:quantconnect_last_success:known", **last, source="status"),
    )
    page = _known("exporter:quantconnect_seen:timestamp", 60 * (20 - 7 * DAY), **EXPORTER)
    return [
        Scenario("exporters-of-last-week", (
            Exporter("last-week:11722", "last-week", page=(), up=steps((0, None)), remembered=known),
            Exporter("still-a-target:11722", "still-a-target", page=(), remembered=(page,)),
        ), (
            Expected("ExporterDown", "critical", {"instance": "last-week:11722"}, 3, 20),
            Expected("ExporterDown", "warning", {"instance": "still-a-target:11722"}, 3, 20),
            Expected("ExporterDown", "critical", {"instance": "still-a-target:11722"}, 23),
        )),
    ]  # fmt: skip


def later() -> list[Scenario]:
    """Return a day that ends in twenty or forty minutes, and a Prometheus that comes back."""
    crashed, gone, best, forgotten = ({"project_id": str(number)} for number in (651, 652, 653, 654))
    drawdown = {"limit": "drawdown_ratio"}
    loss = {
        "limits": limit("strategy_loss", 5_000),
        "values": {"strategy_pnl": steady(-4_000), "capital": steady(100_000)},
    }
    return [
        Scenario("projects-of-yesterday", (
            Exporter("yesterday:11722", "yesterday", remembered=(
                _seen(DAY - 20, **crashed), _status("runtime_error", **crashed),
                _seen(DAY - 40, **gone), _status("running", **gone),
                _known("project:quantconnect_deployment:known", **EXPORTER, **gone, account="yesterday", deploy_id="L-1"),
                _known("project:quantconnect_limit:known", 0.1, **gone, project="Momentum", **drawdown, severity="warning"),
                _known("project:quantconnect_measure:known", 0.15, **gone, **drawdown, source="equity"),
            )),
        ), (
            Expected("AlgorithmNotRunning", "critical", crashed, 0, 20 + 5),
            Expected("AlgorithmVanished", "warning", gone, 20, 40),
            Expected("Drawdown", "warning", gone, 2, 40 + TAIL),
        )),
        # Prometheus was away for less than an hour, and for more.
        Scenario("best-before-a-pause", (
            Exporter("paused:11722", "paused", (
                Project("653", **loss, shown=minutes((50, 200))), Project("654", **loss, shown=minutes((70, 200))),
            ), remembered=[_known("project:quantconnect_strategy_pnl:best", 2_000, **each, deploy_id="L-1") for each in (best, forgotten)]),
        ), (Expected("StrategyLoss", "warning", best, 52),)),
    ]  # fmt: skip
