"""Credentials: where they may come from, and that they never come out."""

import dataclasses
import json

import pytest

from exporter.config.load import config_from_environment, load_config
from exporter.config.model import Account, Config
from exporter.config.secret import Secret
from exporter.errors import ConfigError

TOKEN = "4fd2c0ffee"
FILE = "QUANTCONNECT_API_TOKEN_FILE"
EITHER = f"QUANTCONNECT_API_TOKEN (or {FILE})"
BOTH = f"QUANTCONNECT_USER_ID and {EITHER}"
READABLE = "every user of this machine may read the token: chmod o-r the file"


@pytest.fixture
def token_file(tmp_path):
    """Hold the token in a file that its owner alone may read."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_file_may_end_with_a_line_break(load, token_file, end):
    """The line break that editors add is no part of the token."""
    token_file.write_bytes(TOKEN.encode() + end.encode())

    config = load(f"accounts: [{{user_id: 1, api_token_file: {token_file}}}]").config

    assert config.accounts[0].api_token.reveal() == TOKEN


@pytest.mark.usefixtures("token_file")
def test_relative_files_are_found_beside_the_configuration(load, tmp_path, monkeypatch):
    """File names start at the folder of the configuration, wherever the command runs."""
    (tmp_path / "user").write_text("123456\n")
    monkeypatch.chdir("/")

    config = load("accounts: [{user_id_file: user, api_token_file: token}]").config

    assert config.accounts == (Account("default", 123456, Secret(TOKEN)),)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"4fd2 c0ffee\n", "the token must not contain blanks or line breaks"),
        (b"4fd2\nc0ffee\n", "the token must not contain blanks or line breaks"),
        (b"4fd2c0ffee \n", "the token must not contain blanks or line breaks"),
        ("4fd2c0ffeé".encode(), "the token must be printable ASCII characters"),
        (b"4fd2\x00c0ffee", "the token must be printable ASCII characters"),
        (b"4fd2c0ffe\xe9", "the file is not valid UTF-8"),
        (b"4fd2c0ffee" * 1000, "the file is larger than 4096 bytes"),
    ],
)
def test_a_file_that_holds_no_token_is_a_problem(load, token_file, content, problem):
    """Each way a token file can be wrong is said with its whole path, without a piece of its content."""
    token_file.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load("accounts:\n  - user_id: 1\n    api_token_file: token\n")

    (told,) = caught.value.problems
    where = f" ({token_file})" if problem.startswith("the file") else ""
    assert told.endswith(f"config.yml:3: accounts[0].api_token_file: {problem}{where}")
    assert "4fd2" not in told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("none", True),
        ("secrets/quantconnect-2026/token", True),
        ("prod-eu1-quantconnect-token", True),
        (TOKEN, False),
        (f"./{TOKEN}", False),
        ("0" * 64, False),
        ("YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo4", False),
    ],
)
def test_a_missing_file_is_named_unless_the_name_may_be_a_token(load, tmp_path, name, shown):
    """Whoever runs the command sees where the file was looked for; a token in place of its name stays secret."""
    with pytest.raises(ConfigError) as caught:
        load(f"accounts: [{{user_id: 1, api_token_file: '{name}'}}]")

    (problem,) = caught.value.problems
    where = f" ({tmp_path / name})" if shown else ""
    assert (
        problem.split("api_token_file: ")[1] == f"the file cannot be read: No such file or directory{where}"
    )


@pytest.mark.parametrize("content", ["", "main\n", "0\n", "1 2\n"])
def test_a_file_that_holds_no_user_id_is_a_problem(load, tmp_path, content):
    """A user id from a file is a whole number like any other."""
    (tmp_path / "user").write_text(content)

    with pytest.raises(
        ConfigError, match=r":1: accounts\[0\].user_id_file: must be a whole number from 1 up$"
    ):
        load("accounts: [{user_id_file: user, api_token: worthless}]")


def test_a_token_file_that_everybody_may_read_is_a_warning(load, token_file):
    """The warning comes with the line of the key, and the token is used."""
    token_file.chmod(0o644)

    loaded = load("accounts: [{user_id: 1, api_token_file: token}]")

    assert [warning.split(": ", 1)[1] for warning in loaded.warnings] == [
        f"accounts[0].api_token_file: {READABLE}"
    ]


def test_a_group_may_read_a_token_file(load, token_file):
    """Rights of the group are how a service account is let in."""
    token_file.chmod(0o640)

    assert load("accounts: [{user_id: 1, api_token_file: token}]").warnings == ()


def test_a_configuration_with_a_token_that_everybody_may_read_is_a_warning(load):
    """A token inside the configuration makes the configuration a secret."""
    loaded = load(f"accounts: [{{user_id: 1, api_token: {TOKEN}}}]", mode=0o644)

    assert [warning.split(": ", 1)[1] for warning in loaded.warnings] == [
        f"accounts[0].api_token: {READABLE}"
    ]


@pytest.mark.usefixtures("token_file")
def test_a_configuration_without_a_token_may_be_read_by_everybody(load):
    """Without a token inside, the configuration is no secret."""
    assert load("accounts: [{user_id: 1, api_token_file: token}]", mode=0o644).warnings == ()


def test_the_environment_gives_the_only_missing_token(load):
    """One account without a token takes the environment's, whatever the others have."""
    text = """\
accounts:
  - {name: main, user_id: 1}
  - {name: paper, user_id: 2, api_token: worthless}
"""
    config = load(text, QUANTCONNECT_API_TOKEN=TOKEN, QUANTCONNECT_USER_ID="3").config

    assert [account.api_token.reveal() for account in config.accounts] == [TOKEN, "worthless"]
    assert [account.user_id for account in config.accounts] == [1, 2]


