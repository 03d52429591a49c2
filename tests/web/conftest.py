"""Two servers behind web configuration files, one for TLS, and clients with certificates and without."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import trustme

from exporter.config.model import Config
from exporter.service import Exporter
from tests.support import FakeClock
from tests.web.sites import TLS, Folder, Site, running


@pytest.fixture(scope="session")
def pages():
    """The pages of an exporter that polls nothing."""
    return Exporter(Config(accounts=()), FakeClock()).pages()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the server's certificates, and those of its clients."""
    return trustme.CA()


@pytest.fixture(scope="session")
def stranger() -> trustme.CA:
    """An authority that the server does not know."""
    return trustme.CA()


@pytest.fixture(scope="session")
def make_client(authority) -> Callable[..., ssl.SSLContext]:
    """Return what makes a client that trusts the server, with a certificate of its own or without."""

    def make(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        return context

    return make


@pytest.fixture
def folder(tmp_path, authority) -> Folder:
    """A folder with the server's certificate, its key and the authority of clients."""
    return _filled(Folder(tmp_path), authority)


@pytest.fixture(scope="module")
def sites(tmp_path_factory, authority, pages) -> Iterator[Mapping[bool, Site]]:
    """A server for plain HTTP, at False, and one for TLS, at True."""
    with ExitStack() as stack:
        made = {}
        for tls in (False, True):
            folder = _filled(Folder(tmp_path_factory.mktemp("site")), authority)
            folder.write(**{"tls_server_config": TLS} if tls else {"http_server_config": {}})
            made[tls] = stack.enter_context(running(folder, pages))
        yield made


@pytest.fixture
def serve(sites, authority) -> Callable[..., Site]:
    """Return what gives a running server another web configuration, and a new certificate."""

    def serve(**sections: Any) -> Site:
        site = sites["tls_server_config" in sections]
        _filled(site.folder, authority).write(**sections)
        return site

    return serve


def _filled(folder: Folder, authority: trustme.CA) -> Folder:
    folder.write_certificate(authority.issue_cert("127.0.0.1"))
    folder.write_client_ca(authority)
    return folder
