"""What a scrape shows while others publish, and that a page put together from kept blocks is the whole page."""

import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.model import ProjectSettings
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.metrics.exposition import Format
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject, render_project
from exporter.polling.state import Instant, ProjectState, Source, new_project
from exporter.polling.store import Store
from tests.support import FakeClock

PROJECTS = 80
PUBLISHERS = 4
ROUNDS = 15


def running(project_id: int, clock: FakeClock) -> ProjectState:
    now = Instant(clock.wall(), clock.monotonic())
    state = new_project(project_id, "main", ProjectSettings(name=f"Strategy {project_id}"))
    deployment = Deployment(f"L-{project_id}", AlgorithmStatus.RUNNING, 1.0)
    return with_cash(state.with_deployment(deployment, now), 0.0, now)


def with_cash(state: ProjectState, amount: float, now: Instant) -> ProjectState:
    holdings = tuple(
        Holding(Security(f"T{number} X", f"T{number}", SecurityType.EQUITY), 1, 2, amount, 1, amount, 0.5)
        for number in range(3)
    )
    cash = (CashBalance("USD", amount, 1.0, amount),)
    return state.with_portfolio(Portfolio(holdings, cash), now).with_success(Source.PORTFOLIO, now)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock) -> Store[RenderedProject]:
    store = Store(render_project)
    for project_id in range(PROJECTS):
        store.add(running(project_id, clock))
    return store


def page_of(store: Store[RenderedProject], clock: FakeClock) -> Page:
    return Page(store, lambda _: b"# tail\n", clock)


@pytest.mark.parametrize("page_format", Format)
def test_published_value_is_in_the_next_scrape_under_load(store, clock, page_format):
    """While others publish and scrape, a scrape that begins after a value was published shows that value."""
    page = page_of(store, clock)
    now = Instant(clock.wall(), clock.monotonic())
    begin = Barrier(PUBLISHERS)

    def publish_and_scrape(project_id: int) -> list[tuple[float, float]]:
        line = re.compile(rb'^quantconnect_cash_amount\{project_id="%d",.* (\S+)$' % project_id, re.MULTILINE)
        seen = []
        begin.wait(10)
        for number in range(1, ROUNDS + 1):
            amount = project_id * 1000.0 + number
            store.update(project_id, lambda known, amount=amount: with_cash(known, amount, now))
            shown = line.findall(gzip.decompress(bytes(page.gzipped(page_format))))
            seen.append((amount, float(shown[0])))
        return seen

    with ThreadPoolExecutor(PUBLISHERS) as threads:
        projects = [number * PROJECTS // PUBLISHERS for number in range(PUBLISHERS)]
        found = [pair for seen in threads.map(publish_and_scrape, projects) for pair in seen]

    assert len(found) == PUBLISHERS * ROUNDS
    assert [pair for pair in found if pair[0] != pair[1]] == []


def test_change_of_one_project_compresses_its_blocks_alone(store, clock):
    """After one project's poll the blocks of all others are the same objects as before."""
    page = page_of(store, clock)
    page.gzipped(Format.OPENMETRICS)
    before = page._bodies[Format.OPENMETRICS].blocks
    store.update(7, lambda known: with_cash(known, 5.0, Instant(clock.wall(), clock.monotonic())))
    page.gzipped(Format.OPENMETRICS)
    after = page._bodies[Format.OPENMETRICS].blocks
    kept = [key for key, block in after.items() if before.get(key) is block]
    own = re.compile(rb'project_id="7"')
    changed = [block for key, block in after.items() if key not in kept]

    assert len(kept) > len(after) / 4
    assert changed
    assert all(any(own.search(line) for line in block.lines) for block in changed)


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), st.integers(0, PROJECTS), st.floats(-1e9, 1e9)),
        st.tuples(st.just("add"), st.integers(PROJECTS, PROJECTS + 5), st.just(0.0)),
        st.tuples(st.just("remove"), st.integers(0, PROJECTS + 5), st.just(0.0)),
        st.tuples(st.just("forget"), st.integers(0, PROJECTS), st.just(0.0)),
        st.tuples(st.just("wait"), st.just(0), st.floats(1, 800)),
    ),
    max_size=8,
)


@settings(max_examples=settings.default.max_examples // 4)
@given(CHANGES)
def test_page_of_kept_blocks_is_the_whole_page(changes):
    """Whatever is published, added, removed or grows too old: the kept page equals one made from nothing."""
    clock = FakeClock()
    store = Store(render_project)
    for project_id in range(PROJECTS):
        store.add(running(project_id, clock))
    page = page_of(store, clock)
    for kind, project_id, value in changes:
        now = Instant(clock.wall(), clock.monotonic())
        match kind:
            case "poll":
                store.update(project_id, lambda known, value=value, now=now: with_cash(known, value, now))
            case "forget":
                store.update(project_id, lambda known: known._replace(portfolio=None))
            case "add":
                store.add(running(project_id, clock))
            case "remove":
                store.remove(project_id)
            case "wait":
                clock.advance(value)
        for page_format in Format:
            anew = bytes(page_of(store, clock).plain(page_format))
            assert gzip.decompress(bytes(page.gzipped(page_format))) == anew
            assert bytes(page.plain(page_format)) == anew
