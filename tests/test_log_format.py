"""Log lines: their form, and what never stands in them."""

import json
import logging

import pytest

from exporter.config.secret import Secret
from exporter.log_format import Mask, configure_logging

TOKEN = "a-token-that-opens-an-account"
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture(autouse=True)
def _restored_logging():
    """Logging as it was, after a test has configured it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def masking_logger(log_format: str = "logfmt") -> logging.Logger:
    """Configure logging as the command does, and return a logger."""
    mask = Mask()
    configure_logging("debug", log_format, mask)
    mask.add([Secret(TOKEN)])
    return logging.getLogger("test")


def test_logfmt_line(capsys):
    """A line has time, level, message and the extra fields, quoted only where they need it."""
    masking_logger().warning("poll failed", extra={"project": 'a "b"', "source": "equity", "nothing": None})
    line = capsys.readouterr().err.split(" ", 1)

    assert line[0].startswith("ts=20")
    assert line[0].endswith("Z")
    assert line[1] == 'level=warning msg="poll failed" project="a \\"b\\"" source=equity\n'


def test_json_line(capsys):
    """With the JSON format each line is one object."""
    configure_logging("info", "json", Mask())
    logging.getLogger("test").info("starting", extra={"version": "1"})
    line = json.loads(capsys.readouterr().err)

    assert (line["level"], line["msg"], line["version"]) == ("info", "starting", "1")


def test_level_hides_what_is_below(capsys):
    """At level error a warning is not written."""
    configure_logging("error", "logfmt", Mask())
    logging.getLogger("test").warning("unheard")

    assert capsys.readouterr().err == ""


def test_one_record_is_one_line(capsys):
    """Newlines in a message or a traceback do not begin another line."""
    try:
        _ = int("first\nsecond")
    except ValueError:
        masking_logger().exception("failed\nbadly")

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_foreign_text_cannot_act(capsys, log_format):
    """Escape sequences, C1 controls and marks of writing direction in a value are written as escapes."""
    logger = masking_logger(log_format)
    logger.info("found", extra={"project": "a\x1b[2J\x9b31m\u202eb", "other": "\x9b31m"})
    written = capsys.readouterr().err.rstrip("\n")

    assert written.isprintable()
    assert r"a\u001b[2J\u009b31m\u202eb" in written


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_secrets_are_masked_everywhere(capsys, log_format):
    """A token or a SHA-256 in a message, an argument, an extra field or a traceback is masked."""
    logger = masking_logger(log_format)
    try:
        _ = int(f"{TOKEN} {HASH}")
    except ValueError:
        logger.exception("%s", TOKEN, extra={"field": f"Basic {HASH}"})
    written = capsys.readouterr().err

    assert TOKEN not in written
    assert HASH not in written
    assert written.count("<secret>") >= 4
