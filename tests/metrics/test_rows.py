"""Kinds of rows: their keys, the labels made of them, and the families that show them."""

from exporter.config.model import DEFAULT_LIMITS, Cardinality, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.errors import Reason
from exporter.metrics import rows
from exporter.metrics.frame import SharedLabels, render_metrics
from exporter.metrics.rows import Charts, ShownPortfolio, Slow, Status
from exporter.polling.state import Instant, Reading, Source, new_project

NOW = Instant(wall=1000.0, monotonic=50.0)
SPY = Security("SPY R735QTJ8XC9X", "SPY", SecurityType.EQUITY, "usa")
QQQ = Security("QQQ RIWIV7K5Z9LX", "QQQ", SecurityType.EQUITY, "usa")
PORTFOLIO = Portfolio(
    (Holding(SPY, 2, 10, 11, 1, 22, 1.5), Holding(QQQ, 1, 40, 50, 1, 50, 9.5)),
    (CashBalance("USD", 5.0, 1.0, 5.0), CashBalance("EUR", 1.0, 1.1, 1.1)),
)
LABELS = {"labels": rows.PROJECT_LABELS.gauge("L.", float)}


def labels_of(table, value) -> list[dict[str, str | None]]:
    """Return the labels of each row of a value."""
    keys, found = table.read(value)
    assert len(keys) == len(found)
    return [dict(zip(table.labels, table.label_values(key), strict=True)) for key in keys]


def test_holdings_and_what_identifies_them():
    """A holding's rows carry the identifier and what it tells; its info carries what is not in every series."""
    shown = ShownPortfolio(PORTFOLIO, 10)

    assert labels_of(rows.HOLDINGS, shown)[0] == {
        "symbol_id": "SPY R735QTJ8XC9X",
        "symbol": "SPY",
        "security_type": "equity",
    }
    assert labels_of(rows.HOLDING_INFO, shown)[1] == {
        "symbol_id": "QQQ RIWIV7K5Z9LX",
        "ticker": "QQQ",
        "market": "usa",
        "currency_symbol": "$",
    }
    assert [each["currency"] for each in labels_of(rows.CASH, shown)] == ["USD", "EUR"]


def test_largest_holdings_are_shown():
    """Beyond the bound only the largest holdings have rows, and the others are counted."""
    shown = ShownPortfolio(PORTFOLIO, 1)

    assert [each["symbol"] for each in labels_of(rows.HOLDINGS, shown)] == ["QQQ"]
    assert shown.dropped() == 1
    assert ShownPortfolio(PORTFOLIO, 2).dropped() == 0


def test_chart_series_beyond_their_bound():
    """Charts have a row for each series up to the bound, and the others are counted."""
    points = {f"s{number}": ChartPoint(1.0, number, number) for number in range(3)}
    charts = Charts({"C": Reading(points, NOW)}, 2)

    assert labels_of(rows.CHART_SERIES, charts) == [
        {"chart": "C", "series": "s0"},
        {"chart": "C", "series": "s1"},
    ]
    assert charts.dropped() == 1


def test_state_set_has_one_status_at_1():
    """Every status has a row and exactly one is 1: unknown for a project that never had a deployment."""
    running = Status("main", Deployment("L-1", AlgorithmStatus.RUNNING, 1.0, brokerage="Paper"))

    assert [each["status"] for each in labels_of(rows.STATUSES, running)] == list(AlgorithmStatus)
    assert dict(zip(*rows.STATUSES.read(running), strict=True))[AlgorithmStatus.RUNNING]
    assert sum(rows.STATUSES.read(running)[1]) == 1
    assert dict(zip(*rows.STATUSES.read(Status("main", None)), strict=True))[AlgorithmStatus.UNKNOWN]
    assert labels_of(rows.DEPLOYMENT_INFO, running) == [
        {"account": "main", "deploy_id": "L-1", "brokerage": "Paper"}
    ]
    assert labels_of(rows.DEPLOYMENT_INFO, Status("main", None)) == []


def test_what_rarely_changes_is_equal_after_a_poll_that_changed_nothing():
    """A successful poll leaves intervals, failures, limits and charts equal, and a failed one does not."""
    settings = ProjectSettings(cardinality=Cardinality(chart_series=3))
    state = new_project(7, "main", settings)
    slow = Slow.of(state)

    assert Slow.of(state.with_success(Source.STATUS, NOW)) == slow
    assert Slow.of(state.with_failure(Source.STATUS, Reason.TIMEOUT)) != slow
    assert len(labels_of(rows.FAILURES, slow)) == len(state.health) * len(Reason)
    assert len(labels_of(rows.LIMITS, slow)) == len(DEFAULT_LIMITS)


def test_configured_labels_are_those_of_one_row():
    """Each configured label has the prefix ``label_``, so that it collides with none of ours; other labels, another row."""
    desk = Slow.of(new_project(7, "main", ProjectSettings(labels=(("desk", 'f"x'), ("project", "a")))))
    (lines,), frame = render_metrics(LABELS, desk, SharedLabels('{project_id="7"'), None)
    other = Slow.of(new_project(7, "main", ProjectSettings(labels=(("team", 'f"x'), ("project", "a")))))

    assert lines == b'quantconnect_labels{project_id="7",label_desk="f\\"x",label_project="a"} 1.0'
    assert b"label_team" in render_metrics(LABELS, other, SharedLabels('{project_id="7"'), frame)[0][0]
