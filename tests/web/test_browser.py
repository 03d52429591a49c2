"""The status page in a real browser, on a simulated QuantConnect whose names want to be markup."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from exporter.demo.faults import Fault
from exporter.demo.server import SimulatedQuantConnect
from exporter.printable import printable
from exporter.web import application
from exporter.web.application import Pages
from exporter.web.status.text import number, percent
from tests.programs import wait_until
from tests.support import Bench, FakeClock, config_of, project_named, scenario_at
from tests.web.sites import serving

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

CLOCK_SET_BY_HAND = """
window.setTimeout = (call, pause) => { window.due = call; window.pause = pause; return 1; };
window.clearTimeout = () => { window.due = undefined; };
"""

HOSTILE_NAMES = {
    "Coins": "<script>window.hacked = 1</script>",
    "FX Carry": '"><img src=x onerror="window.hacked=2">',
    "Fresh": "'\"`\u2019 </th></tr></table><h1>&lt;b&gt;&amp;",
    "Fragile": "\u202eevil \u2067\u200f name",
    "Single Stock": "first\nsecond\r\n\tthird \u2028 fourth",
    "Futures Trend": "--><svg onload=window.hacked=3>]]></style></title>",
    "Perpetuals": "javascript:window.hacked=4//" + "x" * 300,
}
HOSTILE_ACCOUNT = 'main</small><iframe srcdoc="<script>parent.hacked=5</script>"></iframe>'
HOSTILE_SYMBOL = "</script><script>window.hacked = 6</script> 2T"

ROWS = """
return Object.fromEntries([...document.querySelectorAll("#projects tbody tr")].map(row => [
    row.id.slice(1),
    Object.fromEntries([...row.cells].map(cell => [
        cell.dataset.label,
        (cell.querySelector("bdi") ?? document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode()).textContent,
    ])),
]));
"""

COLOURS = """
const ground = element => {
    const own = getComputedStyle(element).backgroundColor;
    return own !== "rgba(0, 0, 0, 0)" || element === document.documentElement ? own : ground(element.parentElement);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const pairs = new Set();
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.checkVisibility()) {
        pairs.add(getComputedStyle(element).color + "|" + ground(element));
    }
}
return [...pairs].map(pair => pair.split("|"));
"""


@dataclass
class Browser:
    """Chromium with one page open, in which time passes by hand."""

    driver: Chrome

    def open(self, port: int) -> None:
        self.driver.get(f"http://127.0.0.1:{port}/")

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def command(self, name: str, **parameters: Any) -> None:
        """Give a command of the Chrome DevTools protocol."""
        self.driver.execute_cdp_cmd(name, parameters)

    def pass_pause(self) -> None:
        """Let the time pass that the page waits before it renews itself."""
        self.run("const call = window.due; window.due = undefined; call();")

    def rests(self) -> bool:
        """Whether the page waits for its next renewal."""
        return bool(self.run("return window.due !== undefined"))

    def rows(self) -> dict[str, dict[str, str]]:
        """Return the first text of each cell by project id and title."""
        return self.run(ROWS)

    def notice(self) -> str:
        """Return the notice that is seen, or nothing."""
        return self.driver.find_element("id", "notice").text

    def complaints(self) -> list[str]:
        """Return what the console has said since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


class Site:
    """An exporter's pages, the status page replaced for a while."""

    def __init__(self, pages: Pages) -> None:
        self.pages = replace(pages, status=self._status)
        self.port = 0
        self.true_status = self.status = pages.status

    def _status(self, sort: str) -> str:
        return self.status(sort)


@pytest.fixture(scope="module")
def driver(needs, tmp_path_factory) -> Iterator[Chrome]:
    """Debian's chromium, which keeps nothing and asks nobody else."""
    options = ChromeOptions()
    options.binary_location = needs("chromium")
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, Service(needs("chromedriver")))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CLOCK_SET_BY_HAND})
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """An exporter that has polled hostile names once."""
    clock = FakeClock()
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock) as api:
        holding = {HOSTILE_SYMBOL: {"a": 1, "q": 1, "p": 5, "v": 5, "u": 4}}
        project_id = project_named(api, 'Research/Lab "Signal" 7')
        body = {"success": True, "portfolio": {"holdings": holding, "cash": []}}
        api.faults.add(Fault(endpoint="live/portfolio/read", project_id=project_id, body=body))
        for name, hostile in HOSTILE_NAMES.items():
            api.projects[project_named(api, name)].rename(hostile)
        config = config_of(api)
        main, *others = config.accounts
        bench = Bench(api, clock, replace(config, accounts=(replace(main, name=HOSTILE_ACCOUNT), *others)))
        bench.poll()
        yield bench
        bench.close()


