"""The envelope of every answer: HTTP status, JSON, ``success`` and error texts, sorted into our errors."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

import msgspec

from exporter.errors import (
    ApiError,
    Malformed,
    NoDeployment,
    RateLimited,
    Refused,
    Rejected,
    TransportFailure,
    Unauthorized,
    Unavailable,
)
from exporter.quantconnect.auth import SIGNATURE_LIFETIME
from exporter.quantconnect.redaction import redacted

_REFUSED_CREDENTIALS = {"userid not valid": Refused.USER_ID, "hash doesn't match": Refused.HASH}
_TOO_MANY = ("too many requests", "rate limit", "api rate limit")
_NO_DEPLOYMENT = "no live deployment found"
_UNDECODABLE = (msgspec.DecodeError, ValueError, RecursionError)
_HTML = re.compile(rb"\s*<")
_FIRST_ERROR_STATUS = 400
_FIRST_SERVER_ERROR = 500
_FIRST_REDIRECT = 300


MOST_CONTAINERS = 200_000
"""Objects and arrays in a body: a list of empty ones takes up to seventy times its size in memory."""
MOST_FORGIVEN = 2 * 1024 * 1024
"""Bytes of a body in another shape than today's: nothing in it is skipped while it is read."""


class Envelope(TypedDict):
    """What every answer has. Endpoints add the members that are read; all others are skipped."""

    success: bool
    errors: NotRequired[list[str] | None]


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer; ``wall`` is our clock in Unix seconds when its headers arrived."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    wall: float

    def latest_clock(self) -> float:
        """Return the later of our clock and the server's, in Unix seconds.

        A server's clock that is later by more than the lifetime of a signature is a lie, with which any
        time would be believed: that server would have refused our signature.
        """
        theirs = _http_date(self.headers.get("Date", "")) or self.wall
        return theirs if 0 < theirs - self.wall <= SIGNATURE_LIFETIME else self.wall

    def clock_skew(self) -> float | None:
        """Return our clock minus the server's in seconds, from its Date header; ``None`` without one."""
        moment = _http_date(self.headers.get("Date", ""))
        # The header is cut to whole seconds: half a second is its expected remainder.
        return None if moment is None else self.wall - (moment + 0.5)


def interpret(response: Response, shape: type[Envelope] | None = None) -> Mapping[str, Any]:
    """Return the body of a successful answer, or raise an ApiError.

    A body of the given shape is decoded into it, which is fast and skips what is not needed. A body of
    any other shape is decoded whole, up to ``MOST_FORGIVEN`` bytes, and its reader decides what it means.
    """
    if shape is not None and response.status == HTTPStatus.OK:
        body = _shaped(response.content, shape)
        if body is not None:
            return body
    if _FIRST_REDIRECT <= response.status < _FIRST_ERROR_STATUS:
        raise Unavailable(f"HTTP {response.status}: redirected, which the API does not do")
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited("HTTP 429: too many requests", _retry_after(response))
    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        error = Unavailable("HTTP 407: the proxy asks for a login")
        error.transport_failure = TransportFailure.PROXY_LOGIN
        raise error
    body = _json_object(response)
    errors = _error_texts(body)
    if response.status >= _FIRST_ERROR_STATUS:
        raise _http_error(response, errors)
    if body.get("success") is True:
        if _texts(body.get("errors")):
            raise Rejected(redacted("; ".join(errors)))
        return body
    if body.get("success") is False:
        raise _refusal(errors)
    raise Malformed("success: expected true or false")


def _json_object(response: Response) -> Mapping[str, Any]:
    """Return the body as an object; with an error status, a body that is not JSON counts as empty."""
    try:
        body = _parsed(response.content)
    except (ValueError, RecursionError) as error:
        if response.status == HTTPStatus.UNAUTHORIZED:
            return {}
        if response.status >= _FIRST_ERROR_STATUS or _HTML.match(response.content):
            text = f"HTTP {response.status} with a body that is not JSON"
            raise Unavailable(text, _retry_after(response)) from None
        raise Malformed(f"the body is {_where(error)}") from None
    if isinstance(body, dict):
        return body
    if response.status >= _FIRST_ERROR_STATUS:
        return {}
    raise Malformed("the body is not a JSON object")


