"""Foreign text where it could act."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.printable import printable


def test_what_can_be_printed_stays():
    """Letters of every script, signs, quotes, backslashes and blanks are left alone."""
    text = 'Zürich 日本 ₿ "quoted" back\\slash'

    assert text == printable(text)


def test_what_would_act_is_escaped():
    """Controls of both kinds, line breaks, marks of direction and half surrogates become their JSON escapes."""
    text = "\x1b[2J\r\n\x7f\x9b\u2028\u202e\ud800\U000e0001"

    assert printable(text) == r"\u001b[2J\r\n\u007f\u009b\u2028\u202e\ud800\udb40\udc01"


@given(st.text())
def test_nothing_that_acts_is_left(text):
    """Whatever the text, what is shown of it is printable and can be encoded."""
    shown = printable(text)

    assert shown.isprintable()
    assert shown.encode().decode() == shown
