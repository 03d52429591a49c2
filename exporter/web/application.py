"""The four pages: metrics, status, health and readiness."""

import gzip
from asyncio import Lock, get_running_loop
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.metrics.page import Content, Page
from exporter.web import status_page
from exporter.web.negotiation import accepts_gzip, choose_format

Reload = Callable[[], tuple[str, ...]]

_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pages:
    """What the server shows: each is called for each request, and none waits for QuantConnect."""

    metrics: Page
    status: Callable[[], str]
    healthy: Callable[[], bool]
    ready: Callable[[], bool]


def make_application(pages: Pages, telemetry_path: str, reload: Reload | None = None) -> Starlette:
    """Return the ASGI application; any other path is 404, any other method 405.

    ``reload`` takes the changed configuration and returns the problems for which it was refused;
    without it there is no such path.
    """
    routes = [
        Route(telemetry_path, _metrics(pages.metrics)),
        Route("/", _status(pages.status)),
        Route("/-/healthy", _check(pages.healthy, "healthy", "a poll loop is stuck")),
        Route("/-/ready", _check(pages.ready, "ready", "not every project has been tried yet")),
    ]
    if reload is not None:
        routes.append(Route("/-/reload", _reload(reload), methods=["POST", "PUT"]))
    application = Starlette(routes=routes)
    application.router.redirect_slashes = False
    return application


def _metrics(page: Page) -> _Endpoint:
    one_at_a_time = Lock()
    made: dict[object, Content] = {}

    async def metrics(request: Request) -> Response:
        page_format = choose_format(request.headers.get("accept"))
        compress = accepts_gzip(request.headers.get("accept-encoding"))
        make = page.gzipped if compress else page.plain
        asked_for = (page_format, compress)
        async with one_at_a_time:  # whoever comes while a page is made finds it made
            if asked_for in made:
                content = made[asked_for]
            elif page.is_current(page_format):
                content = made[asked_for] = make(page_format)
                # A later request is read only after this, so that nobody gets a page older than his request.
                get_running_loop().call_soon(made.clear)
            else:  # joining and compressing many megabytes must not hold up other requests
                content = await run_in_threadpool(make, page_format)
        headers = {"Content-Type": page_format.content_type, "Vary": "Accept, Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        return _InPieces(content, headers)

    return metrics


class _InPieces(Response):
    """An answer handed on in pieces, each when the one before has left our memory."""

    def __init__(self, content: Content, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Length": str(content.length)})
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        left = self._content.length
        for piece in self._content.pieces():
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})


def _status(page: Callable[[], str]) -> _Endpoint:
    async def status(request: Request) -> Response:
        content = (await run_in_threadpool(page)).encode()
        headers = {**status_page.HEADERS, "Vary": "Accept-Encoding"}
        if accepts_gzip(request.headers.get("accept-encoding")):
            content = await run_in_threadpool(gzip.compress, content, 1)
            headers["Content-Encoding"] = "gzip"
        return HTMLResponse(content, headers=headers)

    return status


def _check(passes: Callable[[], bool], yes: str, no: str) -> _Endpoint:
    async def check(_: Request) -> Response:
        return PlainTextResponse(f"{yes}\n") if passes() else PlainTextResponse(f"{no}\n", status_code=503)

    return check


def _reload(reload: Reload) -> _Endpoint:
    async def reload_configuration(_: Request) -> Response:
        problems = await run_in_threadpool(reload)
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), status_code=500)
        return PlainTextResponse("configuration reloaded\n")

    return reload_configuration