def test_the_environment_names_the_file_of_the_only_missing_token(load, token_file):
    """``QUANTCONNECT_API_TOKEN_FILE`` serves as well as the token itself."""
    config = load("accounts: [{user_id: 1}]", QUANTCONNECT_API_TOKEN_FILE=str(token_file)).config

    assert config.accounts[0].api_token.reveal() == TOKEN


def test_the_environment_serves_no_two_accounts(load):
    """With two tokens missing, nobody guesses whose the environment's is."""
    with pytest.raises(ConfigError) as caught:
        load("accounts: [{name: a, user_id: 1}, {name: b, user_id: 2}]", QUANTCONNECT_API_TOKEN=TOKEN)

    assert len(caught.value.problems) == 2


def test_a_file_without_accounts_takes_the_account_from_the_environment(load):
    """A file may hold settings alone."""
    loaded = load(
        "polling: {status: 30s}\nprojects: [{id: 7}]",
        QUANTCONNECT_USER_ID="123456",
        QUANTCONNECT_API_TOKEN=TOKEN,
    )

    assert loaded.config.accounts == (Account("default", 123456, Secret(TOKEN), discover=False),)
    assert loaded.config.projects[0].account == "default"
    assert loaded.config.defaults.polling.status == 30


def test_no_account_anywhere_is_one_problem(load, tmp_path):
    """The problem says both ways out."""
    with pytest.raises(ConfigError) as caught:
        load("projects: [{id: 7}, {id: 8, account: main}]")

    assert caught.value.problems == (
        f"{tmp_path / 'config.yml'}:1: accounts: is missing: list an account here, or set {BOTH}",
    )


def test_the_environment_alone_is_one_discovering_account():
    """Without a file, two variables are the whole configuration."""
    loaded = config_from_environment({"QUANTCONNECT_USER_ID": "123456", "QUANTCONNECT_API_TOKEN": TOKEN})

    assert loaded.config == Config(accounts=(Account("default", 123456, Secret(TOKEN)),))
    assert loaded.warnings == ()


