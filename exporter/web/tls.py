"""TLS as the section ``tls_server_config`` asks for, decided for each connection.

The keys are those of Prometheus' exporter-toolkit (docs/web-configuration.md). What Python's ``ssl``
cannot do as the toolkit does it is refused by name.
"""

import logging
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from exporter.clock import SystemClock
from exporter.config.document import Section, suggestion
from exporter.config.files import UnreadableError, shown_path
from exporter.config.report import quoted
from exporter.config.watched_files import WatchedFiles
from exporter.log_writer import STRANGERS

_SUPPORTED_KEYS = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
)
_REFUSED_KEYS: Mapping[str, str] = {
    "cert": "give cert_file",
    "key": "give key_file",
    "client_ca": "give client_ca_file",
    "cipher_suites": "the suites are OpenSSL's own choice",
    "prefer_server_cipher_suites": "the suites are OpenSSL's own choice",
    "curve_preferences": "the curves are OpenSSL's own choice",
}
TLS_KEYS = (*_SUPPORTED_KEYS, *_REFUSED_KEYS)

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED_AUTH = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
"""Python's ssl verifies every certificate that it asks for."""

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("TLS10", "TLS11")
_SAN_KINDS = ("DNS", "email", "IP Address", "URI")

_CLOCK = SystemClock()
_logger = logging.getLogger(STRANGERS)


class _Connection(ssl.SSLObject):
    """A connection that ends with its handshake when its client may not come in."""

    context: "_ServerContext"

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
            self._check_client(self.getpeercert() or {})
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:  # asyncio closes the connection and says nothing
            reason = getattr(error, "reason", None) or error.args[-1]  # only OpenSSL's own have one
            _logger.debug("TLS handshake failed", extra={"reason": reason})
            raise

    def _check_client(self, certificate: Mapping[str, Any]) -> None:
        """Refuse a certificate that has expired, or has no allowed name; names are compared exactly as in the toolkit.

        A resumed session brings the certificate of its first handshake, whose dates OpenSSL does not check again.
        """
        expiry = certificate.get("notAfter")
        if expiry and ssl.cert_time_to_seconds(expiry) < _CLOCK.wall():
            raise ssl.SSLCertVerificationError("the client's certificate has expired")
        allowed = self.context.allowed_sans
        if allowed and allowed.isdisjoint(_sans(certificate)):
            raise ssl.SSLCertVerificationError("no name of the client's certificate is allowed")


class _ServerContext(ssl.SSLContext):
    """One reading of the section."""

    allowed_sans: frozenset[str] = frozenset()
    sslobject_class = _Connection


def read_tls(section: Section, folder: Path, files: WatchedFiles) -> ssl.SSLContext:
    """Return the context that the section describes; its problems go into the section's report.

    Relative file names start at ``folder``.
    """
    for key, instead in _REFUSED_KEYS.items():
        if key in section:
            section.problem(key, f"is not supported: {instead}")
    context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
    _set_versions(context, section)
    _load_certificate(context, section, folder, files)
    verify_mode = _client_auth(section)
    if verify_mode is not None:
        context.verify_mode = verify_mode
        context.allowed_sans = _allowed_sans(section, verify_mode)
        _load_client_ca(context, section, folder, files)
    return context


def _set_versions(context: ssl.SSLContext, section: Section) -> None:
    lowest, highest = _version(section, "min_version", "TLS12"), _version(section, "max_version", "TLS13")
    if lowest > highest:
        section.problem("max_version", "is below min_version")
        return
    context.minimum_version, context.maximum_version = lowest, highest


def _version(section: Section, key: str, default: str) -> ssl.TLSVersion:
    name = section.text(key, default)
    if name in _OLD_VERSIONS:
        section.problem(key, f"{name} is not supported: TLS12 is the lowest")
    elif name not in _VERSIONS:
        section.problem(key, f"must be TLS12 or TLS13, not {quoted(name)}")
    return _VERSIONS.get(name, _VERSIONS[default])


