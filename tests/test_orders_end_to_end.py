"""Orders and deposits end to end: the exporter as a process, which is killed too, and a real Prometheus."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from exporter.clock import SystemClock
from exporter.demo.project import SimulatedProject
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.deploy.promql import RULES
from tests.programs import (
    Prometheus,
    free_port,
    program,
    prometheus_server,
    scrape_config,
    wait_until,
    write_config,
)
from tests.support import FakeClock, project_named

TRADING = 'Research/Lab "Signal" 7'
PROJECTS = (TRADING, "Futures Trend", "Perpetuals", "Single Stock", "Never Deployed")
POLLING = {
    "status": "1s",
    "portfolio": "1s",
    "equity": "1s",
    "statistics": "1s",
    "orders": "1s",
    "timeout": "20s",
    "stale_after": "2m",
}
SPY = "SPY R735QTJ8XC9X"
PATIENCE = 120
"""Seconds for what takes two on an idle machine."""


@dataclass
class Stack:
    """The simulated QuantConnect, whose market is an hour behind and moved by hand, and what watches it."""

    api: SimulatedQuantConnect
    market: FakeClock
    prometheus: Prometheus
    exporter: ExitStack
    folder: Path
    port: int

    def start_exporter(self) -> None:
        """Run the exporter on its port until it is killed."""
        command = (
            sys.executable,
            "-m",
            "exporter",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--config.file={self.folder / 'config.yml'}",
        )
        self.process = self.exporter.enter_context(program(*command, log=self.folder / "exporter.log"))

    def kill_exporter(self) -> None:
        """End the exporter without a chance to write anything down."""
        self.process.kill()
        self.process.wait(10)

    def project(self, name: str) -> SimulatedProject:
        return self.api.projects[project_named(self.api, name)]

    def value(self, expression: str) -> float | None:
        """Return the single value of an expression, ``None`` without one."""
        result = self.prometheus.query(expression)
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def shown(self, name: str) -> dict[str, float | None]:
        """Return what Prometheus has of a project's trading."""
        of = f'{{project_id="{project_named(self.api, name)}"}}'
        return {
            "orders": self.value(f"sum(quantconnect_orders_total{of})"),
            "by status": self.value(f"sum(quantconnect_orders{of})"),
            "rejections": self.value(f"quantconnect_order_rejections_total{of}"),
            "fills": self.value(f"sum(quantconnect_fills_total{of})"),
            "lost": self.value(f"quantconnect_fills_lost_total{of}"),
            "fees": self.value(f"sum(quantconnect_order_fees_total{of})") or 0.0,
            "rebates": self.value(f"sum(quantconnect_order_rebates_total{of})") or 0.0,
        }

    def true(self, name: str) -> dict[str, float | None]:
        """Return what the simulated ledger holds of it."""
        truth = self.project(name).trading(self.api.snapshot_time())
        return {
            "orders": truth.orders,
            "by status": truth.orders,
            "rejections": truth.rejections,
            "fills": truth.buys + truth.sells,
            "lost": truth.fills_lost,
            "fees": float(sum(truth.fees.values())),
            "rebates": float(sum(truth.rebates.values())),
        }

    def wait_for_the_truth(self, *names: str) -> None:
        for name in names:
            wait_until(
                lambda name=name: self.shown(name) == self.true(name), PATIENCE, f"the truth about {name}"
            )


