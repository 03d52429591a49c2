"""Making a foreign text safe for a log line."""

import re

_LONGEST = 200
_HASH_OR_TOKEN = re.compile(r"[0-9A-Za-z+/=_-]{24,}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def redacted(foreign: str) -> str:
    """Return the text on one line, cut, and without anything long enough to be a hash or a token.

    QuantConnect echoes the user id and the hash when it refuses them.
    """
    one_line = _UNPRINTABLE.sub(" ", foreign[: 10 * _LONGEST])
    masked = _HASH_OR_TOKEN.sub("<redacted>", one_line)
    return masked if len(masked) <= _LONGEST else f"{masked[:_LONGEST]}…"
