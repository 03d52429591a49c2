"""The web configuration file: what is read, what is refused and where, and what is never repeated."""

import re
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from exporter.cli import main
from exporter.config.watched_files import WatchedFiles
from exporter.errors import ConfigError
from exporter.flags import parse_flags
from exporter.web.basic_auth import UserNames
from exporter.web.response_headers import HEADER_KEYS
from exporter.web.tls import TLS_KEYS
from exporter.web.web_config import load_web_config
from tests.web.sites import TLS, Folder, replace_file

HASH = "$2y$04$TmtkekYcrfrv6l8Q5eRmXe.bu62YjYvZ65E3zVT4xp0KDymLO3PIS"
PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "web-configuration.md").read_text("utf-8")


def load(folder: Folder, text: str):
    """Load a web configuration from its text."""
    replace_file(folder.file, text.encode())
    return load_web_config(folder.file, WatchedFiles())


def problems(folder: Folder, text: str) -> list[str]:
    """Return what is wrong with a web configuration, each without the file's name before its line."""
    with pytest.raises(ConfigError) as refused:
        load(folder, text)
    return [problem.removeprefix(f"{folder.file}:") for problem in refused.value.problems]


def example() -> str:
    """Return the example that uses everything."""
    return re.search(r"```yaml\n(tls_server_config.+?)```", DOCUMENT, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cert", "inline"),
        ("key", "inline"),
        ("client_ca", "inline"),
        ("cipher_suites", "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"),
        ("prefer_server_cipher_suites", "true"),
        ("curve_preferences", "[X25519]"),
        ("client_auth_type", "RequestClientCert"),
        ("client_auth_type", "RequireAnyClientCert"),
        ("client_auth_type", "RequireClientCert"),
        ("min_version", "TLS10"),
        ("min_version", "TLS11"),
        ("max_version", "TLS11"),
    ],
)
def test_unsupported_tls_key_is_refused_by_name(folder, key, value):
    """What the format has for TLS and this exporter does not do is refused with its line, never ignored."""
    (problem,) = problems(folder, f"{PAIR}  {key}: {value}\n")

    assert problem.startswith(f"4: tls_server_config.{key}: ")
    assert "is not supported: " in problem


