"""Every query over two hundred projects: right answers are of no use when nobody waits for them."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.grafana.conftest import free_ports, installed
from tests.grafana.dashboards import all_targets
from tests.grafana.history import DAY, HOUR
from tests.grafana.prometheus import Prometheus, server
from tests.grafana.variables import Window, substitute

PROJECTS, ENDED_EVERY = 200, 14
START = 1_788_220_800
END = START + 7 * DAY
LONGEST = 1.0
"""Seconds of the processor that an answer to a query may take, at one of three tries."""

SYMBOLS = ("AAPL R735QTJ8XC9X", "SPY R735QTJ8XC9X", "SPY 33899RUOV28IU|SPY R735QTJ8XC9X", "EURUSD 8G")
SOURCES = ("status", "portfolio", "equity", "statistics", "orders")
RUNNING_VALUES = {
    "equity": 100_000, "equity_peak": 110_000, "strategy_pnl": 9_000, "capital": 91_000, "unrealized_pnl": 500,
    "gross_exposure": 80_000, "net_exposure": 40_000,
}  # fmt: skip
PLAIN_VALUES = {
    "drawdown_ratio": 0.1, "daily_return_ratio": 0.01, "return_ratio": 0.1, "fees": 10, "volume": 1e6,
    "oldest_open_order_timestamp_seconds": START,
}  # fmt: skip


def _labels(**labels):
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _series(number: int) -> Iterator[tuple[str, str, float]]:
    """Yield name, labels and value of what a page shows of a project."""
    project = _labels(project_id=90_000_000 + number, project=f"Strategy {number:03}")
    ended = number % ENDED_EVERY == 0
    currency = _labels(account_currency=("USD", "EUR", "BTC")[number % 3])
    for status in ("running", "runtime_error", "stopped", "unknown"):
        value = float(status == ("runtime_error" if ended else "running"))
        yield "algorithm_status", f'{project},status="{status}"', value
    yield "algorithm_info", f'{project},account="main",deploy_id="L-{number}",brokerage="PaperBrokerage"', 1
    yield "algorithm_launched_timestamp_seconds", project, START - DAY * (number % 30)
    if ended:
        yield "algorithm_stopped_timestamp_seconds", project, END - HOUR * (number // ENDED_EVERY)
    for source in SOURCES:
        yield "up", f'{project},source="{source}"', 1
        yield "last_success_timestamp_seconds", f'{project},source="{source}"', END - 10
        if not ended:
            yield "poll_interval_seconds", f'{project},source="{source}"', 60
    for limit, severity, value in (
        ("drawdown_ratio", "warning", 0.1),
        ("drawdown_ratio", "critical", 0.2),
        ("daily_loss_ratio", "critical", 0.06),
    ):
        yield "limit", f'{project},limit="{limit}",severity="{severity}"', value
    if ended:
        return
    for name, value in RUNNING_VALUES.items():
        yield name, f"{project},{currency}", value * (1 + number / PROJECTS)
    for name, value in PLAIN_VALUES.items():
        yield name, f'{project},kind="marketable"' if "oldest" in name else project, value
    for place, symbol_id in enumerate(SYMBOLS):
        kind = "option" if "|" in symbol_id else "forex" if "EUR" in symbol_id else "equity"
        name = symbol_id.partition(" ")[0] + (" 2027-01-15 P" if kind == "option" else "")
        holding = f"{project},{_labels(symbol_id=symbol_id, symbol=name, security_type=kind)}"
        side = 1 if (number + place) % 3 else -1
        yield "holding_quantity", holding, side * 100
        yield "holding_average_price", holding, 100
        yield "holding_market_price", holding, 110
        yield "holding_market_value", f"{holding},{currency}", side * 11_000 * (1 + place)
        yield "holding_unrealized_pnl", f"{holding},{currency}", side * 1_000 * (1 + place)
        yield "holding_conversion_rate", f"{holding},{currency}", 1


def _openmetrics() -> str:
    families: dict[str, list[tuple[str, float]]] = {}
    for number in range(PROJECTS):
        for name, labels, value in _series(number):
            families.setdefault(name, []).append((labels, value))
    lines = []
    for name, series in families.items():
        lines.append(f"# TYPE quantconnect_{name} unknown")
        for labels, value in series:
            head = f'quantconnect_{name}{{job="quantconnect",instance="a:11722",{labels}}}'
            lines += [
                f"{head} {value * (1 + (moment - START) / DAY / 1_000)!r} {moment}"
                if name in RUNNING_VALUES
                else f"{head} {value!r} {moment}"
                for moment in range(START, END + 1, 2 * HOUR)
            ]
    return "\n".join(lines) + "\n# EOF\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that holds a week of two hundred projects, a sample every other hour."""
    folder = tmp_path_factory.mktemp("fleet")
    program, promtool = installed("prometheus"), installed("promtool")
    text = folder / "fleet.txt"
    text.write_text(_openmetrics())
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h"]
    subprocess.run([*command, text, folder / "data"], check=True, capture_output=True, timeout=120)
    (port,) = free_ports(1)
    with server(program, folder, port, "") as prometheus:
        yield prometheus


@pytest.mark.parametrize("uid", ["quantconnect-fleet", "quantconnect-positions", "quantconnect-exporter"])
def test_no_query_over_two_hundred_projects_takes_a_second(fleet, uid):
    """All projects chosen, the last week, and as many points as a wide chart asks for."""
    window = Window(END - 7 * DAY, END, HOUR, 60)
    ended = [str(90_000_000 + number) for number in range(0, PROJECTS, ENDED_EVERY)]
    chosen = {"job": ["$__all"], "project_id": ["$__all"], "symbol": ["$__all"], "instance": ["$__all"]}
    slow = []
    for target in all_targets():
        if target.dashboard != uid:
            continue
        query = substitute(target.expression, chosen | {"ended": ended}, window)
        tries = (fleet.cpu_seconds(query, window, instant=target.instant) for _ in range(3))
        if all(seconds > LONGEST for seconds in tries):
            slow.append(target.name)
    assert slow == []


def test_fleet_of_two_hundred_has_ten_lines_and_ten_bars(fleet):
    """However many projects there are, charts show ten."""
    window = Window(END - 7 * DAY, END, HOUR, 60)
    chosen = {"job": ["$__all"], "project_id": ["$__all"], "ended": ["90000000"]}
    for target in all_targets():
        if target.dashboard == "quantconnect-fleet" and target.legend == "{{project}}":
            result = fleet.over(substitute(target.expression, chosen, window), window)
            assert len(result) == 10, target.name
