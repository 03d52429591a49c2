"""The status page as a whole."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from exporter.domain.deployment import AlgorithmStatus
from exporter.domain.portfolio import Portfolio
from exporter.polling.state import Reading, Source, new_project
from exporter.web.status.page import HEADERS, status_page
from tests.web.status.states import NOW, SETTINGS, account, ended, failing, holding, running

LINKS = {"Metrics": "metrics", "Documentation": "https://example.org/docs"}


def page_of(*states, accounts=(), links=LINKS, sort=""):
    return status_page(states, accounts, links, NOW.wall, sort)


def verdict(page):
    (text,) = re.findall(r'role="status">([^<]+)</strong>', page)
    assert f"<title>{text} · QuantConnect exporter</title>" in page
    return text


def sound(project_id=1):
    return running(project_id, equity=100_000.0)


@pytest.mark.parametrize(
    ("states", "accounts", "text"),
    [
        ([sound()], [account()], "Nothing needs attention"),
        ([], [account("signing in")], "Signing in"),
        ([], [account()], "Nothing is running"),
        ([ended(sound(), AlgorithmStatus.STOPPED)], [account()], "Nothing is running"),
        ([running()], [account()], "1 thing needs attention"),
        ([running()], [account("refused")], "2 things need attention"),
        ([], [account("refused")], "1 thing needs attention"),
    ],
)
def test_verdict(states, accounts, text):
    """The first line says whether all is well: a refused account is a problem though no project is known."""
    page = page_of(*states, accounts=accounts)
    assert verdict(page) == text
    assert ('<strong class="good"' in page) == (text == "Nothing needs attention"), (
        "green means that something runs"
    )


def test_what_an_account_causes_is_said_once():
    """While an account cannot be asked, its projects' old data is no problem of their own."""
    state = failing(sound(), Source.PORTFOLIO)
    assert verdict(page_of(state, accounts=[account("unreachable")])) == "1 thing needs attention"
    assert "has old data" not in page_of(state, accounts=[account("unreachable")])
    assert "has old data" in page_of(state, accounts=[account()])


def test_statuses_are_counted():
    """Beside the verdict stands how many projects there are, by status."""
    page = page_of(
        sound(1), sound(2), ended(sound(3), AlgorithmStatus.RUNTIME_ERROR), new_project(4, "a", SETTINGS)
    )
    assert "<span>4 projects: 2 running, 1 crashed, 1 not known</span>" in page


def test_no_project_is_counted_plainly():
    """Before any project is known there is nothing to list."""
    assert "<span>0 projects</span>" in page_of()


def test_problems_are_listed_and_the_rest_can_be_opened():
    """Eight problems are shown, with a link to the project; more of them behind one line."""
    page = page_of(*(running(number, f"p{number}") for number in range(1, 11)))
    shown, rest = page.split('<details id="more">')
    assert shown.count('<li class="critical">') == 8
    assert rest.count('<li class="critical">') == 2
    assert "<summary>2 more</summary>" in rest
    assert (
        '<b><a href="https://www.quantconnect.com/project/1"><bdi>p1</bdi></a> is over its drawdown limit</b>'
        in page
    )


def test_money_is_added_by_currency():
    """Sums are of running projects of one currency; what is missing from a sum is counted."""

    def of(project_id, currency, equity):
        return running(project_id, equity=equity)._replace(account_currency=currency)

    unknown = Reading(Portfolio(holdings=(holding(None, None),)), NOW)
    page = page_of(
        of(1, "USD", 100_000.4),
        of(2, "USD", 50_000.0)._replace(portfolio=unknown),
        of(3, "EUR", 7.0),
        ended(of(4, "USD", 1e9), AlgorithmStatus.STOPPED),
    )
    (body,) = re.findall(r'<table id="currencies">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    dollars, euros = body.split("</tr>")[:2]
    assert "USD <small>2 running</small>" in dollars
    assert 'data-label="Equity">150,000.40<' in dollars
    assert (
        'data-label="Unrealized PnL"><span class="">0.00</span><small class="warning">1 not known</small>'
        in dollars
    )
    assert "EUR <small>1 running</small>" in euros
    assert 'data-label="Equity">7.00<' in euros


def test_accounts_have_a_row_each():
    """An account shows its state, how much of its budget is used, and when it was last listed."""
    page = page_of(accounts=[account(), account("refused", "<b>")])
    (body,) = re.findall(r'<table id="accounts">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    first, second = body.split("</tr>")[:2]
    assert '<span class="good">signed in</span>' in first
    assert ">12 of 30<" in first
    assert ">5 s ago</time>" in first
    assert "<bdi>&lt;b&gt;</bdi>" in second
    assert re.search('<span class="bad">refused</span><small><time[^>]+>28 min ago</time></small>', second)


def test_text_from_outside_is_escaped():
    """A name cannot bring markup of its own into the page."""
    hostile = "<script>alert(1)</script>\"'&"
    state = running(name=hostile)._replace(account="<b>", account_currency="<i>")
    page = page_of(state, links={"Metrics": '"<i>', "Grafana": '"><u>'})
    assert "<script>alert" not in page
    assert not re.search("<[biu]>[^<]", page.replace("<b><a", ""))
    assert 'href="&quot;&lt;i&gt;"' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in page


def test_policy_allows_the_page_its_own_script_and_style_alone():
    """The Content-Security-Policy names the hash of the one script and the one style that stand in the page."""
    page = page_of(running())
    policy = dict(each.split(" ", 1) for each in HEADERS["Content-Security-Policy"].split("; "))

    for element in ("script", "style"):
        (text,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert policy[f"{element}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert "style=" not in page
    assert not re.search(r" on\w+=", page)


def test_links_are_as_given_and_nothing_is_loaded():
    """The navigation leads where it is told to; nothing is loaded from anywhere."""
    page = page_of(running())
    (navigation,) = re.findall(r"<nav>(.*?)</nav>", page)
    assert navigation == '<a href="metrics">Metrics</a><a href="https://example.org/docs">Documentation</a>'
    assert not re.search(r"""src=|action=|url\(|@import|href="/""", page)
