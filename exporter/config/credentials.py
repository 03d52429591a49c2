"""User ids and API tokens, inline, from files or from the environment.

No message here repeats a value, or a file's name that may be a token: people mix up the two keys.
"""

from collections.abc import Mapping
from pathlib import Path

from exporter.config.document import Section, parse_whole_number
from exporter.config.files import TextFile, UnreadableError, read_text_file, shown_path
from exporter.config.model import Account
from exporter.config.report import Place, Report
from exporter.config.secret import Secret

USER_ID = "QUANTCONNECT_USER_ID"
API_TOKEN = "QUANTCONNECT_API_TOKEN"  # noqa: S105 - the variable's name
API_TOKEN_FILE = "QUANTCONNECT_API_TOKEN_FILE"  # noqa: S105 - the variable's name

DEFAULT_ACCOUNT = "default"

_MAX_BYTES = 4096
_ENVIRONMENT = "environment"
_WANTED_USER_ID = "must be a whole number from 1 up"
_WORLD_READABLE = "every user of this machine may read the token: chmod o-r the file"

# What replaces a wrong credential, so that one run finds every mistake.
NO_USER_ID = 0
NO_TOKEN = Secret("")


def account_user_id(section: Section, folder: Path) -> int:
    """Return the user id of an account; 0 when it is missing or wrong, which is reported."""
    if "user_id" in section and "user_id_file" in section:
        section.problem("user_id_file", "give user_id or user_id_file, not both")
    elif "user_id_file" in section:
        if file := _named_file(section, "user_id_file", folder):
            return _user_id(file.text.strip(), section.at("user_id_file"), section.report)
    elif "user_id" in section:
        return _user_id(section.scalar("user_id") or "", section.at("user_id"), section.report)
    else:
        section.problem("user_id", "is missing: give user_id or user_id_file")
    return NO_USER_ID


def account_token(section: Section, folder: Path, *, world_readable: bool) -> Secret | None:
    """Return the token of an account, None when it names none.

    ``world_readable`` tells whether every user of the machine may read the configuration file.
    """
    if "api_token" in section and "api_token_file" in section:
        section.problem("api_token_file", "give api_token or api_token_file, not both")
        return NO_TOKEN
    if "api_token_file" in section:
        file = _named_file(section, "api_token_file", folder)
        return _file_token(file, section.at("api_token_file"), section.report) if file else NO_TOKEN
    if "api_token" in section:
        text = section.text("api_token", None)
        if world_readable:
            section.warning("api_token", _WORLD_READABLE)
        return _token(text, section.at("api_token"), section.report) if text else NO_TOKEN
    return None


def missing_variables(environment: Mapping[str, str]) -> str:
    """Return which variables an account from the environment still needs, in words; "" when none."""
    missing = []
    if not environment.get(USER_ID):
        missing.append(USER_ID)
    if not has_environment_token(environment):
        missing.append(f"{API_TOKEN} (or {API_TOKEN_FILE})")
    return " and ".join(missing)


def has_environment_token(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a token; an empty variable counts as not set."""
    return bool(environment.get(API_TOKEN) or environment.get(API_TOKEN_FILE))


def environment_account(environment: Mapping[str, str], report: Report) -> Account:
    """Return the one account that the environment describes completely."""
    place = Place(_ENVIRONMENT, key=USER_ID)
    user_id = _user_id(environment[USER_ID], place, report)
    return Account(DEFAULT_ACCOUNT, user_id, environment_token(environment, report))


def environment_token(environment: Mapping[str, str], report: Report) -> Secret:
    """Return the token that the environment holds or names the file of."""
    text = environment.get(API_TOKEN, "")
    path = environment.get(API_TOKEN_FILE, "")
    place = Place(_ENVIRONMENT, key=API_TOKEN_FILE if path else API_TOKEN)
    if not path:
        return _token(text, place, report)
    if text:
        report.problem(place, f"set {API_TOKEN} or {API_TOKEN_FILE}, not both")
        return NO_TOKEN
    file = _read(Path(path), place, report)
    return _file_token(file, place, report) if file else NO_TOKEN


def _named_file(section: Section, key: str, folder: Path) -> TextFile | None:
    name = section.text(key, None)
    return _read(folder / name, section.at(key), section.report) if name else None


def _read(path: Path, place: Place, report: Report) -> TextFile | None:
    try:
        return read_text_file(path, _MAX_BYTES)
    except UnreadableError as error:
        report.problem(place, f"the file {error}{shown_path(path)}")
        return None


def _user_id(text: str, place: Place, report: Report) -> int:
    number = parse_whole_number(text)
    if number is None or number < 1:
        report.problem(place, _WANTED_USER_ID)
        return NO_USER_ID
    return number


def _file_token(file: TextFile, place: Place, report: Report) -> Secret:
    if file.world_readable:
        report.warning(place, _WORLD_READABLE)
    text = file.text.rstrip("\r\n")
    if not text:
        report.problem(place, f"the file is empty{shown_path(file.path)}")
        return NO_TOKEN
    return _token(text, place, report)


def _token(text: str, place: Place, report: Report) -> Secret:
    if any(character.isspace() for character in text):
        report.problem(place, "the token must not contain blanks or line breaks")
        return NO_TOKEN
    if not (text.isascii() and text.isprintable()):
        report.problem(place, "the token must be printable ASCII characters")
        return NO_TOKEN
    return Secret(text)
