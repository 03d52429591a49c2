"""The time-stamped hash that signs each request."""

import base64
import hashlib

import pytest
from freezegun import freeze_time

from exporter.clock import SystemClock
from exporter.config.secret import Secret
from exporter.quantconnect.auth import Credentials, sign

TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
KNOWN_HASH = "edbbf8dc79100196f9e4f3c6998d3d98206f05d16f1407dc63e6088c01ac9e86"
"""SHA-256 of the token, a colon and 1790000000, from sha256sum."""


def test_known_vector():
    """The hash is that of token, colon and timestamp, in lower-case hexadecimal."""
    headers = sign(Credentials(123456, Secret(TOKEN)), 1_790_000_000.0).headers
    scheme, encoded = headers["Authorization"].split(" ")
    assert ("Basic", f"123456:{KNOWN_HASH}") == (scheme, base64.b64decode(encoded).decode())


@pytest.mark.parametrize("moment", [0.0, 1.0, 1_790_000_000.0, 1_790_000_000.999, 4_102_444_800.5])
def test_timestamp_is_whole_seconds_and_the_one_that_was_hashed(moment):
    """The header has the seconds without a fraction, and the hash is of the same text."""
    headers = sign(Credentials(7, Secret(TOKEN)), moment).headers
    expected = hashlib.sha256(f"{TOKEN}:{int(moment)}".encode()).hexdigest()
    assert headers["Timestamp"] == str(int(moment))
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == f"7:{expected}".encode()


@freeze_time("2026-11-20 12:34:56.789", real_asyncio=True)  # a server in this process would sleep for ever
def test_signature_uses_the_wall_clock():
    """The machine's clock gives Unix seconds, UTC."""
    headers = sign(Credentials(7, Secret(TOKEN)), SystemClock().wall()).headers
    assert headers["Timestamp"] == "1795178096"


def test_headers_differ_from_second_to_second():
    """No two seconds share a signature."""
    credentials = Credentials(7, Secret(TOKEN))
    hashes = {sign(credentials, moment).headers["Authorization"] for moment in range(1000, 1050)}
    assert len(hashes) == 50


def test_token_is_not_sent():
    """Neither the token nor its base-64 form is part of a header."""
    sent = str(sign(Credentials(7, Secret(TOKEN)), 1.0).headers)
    assert TOKEN not in sent
    assert base64.b64encode(TOKEN.encode()).decode().rstrip("=") not in sent


@pytest.mark.parametrize("show", [repr, str, "{!r:s}".format, "{}".format])
def test_credentials_do_not_print_their_token(show):
    """No text form of credentials holds the token."""
    shown = show(Credentials(123456, Secret(TOKEN)))
    assert ("123456" in shown, TOKEN in shown) == (True, False)
