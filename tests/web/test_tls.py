"""TLS over real sockets: who gets in, over which version, and what a renewal changes."""

import gc
import logging
import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest

from tests.programs import wait_until
from tests.web.sites import REFUSED, TLS, ask, client_auth, replace_file, running

BROKEN = "web configuration is broken, the last good one stays"


def gets_in(site, client) -> bool:
    """Whether a client comes through the handshake and gets a page."""
    try:
        return site.get(tls=client).status == 200
    except REFUSED:
        return False


def broken_lines(caplog) -> list[str]:
    return [record.problems for record in caplog.records if record.getMessage() == BROKEN]


def test_pages_are_served_over_tls_alone(serve, make_client):
    """With a certificate the server answers over TLS, under the name in the certificate, and not in plain."""
    site = serve(tls_server_config=TLS)

    assert site.get("/metrics", tls=make_client()).status == 200
    with pytest.raises(ConnectionError):
        site.get("/metrics")


@pytest.mark.parametrize(
    ("kind", "without", "trusted", "foreign"),
    [
        ("NoClientCert", True, True, True),
        ("VerifyClientCertIfGiven", True, True, False),
        ("RequireAndVerifyClientCert", False, True, False),
    ],
)
def test_client_authentication(serve, make_client, authority, stranger, kind, without, trusted, foreign):
    """Each kind lets in exactly the clients that it names."""
    site = serve(tls_server_config=client_auth(kind))

    assert gets_in(site, make_client()) is without
    assert gets_in(site, make_client(authority.issue_cert("prometheus"))) is trusted
    assert gets_in(site, make_client(stranger.issue_cert("prometheus"))) is foreign


def test_intermediate_authority_alone_is_trusted(serve, make_client, authority):
    """A client CA file may hold an intermediate authority without its root; only its clients get in."""
    intermediate = authority.create_child_ca()
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert"))
    site.folder.write_client_ca(intermediate)

    assert gets_in(site, make_client(intermediate.issue_cert("prometheus")))
    assert not gets_in(site, make_client(authority.issue_cert("prometheus")))


def test_allowed_names_of_clients(serve, make_client, authority):
    """A verified client gets in only when a name of its certificate is exactly one of those allowed."""
    allowed = ["prometheus.example.org", "*.example.net", "a@example.org", "192.0.2.1", "2001:db8::1"]
    refused = ["grafana.example.org", "example.org", "prometheus.example.net", "b@example.org", "192.0.2.2"]
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert", client_allowed_sans=allowed))

    assert all(gets_in(site, make_client(authority.issue_cert(name))) for name in allowed)
    assert not any(gets_in(site, make_client(authority.issue_cert(name))) for name in refused)
    assert gets_in(site, make_client(authority.issue_cert(refused[0], allowed[0])))


def test_tls_1_1_is_refused(serve, make_client, caplog):
    """A client that offers TLS 1.1 at most is refused for its version."""
    caplog.set_level(logging.DEBUG, "exporter")
    site = serve(tls_server_config=TLS)
    old = make_client()
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(REFUSED):
        site.get(tls=old)
    assert caplog.records[-1].reason == "UNSUPPORTED_PROTOCOL"


@pytest.mark.parametrize(
    ("versions", "tls_1_2", "tls_1_3"),
    [({}, True, True), ({"min_version": "TLS13"}, False, True), ({"max_version": "TLS12"}, True, False)],
)
def test_versions(serve, make_client, versions, tls_1_2, tls_1_3):
    """TLS 1.2 and 1.3 are both spoken unless one is excluded."""
    site = serve(tls_server_config=TLS | versions)
    only_1_2, only_1_3 = make_client(), make_client()
    only_1_2.maximum_version = ssl.TLSVersion.TLSv1_2
    only_1_3.minimum_version = ssl.TLSVersion.TLSv1_3

    assert (gets_in(site, only_1_2), gets_in(site, only_1_3)) == (tls_1_2, tls_1_3)


