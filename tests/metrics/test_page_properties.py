"""Pages of whatever portfolios, read back by prometheus-client's parsers and by promtool."""

import subprocess
from dataclasses import replace
from decimal import Decimal
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.config.model import ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment, Statistics
from exporter.domain.equity import EquityCurve
from exporter.domain.order import Execution, OrderRecord, OrderStatus, OrderType
from exporter.domain.order_totals import OrderTotals
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.metrics.exposition import Format
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject, render_project
from exporter.polling.state import Instant, ProjectState, Reading, new_project
from exporter.polling.store import Store
from tests.support import FakeClock, parse_page

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
NUMBER = st.floats()
MAYBE = st.none() | NUMBER
CLOCK = FakeClock()
NOW = Instant(CLOCK.wall(), CLOCK.monotonic())

SECURITIES = st.builds(Security, TEXT, TEXT, st.sampled_from(SecurityType), current_ticker=st.none() | TEXT)
HOLDINGS = st.lists(
    st.builds(Holding, SECURITIES, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, TEXT),
    max_size=4,
    unique_by=lambda holding: holding.security.symbol_id,
).map(tuple)
CASH = st.lists(
    st.builds(CashBalance, TEXT, NUMBER, MAYBE, MAYBE), max_size=3, unique_by=lambda each: each.currency
).map(tuple)
STATISTICS = st.dictionaries(TEXT, NUMBER, max_size=3).map(
    lambda each: Statistics(custom=tuple(each.items()))
)


NAMES = st.sampled_from(["desk", "team", "project", "_9"])
CHARTS = st.dictionaries(
    TEXT, st.dictionaries(TEXT, st.builds(ChartPoint, NUMBER, NUMBER, NUMBER), max_size=2), max_size=2
)
AMOUNTS = st.lists(st.tuples(TEXT, st.integers(1, 999).map(Decimal)), max_size=2).map(tuple)
RECORDS = st.lists(
    st.builds(
        OrderRecord,
        id=st.integers(),
        type=st.sampled_from(OrderType),
        status=st.sampled_from(OrderStatus),
        created=MAYBE,
        changed=MAYBE,
        is_marketable=st.booleans(),
        rejected=st.booleans(),
        buys=st.integers(0, 9),
        sells=st.integers(0, 9),
        fills_lost=st.integers(0, 9),
        last_fill=MAYBE,
        fees=AMOUNTS,
        rebates=AMOUNTS,
        execution=st.none()
        | st.builds(Execution, st.none() | st.floats(0, 1e9), st.none() | st.floats(-9, 9)),
    ),
    max_size=3,
)


@st.composite
def states(draw: st.DrawFn, project_id: int) -> ProjectState:
    deployment = Deployment(draw(TEXT), AlgorithmStatus.RUNNING, draw(MAYBE), brokerage=draw(TEXT))
    labels = tuple(draw(st.dictionaries(NAMES, TEXT, max_size=3)).items())
    state = new_project(project_id, draw(TEXT), ProjectSettings(name=draw(TEXT), labels=labels))
    state = state.with_deployment(deployment, NOW)
    state = state.with_portfolio(Portfolio(draw(HOLDINGS), draw(CASH)), NOW)
    points = (ChartPoint(1.0, draw(NUMBER), draw(NUMBER)),)
    return state._replace(
        statistics=Reading(draw(STATISTICS), NOW),
        equity=Reading(EquityCurve(1.0, points=points, peak=draw(NUMBER)), NOW),
        charts={name: Reading(series, NOW) for name, series in draw(CHARTS).items()},
        orders=Reading(OrderTotals().plus(draw(RECORDS)), NOW),
        portfolio_changed=draw(MAYBE),
    )


def page_of(all_states: tuple[ProjectState, ...]) -> Page:
    store: Store[RenderedProject] = Store(render_project)
    for state in all_states:
        store.add(state)
    return Page(store, lambda _: b"", CLOCK)


def shown(all_states: tuple[ProjectState, ...]) -> dict[tuple[str, str, str, str], float]:
    """Return what a page has to show of holdings, cash and statistics: by name, project id, project and the rest."""
    expected = {}
    for state in all_states:
        own = (str(state.project_id), state.name)
        for holding in state.portfolio.value.holdings:
            values = {
                "quantity": holding.quantity,
                "average_price": holding.average_price,
                "market_value": holding.market_value,
                "unrealized_pnl": holding.unrealized_pnl,
            }
            for name, value in values.items():
                expected[f"quantconnect_holding_{name}", *own, holding.security.symbol_id] = value
        for balance in state.portfolio.value.cash:
            expected["quantconnect_cash_amount", *own, balance.currency] = balance.amount
            expected["quantconnect_cash_value", *own, balance.currency] = balance.value
        for statistic, value in state.statistics.value.custom:
            expected["quantconnect_runtime_statistic", *own, statistic] = value
    return {key: value for key, value in expected.items() if value is not None and isfinite(value)}


def read(samples: list[tuple[str, dict[str, str], float]]) -> dict[tuple[str, str, str, str], float]:
    """Return the samples of the same families from a parser's."""
    rest = {"holding": "symbol_id", "cash": "currency", "runtime": "statistic"}
    found = {}
    for name, labels, value in samples:
        assert isfinite(value)
        label = rest.get(name.split("_")[1])
        if label in labels:
            found[name, labels["project_id"], labels["project"], labels[label]] = value
    return found


@pytest.fixture(scope="module")
def promtool(needs) -> str:
    return needs("promtool")


@settings(max_examples=settings.default.max_examples // 2)
@given(st.tuples(states(1), states(2)))
def test_any_portfolio_reads_back(promtool, both):
    """Whatever texts and numbers projects have, both parsers read back those that are finite, each once."""
    page = page_of(both)
    text, openmetrics = (bytes(page.plain(each)).decode() for each in (Format.TEXT, Format.OPENMETRICS))
    expected = shown(both)

    by_series = parse_page(text).by_series
    found = read([(name, dict(labels), value) for (name, labels), value in by_series.items()])
    assert {key: found[key] for key in expected} == expected
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    families = parse_openmetrics(openmetrics)
    samples = [(each.name, each.labels, each.value) for family in families for each in family.samples]
    assert read(samples) == found


@given(st.lists(states(1), min_size=2, max_size=4), st.booleans())
def test_what_is_kept_of_a_rendering_shows_in_no_line(successive, same_account):
    """A project rendered with what was kept of its states before has the lines of one rendered afresh."""
    rendered = None
    for state in successive:
        now = state._replace(name="one", account_currency="USD") if same_account else state
        rendered = render_project(now, rendered)
        assert rendered.lines == render_project(now, None).lines
        cheaper = [holding._replace(market_value=1.5) for holding in now.portfolio.value.holdings]
        moved = now.with_portfolio(replace(now.portfolio.value, holdings=tuple(cheaper)), NOW)
        rendered = render_project(moved, rendered)
        assert rendered.lines == render_project(moved, None).lines
