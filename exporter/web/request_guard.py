"""Refuses requests that a web page can make a browser send.

A page can reach a loopback address through a name of its own (DNS rebinding), but not without telling
that name in ``Host``. It can post a form across sites, but not without ``Sec-Fetch-Site`` or ``Origin``.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.loopback import is_loopback

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]*)(:[0-9]*)?")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_FROM_HERE = ("same-origin", "none")


class RequestGuard:
    """Refuses requests for other hosts, and changes that another site asks for, with 403.

    ``allowed_hosts`` are answered beside the loopback names; None answers to every name.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str] | None = None) -> None:
        self._application = app
        self._allowed_hosts = None if allowed_hosts is None else {host.lower() for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        try:
            _take_authority(scope)
            refusal = self._refusal(scope["method"], Headers(scope=scope))
        except ValueError:  # no URL
            answer = PlainTextResponse("malformed request target or host\n", status_code=400)
            await answer(scope, receive, send)
            return
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host")
        if self._allowed_hosts is not None and host is not None and not self._is_allowed(host):
            return "this host name is not allowed: see --web.allowed-host"
        if method not in _SAFE_METHODS and _is_cross_origin(headers):
            return "refused: the request comes from another site"
        return None

    def _is_allowed(self, host: str) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["name"].strip("[]").removesuffix(".")
        allowed = self._allowed_hosts or ()
        return is_loopback(name) or name in allowed or found[0] in allowed


def _take_authority(scope: Scope) -> None:
    """Turn an absolute request target, ``http://host/path``, into a path; its host counts (RFC 9112, 3.2.2)."""
    target = scope.get("raw_path", b"").decode("ascii", "replace")
    if not target.lower().startswith(("http://", "https://")):
        return
    url = urlsplit(target)
    scope["raw_path"] = (url.path or "/").encode()
    scope["path"] = unquote(url.path or "/")
    MutableHeaders(scope=scope)["host"] = url.netloc.rpartition("@")[2]


def _is_cross_origin(headers: Headers) -> bool:
    """Tell whether a browser says that another site sends this, as Go's ``CrossOriginProtection`` decides."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _FROM_HERE
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
