"""The status page's rows, from states written by hand."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from exporter.config.model import Polling, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.domain.equity import EquityCurve
from exporter.domain.portfolio import CashBalance, Portfolio
from exporter.errors import Reason
from exporter.polling.state import Instant, Reading, Source, new_project
from exporter.web.status_page import HEADERS, status_page

NOW = Instant(wall=1_790_000_000.0, monotonic=50.0)


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
    return state._replace(equity=Reading(curve, NOW)).with_failure(Source.EQUITY, Reason.TIMEOUT)


def test_row_shows_what_is_known():
    """Status, currency, equity, drawdown, cash, last success and the failing source stand in the project's row."""
    page = status_page([polled()], "/metrics", NOW.wall + 7)

    for text in (
        "Momentum",
        ">7 · main · USD<",
        ">running<",
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
    state = polled()._replace(account="<b>")
    page = status_page([state.with_name("<script>alert(1)</script>\"'&")], '"<i>', NOW.wall + 7)

    assert "<script>alert" not in page
    assert 'href=".&quot;&lt;i&gt;"' in page
    assert " · &lt;b&gt; · " in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in page


def test_project_never_polled_is_blank():
    """Before anything is known a project's row has no number in it."""
    page = status_page([new_project(7, "main", ProjectSettings())], "/metrics", NOW.wall + 7)

    assert re.findall(r'<td class="number" data-label="[^"]+">([^<]*)</td>', page) == [""] * 4
    assert 'title="' not in page


def test_summary_counts_what_runs_and_what_fails():
    """At the top stand how many projects there are, how many of them run, and how many fail, for either reason."""
    sound = polled().with_success(Source.EQUITY, NOW)._replace(project_id=1)
    crashed = sound.with_deployment(Deployment("L-2", AlgorithmStatus.RUNTIME_ERROR, 0.0), NOW)
    page = status_page(
        [sound, polled(), crashed._replace(project_id=3), new_project(4, "main", ProjectSettings())],
        "/",
        NOW.wall,
    )

    assert re.findall(r"<b>(\d+)</b> (\w+)", page) == [("4", "projects"), ("2", "running"), ("2", "failing")]


def test_failing_projects_come_first():
    """What needs a look is on the first screen, the rest in its own order."""
    sound = polled().with_success(Source.EQUITY, NOW)
    states = [sound.with_name("b"), polled().with_name("d"), sound.with_name("a"), polled().with_name("c")]

    assert re.findall(r"<bdi>(.)</bdi>", status_page(states, "/", NOW.wall)) == ["d", "c", "b", "a"]


@pytest.mark.parametrize(("seconds", "look"), [(99, "age"), (100, "age bad")])
def test_source_without_success_for_long_looks_stale(seconds, look):
    """An age from which on the values have left is told apart."""
    page = status_page([polled()], "/", NOW.wall + seconds)

    assert f'<td class="{look}" data-label="portfolio" title="2026-09-21 14:13:20 UTC">{seconds}<' in page


def test_age_of_a_failing_source_looks_stale_at_once():
    """Once a poll failed, the last success is not the latest news."""
    page = status_page([polled().with_failure(Source.PORTFOLIO, Reason.TIMEOUT)], "/", NOW.wall + 1)

    assert '<td class="age bad" data-label="portfolio"' in page
    assert "portfolio, equity: timeout" in page


def test_stopped_project_has_no_failing_source():
    """The values of a deployment that was stopped are not asked for: nothing of them fails or is late."""
    stopped = Deployment("L-1", AlgorithmStatus.STOPPED, 0.0, 1.0)
    page = status_page([polled().with_deployment(stopped, NOW)], "/", NOW.wall + 1000)

    assert '<td class="bad failures"></td>' in page
    assert "age bad" not in page
    assert "<b>0</b> failing" in page


def test_policy_allows_the_page_its_own_script_and_style_alone():
    """The Content-Security-Policy names the hash of the one script and the one style that stand in the page."""
    page = status_page([polled()], "/metrics", NOW.wall)
    policy = dict(each.split(" ", 1) for each in HEADERS["Content-Security-Policy"].split("; "))

    for element in ("script", "style"):
        (text,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert policy[f"{element}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"


def test_page_names_no_address_elsewhere():
    """Nothing is loaded from anywhere: the page links to itself and to the other pages."""
    page = status_page([polled()], "/metrics", NOW.wall)

    links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
    assert [link for link in links if not link.startswith("data:")] == [
        "./metrics",
        "./-/healthy",
        "./-/ready",
        "",
    ]
    assert "url(" not in page
    assert "@import" not in page
