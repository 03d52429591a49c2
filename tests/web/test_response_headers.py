"""Headers of the web configuration on every response."""

from exporter.web.status.page import HEADERS as STATUS_HEADERS
from tests.web.sites import TLS, ask, basic, bcrypt_hash

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "0",
    "Strict-Transport-Security": "max-age=31536000",
}


def given(answer) -> dict[str, str]:
    """Return those headers of an answer that a web configuration may set."""
    names = {name.lower(): name for name in HEADERS}
    return {names[name.lower()]: value for name, value in answer.headers.items() if name.lower() in names}


def test_every_response_has_the_headers(serve, make_client):
    """Each header stands once on each answer: 200, 401, 404 and 405, over TLS too."""
    site = serve(
        tls_server_config=TLS,
        basic_auth_users={"alice": bcrypt_hash("right")},
        http_server_config={"headers": HEADERS},
    )
    client, login = make_client(), basic("alice", "right")
    statuses = []
    for path, headers, method in (
        ("/", login, "GET"),
        ("/metrics", login, "HEAD"),
        ("/", {}, "GET"),
        ("/nothing", login, "GET"),
        ("/", login, "POST"),
    ):
        answer = site.get(path, headers, client, method)
        assert given(answer) == HEADERS
        statuses.append(answer.status)
    assert statuses == [200, 200, 401, 404, 405]


def test_headers_change_on_a_kept_connection(serve):
    """Each response has the headers of its moment."""
    site = serve(http_server_config={"headers": {"X-Frame-Options": "deny"}})
    kept = site.connect()
    assert given(ask(kept)) == {"X-Frame-Options": "deny"}
    site.folder.write(http_server_config={"headers": {"X-Frame-Options": "sameorigin"}})
    assert given(ask(kept)) == {"X-Frame-Options": "sameorigin"}
    site.folder.write(http_server_config={"http2": False})
    assert given(ask(kept)) == {}
    kept.close()


def test_number_needs_no_quotes(serve):
    """``X-XSS-Protection: 0``, which most recommend, is taken as it is written."""
    site = serve(http_server_config={"headers": {"X-XSS-Protection": 0}})

    assert given(site.get()) == {"X-XSS-Protection": "0"}


def test_status_page_has_headers_of_its_own(serve):
    """Where the web configuration sets none, the status page is sent with its own, and no other page is."""
    site = serve(http_server_config={})
    own = {name: value for name, value in STATUS_HEADERS.items() if name in HEADERS}

    assert given(site.get("/")) == own
    assert set(own) == {"Content-Security-Policy", "X-Content-Type-Options"}
    assert given(site.get("/metrics")) == {}


def test_headers_of_the_web_configuration_replace_those_of_the_status_page(serve):
    """What the user sets wins, is sent once, and leaves the page's other headers."""
    policy = HEADERS["Content-Security-Policy"]
    connection = serve(http_server_config={"headers": {"Content-Security-Policy": policy}}).connect()
    connection.request("GET", "/")
    headers = connection.getresponse().headers
    connection.close()

    assert headers.get_all("Content-Security-Policy") == [policy]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
