"""Accounts: which projects they discover, and their addresses."""

import pytest

from tests.config.texts import TWO


@pytest.mark.parametrize(
    ("projects", "discovers"),
    [
        ("", (True, True)),
        ("projects: []", (True, True)),
        ("projects: [{id: 1, account: main}]", (False, True)),
        ("projects: [{id: 1, account: main}, {id: 2, account: paper}]", (False, False)),
    ],
)
def test_an_account_discovers_unless_one_of_its_projects_is_named(load, projects, discovers):
    """The default of ``discover`` is decided for each account by its own projects."""
    accounts = load(TWO + projects).config.accounts

    assert tuple(account.discover for account in accounts) == discovers


def test_discovery_beside_named_projects_is_a_choice(load):
    """``discover: true`` holds although a project is named."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, discover: true}]\nprojects: [{id: 1}]"
    ).config

    assert config.accounts[0].discover


def test_an_address_gets_the_slash_at_its_end_and_small_letters_in_its_host(load):
    """Paths are appended to ``base_url``, so it always ends with a slash."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, base_url: 'HTTPS://API.Example.com/V2'}]"
    ).config

    assert config.accounts[0].base_url == "https://api.example.com/V2/"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "127.9.9.9", "[::1]:80", "localhost", "api.localhost"])
def test_plain_http_on_this_machine_is_no_warning(load, host):
    """What never leaves the machine need not be encrypted."""
    loaded = load(f"accounts: [{{user_id: 1, api_token: worthless, base_url: 'http://{host}/'}}]")

    assert loaded.warnings == ()


def test_one_user_at_two_addresses_is_two_accounts(load):
    """The same user id at another address is another user, such as a simulated one."""
    config = load("""\
accounts:
  - {name: real, user_id: 1, api_token: worthless}
  - {name: simulated, user_id: 1, api_token: worthless, base_url: "http://localhost:1/"}
""").config

    assert [account.name for account in config.accounts] == ["real", "simulated"]
