"""The main job end to end: QuantConnect's API, the exporter as a process, a real Prometheus."""

import subprocess

import pytest

from exporter.clock import SystemClock
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.programs import exporter_process, prometheus_server, scrape_config, wait_until, write_config
from tests.support import FakeClock, parse_page, project_named

POLLING = {
    "status": "1s",
    "portfolio": "1s",
    "equity": "1s",
    "statistics": "1s",
    "charts": "1s",
    "orders": "1s",
    "timeout": "2s",
    "stale_after": "4s",
}


@pytest.fixture(scope="module")
def api():
    """A simulated QuantConnect whose market stands still, so that its values can be compared exactly."""
    clock = SystemClock()
    market_clock = FakeClock(now=clock.wall())
    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock, market_clock) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def exporter(api, tmp_path_factory):
    """The exporter as a process, polling the simulated QuantConnect each second."""
    folder = tmp_path_factory.mktemp("exporter")
    config = write_config(folder / "config.yml", api, polling=POLLING)
    with exporter_process(f"--config.file={config}", log=folder / "exporter.log") as address:
        yield address


@pytest.fixture(scope="module")
def prometheus(exporter, needs, tmp_path_factory):
    """A real Prometheus that has scraped the exporter."""
    binary = needs("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus_server(binary, folder, scrape_config(exporter.target)) as server:
        wait_until(
            lambda: bool(server.query('quantconnect_equity{project="Coins"}')), what="the first scrape"
        )
        yield server


def test_target_is_up(prometheus):
    """Prometheus finds the target up and keeps every sample of the page."""
    (up,) = prometheus.query("up")
    assert up["value"][1] == "1"
    (scraped,) = prometheus.query("scrape_samples_scraped")
    (kept,) = prometheus.query("scrape_samples_post_metric_relabeling")
    assert scraped["value"][1] == kept["value"][1]
    assert int(scraped["value"][1]) > 1500


def test_values_in_prometheus_equal_the_simulators(prometheus, api):
    """Equity, peak, cash and holdings read from Prometheus are, project by project, those of the accounts."""
    equity = prometheus.samples("sum by (project_id) (quantconnect_equity)")
    peak = prometheus.samples("sum by (project_id) (quantconnect_equity_peak)")
    cash = prometheus.samples("sum by (project_id, currency) (quantconnect_cash_amount)")
    quantity = prometheus.samples("sum by (project_id, symbol_id) (quantconnect_holding_quantity)")
    running = [project_id for project_id in api.projects if api.state(project_id).status == "Running"]

    assert len(equity) == len(running)
    for project_id in running:
        state, own = api.state(project_id), ("project_id", str(project_id))
        assert equity[frozenset([own])] == pytest.approx(state.equity, abs=0.01)
        assert peak[frozenset([own])] == pytest.approx(state.peak_equity, abs=0.01)
        for row in state.cash:
            assert cash[frozenset([own, ("currency", row.currency)])] == pytest.approx(row.amount, abs=1e-6)
        for holding in state.holdings:
            labels = frozenset([own, ("symbol_id", holding.symbol_id)])
            assert quantity[labels] == pytest.approx(holding.quantity)


def test_page_is_clean(exporter, needs):
    """``promtool check metrics`` has no complaint about the page, and no series stands in it twice."""
    page = exporter.page()
    checked = subprocess.run(
        [needs("promtool"), "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert parse_page(page).all("quantconnect_equity")


def test_closed_position_is_gone_from_prometheus(prometheus, api):
    """A position that is closed leaves the instant query with the next scrape: nothing lingers."""
    project_id = project_named(api, "US Equities/Long Short Momentum")
    symbol_id = api.state(project_id).holdings[0].symbol_id
    selector = f'quantconnect_holding_market_value{{project_id="{project_id}",symbol_id="{symbol_id}"}}'
    assert prometheus.query(selector)
    api.projects[project_id].close_position(symbol_id)

    wait_until(lambda: not prometheus.query(selector), 10, "the position's leaving")
    assert prometheus.query(f'quantconnect_holding_market_value{{project_id="{project_id}"}}')


def test_outage_empties_the_page_and_recovery_fills_it(prometheus, exporter, api):
    """When QuantConnect is gone the sources fall, then the values leave; when it is back they return."""
    sources = prometheus.samples('quantconnect_up{source="portfolio"}')
    api.stop()
    wait_until(lambda: set(prometheus.samples("quantconnect_up").values()) == {0}, 20, "every source's fall")
    wait_until(lambda: not prometheus.query("quantconnect_equity"), 20, "the equity's leaving")
    for name in ("quantconnect_holding_market_value", "quantconnect_cash_value", "quantconnect_net_profit"):
        wait_until(lambda name=name: not prometheus.query(name), 10, f"the leaving of {name}")
    # Asked again and again: a busy machine misses a scrape now and then, and with it everything is gone.
    wait_until(
        lambda: set(prometheus.samples('quantconnect_up{source="portfolio"}')) == set(sources),
        what="every source on a page without values",
    )
    wait_until(lambda: bool(prometheus.query("quantconnect_last_success_timestamp_seconds")))
    assert not prometheus.query("quantconnect_equity")
    assert exporter.process.poll() is None

    api.start()
    wait_until(
        lambda: len(prometheus.query("quantconnect_equity")) == len(sources), 30, "the equity's return"
    )
    wait_until(
        lambda: set(prometheus.samples("quantconnect_up").values()) == {1}, 30, "every source's return"
    )
