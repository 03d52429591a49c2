"""The pages: metrics, status, health, readiness, the configuration in force, and its reload."""

import gzip
from asyncio import Lock, get_running_loop, wrap_future
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.metrics.page import Content, Page
from exporter.web.http_connection import connection_of
from exporter.web.negotiation import accepts_gzip, choose_format
from exporter.web.page_readers import PageReaders
from exporter.web.request_guard import RequestGuard
from exporter.web.status.page import HEADERS as STATUS_HEADERS
from exporter.web.status.projects import is_order

STATUS_SECONDS = 1.0
"""Seconds for which all requests get the same status page."""

_MOST_QUERY_BYTES = 100
"""Of a query, of which one order of projects is read."""

_SMALL_BYTES = 32 * 1024
"""What is handed on at once: no more than one piece of a larger page."""

_Endpoint = Callable[[Request], Awaitable[Response]]
_Reload = Callable[[], Future[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Pages:
    """What the server shows. None of these waits for QuantConnect."""

    metrics: Page
    status: Callable[[str], str]
    """Return the status page with its projects in an order."""
    healthy: Callable[[], bool]
    not_ready: Callable[[], str | None]
    """Return why the exporter is not ready yet, None when it is."""
    config: Callable[[], str] = str
    """Return the configuration in force as YAML, without its secrets."""


def make_application(
    pages: Pages,
    telemetry_path: str,
    reload: _Reload | None = None,
    allowed_hosts: Collection[str] | None = None,
) -> Starlette:
    """Return the ASGI application; any other path is 404, any other method 405.

    ``reload`` asks for a reload, and gives its problems; without it there is no such path.
    ``allowed_hosts`` are answered beside loopback names; ``None`` answers every host.
    """
    routes = [
        Route(telemetry_path, _metrics(pages.metrics)),
        Route("/", _status(pages.status)),
        Route("/-/healthy", _healthy(pages.healthy)),
        Route("/-/ready", _ready(pages.not_ready)),
        Route("/-/config", _config(pages.config)),
    ]
    if reload is not None:
        routes.append(Route("/-/reload", _reload(reload), methods=["POST", "PUT"]))
    application = Starlette(routes=routes, middleware=[Middleware(RequestGuard, allowed_hosts)])
    application.router.redirect_slashes = False
    return application


def _metrics(page: Page) -> _Endpoint:
    one_at_a_time = Lock()
    made: dict[object, Content] = {}
    readers = PageReaders()

    async def metrics(request: Request) -> Response:
        page_format = choose_format(request.headers.get("accept"))
        compress = accepts_gzip(request.headers.get("accept-encoding"))
        make = page.gzipped if compress else page.plain
        asked_for = (page_format, compress)
        async with one_at_a_time:  # those who ask while a page is being made share it
            if asked_for in made:
                content = made[asked_for]
            elif page.is_current(page_format):
                content = made[asked_for] = make(page_format)
                # A later request is read only after this, so that nobody gets a page older than the request.
                get_running_loop().call_soon(made.clear)
            else:  # joining and compressing many megabytes must not hold up other requests
                content = await run_in_threadpool(make, page_format)
        headers = {"Content-Type": page_format.content_type, "Vary": "Accept, Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        return _InPieces(content, headers, readers)

    return metrics


class _InPieces(Response):
    """An answer handed on in pieces, each when the one before has left our memory."""

    def __init__(self, content: Content, headers: Mapping[str, str], readers: PageReaders) -> None:
        super().__init__(headers={**headers, "Content-Length": str(content.length)})
        self._content = content
        self._readers = readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        connection = connection_of(scope)
        with self._readers.reading(self._content, connection) if connection else nullcontext():
            left = self._content.length
            for piece in self._content.pieces() if left > _SMALL_BYTES else (bytes(self._content),):
                if connection is not None and connection.is_gone:
                    await _disconnected(receive)
                    return
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})


async def _disconnected(receive: Receive) -> None:
    """Wait until uvicorn has noticed as well that the client is gone: it takes half an answer for a mistake."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _status(page: Callable[[str], str]) -> _Endpoint:
    one_at_a_time = Lock()
    made: dict[tuple[str, bool], bytes] = {}
    made_at: dict[str, float] = {}

    async def status(request: Request) -> Response:
        compress = accepts_gzip(request.headers.get("accept-encoding"))
        query = QueryParams(request.scope["query_string"][:_MOST_QUERY_BYTES])
        sort = query.get("sort", "")
        order = sort if is_order(sort) else ""
        async with one_at_a_time:
            now = get_running_loop().time()
            if order not in made_at or now - made_at[order] >= STATUS_SECONDS:
                made[order, False] = (await run_in_threadpool(page, order)).encode()
                made.pop((order, True), None)
                made_at[order] = now
            if compress and (order, True) not in made:
                made[order, True] = await run_in_threadpool(gzip.compress, made[order, False], 1)
            content = made[order, compress]
        headers = {**STATUS_HEADERS, "Vary": "Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        return HTMLResponse(content, headers=headers)

    return status


def _healthy(healthy: Callable[[], bool]) -> _Endpoint:
    async def health(_: Request) -> Response:
        return _check("healthy", None if healthy() else "a poll loop is stuck")

    return health


def _ready(not_ready: Callable[[], str | None]) -> _Endpoint:
    async def readiness(_: Request) -> Response:
        return _check("ready", not_ready())

    return readiness


def _config(config: Callable[[], str]) -> _Endpoint:
    one_at_a_time = Lock()

    async def configuration(_: Request) -> Response:
        async with one_at_a_time:
            text = await run_in_threadpool(config)
        return PlainTextResponse(
            text, headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        )

    return configuration


def _check(passed: str, problem: str | None) -> Response:
    return PlainTextResponse(f"{problem or passed}\n", status_code=503 if problem else 200)


def _reload(reload: _Reload) -> _Endpoint:
    async def reload_configuration(_: Request) -> Response:
        problems = await wrap_future(reload())
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), status_code=500)
        return PlainTextResponse("configuration reloaded\n")

    return reload_configuration
