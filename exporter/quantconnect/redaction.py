"""Removing secrets from foreign text, and making it safe for a log line."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

_MASK = b"<secret>"
_SHORTEST_SECRET = 8
"""Characters of the shortest secret that is masked: a shorter one may be in a body by chance."""
_ESCAPES = {b"\\/": b"/"} | {
    spelled % code: bytes([code])
    for code in range(0x20, 0x7F)
    if code not in b'"\\'
    for spelled in (b"\\u%04x", b"\\u%04X")
}
_LONGEST = 200
_HASH_OR_TOKEN = re.compile(r"[0-9A-Za-z+/=_-]{24,}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def redacted(foreign: str) -> str:
    """Return the text on one line, shortened, and without anything as long as a hash or a token.

    QuantConnect echoes the user id and the hash when it refuses them.
    """
    one_line = _UNPRINTABLE.sub(" ", foreign[: 10 * _LONGEST])
    masked = _HASH_OR_TOKEN.sub("<redacted>", one_line)
    return masked if len(masked) <= _LONGEST else f"{masked[:_LONGEST]}…"


def without_secrets(content: bytes, secrets: Iterable[str]) -> bytes:
    """Return a body with the secrets masked, also where another spelling or encoding hides them.

    Call this before anything is parsed or cut: part of a secret would not be recognised.
    """
    sought = [each for secret in secrets if len(secret) >= _SHORTEST_SECRET for each in _spellings(secret)]
    plain = _unescaped(_as_utf_8(content))
    if not any(secret in plain for secret in sought):
        return content
    for secret in sought:
        plain = plain.replace(secret, _MASK)
    return plain


def _spellings(secret: str) -> set[bytes]:
    """Return a secret as it is, in capitals, as Base64 for URLs and percent-encoded; Base64 without its padding."""
    plain = secret.rstrip("=")
    quoted = quote(plain, safe="")
    lower = re.sub("%..", lambda escape: escape[0].lower(), quoted)
    for_urls = plain.replace("+", "-").replace("/", "_")
    return {each.encode() for each in (plain, plain.upper(), for_urls, quoted, lower)}


def _as_utf_8(content: bytes) -> bytes:
    if b"\0" not in content[:4]:
        return content
    try:
        return content.decode(json.detect_encoding(content), "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content  # not JSON, and so never read


def _unescaped(content: bytes) -> bytes:
    """Return JSON in which no character that a secret may have is escaped."""
    if b"\\/" in content or b"\\u00" in content:
        for escape, character in _ESCAPES.items():
            content = content.replace(escape, character)
    return content
