"""Foreign texts on their way into a log line."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.redaction import redacted

HASH = sha256(b"token:1790000000").hexdigest()


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        ("", ""),
        ("Invalid argument: projectId", "Invalid argument: projectId"),
        (
            f"Hash doesn't match. UID: 1 hash: {HASH} timestamp: 1",
            "Hash doesn't match. UID: 1 hash: <redacted> timestamp: 1",
        ),
        (f"hash={HASH.upper()}", "<redacted>"),
        (f"({HASH})", "(<redacted>)"),
        ("Basic MTAwMDAxOjAxMjM0NTY3ODlhYmNkZWY=", "Basic <redacted>"),
        ("a" * 23, "a" * 23),
        ("a" * 24, "<redacted>"),
        ("one\ntwo\r\nthree", "one two three"),
        ("bell\x07 escape\x1b[31m", "bell  escape [31m"),
        ("line\u2028separator\x85next", "line separator next"),
        ("half \ud83d a pair", "half   a pair"),
        ("größer, 大きい", "größer, 大きい"),
    ],
)
def test_redacted(foreign, expected):
    """Hashes and tokens are masked, and what breaks a line is a blank."""
    assert expected == redacted(foreign)


def test_long_text_is_cut():
    """A text is cut after 200 characters, and shows that it was."""
    assert redacted("word " * 1000) == ("word " * 40) + "…"


def test_hash_at_the_cut_is_masked():
    """A hash across the place where the text is cut leaves no half behind."""
    for before in range(120, 260):
        shown = redacted("." * before + HASH)
        assert HASH[:8] not in shown


def test_megabytes_are_no_trouble():
    """A page of several megabytes in an error text is cut before anything else is done to it."""
    assert len(redacted("<p>\n" * 2_000_000)) <= 201


@given(st.text() | st.text(alphabet="\n\r\x00\x85\u2028\u2029\ud800\udfffab", min_size=1))
def test_result_is_one_short_line(foreign):
    """Whatever the text, the result is one line of at most 201 characters that UTF-8 can write."""
    shown = redacted(foreign)
    assert len(shown) <= 201
    assert len(shown.splitlines()) <= 1
    assert json.dumps(shown, ensure_ascii=False).encode()
