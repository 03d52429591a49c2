"""Many who ask for the metrics at once: what they share, and that nobody gets an old page."""

import asyncio
import http.client
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

from exporter.clock import SystemClock
from exporter.metrics.page import Page
from exporter.polling.store import Store
from exporter.web.application import Pages, make_application
from tests.web.sites import serving

SCRAPERS = 8
ROUNDS = 30


def pages_of(page: Page) -> Pages:
    return Pages(page, lambda: "", lambda: True, lambda: None)


def page_of(tail) -> Page:
    """Return a page without projects, whose tail is all there is."""
    return Page(Store(lambda state, _: state), tail, SystemClock())


def numbered() -> Page:
    """Return a page that shows how often it was made."""
    made = count(1)
    return page_of(lambda _: b"made %d\n" % next(made))


async def ask(application, *, accept: bytes = b"*/*", encoding: bytes = b"identity") -> bytes:
    """Return the body of an answer, asked for without a network."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "headers": [(b"accept", accept), (b"accept-encoding", encoding)],
    }
    sent = []

    async def send(message):
        sent.append(message)

    await application(scope, None, send)
    return b"".join(message.get("body", b"") for message in sent)


def test_who_asks_at_once_shares_a_page():
    """Of requests that arrived before a page was begun, the first makes it and all get it."""

    async def crowd():
        application = make_application(pages_of(numbered()), "/metrics")
        await ask(application)  # the first page is made in a thread
        return await asyncio.gather(*(ask(application) for _ in range(SCRAPERS)))

    assert asyncio.run(crowd()) == [b"made 2\n"] * SCRAPERS


def test_each_format_and_encoding_has_its_own():
    """What is shared is never another format, nor compressed for someone who did not ask for that."""

    async def mixed():
        application = make_application(pages_of(numbered()), "/metrics")
        openmetrics = {"accept": b"application/openmetrics-text;version=1.0.0"}
        for headers in ({}, openmetrics):
            await ask(application, **headers)
        return await asyncio.gather(
            ask(application), ask(application, **openmetrics), ask(application, encoding=b"gzip")
        )

    plain, openmetrics, packed = asyncio.run(mixed())
    assert plain == b"made 3\n"
    assert openmetrics == b"made 4\n# EOF\n"
    assert packed.startswith(b"\x1f\x8b")


def test_who_asks_later_gets_a_later_page():
    """Nothing outlives the moment: a request after an answer finds a page made after it."""

    async def one_after_another():
        application = make_application(pages_of(numbered()), "/metrics")
        return [await asyncio.create_task(ask(application)) for _ in range(4)]  # as a server does

    assert asyncio.run(one_after_another()) == [b"made %d\n" % number for number in (1, 2, 3, 4)]


def test_what_was_known_before_the_request_is_in_the_answer():
    """In a crowd over real connections, each who sets a value and then asks gets that value or a later one."""
    values = [0] * SCRAPERS
    page = page_of(lambda _: b"".join(b"value_%d %d\n" % pair for pair in enumerate(values)))
    begin = Barrier(SCRAPERS)

    def set_and_scrape(port: int, number: int) -> list[tuple[int, int]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        seen = []
        begin.wait(10)
        for value in range(1, ROUNDS + 1):
            values[number] = value
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
            seen.append((value, int(lines[number].split()[1])))
        connection.close()
        return seen

    with serving(pages_of(page)) as port, ThreadPoolExecutor(SCRAPERS) as threads:
        seen = [
            pair for each in threads.map(lambda n: set_and_scrape(port, n), range(SCRAPERS)) for pair in each
        ]

    assert len(seen) == SCRAPERS * ROUNDS
    assert [(value, shown) for value, shown in seen if shown != value] == []