@pytest.fixture(scope="module")
def stack(needs, tmp_path_factory) -> Iterator[Stack]:
    binary = needs("prometheus")
    folder = tmp_path_factory.mktemp("orders")
    clock = SystemClock()
    # A round start, so that orders are placed at the very moments at which the tests act.
    market = FakeClock(now=clock.wall() // 600 * 600 - 3600)
    with ExitStack() as resources:
        api = resources.enter_context(SimulatedQuantConnect(demo_scenario(market.now), clock, market))
        accounts = {each.name: each for each in api.accounts}
        own = [project_named(api, name) for name in PROJECTS]
        named = [{"id": each, "account": accounts[api.projects[each].account].name} for each in own]
        write_config(folder / "config.yml", api, polling=POLLING, projects=named)
        port = free_port()
        rules = yaml.safe_load(RULES.read_text("utf-8"))
        for group in rules["groups"]:
            group["interval"] = "1s"
        (folder / "rules.yml").write_text(yaml.safe_dump(rules), "utf-8")
        config = scrape_config(f"127.0.0.1:{port}") | {"rule_files": [str(folder / "rules.yml")]}
        exporter = resources.enter_context(ExitStack())
        prometheus = resources.enter_context(prometheus_server(binary, folder / "prometheus", config))
        made = Stack(api, market, prometheus, exporter, folder, port)
        made.start_exporter()
        yield made


def test_orders_in_prometheus_are_the_ledgers(stack):
    """After ten minutes orders, fills, fees, rebates and rejections are exactly those of the ledger."""
    stack.wait_for_the_truth(*PROJECTS[:4])
    for _ in range(4):
        stack.market.advance(150)
        stack.project(TRADING).open_position(SPY, 3)
        stack.wait_for_the_truth(*PROJECTS[:4])
    assert stack.true("Futures Trend")["rejections"] > 300
    assert stack.true("Perpetuals")["rebates"] > 0
    assert stack.true("Single Stock")["lost"] == 1


def test_nothing_is_forgotten_when_the_exporter_is_killed(stack):
    """The numbers after the first poll of a new process are those of before, so no counter is reset."""
    before = {name: stack.shown(name) for name in PROJECTS[:4]}
    stack.kill_exporter()
    wait_until(lambda: stack.value("up") == 0, what="the exporter's end")
    stack.start_exporter()
    wait_until(lambda: stack.value("count(quantconnect_fills_lost_total)") == 4, PATIENCE, "the first poll")
    assert {name: stack.shown(name) for name in PROJECTS[:4]} == before
    for name in ("orders_total", "fills_total", "order_fees_total", "order_rejections_total"):
        assert stack.value(f"sum(resets(quantconnect_{name}[10m]))") == 0


def test_new_deployment_is_a_counter_reset(stack):
    """After a redeployment counters begin anew, and what Prometheus sums up over it is what happened."""
    of = f'{{project_id="{stack.project(TRADING).project_id}",side="buy"}}'
    first = stack.value(f"quantconnect_fills_total{of}") or 0.0
    for _ in range(2):
        stack.project(TRADING).open_position(SPY, 1)
    stack.wait_for_the_truth(TRADING)
    assert stack.value(f"quantconnect_fills_total{of}") == first + 2
    stack.project(TRADING).launch()
    stack.market.advance(15)
    stack.wait_for_the_truth(TRADING)
    assert stack.value(f"quantconnect_fills_total{of}") == 0
    for _ in range(3):
        stack.project(TRADING).open_position(SPY, 1)
    stack.wait_for_the_truth(TRADING)
    assert stack.value(f"quantconnect_fills_total{of}") == 3
    assert stack.value(f"resets(quantconnect_fills_total{of}[10m])") == 1
    (series,) = stack.prometheus.query(f"quantconnect_fills_total{of}[10m]")
    counts = [float(value) for _, value in series["values"]]
    grown = sum(now if now < then else now - then for then, now in pairwise(counts))
    increase = stack.value(f"increase(quantconnect_fills_total{of}[10m])")
    assert grown == first - counts[0] + 2 + 3
    assert increase == pytest.approx(grown, rel=0.2)


def test_deposit_hides_no_loss_of_the_strategy(stack):
    """At -40 % a deposit of 50,000 makes the equity's drawdown 0 and the strategy's 0.2667; a launch makes it 0."""
    project = stack.project("Never Deployed")
    project.add_deployment(stack.market.now, {"USD": 100_000.0})
    stack.market.advance(15)
    price = project.quotes.ask(project.universe[SPY], stack.market.now)
    project.open_position(SPY, 100_000 // price)
    of = f'project_id="{project.project_id}"'
    strategy = f'project:quantconnect_measure:now{{limit="strategy_drawdown_ratio",{of}}}'
    wait_until(lambda: (stack.value(strategy) or 1) < 0.01, PATIENCE, "a strategy without a loss")

    project.set_price_shock(0.6)
    stack.market.advance(15)
    wait_until(lambda: (stack.value(strategy) or 0) > 0.38, PATIENCE, "the loss")
    assert stack.value(strategy) == pytest.approx(0.40, abs=0.005)
    # Equity comes from a poll of its own, later or earlier than the statistics.
    equity_drawdown = f"quantconnect_drawdown_ratio{{{of}}}"
    wait_until(lambda: (stack.value(equity_drawdown) or 0) > 0.38, PATIENCE, "the equity's drawdown")
    assert stack.value(equity_drawdown) == pytest.approx(0.40, abs=0.005)

    project.deposit(50_000)
    stack.market.advance(15)
    wait_until(lambda: (stack.value(f"quantconnect_capital{{{of}}}") or 0) > 140_000, PATIENCE, "the deposit")
    wait_until(lambda: (stack.value(strategy) or 1) < 0.3, PATIENCE, "the loss as a share of more capital")
    assert stack.value(strategy) == pytest.approx(0.2667, abs=0.004)
    wait_until(lambda: stack.value(f"quantconnect_drawdown_ratio{{{of}}}") == 0, PATIENCE, "the new peak")
    assert stack.value(f"quantconnect_daily_return_ratio{{{of}}}") == pytest.approx(0.10, abs=0.01)
    assert stack.value(f"quantconnect_strategy_pnl{{{of}}}") == pytest.approx(-40_000, abs=500)
    assert stack.value(f"quantconnect_capital{{{of}}}") == pytest.approx(150_000, abs=100)

    project.launch()
    stack.market.advance(15)
    wait_until(lambda: stack.value(strategy) == 0, PATIENCE, "a strategy that begins anew")