def _client_auth(section: Section) -> ssl.VerifyMode | None:
    """Return what is asked of clients, None when it is wrong."""
    key = "client_auth_type"
    name = section.text(key, "NoClientCert")
    if name in _UNVERIFIED_AUTH:
        section.problem(key, f"{name} is not supported: Python verifies each certificate it asks for")
    elif name not in _CLIENT_AUTH:
        known = ", ".join(_CLIENT_AUTH)
        section.problem(key, f"must be {known}, not {quoted(name)}{suggestion(name, _CLIENT_AUTH)}")
    return _CLIENT_AUTH.get(name)


def _load_client_ca(context: ssl.SSLContext, section: Section, folder: Path, files: WatchedFiles) -> None:
    key = "client_ca_file"
    if context.verify_mode is ssl.CERT_NONE:
        if key in section:
            section.problem(key, "has no effect: client_auth_type asks for no certificate")
        return
    if key not in section:
        # The toolkit would take the system's CAs, and so let in a certificate that anybody can get.
        section.problem(key, "is missing: client certificates are verified against it")
        return
    path = _readable(section, key, folder, files)
    if path and _load_authorities(context, section, key, path):
        # As in Go, whatever is in the file is trusted: an intermediate CA needs no root beside it.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


def _allowed_sans(section: Section, verify_mode: ssl.VerifyMode) -> frozenset[str]:
    key = "client_allowed_sans"
    if key not in section:
        return frozenset()
    names = section.texts(key)
    if not names:
        section.problem(key, "must list at least one name")
    elif verify_mode is not ssl.CERT_REQUIRED:
        section.problem(key, "needs client_auth_type: RequireAndVerifyClientCert")
    return frozenset(names)


def _load_certificate(context: ssl.SSLContext, section: Section, folder: Path, files: WatchedFiles) -> None:
    for key in ("cert_file", "key_file"):
        if key not in section:
            section.problem(key, "is missing: TLS needs cert_file and key_file")
    certificate = _readable(section, "cert_file", folder, files)
    private_key = _readable(section, "key_file", folder, files, secret=True)
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if not certificate or not _load_authorities(trial, section, "cert_file", certificate) or not private_key:
        return
    try:
        # With an empty password an encrypted key is an error; with none, OpenSSL asks on the terminal.
        context.load_cert_chain(certificate, private_key, password="")
    except ssl.SSLError as error:
        section.problem("key_file", _wrong_key(error))
    except OSError as error:
        section.problem("key_file", f"cannot be read: {error.strerror}")


def _wrong_key(error: ssl.SSLError) -> str:
    if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
        return "is not the key of the certificate in cert_file"
    if error.reason:
        return f"and cert_file are refused by OpenSSL: {error.reason.lower().replace('_', ' ')}"
    return "the file holds no unencrypted private key in PEM format"


def _load_authorities(context: ssl.SSLContext, section: Section, key: str, path: Path) -> bool:
    """Load the certificates of a file as trusted ones; tell whether there are any."""
    try:
        context.load_verify_locations(path)
    except OSError:  # SSLError among them
        section.problem(key, "the file holds no certificate in PEM format")
        return False
    return True


def _readable(
    section: Section, key: str, folder: Path, files: WatchedFiles, *, secret: bool = False
) -> Path | None:
    """Return the path at ``key``, None when it is not given or cannot be read."""
    name = section.text(key, None)
    if name is None:
        return None
    path = folder / name
    try:
        file = files.read(path)
    except UnreadableError as error:
        section.problem(key, f"the file {error}{shown_path(path)}")
        return None
    if secret and file.world_readable:
        section.warning(key, "every user of this machine may read the private key: chmod 600")
    return path


def _sans(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in a certificate as Python's ssl describes it, IP addresses in their short form."""
    names = [(kind, name) for kind, name in certificate.get("subjectAltName", ()) if kind in _SAN_KINDS]
    return frozenset(str(ip_address(name)) if kind == "IP Address" else name for kind, name in names)