def test_renewed_certificate_serves_new_connections(serve, make_client, authority):
    """A new certificate on disk is shown to the next connection; one that is open goes on."""
    site, client = serve(tls_server_config=TLS), make_client()
    kept = site.connect(client)
    assert ask(kept).status == 200
    before = site.certificate(client)
    site.folder.write_certificate(authority.issue_cert("127.0.0.1"))

    assert site.certificate(client) != before
    assert ask(kept).status == 200
    kept.close()


def test_renewed_client_authority(serve, make_client, authority, stranger):
    """A new authority on disk decides about the next connection: its clients get in, the old ones no more."""
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert"))
    old = make_client(authority.issue_cert("prometheus"))
    new = make_client(stranger.issue_cert("prometheus"))
    assert (gets_in(site, old), gets_in(site, new)) == (True, False)
    site.folder.write_client_ca(stranger)

    assert (gets_in(site, old), gets_in(site, new)) == (False, True)


def test_old_session_does_not_evade_a_renewed_authority(serve, make_client, authority, stranger):
    """A session made under the old authority can be resumed while it stands, and not after."""
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert", max_version="TLS12"))
    client = make_client(authority.issue_cert("prometheus"))

    def connect(session=None):
        with (
            socket.create_connection(("127.0.0.1", site.port), timeout=5) as raw,
            client.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as connection,
        ):
            return connection.session, connection.session_reused

    session, _ = connect()
    assert connect(session)[1]
    site.folder.write_client_ca(stranger)

    with pytest.raises(REFUSED):
        connect(session)


@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_old_session_does_not_outlive_its_certificate(serve, make_client, authority, monkeypatch, version):
    """A session can be resumed until the client's certificate expires, and not after."""
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert", max_version=version))
    expiry = datetime(2099, 1, 1, tzinfo=UTC)
    client = make_client(authority.issue_cert("prometheus", not_after=expiry))

    def ask_again(session=None) -> tuple[bool, bool, ssl.SSLSession]:
        with (
            socket.create_connection(("127.0.0.1", site.port), timeout=5) as raw,
            client.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as connection,
        ):
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with suppress(*REFUSED):
                return connection.recv(12) == b"HTTP/1.1 200", connection.session_reused, connection.session
        return False, True, session

    _, _, session = ask_again()
    answered, resumed, session = ask_again(session)
    assert (answered, resumed) == (True, True)
    monkeypatch.setattr(time, "time", lambda: expiry.timestamp() + 1)

    with suppress(*REFUSED):
        assert not ask_again(session)[0]


def test_changed_client_authentication(serve, make_client, authority):
    """A changed ``client_auth_type`` decides about the next connection, in both directions."""
    site = serve(tls_server_config=TLS)
    without, trusted = make_client(), make_client(authority.issue_cert("prometheus"))
    assert gets_in(site, without)
    site.folder.write(tls_server_config=client_auth("RequireAndVerifyClientCert"))
    assert (gets_in(site, without), gets_in(site, trusted)) == (False, True)
    site.folder.write(tls_server_config=TLS)

    assert gets_in(site, without)


def test_changed_versions(serve, make_client):
    """A raised ``min_version`` holds for the next connection."""
    site, client = serve(tls_server_config=TLS), make_client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert gets_in(site, client)
    site.folder.write(tls_server_config=TLS | {"min_version": "TLS13"})

    assert not gets_in(site, client)


def test_broken_renewal_keeps_the_last_good_certificate(serve, make_client, authority, caplog):
    """A key that does not belong to its certificate changes nothing and is logged once, until it is mended."""
    caplog.set_level(logging.INFO)
    site, client = serve(tls_server_config=TLS), make_client()
    before = site.certificate(client)
    other = authority.issue_cert("127.0.0.1")
    replace_file(site.folder.path / "server.key", other.private_key_pem.bytes())
    for _ in range(3):
        assert site.certificate(client) == before
        assert site.get(tls=client).status == 200

    (problems,) = broken_lines(caplog)
    assert f"{site.folder.file}:3: tls_server_config.key_file: is not the key" in problems
    site.folder.write_certificate(other)
    assert site.certificate(client) != before
    assert caplog.records[-1].getMessage() == "web configuration read again"


