"""Headers added to every response: those that Prometheus' exporter-toolkit allows (web/handler.go)."""

from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.config.document import Section
from exporter.config.report import quoted

_ANY: tuple[str, ...] = ()
_VALUES: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": _ANY,
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": _ANY,
    "Strict-Transport-Security": _ANY,
}
HEADER_KEYS = tuple(_VALUES)


def read_headers(section: Section) -> Mapping[str, str]:
    """Return the headers of the section ``http_server_config.headers``."""
    headers = {}
    for name, allowed in _VALUES.items():
        # As written, for "X-XSS-Protection: 0" needs no quotes in the toolkit; anything but one line
        # of text is left for text() to refuse.
        value = section.scalar(name)
        if not value or not value.isprintable() or value != value.strip():
            value = section.text(name, None)
        if value is None:
            continue
        if not value.isascii():
            section.problem(name, "must be ASCII characters")
        elif allowed and value not in allowed:
            section.problem(name, f"must be {' or '.join(allowed)}, not {quoted(value)}")
        headers[name] = value
    return headers


class ResponseHeaders:
    """Sets the present headers on every response of an ASGI application."""

    def __init__(self, application: ASGIApp, headers: Callable[[], Mapping[str, str]]) -> None:
        self._application = application
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and set the headers of the response."""
        headers = self._headers()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._application(scope, receive, send_with_headers)
