"""The status page's rows, from states written by hand."""

from dataclasses import replace

from exporter.config.model import Polling, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Portfolio
from exporter.errors import Reason
from exporter.polling.state import Moment, Reading, Source, new_project
from exporter.web.status_page import status_page

NOW = Moment(wall=1_790_000_000.0, monotonic=50.0)


def polled():
    state = (
        new_project(7, "main", ProjectSettings(polling=Polling(stale_after=100)))
        .with_name("Momentum")
        .with_deployment(Deployment("L-1", AlgorithmStatus.RUNNING, 0.0), NOW)
        .with_portfolio(Portfolio(cash=(CashBalance("USD", 1234.5, 1.0, 1234.5),)), NOW)
        .with_success(Source.PORTFOLIO, NOW)
    )
    points = (ChartPoint(1.0, 100_000.0, 100_000.0), ChartPoint(2.0, 75_000.0, 75_000.0))
    curve = EquityCurve(0.0).extended(points, NOW.wall)
    return replace(state, equity=Reading(curve, NOW)).with_failure(Source.EQUITY, Reason.TIMEOUT)


def test_row_shows_what_is_known():
    """Status, currency, equity, drawdown, cash, last success and the failing source stand in the project's row."""
    page = status_page([polled()], "/metrics", NOW.wall + 7)

    for text in (
        "Momentum",
        ">running<",
        ">USD<",
        ">75,000.00<",
        ">25.00%<",
        ">1,234.50<",
        'title="2026-09-21 14:13:20 UTC">7<',
        "equity: timeout",
    ):
        assert text in page


def test_stale_values_are_blank():
    """A value that is too old for the metrics is not on the status page either."""
    page = status_page([polled().without_stale(151)], "/metrics", NOW.wall + 7)

    assert "75,000" not in page
    assert "1,234.50" not in page
    assert ">running<" not in page


def test_text_from_outside_is_escaped():
    """A project's name cannot bring markup of its own into the page."""
    page = status_page([polled().with_name("<script>alert(1)</script>\"'&")], "/metrics", NOW.wall + 7)

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in page


def test_project_never_polled_is_blank():
    """Before anything is known a project's row has no number in it."""
    page = status_page([new_project(7, "main", ProjectSettings())], "/metrics", NOW.wall + 7)

    assert '<td class="number">0' not in page
    assert page.count('<td class="number"></td>') == 4
