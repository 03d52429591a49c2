"""Basic authentication (RFC 7617) of every request against bcrypt hashes."""

import hmac
import re
import secrets
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.config.document import Section
from exporter.config.secret import Secret
from exporter.web.http_connection import connection_of
from exporter.web.login_queue import BusyError, LoginQueue

Users = Mapping[str, Secret]
"""The bcrypt hash of each user; without users, everyone may read."""

MOST_BYTES = 72
"""Of a password; bcrypt ignores the rest."""
_HIGH_COST = 14
"""A check takes about a second, and twice as long for each step above."""
_MOST_VERDICTS = 1000
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_CONTROL_CHARACTERS = re.compile(rb"[\x00-\x1f\x7f]")
_DECOY = "vN1cOJjBBuQPUn1ZJzTkFuG1.SeeDLrPMeWIkGrKp3Xl6ZS9GLfCy"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="quantconnect-exporter", charset="UTF-8"'}


class UserNames(Collection[str]):
    """The keys of ``basic_auth_users``: any text can be a user, except what looks like a hash.

    It remembers every name that it was asked for: those in the document.
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or name.startswith("$") or not name.isprintable():
            return False
        self._names[name] = None
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def read_users(section: Section, names: UserNames) -> Users:
    """Return the users of the section ``basic_auth_users``; no problem repeats a hash."""
    if not names and section.sound:
        section.report.problem(section.place, "names no user: leave it out to let everybody read")
    users = {}
    for name in names:
        if not name or ":" in name:
            section.problem(name, "a user name must not be empty or contain a colon")
        text = section.text(name, None)
        if text is not None and not _BCRYPT.fullmatch(text):
            section.problem(name, "must be a bcrypt hash, such as `htpasswd -nBC 10` prints")
        elif text is not None:
            users[name] = Secret(text)
            if (cost := _cost(users[name])) > _HIGH_COST:
                section.warning(name, f"at cost {cost} a login takes long to check: 10 to 12 is usual")
    return users


class _Login(NamedTuple):
    user: str
    password: bytes


class BasicAuth:
    """Lets the present users through to an ASGI application.

    Results are kept. A flood of wrong logins delays other unknown logins only: no known one, no page, not
    the event loop.
    """

    def __init__(self, application: ASGIApp, users: Callable[[], Users]) -> None:
        self._application = application
        self._users = users
        self._verdicts = _Verdicts()
        self._queue = LoginQueue(self._verdicts.put)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 for a wrong login, or 503 when too many wait to be checked."""
        users = self._users()
        try:
            may_enter = not users or await self._may_enter(users, scope)
        except BusyError:
            busy = PlainTextResponse("Too many logins\n", status_code=503, headers={"Retry-After": "1"})
            await busy(scope, receive, send)
            return
        if may_enter:
            await self._application(scope, receive, send)
        else:
            refusal = PlainTextResponse("Unauthorized\n", status_code=401, headers=_CHALLENGE)
            await refusal(scope, receive, send)

    async def _may_enter(self, users: Users, scope: Scope) -> bool:
        login = _login(Headers(scope=scope))
        if login is None or len(login.password) > MOST_BYTES:
            return False
        key = self._verdicts.key(login, users[login.user].reveal() if login.user in users else "")
        verdict = self._verdicts.get(key)
        if verdict is None:
            connection = connection_of(scope)
            origin = connection.origin if connection else ""
            check = partial(_check, users, login)
            verdict = await self._queue.check(key, check, partial(_is_gone, scope), origin)
        return verdict


class _Verdicts:
    """Results of checks under keyed hashes of user, bcrypt hash and password: no password stays in memory.

    Right logins are kept apart from wrong ones, of which any stranger can send many. Of each kind, the
    least recently used makes room.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._kept: Mapping[bool, dict[bytes, None]] = {True: {}, False: {}}

    def key(self, login: _Login, bcrypt_hash: str) -> bytes:
        message = repr((login.user, bcrypt_hash, login.password)).encode()
        return hmac.digest(self._secret, message, "sha256")

    def get(self, key: bytes) -> bool | None:
        for verdict, keys in self._kept.items():
            if key in keys:
                keys[key] = keys.pop(key)  # to the end, as the last used
                return verdict
        return None

    def put(self, key: bytes, verdict: bool) -> None:  # noqa: FBT001 - the value that is kept
        keys = self._kept[verdict]
        if len(keys) >= _MOST_VERDICTS:
            del keys[next(iter(keys))]
        keys[key] = None


def _check(users: Users, login: _Login) -> bool:
    """Compare a login with its user's hash, at the same cost for every user, known or not.

    A check of cost c takes 2^c steps. Checks of c, c and c+1, ... up to the highest cost h, h excluded,
    take 2^h together, which is what one of the costliest users takes.
    """
    costs = [_cost(each) for each in users.values()]
    known = users.get(login.user)
    matches = known is not None and bcrypt.checkpw(login.password, known.reveal().encode())
    for cost in range(_cost(known), max(costs)) if known else (max(costs),):
        bcrypt.checkpw(login.password, f"$2b${cost:02}${_DECOY}".encode())
    return matches


def _cost(bcrypt_hash: Secret) -> int:
    found = _BCRYPT.fullmatch(bcrypt_hash.reveal())
    return int(found["cost"]) if found else 0


def _is_gone(scope: Scope) -> bool:
    connection = connection_of(scope)
    return connection is not None and connection.is_gone


def _login(headers: Headers) -> _Login | None:
    """Return user and password of the one Authorization header; None when it is missing or malformed."""
    values = headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, encoded = values[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = b64decode(encoded.strip(" "), validate=True)
        user, colon, password = pair.partition(b":")
        return _Login(user.decode(), password) if colon and not _CONTROL_CHARACTERS.search(pair) else None
    except ValueError:  # not base64, not UTF-8
        return None
