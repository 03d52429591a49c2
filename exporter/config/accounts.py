"""The ``accounts`` section: QuantConnect users, their credentials and their share of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from exporter.config.credentials import (
    API_TOKEN,
    DEFAULT_ACCOUNT,
    NO_TOKEN,
    NO_USER_ID,
    account_token,
    account_user_id,
    environment_account,
    environment_token,
    has_environment_token,
    missing_variables,
)
from exporter.config.document import Section
from exporter.config.labels import read_labels
from exporter.config.model import DEFAULT_BASE_URL, Account
from exporter.config.report import quoted
from exporter.config.secret import Secret
from exporter.loopback import is_loopback

ACCOUNT_KEYS = (
    "name",
    "user_id",
    "user_id_file",
    "api_token",
    "api_token_file",
    "base_url",
    "requests_per_minute",
    "max_concurrent_requests",
    "discover",
    "labels",
)

_MOST_CONCURRENT_REQUESTS = 32


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What the meaning of a document depends on besides its text.

    ``folder`` is where relative file names start; ``world_readable`` tells whether every user of the
    machine may read the document. ``now`` in Unix seconds.
    """

    folder: Path
    environment: Mapping[str, str]
    world_readable: bool
    now: float


def read_accounts(top: Section, context: LoadContext) -> list[tuple[Section, Account]]:
    """Return the accounts, each with its section; the one from the environment has an empty section."""
    if "accounts" not in top:
        if missing := missing_variables(context.environment):
            top.problem("accounts", f"is missing: list an account here, or set {missing}")
            return []
        return [(top.section("accounts", ()), environment_account(context.environment, top.report))]
    sections = top.sections("accounts", ACCOUNT_KEYS)
    if not sections and top.sound:
        top.problem("accounts", "must list at least one account")
    tokens = _tokens(sections, context)
    accounts = [
        _account(section, token, context.folder) for section, token in zip(sections, tokens, strict=True)
    ]
    pairs = list(zip(sections, accounts, strict=True))
    _check_duplicates(pairs)
    return pairs


def _tokens(sections: tuple[Section, ...], context: LoadContext) -> list[Secret]:
    """Return the token of each account; that of the environment is for the only account without one."""
    tokens = [
        account_token(section, context.folder, world_readable=context.world_readable) for section in sections
    ]
    without = [section for section, token in zip(sections, tokens, strict=True) if token is None]
    fallback = NO_TOKEN
    if len(without) == 1 and has_environment_token(context.environment):
        fallback = environment_token(context.environment, without[0].report)
    elif len(without) == 1:
        without[0].problem("api_token", f"is missing: give api_token or api_token_file, or set {API_TOKEN}")
    else:
        for section in without:
            section.problem(
                "api_token",
                "is missing: give api_token or api_token_file, since several accounts have no token",
            )
    return [fallback if token is None else token for token in tokens]


def _account(section: Section, token: Secret, folder: Path) -> Account:
    return Account(
        # An empty name means a wrong one: it matches no other account and no project.
        name=section.text("name", "") if "name" in section else DEFAULT_ACCOUNT,
        user_id=account_user_id(section, folder),
        api_token=token,
        base_url=_base_url(section),
        requests_per_minute=section.whole_number("requests_per_minute", 30, least=1),
        max_concurrent_requests=section.whole_number(
            "max_concurrent_requests", 4, least=1, most=_MOST_CONCURRENT_REQUESTS
        ),
        labels=read_labels(section),
    )


def _check_duplicates(accounts: list[tuple[Section, Account]]) -> None:
    """Report accounts that share a name, or a user and an address."""
    names: dict[str, Section] = {}
    users: dict[tuple[int, str], Section] = {}
    for section, account in accounts:
        if account.name:
            first = names.setdefault(account.name, section)
            if first is not section:
                section.problem("name", f"{quoted(account.name)} is already the name of {first.place.key}")
        if account.user_id != NO_USER_ID:
            first = users.setdefault((account.user_id, account.base_url), section)
            if first is not section:
                section.problem("user_id", f"is already the user of {first.place.key}")


def decide_discovery(section: Section, account: Account, with_projects: set[str]) -> Account:
    """Return the account with ``discover`` as given, else on if none of its projects is named."""
    named = account.name in with_projects
    discover = section.switch("discover", not named)
    if not named and not discover:
        section.warning("discover", "is false and no project of this account is named: nothing is polled")
    return replace(account, discover=discover)


def _base_url(section: Section) -> str:
    """Return the address of the API with a slash at its end. It may hold a password, so it is never repeated."""
    text = section.text("base_url", DEFAULT_BASE_URL)
    if not text.isascii() or set(text) & set(" \\?#"):
        section.problem("base_url", "must be a URL without blanks, query and fragment")
        return DEFAULT_BASE_URL
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that are no IPv6 address, a port that is no number
        valid = False
    if not valid:
        section.problem("base_url", "must be a URL that begins with https:// or http:// and a host")
        return DEFAULT_BASE_URL
    if "@" in parts.netloc:
        section.problem("base_url", "must not hold a user name or password")
        return DEFAULT_BASE_URL
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        section.warning("base_url", "is plain http: the hash of the token travels unencrypted")
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))