def test_the_environment_may_name_a_token_file(token_file):
    """The third variable replaces the second, and the file's rights are looked at."""
    token_file.chmod(0o644)

    loaded = config_from_environment(
        {"QUANTCONNECT_USER_ID": "123456", "QUANTCONNECT_API_TOKEN_FILE": str(token_file)}
    )

    assert loaded.config.accounts[0].api_token.reveal() == TOKEN
    assert loaded.warnings == (f"environment: QUANTCONNECT_API_TOKEN_FILE: {READABLE}",)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        (
            {},
            f"Set {BOTH}, or name a configuration file with --config.file.",
        ),
        (
            {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN": ""},
            f"Set {EITHER}, or name a configuration file with --config.file.",
        ),
        (
            {"QUANTCONNECT_API_TOKEN": TOKEN},
            "Set QUANTCONNECT_USER_ID, or name a configuration file with --config.file.",
        ),
        (
            {"QUANTCONNECT_USER_ID": TOKEN, "QUANTCONNECT_API_TOKEN": "1"},
            "environment: QUANTCONNECT_USER_ID: must be a whole number from 1 up",
        ),
        (
            {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN": f"{TOKEN} "},
            "environment: QUANTCONNECT_API_TOKEN: the token must not contain blanks or line breaks",
        ),
        (
            {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN_FILE": f"/{TOKEN}"},
            "environment: QUANTCONNECT_API_TOKEN_FILE: the file cannot be read: No such file or directory",
        ),
        (
            {
                "QUANTCONNECT_USER_ID": "1",
                "QUANTCONNECT_API_TOKEN": TOKEN,
                "QUANTCONNECT_API_TOKEN_FILE": f"/{TOKEN}",
            },
            f"environment: {FILE}: set QUANTCONNECT_API_TOKEN or {FILE}, not both",
        ),
    ],
)
def test_an_incomplete_or_wrong_environment_is_one_problem(environment, problem):
    """The problem names the variables, never their values."""
    with pytest.raises(ConfigError) as caught:
        config_from_environment(environment)

    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    "account",
    [
        f"{{user_id: 1, api_token: [{TOKEN}]}}",
        f"{{user_id: 1, api_token: {{{TOKEN}: {TOKEN}}}}}",
        f"{{user_id: 1, api_token: '{TOKEN} {TOKEN}'}}",
        f"{{user_id: 1, api_token: &{TOKEN} x}}",
        f"{{user_id: 1, api_token: *{TOKEN}}}",
        f"{{user_id: 1, api_token: !{TOKEN} x}}",
        f"{{user_id: 1, api_token: !{TOKEN}!x x}}",
        f"{{user_id: 1, api_token: '{TOKEN}}}",
        f"{{user_id: 1, api_token: @{TOKEN}}}",
        f'{{user_id: 1, api_token: "\\q{TOKEN}"}}',
        f"{{user_id: 1, api_token:{TOKEN}}}",
        f"{{user_id: 1, api_token={TOKEN}}}",
        f"{{user_id: 1, api_token: x, api_token: {TOKEN}}}",
        f"{{user_id: 1, api_token: {TOKEN}, api_token_file: {TOKEN}}}",
        f"{{user_id: 1, api_token_file: {TOKEN}}}",
        f"{{user_id: 1, api_token_file: [{TOKEN}]}}",
        f"{{user_id: 1, apitoken: {TOKEN}}}",
        f"{{user_id: {TOKEN}, api_token: 1}}",
        f"{{user_id: [{TOKEN}], api_token: x}}",
        f"{{user_id_file: {TOKEN}, api_token: x}}",
        f"{{user_id: 1, api_token: x, base_url: 'https://me:{TOKEN}@www.quantconnect.com/'}}",
        f"{{user_id: 1, api_token: x, base_url: 'https://www.quantconnect.com/?token={TOKEN}'}}",
        f"{{user_id: 1, api_token: x, base_url: {TOKEN}}}",
        TOKEN,
        f"api_token={TOKEN}",
        f"api_token:{TOKEN}",
    ],
)
def test_no_problem_repeats_a_misplaced_token(load, account):
    """Wherever a slip of the keyboard puts the token around its key, no problem shows it."""
    with pytest.raises(ConfigError) as caught:
        load(f"accounts:\n  - {account}\n")

    assert TOKEN not in str(caught.value)
    assert TOKEN not in repr(caught.value)


def test_no_problem_repeats_a_token_of_digits(load):
    """A token that YAML takes for a number is refused without being shown."""
    with pytest.raises(ConfigError) as caught:
        load("accounts: [{user_id: 1, api_token: 987654321}]")

    assert "987654321" not in str(caught.value)


def test_a_loaded_token_does_not_print(load, token_file):
    """Neither the configuration nor any form of the token's text shows it: a mask stands there."""
    token_file.chmod(0o644)
    loaded = load("accounts: [{user_id: 1, api_token_file: token}]", mode=0o644)
    account = loaded.config.accounts[0]
    shown = [
        repr(loaded),
        str(loaded.config),
        f"{account.api_token}",
        str(dataclasses.asdict(account)),
        json.dumps(dataclasses.asdict(account), default=str),
    ]

    assert TOKEN not in "".join(shown)
    assert all("<secret>" in text for text in shown)


def test_a_problem_elsewhere_does_not_show_the_token(tmp_path):
    """The error that a caller prints or logs with its causes carries no file content."""
    path = tmp_path / "config.yml"
    path.write_bytes(f"accounts: [{{user_id: 1, api_token: {TOKEN}}}]\n# \xff".encode("latin-1"))

    with pytest.raises(ConfigError) as caught:
        load_config(path, {})

    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
