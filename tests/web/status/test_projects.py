"""The table of projects on the status page."""

import re

import pytest

from exporter.config.model import LimitName, Severity
from exporter.domain.deployment import AlgorithmStatus
from exporter.polling.state import Source, new_project
from exporter.web.status.project import project_of
from exporter.web.status.projects import is_order, projects_table
from tests.web.status.states import NOW, SETTINGS, ended, failing, running, with_memory

DRAWDOWN, WARNING, CRITICAL = LimitName.DRAWDOWN_RATIO, Severity.WARNING, Severity.CRITICAL


def table(*states, sort="", later=7.0):
    now = NOW.wall + later
    return projects_table([project_of(state, now) for state in states], sort)


def names(page):
    return re.findall(r"<bdi>(.*?)</bdi>", page)


def named(name, project_id, equity=100_000.0, currency="USD"):
    return running(project_id, name, equity)._replace(account_currency=currency)


def test_row_shows_what_is_known():
    """Name, ids, brokerage, status, money and drawdown stand in the project's row."""
    page = table(running())
    for text in (
        '<a href="https://www.quantconnect.com/project/7"><bdi>Momentum</bdi></a>',
        "<small>7 · main · PaperBrokerage</small>",
        '<td class="status" data-label="Status"><span class="good">running</span>',
        ">75,000.00 USD<",
        ">25.00 %<small><meter",
        ">1,234.50<",
        ">7 s ago</time></summary>",
    ):
        assert text in page


def test_unknown_is_a_dash():
    """Before anything is known a row has no number in it, and no colour."""
    page = table(new_project(7, "main", SETTINGS))
    cells = re.findall(r'<td class="number" data-label="[^"]+">([^<]*)</td>', page)
    assert cells == ["\N{EN DASH}"] * 6
    assert '<span class="">not known</span>' in page


def test_stale_values_leave():
    """A value that is too old for the metrics is not on the status page either."""
    state = running().without_stale(151)
    page = table(state)
    assert "75,000" not in page
    assert "1,234.50" not in page


def test_exceeded_limits_have_their_colour():
    """The cell of a number beyond its limit has the colour of the severity; others have none."""
    page = table(running(equity=85_000.0))
    assert 'data-label="Drawdown"><b class="warning">15.00 %' in page
    page = table(running(equity=75_000.0))
    assert 'data-label="Drawdown"><b class="critical">25.00 %' in page
    assert page.count("critical") == 2, "the row and its cell"


def test_exceeded_limits_without_a_column_are_named():
    """What has no number of its own in the table stands under the status, in its colour."""
    page = table(with_memory(running(equity=100_000.0), 99.0, 100.0))
    assert '</small><small class="critical">is over its memory limit</small></td>' in page
    assert "its drawdown limit" not in table(running(equity=75_000.0)), "that is a column"


def test_drawdown_bar_has_its_limits():
    """The bar ends a quarter beyond the last limit; without limits there is none."""
    page = table(running(equity=90_000.0, limits={(DRAWDOWN, WARNING): 0.25, (DRAWDOWN, CRITICAL): 0.5}))
    assert '<meter low="0.25" high="0.5" max="0.625" optimum="0" value="0.09999' in page
    assert "<meter" not in table(running(limits={}))
    one = table(running(equity=0.0, limits={(DRAWDOWN, WARNING): 0.5}))
    assert '<meter low="0.5" high="0.5" max="0.625" optimum="0" value="1.0"' in one


def test_status_says_since_when():
    """A running project says for how long, an ended one how long ago."""
    assert "<small>for 20717 d</small>" in table(running())
    crashed = table(ended(running(), AlgorithmStatus.RUNTIME_ERROR))
    assert '<span class="bad">crashed</span><small><time' in crashed
    assert ">67 s ago</time></small>" in crashed
    assert '<span class="">stopped</span>' in table(ended(running(), AlgorithmStatus.STOPPED))


def test_data_opens_to_every_source():
    """Each source has its last success, its interval and what is wrong with it."""
    state = failing(running(), Source.EQUITY).with_intervals(
        dict.fromkeys(running().health, 60.0) | {Source.STATUS: None}
    )
    page = table(state)
    assert '<details id="d7"><summary>' in page
    assert re.search(r"<dt>portfolio</dt><dd><time[^>]+>7 s ago</time>, every 60 s</dd>", page)
    assert re.search(r"<dt>equity</dt><dd><time[^>]+>7 s ago</time>, every 60 s, timeout</dd>", page)
    assert "<dt>statistics</dt><dd>\N{EN DASH}, every 60 s</dd>" in page


def test_most_urgent_projects_come_first():
    """Critical problems come before warnings, and what is sound comes last, by name."""
    states = [
        named("b", 1),
        named("a", 2),
        named("anything over its limit", 5, 70_000.0),
        failing(named("late", 3), Source.EQUITY),
        ended(named("crashed", 4), AlgorithmStatus.RUNTIME_ERROR),
    ]
    assert names(table(*states)) == ["crashed", "anything over its limit", "late", "a", "b"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("project", ["big", "euro", "new", "small"]),
        ("-project", ["small", "new", "euro", "big"]),
        ("-equity", ["big", "small", "euro", "new"]),
        ("equity", ["small", "big", "euro", "new"]),
        ("nonsense", ["big", "small", "euro", "new"]),
    ],
)
def test_sorted_as_asked(sort, expected):
    """Money sorts within its currency, the most frequent one first; a project without a value comes last."""
    states = [
        named("small", 1, 90_000.0),
        named("euro", 2, 95_000.0, "EUR"),
        named("big", 3, 99_000.0),
        new_project(4, "main", SETTINGS).with_name("new"),
    ]
    found = names(table(*states, sort=sort))
    assert found == (expected if sort != "nonsense" else ["big", "euro", "new", "small"])


def test_titles_turn_the_order_around():
    """A title leads to the largest first, and to the smallest first when it is sorted so already."""
    assert '<a href="?sort=-cash">' in table(running())
    page = table(running(), sort="-cash")
    assert 'aria-sort="descending"><a href="?sort=cash">Cash</a>' in page
    assert 'aria-sort="ascending"><a href="?sort=-cash">' in table(running(), sort="cash")
    assert '<a href="?sort=project">' in table(running())
    assert 'aria-sort="ascending"><a href="?sort=-project">' in table(running(), sort="project")


def test_orders():
    """Every column with a number can be sorted by in both ways, as can names, and nothing else."""
    for name in ("project", "equity", "today", "drawdown", "unrealized", "cash", "leverage"):
        assert is_order(name)
        assert is_order(f"-{name}")
    assert not any(map(is_order, ("", "-", "--cash", "nonsense", "status", "exposure")))


def test_no_project():
    """Without projects there is a sentence in place of a table."""
    assert table() == '<p id="projects">No project is known yet.</p>'
