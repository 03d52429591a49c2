"""Servers behind a web configuration file, and the clients that ask them."""

import base64
import http.client
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import trustme
import yaml

from exporter.web.application import Pages, make_application
from exporter.web.server import ListenAddress, WebServer, listen
from exporter.web.web_config import LiveWebConfig

TLS = {"cert_file": "server.crt", "key_file": "server.key"}
REFUSED = (ssl.SSLError, ConnectionError)
"""How a client learns that the server will not have it; in TLS 1.3 only after its own handshake."""


def client_auth(kind: str, **further: Any) -> dict[str, Any]:
    """Return the section for a kind of client authentication."""
    authority = {} if kind == "NoClientCert" else {"client_ca_file": "clients.pem"}
    return {**TLS, "client_auth_type": kind, **authority, **further}


def bcrypt_hash(password: str) -> str:
    """Return a hash at the lowest cost, in the spelling of htpasswd."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


def basic(user: str, password: str) -> Mapping[str, str]:
    """Return the header that signs in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside and rename it, so that no reader sees half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.chmod(0o600)
    beside.replace(path)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Folder:
    """A web configuration file and what it names."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "web.yml"

    def write(self, **sections: Any) -> None:
        """Write the web configuration."""
        replace_file(self.file, yaml.safe_dump(sections).encode())

    def write_certificate(self, certificate: trustme.LeafCert) -> None:
        """Write the server's certificate and key."""
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        replace_file(self.path / "server.key", certificate.private_key_pem.bytes())
        replace_file(self.path / "server.crt", chain)

    def write_client_ca(self, authority: trustme.CA) -> None:
        """Write the authority of client certificates."""
        replace_file(self.path / "clients.pem", authority.cert_pem.bytes())


@dataclass(frozen=True)
class Site:
    """A running server."""

    port: int
    folder: Folder

    def get(
        self,
        path: str = "/-/healthy",
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        method: str = "GET",
    ) -> Answer:
        """Ask over a new connection."""
        connection = self.connect(tls)
        try:
            return ask(connection, path, headers, method)
        finally:
            connection.close()

    def connect(self, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        """Return a client of this server; it connects with its first question."""
        if tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=tls)

    def certificate(self, tls: ssl.SSLContext) -> bytes:
        """Return the certificate that the server shows to a new connection."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw,
            tls.wrap_socket(raw, server_hostname="127.0.0.1") as connection,
        ):
            return connection.getpeercert(binary_form=True)


def ask(
    connection: http.client.HTTPConnection,
    path: str = "/-/healthy",
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Answer:
    """Ask over a connection that may be kept."""
    connection.request(method, path, headers=dict(headers or {}))
    response = connection.getresponse()
    return Answer(response.status, dict(response.getheaders()), response.read())


@contextmanager
def serving(
    pages: Pages, web_config: LiveWebConfig | None = None, allowed_hosts: Collection[str] | None = None
) -> Iterator[int]:
    """Serve pages on a free port of loopback, and yield the port."""
    listening = listen(ListenAddress("127.0.0.1", 0))
    application = make_application(pages, "/metrics", allowed_hosts=allowed_hosts)
    server = WebServer(application, [listening], web_config)
    server.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.stop()


@contextmanager
def running(folder: Folder, pages: Pages) -> Iterator[Site]:
    """Run a server with the files of a folder."""
    with serving(pages, LiveWebConfig(folder.file)) as port:
        yield Site(port, folder)
