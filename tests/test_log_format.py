"""Log lines: their form, and what never stands in them."""

import json
import logging

import pytest

from exporter.config.secret import Secret
from exporter.log_format import MAX_FIELD_CHARACTERS, MAX_LINE_BYTES, LineFormatter, Mask

TOKEN = "a-token-that-opens-an-account"
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BASIC = "MTIzNDU2OjAxMjM0NTY3ODlhYmNkZWY"


@pytest.fixture
def logger():
    """A logger of its own, of which pytest captures nothing: xdist cannot pass on every text."""
    return logging.Logger("test")  # noqa: LOG001


def lines_of(made: logging.Logger, log_format: str = "logfmt") -> list[str]:
    """Return the list to which each line is added, masked as the command does."""
    mask = Mask()
    mask.add([Secret(TOKEN)])
    formatter = LineFormatter(log_format, mask)
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    made.addHandler(Keeper())
    return lines


def test_logfmt_line(logger):
    """A line has time, level, message and the extra fields, quoted only where they need it."""
    lines = lines_of(logger)
    logger.warning("poll failed", extra={"project": 'a "b"', "source": "equity", "nothing": None})
    time, rest = lines[0].split(" ", 1)

    assert time.startswith("ts=20")
    assert time.endswith("Z")
    assert rest == 'level=warning msg="poll failed" project="a \\"b\\"" source=equity'


def test_json_line(logger):
    """With the JSON format each line is one object."""
    lines = lines_of(logger, "json")
    logger.info("starting", extra={"version": "1"})
    line = json.loads(lines[0])

    assert (line["level"], line["msg"], line["version"]) == ("info", "starting", "1")


def test_one_record_is_one_line(logger):
    """Newlines in a message or a traceback do not begin another line."""
    lines = lines_of(logger)
    try:
        _ = int("first\nsecond")
    except ValueError:
        logger.exception("failed\nbadly")

    assert "\n" not in lines[0]


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_foreign_text_cannot_act(logger, log_format):
    """Escape sequences, C1 controls and marks of writing direction in a value are written as escapes."""
    lines = lines_of(logger, log_format)
    logger.info("found", extra={"project": "a\x1b[2J\x9b31m\u202eb", "other": "\x9b31m"})

    assert lines[0].isprintable()
    assert r"a\u001b[2J\u009b31m\u202eb" in lines[0]


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_secrets_are_masked_everywhere(logger, log_format):
    """A token, a SHA-256 or a Basic header in a message, an argument, a field or a traceback is masked."""
    lines = lines_of(logger, log_format)
    try:
        _ = int(f"{TOKEN} {HASH}")
    except ValueError:
        logger.exception("%s", TOKEN, extra={"field": f"Basic {HASH}", "header": f"Basic {BASIC}=="})

    assert TOKEN not in lines[0]
    assert HASH not in lines[0]
    assert BASIC not in lines[0]
    assert lines[0].count("<secret>") >= 5


def test_a_secret_is_masked_before_a_field_is_cut(logger):
    """A token at the place where a field is cut leaves no part of itself."""
    lines = lines_of(logger)
    logger.info("found", extra={"text": "x" * (MAX_FIELD_CHARACTERS - 5) + TOKEN})

    assert TOKEN[:4] not in lines[0]


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
@pytest.mark.parametrize(
    "character",
    ["a", "\u202e", "\U0001f600", "\ud800", '"'],
    ids=["plain", "mark", "emoji", "surrogate", "quote"],
)
def test_no_line_is_long(logger, log_format, character):
    """Fields are cut with a mark, and all of them together to a line of 4,000 bytes, whatever they hold."""
    lines = lines_of(logger, log_format)
    endless = character * 3_000_000
    try:
        _ = int(endless)
    except ValueError:
        logger.exception("%s", endless, extra={"one": endless, "two": endless})
    logger.info("short", extra={"text": character * MAX_FIELD_CHARACTERS})
    logger.info("long", extra={"text": "a" * (MAX_FIELD_CHARACTERS + 1)})

    assert max(len(line.encode(errors="backslashreplace")) for line in lines) <= MAX_LINE_BYTES
    cut = "a" * MAX_FIELD_CHARACTERS + ("…" if log_format == "logfmt" else "\\u2026")
    assert cut in lines[2]
    assert cut not in lines[1]