@pytest.fixture(scope="module")
def site(bench) -> Iterator[Site]:
    """The exporter's pages on a port of loopback."""
    site = Site(bench.exporter.pages())
    with pytest.MonkeyPatch.context() as patch, serving(site.pages) as site.port:
        patch.setattr(application, "STATUS_SECONDS", 0.0)  # time passes by hand
        yield site


@pytest.fixture
def browser(driver, site) -> Browser:
    """The status page, just opened in a window for a desktop."""
    driver.set_window_rect(0, 0, 1280, 700)
    browser = Browser(driver)
    browser.complaints()
    browser.open(site.port)
    return browser


def renewed(browser: Browser) -> None:
    """Let the page renew itself, and wait until it has."""
    browser.pass_pause()
    wait_until(browser.rests, what="the renewal")


def test_numbers_are_those_of_the_metrics_and_of_the_accounts(browser, bench):
    """Each row's equity, drawdown, unrealized PnL and cash are what /metrics says, and equity what the account holds."""
    samples, rows = bench.samples(), browser.rows()

    assert len(rows) == len(samples.all("quantconnect_algorithm_info")) > 10
    for project_id, row in rows.items():
        assert row["Status"] == "running"
        equity = row["Equity"].split()[0]
        assert equity == number(samples.one("quantconnect_equity", project_id=project_id))
        assert float(equity.replace(",", "")) == pytest.approx(
            bench.api.state(int(project_id)).shown_equity, abs=0.01
        )
        assert row["Drawdown"] == percent(samples.one("quantconnect_drawdown_ratio", project_id=project_id))
        today = samples.one("quantconnect_daily_return_ratio", project_id=project_id)
        assert row["Today"] == f"{number(100 * today, signed=True)} %"
        pnl = samples.all("quantconnect_holding_unrealized_pnl", project_id=project_id)
        assert row["Unrealized PnL"] == number(sum(pnl), signed=True)
        cash = samples.all("quantconnect_cash_value", project_id=project_id)
        assert row["Cash"] == (number(sum(cash)) if cash else "\N{EN DASH}")
    assert f"{len(rows)} projects" in browser.run("return document.getElementById('verdict').innerText")


def test_hostile_names_are_text(browser, bench):
    """Names are shown as text, at first and after a renewal; none brings an element or runs, and none is complained of."""
    bench.advance(60)
    renewed(browser)
    names = {row["Project"] for row in browser.rows().values()}
    # What would act on the text around it is written out: line breaks, and marks of direction.
    shown = {printable(name) for name in HOSTILE_NAMES.values()}
    assert {name if len(name) <= 256 else name[:200] for name in shown} <= names | {
        name[:200] for name in names
    }
    assert browser.run("return window.hacked") is None
    assert browser.run("return document.querySelectorAll('img, svg, iframe, h1 ~ h1').length") == 0
    assert browser.run("return document.scripts.length") == 1
    assert browser.complaints() == []


def test_markup_that_was_not_escaped_would_not_run(browser, site):
    """Were escaping forgotten, the browser would refuse what is not the page's own."""
    site.status = lambda sort: (
        site.true_status(sort).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    )
    browser.open(site.port)
    site.status = site.true_status

    assert browser.run("return document.scripts.length") > 1
    assert browser.run("return window.hacked") is None
    assert any("Content Security Policy" in each for each in browser.complaints())


def test_renewal_keeps_the_readers_place(browser, bench):
    """A new number appears without a reload; scroll, selected text, focus and open details stay."""
    project_id = str(project_named(bench.api, HOSTILE_NAMES["Coins"]))
    browser.run("""
        document.body.style.minWidth = "3000px";
        scrollTo(140, 160);
        getSelection().selectAllChildren(document.querySelector("#projects tbody tr:nth-child(3) bdi"));
        document.querySelector("#projects tbody tr:nth-child(4) details").open = true;
        document.querySelector("nav a").focus({preventScroll: true});
        window.stayed = true;
    """)
    place = """return [
        scrollX, scrollY, getSelection().toString(), document.activeElement.innerText, window.stayed,
        [...document.querySelectorAll("details[open]")].map(each => each.id).join(),
    ]"""
    before, equity = browser.run(place), browser.rows()[project_id]["Equity"]
    bench.api.projects[int(project_id)].deposit(1_000_000)
    bench.advance(60)
    renewed(browser)

    shown = browser.rows()[project_id]["Equity"]
    assert shown.split()[0] == number(bench.samples().one("quantconnect_equity", project_id=project_id))
    assert shown != equity
    assert browser.run(place) == before
    assert before[:2] == [140, 160]
    assert before[5].startswith("d")


