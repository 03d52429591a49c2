"""A real Prometheus that scrapes over TLS, with a client certificate and a login."""

from tests.programs import prometheus_server, scrape_config, wait_until
from tests.web.sites import bcrypt_hash, client_auth


def test_prometheus_scrapes_over_tls_with_certificate_and_login(serve, needs, authority, tmp_path):
    """``up`` is 1 with certificate and login, 0 once the user is gone, and 1 again when the user is back."""
    sections = {
        "tls_server_config": client_auth("RequireAndVerifyClientCert", client_allowed_sans=["prometheus"]),
        "basic_auth_users": {"prometheus": bcrypt_hash("right")},
    }
    site = serve(**sections)
    own = authority.issue_cert("prometheus")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    config = scrape_config(f"127.0.0.1:{site.port}", "200ms")
    config["scrape_configs"][0] |= {
        "scheme": "https",
        "tls_config": {
            "ca_file": str(tmp_path / "ca.pem"),
            "cert_file": str(tmp_path / "own.pem"),
            "key_file": str(tmp_path / "own.pem"),
        },
        "basic_auth": {"username": "prometheus", "password": "right"},
    }
    with prometheus_server(needs("prometheus"), tmp_path / "prometheus", config) as server:

        def up_is(value: str) -> bool:
            return [each["value"][1] for each in server.query("up")] == [value]

        wait_until(lambda: up_is("1"), what="the first scrape")
        site.folder.write(**sections | {"basic_auth_users": {"other": bcrypt_hash("right")}})
        wait_until(lambda: up_is("0"), what="the refusal")
        site.folder.write(**sections)
        wait_until(lambda: up_is("1"), what="the return")
