"""The world of the demo: two accounts whose projects show every kind of security, key and status."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.demo import securities as traded
from exporter.demo.activity import (
    Activity,
    be_rejected,
    earn_rebates,
    lose_fill,
    pay_in,
    stay_open,
    trade_around,
)
from exporter.demo.api import Limits, SimulatedAccount
from exporter.demo.candles import DAY
from exporter.demo.deployment import Deployment
from exporter.demo.lean import MarketId
from exporter.demo.ledger import Settlement
from exporter.demo.market import Market, Quotes, Security
from exporter.demo.orders import OrderType
from exporter.demo.project import Generation, ProjectState, SimulatedProject

MAIN: Final = SimulatedAccount("main", 100_001, "simulated-token-of-main-opens-nothing")
EUROPE: Final = SimulatedAccount(
    "europe",
    100_002,
    "simulated-token-of-europe-opens-nothing",
    Limits(orders_per_page=100, refuses_beyond_end=True, length_is_total=False),
)

HOUR: Final = 3600.0
_SETTLEMENT_HOUR: Final = 21
_PLANNED_DAYS: Final = 400

Trade = tuple[float, Security, float]
"""Days before the start, what, and how much: negative sells."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Accounts, projects by id, and the security of the Benchmark chart."""

    accounts: tuple[SimulatedAccount, ...]
    projects: dict[int, SimulatedProject]
    benchmark: Security


def demo_scenario(start: float, seed: int = 7) -> Scenario:
    """Return the demo as it stands at a start time, in Unix seconds: the same for the same arguments."""
    builder = _Builder(start, Market(seed, traded.CONVERSIONS))
    for add in (_stocks, _options, _futures, _currencies, _coins, _special_cases, _signal, _europe):
        add(builder)
    return Scenario((MAIN, EUROPE), builder.projects, traded.SPY)


@dataclass(slots=True)
class _Builder:
    """Adds projects with their past. Their ids count up."""

    start: float
    market: Market
    projects: dict[int, SimulatedProject] = field(default_factory=dict)
    universe: dict[str, Security] = field(
        default_factory=lambda: {
            value.symbol_id: value for value in vars(traded).values() if isinstance(value, Security)
        }
    )

    def project(
        self,
        name: str,
        account: SimulatedAccount = MAIN,
        *,
        currency: str = "USD",
        generation: Generation = Generation.SHORT,
        brokerage: str = "PaperBrokerage",
        subscribed: tuple[Security, ...] = (),
        custom_chart: str | None = None,
        own_statistics: Callable[[ProjectState], Mapping[str, str]] | None = None,
    ) -> SimulatedProject:
        project = SimulatedProject(
            project_id=23_456_701 + len(self.projects),
            account=account.name,
            name=name,
            account_currency=currency,
            created=self.start - 90 * DAY,
            quotes=Quotes(self.market),
            universe=self.universe,
            generation=generation,
            brokerage=brokerage,
            subscribed=subscribed,
            custom_chart=custom_chart,
        )
        if own_statistics:
            project.own_statistics = own_statistics
        self.universe.update({security.symbol_id: security for security in subscribed})
        self.projects[project.project_id] = project
        return project

    def run(
        self, project: SimulatedProject, days: float, opening: Mapping[str, float], *trades: Trade
    ) -> Deployment:
        """Add a deployment launched some days before the start, and its trades in order of time."""
        run = project.add_deployment(self.ago(days), opening)
        desk = run.desk(project.quotes)
        for number, (day, security, quantity) in enumerate(trades):
            self.universe[security.symbol_id] = security
            desk.market(self.ago(day), security, quantity, latency=0.7 + number % 4, ticks=number % 3)
        return run

    def ago(self, days: float) -> float:
        """Return the whole second that lies some days before the start."""
        return float(math.floor(self.start - days * DAY))