def test_other_unsupported_keys_are_refused_by_name(folder):
    """A rate limit and HTTP/2 are refused with their lines; HTTP/2 that is off is none."""
    text = "rate_limit: {interval: 1s, burst: 2}\nhttp_server_config:\n  http2: true\n"

    assert problems(folder, text) == [
        "1: rate_limit: is not supported: a scrape asks nothing of QuantConnect",
        "3: http_server_config.http2: is not supported: leave it out or write false",
    ]
    load(folder, "http_server_config: {http2: false}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: the file is empty"]),
        ("tls: {}\n", ["1: tls: unknown key"]),
        (
            "tls_server_config: {}\n",
            [
                "1: tls_server_config.cert_file: is missing: TLS needs cert_file and key_file",
                "1: tls_server_config.key_file: is missing: TLS needs cert_file and key_file",
            ],
        ),
        (
            "tls_server_config:\n",
            ["1: tls_server_config: must be a mapping of keys to values, not nothing"],
        ),
        (
            "tls_server_config:\n  cert_file: none.crt\n  key_file: .\n",
            [
                "2: tls_server_config.cert_file: the file cannot be read: No such file or directory ({folder}/none.crt)",
                "3: tls_server_config.key_file: the file cannot be read: Is a directory ({folder})",
            ],
        ),
        (
            "tls_server_config:\n  cert_file: server.key\n  key_file: server.key\n",
            ["2: tls_server_config.cert_file: the file holds no certificate in PEM format"],
        ),
        (
            "tls_server_config:\n  cert_file: server.crt\n  key_file: clients.pem\n",
            ["3: tls_server_config.key_file: the file holds no unencrypted private key in PEM format"],
        ),
        (
            "tls_server_config:\n  cert_file: clients.pem\n  key_file: server.key\n",
            ["3: tls_server_config.key_file: is not the key of the certificate in cert_file"],
        ),
        (
            f"{PAIR}  client_auth_type: RequireAndVerifyClientCerts\n",
            [
                (
                    "4: tls_server_config.client_auth_type: must be NoClientCert, VerifyClientCertIfGiven, "
                    'RequireAndVerifyClientCert, not "RequireAndVerifyClientCerts", '
                    "did you mean RequireAndVerifyClientCert?"
                )
            ],
        ),
        (
            f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n",
            ["1: tls_server_config.client_ca_file: is missing: client certificates are verified against it"],
        ),
        (
            f"{PAIR}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: server.key\n",
            ["5: tls_server_config.client_ca_file: the file holds no certificate in PEM format"],
        ),
        (
            f"{PAIR}  client_ca_file: clients.pem\n",
            ["4: tls_server_config.client_ca_file: has no effect: client_auth_type asks for no certificate"],
        ),
        (
            (
                f"{PAIR}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: clients.pem\n"
                "  client_allowed_sans: [a]\n"
            ),
            ["6: tls_server_config.client_allowed_sans: needs client_auth_type: RequireAndVerifyClientCert"],
        ),
        (
            (
                f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.pem\n"
                "  client_allowed_sans: []\n"
            ),
            ["6: tls_server_config.client_allowed_sans: must list at least one name"],
        ),
        (
            f"{PAIR}  min_version: TLS13\n  max_version: TLS12\n",
            ["5: tls_server_config.max_version: is below min_version"],
        ),
        (
            f"{PAIR}  min_version: '1.2'\n",
            ['4: tls_server_config.min_version: must be TLS12 or TLS13, not "1.2"'],
        ),
        (
            f"{PAIR}  min_versoin: TLS13\n",
            ["4: tls_server_config.min_versoin: unknown key, did you mean min_version?"],
        ),
        (
            "basic_auth_users: {}\n",
            ["1: basic_auth_users: names no user: leave it out to let everybody read"],
        ),
        (
            "basic_auth_users: [alice]\n",
            ["1: basic_auth_users: must be a mapping of keys to values, not a list"],
        ),
        (
            f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n",
            ["3: basic_auth_users.alice: is given twice, first on line 2"],
        ),
        (
            f"basic_auth_users:\n  'a:b': {HASH}\n  '': {HASH}\n",
            [
                "2: basic_auth_users.a…: a user name must not be empty or contain a colon",
                "3: basic_auth_users.: a user name must not be empty or contain a colon",
            ],
        ),
        (
            "http_server_config:\n  headers:\n    Server: x\n    X-Frame-Options: allow\n",
            [
                "3: http_server_config.headers.Server: unknown key",
                '4: http_server_config.headers.X-Frame-Options: must be deny or sameorigin, not "allow"',
            ],
        ),
        (
            "http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n",
            ['3: http_server_config.headers.X-Content-Type-Options: must be nosniff, not "sniff"'],
        ),
        (
            'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\r\\nSet-Cookie: b"\n',
            [
                (
                    "3: http_server_config.headers.Content-Security-Policy: "
                    "must be one line of printable text without blanks around it"
                )
            ],
        ),
        (
            (
                "http_server_config:\n  headers:\n    Content-Security-Policy: ü\n"
                '    Strict-Transport-Security: ""\n    X-XSS-Protection: [0]\n'
            ),
            [
                "3: http_server_config.headers.Content-Security-Policy: must be ASCII characters",
                "4: http_server_config.headers.Strict-Transport-Security: must not be empty",
                "5: http_server_config.headers.X-XSS-Protection: must be text, not a list",
            ],
        ),
    ],
)
def test_mistakes(folder, text, expected):
    """Each mistake is told with its line and key, all of them at once."""
    assert problems(folder, text) == [each.replace("{folder}", str(folder.file.parent)) for each in expected]


@pytest.mark.parametrize(
    "wrong",
    [
        "hunter2",
        HASH[:-1],
        HASH + "a",
        HASH.replace("$2y$", "$2x$"),
        HASH.replace("$2y$", "$2$"),
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$32$"),
        HASH[:28] + "z" + HASH[29:],
        "$apr1$abcdefgh$0123456789012345678901",
        f"alice:{HASH}",
    ],
)
def test_what_is_no_bcrypt_hash_is_refused_without_a_word_of_it(folder, wrong):
    """A value that bcrypt could not check is named by its user alone."""
    assert problems(folder, f"basic_auth_users:\n  alice: {wrong}\n") == [
        "2: basic_auth_users.alice: must be a bcrypt hash, such as `htpasswd -nBC 10` prints"
    ]


def test_hash_in_the_place_of_a_user_is_not_repeated(folder):
    """User and hash the wrong way round are refused, and the hash is not shown."""
    assert problems(folder, f"basic_auth_users:\n  {HASH}: alice\n") == [
        "1: basic_auth_users: names no user: leave it out to let everybody read",
        "2: basic_auth_users.…: unknown key",
    ]


def test_secrets_are_not_shown(folder):
    """What was read shows no hash when printed."""
    config = load(folder, f"basic_auth_users: {{alice: {HASH}}}\n")

    assert config.users["alice"].reveal() == HASH
    assert HASH not in repr(config)