def test_broken_file_keeps_the_last_good_one(serve, make_client, caplog):
    """A web configuration that is empty, broken or gone leaves TLS as it was and is logged once."""
    site, client = serve(tls_server_config=TLS), make_client()
    for content in (b"", b"tls_server_config: [", b"basic_auth_users: {}\n", None):
        caplog.clear()
        if content is None:
            site.folder.file.unlink()
        else:
            replace_file(site.folder.file, content)

        assert [site.get(tls=client).status for _ in range(3)] == [200, 200, 200]
        assert len(broken_lines(caplog)) == 1


def test_each_broken_change_is_logged(serve, make_client, caplog):
    """A second broken change is a second line: what is wrong now may be something else."""
    site, client = serve(tls_server_config=TLS), make_client()
    for key in ("cipher_suites", "curve_preferences"):
        site.folder.write(tls_server_config=TLS | {key: []})
        site.get(tls=client)

    first, second = broken_lines(caplog)
    assert "cipher_suites" in first
    assert "curve_preferences" in second


def test_tls_is_not_switched_off_while_running(serve, make_client, caplog):
    """Taking the section away leaves TLS on, and the log says that it takes a restart."""
    site = serve(tls_server_config=TLS)
    site.folder.write(http_server_config={"http2": False})

    assert gets_in(site, make_client())
    with pytest.raises(ConnectionError):
        site.get()
    (problems,) = broken_lines(caplog)
    assert "TLS is switched off only by a restart" in problems


def test_tls_is_not_switched_on_while_running(serve, caplog):
    """Adding the section leaves a plain server plain, and the log says that it takes a restart."""
    site = serve(http_server_config={"http2": False})
    site.folder.write(tls_server_config=TLS)

    assert site.get().status == 200
    (problems,) = broken_lines(caplog)
    assert "TLS is switched on only by a restart" in problems


def test_listening_line_says_whether_tls_is_on(folder, pages, caplog):
    """The log line with the address tells TLS from plain HTTP."""
    caplog.set_level(logging.INFO)
    for section in ({"tls_server_config": TLS}, {"http_server_config": {}}):
        folder.write(**section)
        with running(folder, pages):
            pass

    assert [record.tls for record in caplog.records if record.getMessage() == "listening"] == ["on", "off"]


def test_refused_handshake_is_told_at_debug(serve, make_client, authority, caplog):
    """Why a client was refused stands in the log at debug level, and nothing stands at a higher one."""
    caplog.set_level(logging.DEBUG, "exporter")
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert"))
    assert not gets_in(site, make_client())
    site = serve(tls_server_config=client_auth("RequireAndVerifyClientCert", client_allowed_sans=["admin"]))
    assert not gets_in(site, make_client(authority.issue_cert("prometheus")))
    gc.collect()  # an error that nobody took is logged when it is freed

    reasons = [each.reason for each in caplog.records if each.getMessage() == "TLS handshake failed"]
    assert reasons == [
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        "no name of the client's certificate is allowed",
    ]
    assert max(each.levelno for each in caplog.records) <= logging.INFO


def test_idle_connection_does_not_hold_up_the_end(folder, pages, make_client):
    """The server ends, and with it a TLS connection whose client says nothing, not even goodbye."""
    folder.write(tls_server_config=TLS)
    servers = web_threads()
    with ExitStack() as stack:
        with running(folder, pages) as site:
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=20))
            tls = stack.enter_context(make_client().wrap_socket(raw, server_hostname="127.0.0.1"))
            assert web_threads() == servers + 1
        wait_until(lambda: web_threads() == servers, 6, "the end of the server")
        with suppress(*REFUSED):
            assert tls.recv(1000) == b""


def web_threads() -> int:
    return [each.name for each in threading.enumerate()].count("web")
