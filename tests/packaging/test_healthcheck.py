"""The health check of the image, run beside a server as Docker runs it beside the exporter."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from exporter.config.model import Config
from exporter.service import Exporter
from exporter.web.application import Pages
from tests.packaging.project import DEPLOY
from tests.programs import free_port
from tests.support import FakeClock
from tests.web.sites import TLS, Folder, bcrypt_hash, running

USERS = {"prometheus": bcrypt_hash("long and secret")}
PLAIN = {"http_server_config": {}}


@pytest.fixture
def folder(tmp_path) -> Folder:
    """A folder with a certificate for another name than the one that is asked."""
    made = Folder(tmp_path)
    made.write_certificate(trustme.CA().issue_cert("exporter.example.org"))
    return made


@pytest.fixture
def pages() -> Pages:
    """The pages of an exporter that is healthy, but not ready."""
    pages = Exporter(Config(accounts=()), FakeClock()).pages()
    return replace(pages, healthy=lambda: True, not_ready=lambda: "not yet")


def passes(environment: Mapping[str, str], *page: str) -> bool:
    """Tell whether the check passes with these variables, and with a proxy that leads nowhere."""
    surroundings = {**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = (sys.executable, DEPLOY / "healthcheck.py", *page)
    done = subprocess.run(
        command, env=surroundings | environment, stderr=subprocess.DEVNULL, timeout=30, check=False
    )
    return done.returncode == 0


@contextmanager
def served(folder: Folder, pages: Pages) -> Iterator[Mapping[str, str]]:
    """Serve pages behind the web configuration of a folder; the variables are those of the image."""
    with running(folder, pages) as site:
        yield {
            "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS": f":{site.port},127.0.0.1:9",
            "QUANTCONNECT_EXPORTER_WEB_CONFIG_FILE": str(folder.file),
        }


def sign_in(folder: Path, password: str) -> None:
    (folder / "username").write_text("prometheus\n")
    (folder / "password").write_text(f"{password}\n")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("users", [False, True], ids=["open", "login"])
def test_check_passes_behind_every_web_configuration(folder, pages, tls, users):
    """The check speaks TLS when the web configuration has it, and signs in when a login stands beside it."""
    folder.write(
        **({"tls_server_config": TLS} if tls else PLAIN), **({"basic_auth_users": USERS} if users else {})
    )
    if users:
        sign_in(folder.path, "long and secret")

    with served(folder, pages) as environment:
        assert passes(environment)
        assert not passes(environment, "/-/ready")


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftls_server_config: {cert_file: server.crt, key_file: server.key}\r\n",
        '{"tls_server_config": {"cert_file": "server.crt", "key_file": "server.key"}}',
        "# tls_server_config:\nhttp_server_config: {http2: false} # no tls_server_config: yet\n",
    ],
    ids=["byte order mark", "JSON", "comments"],
)
def test_check_reads_the_file_as_the_exporter_does(folder, pages, text):
    """However TLS is written, the check speaks it; in a comment it means nothing."""
    folder.file.write_text(text, "utf-8")

    with served(folder, pages) as environment:
        assert passes(environment)


def test_check_needs_no_web_configuration(folder, pages):
    """An exporter that speaks plain HTTP to everybody is asked so, whether the variable is empty or not set."""
    folder.write(**PLAIN)

    with served(folder, pages) as environment:
        assert passes({**environment, "QUANTCONNECT_EXPORTER_WEB_CONFIG_FILE": ""})


def test_check_fails_when_a_poll_loop_is_stuck(folder, pages):
    """The page that answers 503 is no sign of health."""
    folder.write(**PLAIN)

    with served(folder, replace(pages, healthy=lambda: False)) as environment:
        assert not passes(environment)


@pytest.mark.parametrize("password", [None, "another"])
def test_check_fails_without_the_password(folder, pages, password):
    """A refused check is a failed one: it has not learnt whether the exporter is well."""
    folder.write(basic_auth_users=USERS)
    if password is not None:
        sign_in(folder.path, password)

    with served(folder, pages) as environment:
        assert not passes(environment)


def test_check_fails_where_nobody_listens():
    """An exporter that does not answer is not well."""
    assert not passes({"QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{free_port()}"})
