"""The file behind ``--web.config.file``, in the format of Prometheus' exporter-toolkit.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp

from exporter.config.document import Section, read_document
from exporter.config.files import UnreadableError
from exporter.config.report import Place, Report
from exporter.config.tree import NotYamlError
from exporter.config.watched_files import WatchedFiles
from exporter.errors import ConfigError
from exporter.web.basic_auth import BasicAuth, UserNames, Users, read_users
from exporter.web.response_headers import HEADER_KEYS, ResponseHeaders, read_headers
from exporter.web.tls import TLS_KEYS, read_tls

_TOP_KEYS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
_HTTP_KEYS = ("http2", "headers")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What one reading of the file asks for; without ``tls`` the server speaks plain HTTP."""

    tls: ssl.SSLContext | None = None
    users: Users = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def load_web_config(path: Path, files: WatchedFiles) -> WebConfig:
    """Load the file and those it names, or raise ConfigError with every problem, each with file and line."""
    report = Report()
    try:
        file = files.read(path)
        top = read_document(file.text, Place(str(path)), report, _TOP_KEYS)
    except (UnreadableError, NotYamlError) as error:
        what = "the file " if isinstance(error, UnreadableError) else ""
        raise ConfigError((f"{Place(str(path), error.line)}: {what}{error}",)) from None
    if "rate_limit" in top:
        top.problem("rate_limit", "is not supported: a scrape asks nothing of QuantConnect")
    tls = _tls(top, path.parent, files)
    users = _users(top, world_readable=file.world_readable)
    headers = _headers(top)
    return WebConfig(tls, users, headers, report.warnings())


def _tls(top: Section, folder: Path, files: WatchedFiles) -> ssl.SSLContext | None:
    if "tls_server_config" not in top:
        return None
    section = top.section("tls_server_config", TLS_KEYS)
    return read_tls(section, folder, files) if section.is_mapping else None


def _users(top: Section, *, world_readable: bool) -> Users:
    if "basic_auth_users" not in top:
        return {}
    names = UserNames()
    section = top.section("basic_auth_users", names)
    if world_readable:
        top.warning("basic_auth_users", "every user of this machine may read the hashes: chmod 600")
    return read_users(section, names)


def _headers(top: Section) -> Mapping[str, str]:
    section = top.section("http_server_config", _HTTP_KEYS)
    if section.switch("http2", False):
        section.problem("http2", "is not supported: leave it out or write false")
    return read_headers(section.section("headers", HEADER_KEYS))


class LiveWebConfig:
    """The web configuration as its files are now; after a broken change, as they last were valid.

    Raises ConfigError when they are broken from the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = WatchedFiles()
        self._config = load_web_config(path, self._files)

    def current(self) -> WebConfig:
        """Return the configuration, read again if a file has changed. A few ``stat`` when none has."""
        if self._files.changed():
            self._read_again()
        return self._config

    def guard(self, application: ASGIApp) -> ASGIApp:
        """Return the application behind authentication, with the headers on every response."""
        guarded = BasicAuth(application, lambda: self.current().users)
        return ResponseHeaders(guarded, lambda: self.current().headers)

    def tls(self) -> ssl.SSLContext | None:
        """Return the context for the next connection, None for plain HTTP.

        It is chosen before the handshake: swapping it inside one (``sni_callback``) would change the
        certificate but not the rules for clients, and a changed CA in a live context could be evaded
        by resuming an old session.
        """
        return self.current().tls

    def _read_again(self) -> None:
        self._files = WatchedFiles()
        try:
            config = load_web_config(self._path, self._files)
            self._refuse_switch(config)
        except ConfigError as error:
            _logger.error(  # noqa: TRY400 - the problems say all, a traceback nothing
                "web configuration is broken, the last good one stays",
                extra={"problems": "; ".join(error.problems)},
            )
            return
        self._config = config
        _logger.info("web configuration read again", extra={"file": str(self._path)})
        for warning in config.warnings:
            _logger.warning(warning)

    def _refuse_switch(self, config: WebConfig) -> None:
        """Refuse what a listening socket cannot change, as the toolkit does: it is for TLS or for plain HTTP."""
        if bool(config.tls) != bool(self._config.tls):
            wanted = "on" if config.tls else "off"
            raise ConfigError(
                (f"{self._path}: tls_server_config: TLS is switched {wanted} only by a restart",)
            )