def _shaped(content: bytes, shape: type[Envelope]) -> Mapping[str, Any] | None:
    """Return the body of a success in the shape; ``None`` for another shape, or for a refusal."""
    try:
        _check_containers(content)
        body = msgspec.json.decode(content, type=shape)
    except _UNDECODABLE:
        return None
    return body if body["success"] and not body.get("errors") else None


class _TooLargeError(ValueError):
    """A body that would take too much memory; the text says which."""


def _check_containers(content: bytes) -> None:
    if content.count(b"{") + content.count(b"[") > MOST_CONTAINERS:
        raise _TooLargeError(f"of more than {MOST_CONTAINERS} objects and arrays")


def _parsed(content: bytes) -> Any:
    """Return the decoded JSON. What msgspec rejects, the standard library may still read.

    An example is half a surrogate pair, which makes only its own row unreadable.
    """
    if len(content) > MOST_FORGIVEN:
        raise _TooLargeError(f"of a shape that is not known, and larger than {MOST_FORGIVEN} bytes")
    _check_containers(content)
    try:
        return msgspec.json.decode(content)
    except _UNDECODABLE:
        return json.loads(content)


def _where(error: ValueError | RecursionError) -> str:
    if isinstance(error, _TooLargeError):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at byte {error.pos} of {len(error.doc)}"
    if isinstance(error, UnicodeDecodeError):
        return "not JSON: not UTF-8"
    problem = "nested too deeply" if isinstance(error, RecursionError) else "a number too long to read"
    return f"not JSON: {problem}"


def _http_error(response: Response, errors: list[str]) -> ApiError:
    text = f"HTTP {response.status}: {redacted('; '.join(errors)) or 'no error text'}"
    if response.status == HTTPStatus.UNAUTHORIZED or _begins(errors, *_REFUSED_CREDENTIALS):
        return _unauthorized(errors)
    if response.status >= _FIRST_SERVER_ERROR or not errors:
        return Unavailable(text, _retry_after(response))
    return _refusal(errors, f"HTTP {response.status}: ")


def _refusal(errors: list[str], prefix: str = "") -> ApiError:
    """Return the error for a refusal. Only the beginning of its text says which one it is."""
    if _begins(errors, *_REFUSED_CREDENTIALS):
        return _unauthorized(errors)
    if _begins(errors, *_TOO_MANY):
        return RateLimited("QuantConnect answered: too many requests")
    text = prefix + (redacted("; ".join(errors)) or "refused without an error text")
    return NoDeployment(text) if _begins(errors, _NO_DEPLOYMENT) else Rejected(text)


def _unauthorized(errors: list[str]) -> Unauthorized:
    stated = (refused for text, refused in _REFUSED_CREDENTIALS.items() if _begins(errors, text))
    return Unauthorized("QuantConnect refused the user id, the token or the clock", next(stated, None))


def _begins(errors: list[str], *beginnings: str) -> bool:
    """Whether one of the texts begins like this; later in a text, the phrase may be a quotation."""
    return any(error.lstrip().lower().startswith(beginnings) for error in errors)


def _error_texts(body: Mapping[str, Any]) -> list[str]:
    """Return the error texts of every member that is known to hold some."""
    members = ("errors", "messages", "Message", "message", "error")
    return [text for member in members for text in _texts(body.get(member))]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):  # PHP's form of a list with gaps
        value = list(value.values())
    if isinstance(value, list):
        return [each if isinstance(each, str) else _dumped(each) for each in value if each]
    return []


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return "an error text that is nested too deeply"


def _retry_after(response: Response) -> float | None:
    """Return the seconds in ``Retry-After``, which may be a number or a date."""
    stated = response.headers.get("Retry-After", "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated) if len(stated) < len(str(2**63)) else None
    moment = _http_date(stated)
    if moment is None:
        return None
    # A date is the server's, so it is compared with the server's clock where that is known.
    now = _http_date(response.headers.get("Date", "")) or response.wall
    return max(0.0, moment - now)


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        # An HTTP date is UTC, also in its older form that does not say so.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