def _stocks(world: _Builder) -> None:
    project = world.project(
        "US Equities/Long Short Momentum", brokerage="InteractiveBrokersBrokerage", subscribed=(traded.QQQ,)
    )
    dead = world.run(
        project,
        29.6,
        {"USD": 200_000.0},
        (29.5, traded.SPY, 120),
        (26.1, traded.AAPL, 200),
        (20.3, traded.SPY, -120),
    )
    stay_open(dead.desk(project.quotes), world.ago(18.2), traded.AAPL, -90, OrderType.LIMIT)
    dead.stopped = world.ago(16.4)
    run = world.run(
        project,
        14.7,
        {"USD": 250_000.0},
        (14.6, traded.SPY, 160),
        (14.6, traded.AAPL, 310),
        (14.5, traded.MSFT, 95),
        (13.2, traded.TLT, -480),
        (11.9, traded.IWM, -150),
        (9.4, traded.QQQ, 60),
        (6.1, traded.QQQ, -60),
        (3.3, traded.AAPL, -60),
        (0.7, traded.GOOGL, 85),
    )
    stay_open(run.desk(project.quotes), world.ago(2.1), traded.MSFT, 20, OrderType.LIMIT)
    run.plan(Activity(5 * HOUR, 4 * HOUR, traded.IEF, 4, trade_around))


def _options(world: _Builder) -> None:
    expiry = traded.third_friday(world.start)
    project = world.project("Volatility/Short Puts", brokerage="TradierBrokerage", subscribed=(traded.SPX,))
    run = world.run(
        project,
        21.2,
        {"USD": 500_000.0},
        (21.0, traded.option(traded.SPY, expiry, 625, put=True), -14),
        (20.9, traded.option(traded.SPY, expiry, 590, put=True), 14),
        (12.4, traded.option(traded.SPX, expiry, 6300, put=True, european=True), -2),
        (5.2, traded.option(traded.SPX, expiry, 7000, put=False, european=True), -1),
    )
    stay_open(run.desk(project.quotes), world.ago(0.03), traded.SPY, 50, OrderType.MARKET)
    covered = world.project("Volatility/Covered Calls")
    world.run(
        covered,
        18.4,
        {"USD": 150_000.0},
        (18.3, traded.MSFT, 200),
        (18.2, traded.option(traded.MSFT, expiry, 545, put=False), -2),
    )


def _futures(world: _Builder) -> None:
    expiry = traded.third_friday(world.start)
    stocks = traded.future("ES", MarketId.CME, expiry, 6665.0, 0.25, 50.0)
    gold = traded.future("GC", MarketId.COMEX, expiry, 4102.0, 0.1, 100.0)
    continuous = traded.future("ES", MarketId.CME, None, 6665.0, 0.25, 50.0)
    project = world.project(
        "Futures Trend", brokerage="InteractiveBrokersBrokerage", subscribed=(continuous,)
    )
    run = world.run(
        project,
        16.3,
        {"USD": 900_000.0},
        (16.1, stocks, 3),
        (10.4, gold, -1),
        (4.3, stocks, -1),
    )
    first = math.floor(run.launched / DAY) * DAY + _SETTLEMENT_HOUR * 3600
    run.ledger.add(*(Settlement(first + day * DAY) for day in range(1, _PLANNED_DAYS)))
    run.plan(Activity(0.3 * HOUR, HOUR, gold, 40, be_rejected))


def _currencies(world: _Builder) -> None:
    project = world.project("FX Carry", brokerage="OandaBrokerage")
    # No pair converts the krona yet: its rate is 0.
    run = world.run(
        project,
        25.5,
        {"USD": 100_000.0, "SEK": 0.0},
        (25.4, traded.EURUSD, 60_000),
        (19.8, traded.USDJPY, -45_000),
        (8.3, traded.GBPUSD, 30_000),
        (2.2, traded.EURUSD, -20_000),
    )
    run.plan(Activity(2 * HOUR, 3 * HOUR, traded.GBPUSD, 2_000, trade_around))


def _coins(world: _Builder) -> None:
    project = world.project("Coins", brokerage="CoinbaseBrokerage")
    project.memory_ratio = lambda state: 0.84 + 0.02 * math.sin(state.time / 300)
    run = world.run(
        project,
        27.1,
        {"USD": 150_000.0, "USDC": 5_000.0, "DOGE": 0.0},
        (27.0, traded.BTCUSD, 0.52),
        (22.6, traded.ETHUSD, 7.5),
        (22.5, traded.DOGEUSD, 40_000),
        (7.7, traded.DOGEUSD, -40_000),
        (1.4, traded.BTCUSD, -0.08),
    )
    run.plan(Activity(HOUR, 2.5 * HOUR, traded.ETHUSD, 0.2, trade_around))