def test_encrypted_key_is_refused(folder, authority):
    """A key behind a password is an error, rather than a question on the terminal."""
    key = load_pem_private_key(authority.issue_cert("127.0.0.1").private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    replace_file(folder.path / "server.key", encrypted)

    assert problems(folder, PAIR) == [
        "3: tls_server_config.key_file: the file holds no unencrypted private key in PEM format"
    ]


def test_files_start_at_the_folder_of_the_web_configuration(folder, monkeypatch, tmp_path_factory):
    """Relative names do not depend on where the command was started; absolute ones are taken as they are."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load(folder, PAIR).tls
    assert load(folder, PAIR.replace("server.key", str(folder.path / "server.key"))).tls


def test_world_readable_secrets_are_warnings(folder):
    """A private key and hashes that every user of the machine may read are told, with line and key."""
    text = f"{PAIR}basic_auth_users: {{alice: {HASH}}}\n"
    assert load(folder, text).warnings == ()
    (folder.path / "server.key").chmod(0o644)
    folder.file.chmod(0o644)

    assert load_web_config(folder.file, WatchedFiles()).warnings == (
        (
            f"{folder.file}:3: tls_server_config.key_file: "
            "every user of this machine may read the private key: chmod 600"
        ),
        f"{folder.file}:4: basic_auth_users: every user of this machine may read the hashes: chmod 600",
    )


def test_costly_hashes_are_warnings(folder):
    """A hash whose checks take seconds, or days, is told: each unknown login would wait for one."""
    costly = HASH.replace("$04$", "$15$")
    text = f"basic_auth_users: {{alice: {HASH.replace('$04$', '$14$')}, bob: {costly}}}\n"
    assert load(folder, text).warnings == (
        f"{folder.file}:1: basic_auth_users.bob: at cost 15 a login takes long to check: 10 to 12 is usual",
    )


def test_example_in_the_document(folder):
    """The example is valid and uses every key that the document explains."""
    config = load(folder, example())
    sections = yaml.safe_load(example())

    assert config.tls
    assert set(config.users) == {"prometheus"}
    assert tuple(config.headers) == HEADER_KEYS
    assert config.warnings == ()
    assert set(sections["tls_server_config"]) < set(TLS_KEYS)


def test_document_names_every_key():
    """Each key of the format, supported or not, is in the document."""
    named = set(re.findall(r"`([A-Za-z_0-9-]+)`", DOCUMENT))

    assert {*TLS_KEYS, *HEADER_KEYS, "rate_limit"} <= named


def test_user_names_remember_what_was_asked_for():
    """The keys of a document are known afterwards, in its order and each once."""
    names = UserNames()
    for name in ("bob", "alice", "bob"):
        assert name in names
    assert 5 not in names
    assert list(names) == ["bob", "alice"]


def test_flag_and_its_twin():
    """The file is named by the flag or by its twin in the environment."""
    assert parse_flags([], {}).web_config_file is None
    assert parse_flags(["--web.config.file=a"], {}).web_config_file == Path("a")
    twin = {"QUANTCONNECT_EXPORTER_WEB_CONFIG_FILE": "b"}
    assert parse_flags([], twin).web_config_file == Path("b")


def test_broken_file_ends_the_start_with_every_problem(folder, capsys):
    """Both files' problems come together, with exit code 1, before anything listens."""
    folder.write(tls_server_config=TLS | {"min_version": "TLS9"}, rate_limit={"burst": 1})
    config = folder.path / "config.yml"
    config.write_text("accounts: 5\n")
    code = main([f"--config.file={config}", f"--web.config.file={folder.file}"], {})
    output = capsys.readouterr()

    assert (code, output.out) == (1, "")
    assert [line.split(": ")[0] for line in output.err.splitlines()] == [
        f"{config}:1",
        f"{folder.file}:1",
        f"{folder.file}:6",
    ]


def test_check_covers_the_web_configuration(folder, capsys):
    """``--config.check`` fails for a broken web configuration, and shows the warnings of a good one."""
    account = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN": "worthless"}
    arguments = ["--config.check", f"--web.config.file={folder.file}"]
    folder.write(basic_auth_users={"alice": "wrong"})
    assert main(arguments, account) == 1
    refused = capsys.readouterr().err
    folder.write(basic_auth_users={"alice": HASH})
    folder.file.chmod(0o644)
    assert main(arguments, account) == 0

    assert f"{folder.file}:2: basic_auth_users.alice: must be a bcrypt hash" in refused
    assert f"warning: {folder.file}:1: basic_auth_users: every user" in capsys.readouterr().err
