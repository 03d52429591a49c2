"""What a web page may make a browser send, and what is refused of it."""

import asyncio
import http.client

import pytest
from starlette.responses import PlainTextResponse

from exporter.web.request_guard import RequestGuard
from tests.web.sites import serving


async def _shown(scope, receive, send):
    text = f"{scope['path']} {dict(scope['headers'])[b'host'].decode()}"
    await PlainTextResponse(text)(scope, receive, send)


def ask(allowed, target="/metrics", method="GET", **headers: str | None) -> tuple[int, str]:
    """Return status and body of a guarded application that shows path and host."""
    shown = {"host": "127.0.0.1:11722", **{name.replace("_", "-"): value for name, value in headers.items()}}
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in shown.items() if value is not None],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(RequestGuard(_shown, allowed)(scope, None, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:11722",
        "127.9.8.7",
        "localhost",
        "LOCALHOST:80",
        "localhost.",
        "a.localhost",
        "[::1]:11722",
    ],
)
def test_loopback_names_are_answered(host):
    """Every name of this machine's loopback is answered, with a port and without."""
    assert ask((), host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "10.0.0.1",
        "[2001:db8::1]",
        "0.0.0.0",
        "",
        "evil.example/@localhost",
        "127.0.0.1#.evil.example@evil.example",
    ],
)
def test_other_names_are_refused(host):
    """A name that leads to loopback, as an attacker's can, is answered with 403."""
    assert ask((), host=host)[0] == 403


def test_allowed_names_are_answered():
    """Names given with the flag are answered beside loopback, in any case and with any port; no others."""
    allowed = ("exporter.example.org", "Proxy.example:8443")
    for host in ("exporter.example.org", "EXPORTER.example.org:443", "proxy.example:8443", "localhost"):
        assert ask(allowed, host=host)[0] == 200
    for host in ("proxy.example", "example.org", "a.exporter.example.org"):
        assert ask(allowed, host=host)[0] == 403


def test_every_name_is_answered_beyond_loopback():
    """Without a list, as when another address than loopback is listened on, names do not matter."""
    assert ask(None, host="exporter.example.org")[0] == 200


@pytest.mark.parametrize("target", ["http://evil.example/metrics", "https://evil.example:80"])
def test_an_absolute_target_counts_for_its_host(target):
    """In an absolute target the host is what is asked for, whatever Host says (RFC 9112, 3.2.2)."""
    assert ask((), target, host="localhost")[0] == 403


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://localhost:11722/metrics", "/metrics"),
        ("HTTP://127.0.0.1/a%20b", "/a b"),
        ("http://localhost", "/"),
        ("http://user@localhost/x", "/x"),
    ],
)
def test_an_absolute_target_is_answered_by_its_path(target, path):
    """A proxy's spelling of a request finds the same pages."""
    status, shown = ask((), target, host="evil.example")
    assert status == 200
    assert shown.startswith(f"{path} ")


@pytest.mark.parametrize("target", ["http://[::1", "https://[/"])
def test_a_target_that_is_no_url(target):
    """What cannot be read as a URL is answered with 400."""
    assert ask((), target)[0] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:11722"}, 403),
        ({"origin": "http://127.0.0.1:11722"}, 200),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("allowed", [(), None])
def test_a_form_of_another_site(headers, status, method, allowed):
    """A change that a browser sends from another site or port is refused; tools without these headers are not."""
    assert ask(allowed, "/-/reload", method, **headers)[0] == status


def test_reading_is_no_change():
    """A link on another site leads to the status page."""
    assert ask((), "/", sec_fetch_site="cross-site", origin="https://evil.example")[0] == 200


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [("/-/healthy", "localhost", 200), ("/", "evil.example", 403), ("http://127.0.0.1/-/healthy", "x", 200)],
)
def test_over_a_real_connection(pages, target, host, status):
    """A server answers its own name, refuses another, and takes an absolute target."""
    with serving(pages, allowed_hosts=()) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", target, headers={"Host": host})
        assert connection.getresponse().status == status
        connection.close()