def _special_cases(world: _Builder) -> None:
    """Add a deep drawdown, a crash to come, a launch of a minute ago, and a project never deployed."""
    falling = traded.falling(traded.NFLX, world.ago(9), world.ago(2.5), math.log(0.735))
    single = world.project("Single Stock")
    run = world.run(single, 22.0, {"USD": 120_000.0}, (21.9, falling, 107))
    lose_fill(run.desk(single.quotes), world.ago(3), traded.TSLA, 5)

    fragile = world.project("Fragile", brokerage="AlpacaBrokerage")
    run = world.run(fragile, 6.2, {"USD": 75_000.0}, (6.1, traded.TSLA, 90), (4.9, traded.AMD, -110))
    run.stopped, run.final_status = float(math.floor(world.start + 180)), "RuntimeError"
    run.error = "Runtime Error: Attempted to divide by zero in main.py:42"
    fragile.memory_ratio = lambda state: min(0.98, 0.9 + (state.time - world.start) / 3000)

    fresh = world.project("Fresh", subscribed=(traded.SPY, traded.TLT))
    world.run(fresh, 60 / DAY, {"USD": 50_000.0})

    world.project("Never Deployed")


def _signal(world: _Builder) -> None:
    def statistics(state: ProjectState) -> Mapping[str, str]:
        long_value = sum(holding.value for holding in state.holdings if holding.value > 0)
        return {
            "Signal Strength": f"{math.sin(state.time / 600):.4f}",
            "Long Share": f"{100 * long_value / state.equity:.1f}%",
            "Regime": 'risk on, "trending"',
        }

    project = world.project(
        'Research/Lab "Signal" 7', custom_chart="Custom Signal", own_statistics=statistics
    )
    run = world.run(
        project,
        12.8,
        {"USD": 80_000.0},
        (12.7, traded.QQQ, 70),
        (5.5, traded.AMD, 80),
        (1.2, traded.TLT, 150),
    )
    since_launch = world.start - run.launched
    run.plan(
        Activity(1.8 * DAY, DAY / 2, traded.IEF, 6, trade_around),
        Activity(since_launch, 120, traded.IEF, 2, trade_around),
        Activity(since_launch - 7 * DAY, 3.5 * DAY + 900, traded.IEF, 10_000, pay_in),
    )


def _europe(world: _Builder) -> None:
    contracts = world.project("CFD Indices", EUROPE, currency="EUR", brokerage="OandaBrokerage")
    world.run(
        contracts,
        23.3,
        {"EUR": 60_000.0},
        (23.2, traded.DAX, 3),
        (15.1, traded.GOLD, -5),
        (6.6, traded.DAX, -1),
    )
    old = world.project(
        "US Stocks from Europe",
        EUROPE,
        currency="EUR",
        generation=Generation.CAMEL,
        subscribed=(traded.QQQ,),
    )
    run = world.run(
        old,
        28.4,
        {"EUR": 110_000.0, "USD": 0.0},
        (28.3, traded.SPY, 75),
        (17.7, traded.TSLA, -60),
        (10.2, traded.AAPL, 140),
    )
    run.plan(Activity(3 * HOUR, 3 * HOUR, traded.IEF, 10, trade_around))
    oldest = world.project(
        "Perpetuals",
        EUROPE,
        currency="EUR",
        generation=Generation.PASCAL,
        brokerage="BinanceFuturesBrokerage",
    )
    run = world.run(
        oldest,
        19.9,
        {"EUR": 20_000.0, "USDT": 50_000.0},
        (19.8, traded.BTC_PERPETUAL, 0.25),
        (11.3, traded.ETH_PERPETUAL, -2.5),
        (3.8, traded.BTC_PERPETUAL, -0.1),
    )
    run.plan(Activity(2 * HOUR, 2 * HOUR, traded.ETH_PERPETUAL, 0.05, earn_rebates))