def test_click_on_a_title_sorts_and_stays(browser, bench):
    """A click sorts without a reload; the order outlives renewals, and another click turns it around."""
    browser.run("window.stayed = true; scrollTo(0, 0)")

    def drawdowns() -> list[float]:
        cells = "return [...document.querySelectorAll('[data-label=Drawdown]')].map(each => each.innerText)"
        return [float(text.split()[0]) for text in browser.run(cells) if text != "\u2013"]

    def click() -> None:
        browser.driver.find_element("link text", "Drawdown").click()
        wait_until(browser.rests, what="the renewal")

    click()
    assert browser.driver.current_url.endswith("?sort=-drawdown")
    assert drawdowns() == sorted(drawdowns(), reverse=True)
    bench.advance(60)
    renewed(browser)
    assert drawdowns() == sorted(drawdowns(), reverse=True)
    click()
    assert drawdowns() == sorted(drawdowns())
    assert browser.run("return window.stayed")


def test_project_that_appears_and_leaves(browser, bench):
    """A renewal brings rows that are new, and takes away those that are gone."""
    before = browser.rows()
    (gone, *_) = before
    project = bench.api.projects[int(gone)]
    project.delete()
    bench.advance(600, 60)
    renewed(browser)
    assert browser.rows().keys() == before.keys() - {gone}

    project.deleted = False
    bench.advance(600, 60)
    renewed(browser)
    assert browser.rows().keys() == before.keys()


def test_hidden_page_asks_nothing(browser, site, bench):
    """Out of sight, or opened there, the page waits for nothing; in sight again it is renewed at once."""
    assert browser.rests()
    browser.driver.minimize_window()
    wait_until(lambda: not browser.rests(), what="rest out of sight")
    browser.open(site.port)
    assert browser.run("return document.hidden")
    assert not browser.rests()

    shown = "return Date.parse(document.getElementById('now').dateTime) / 1000"
    bench.clock.advance(7)
    assert browser.run(shown) < bench.clock.wall()
    browser.driver.set_window_rect(0, 0, 1280, 700)
    wait_until(lambda: browser.run(shown) == bench.clock.wall(), what="renewal in sight")
    assert browser.rests()


def test_renewals_are_seconds_apart(browser):
    """The page waits five seconds when it is small, and twenty times as long as the last renewal took when it is large."""
    assert browser.run("return window.pause") == 5000
    browser.run("""
        const parse = DOMParser.prototype.parseFromString;
        DOMParser.prototype.parseFromString = function (...given) {
            for (const begun = performance.now(); performance.now() - begun < 400; );
            return parse.apply(this, given);
        };
    """)
    renewed(browser)
    assert browser.run("return window.pause") > 20 * 400


def test_page_says_that_the_exporter_is_gone(browser, site):
    """Once the exporter is stopped the page says since when it shows nothing new, and its numbers fade."""
    with serving(site.pages) as port:
        browser.open(port)
        assert browser.notice() == ""
        assert browser.run("return getComputedStyle(document.querySelector('main')).opacity") == "1"
        since = browser.run("return document.getElementById('now').innerText")
    renewed(browser)

    assert browser.notice() == f"Not updated since {since}: the exporter does not answer."
    faded = "return getComputedStyle(document.querySelector('main')).opacity"
    wait_until(lambda: float(browser.run(faded)) < 0.5, what="fading")
    assert browser.rests(), "it tries again"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: 1 / 0, "the exporter answers with status 500"),
        (lambda _: "<!doctype html><title>Sign in</title>", "something else answers in the exporter's place"),
    ],
)
def test_page_says_that_the_answer_is_wrong(browser, site, answer, reason):
    """An error, or the page of something else, is no renewal: the page says so until the next good answer."""
    site.status = answer
    renewed(browser)
    site.status = site.true_status
    assert browser.notice().endswith(f"Z: {reason}.")
    assert len(browser.rows()) > 10, "what was known stays"
    assert browser.run("return document.body.className") == "old"

    renewed(browser)
    assert browser.notice() == ""
    assert browser.run("return document.body.className") == ""


def test_page_without_its_script_says_that_it_does_not_renew_itself(browser, site):
    """Where scripts are off, the page is whole, and says that it does not renew itself."""
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(site.port)
    browser.command("Emulation.setScriptExecutionDisabled", value=False)

    assert "does not renew itself" in browser.notice()
    assert len(browser.rows()) > 10


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_is_wider_than_the_screen(browser, width):
    """On a phone, a tablet and a desktop nothing has to be scrolled sideways, whatever the names are."""
    browser.command(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 800
    )
    widest = browser.run("return document.documentElement.scrollWidth")
    browser.command("Emulation.clearDeviceMetricsOverride")

    assert widest <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser, scheme):
    """Each text has the contrast to its ground that WCAG 2.2 asks for (1.4.3: 4.5), in both colour schemes."""
    browser.command(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    pairs = browser.run(COLOURS)
    browser.command("Emulation.setEmulatedMedia", features=[])

    assert len(pairs) >= 4
    grounds = {ground for _, ground in pairs}
    assert all((luminance(ground) < 0.5) == (scheme == "dark") for ground in grounds)
    for text, ground in pairs:
        lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``rgb(…)``, as WCAG 2.2 defines it."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
