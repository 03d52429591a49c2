"""The time-stamped hash that signs each request."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from exporter.config.secret import Secret

SIGNATURE_LIFETIME = 7200.0
"""Seconds after which QuantConnect refuses a signature; how far ahead a clock may be is not known."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks."""

    user_id: int
    api_token: Secret


def signed_headers(credentials: Credentials, unix_seconds: float) -> Mapping[str, str]:
    """Return the headers that prove the user at this moment.

    The rule is LEAN's ``Api/ApiConnection.cs``: basic authentication of the user id and the SHA-256
    of ``token:timestamp``, with the same whole-second timestamp in a header of its own. Signatures
    grow old, so headers are made anew for each request.
    """
    timestamp = str(int(unix_seconds))
    token_hash = sha256(f"{credentials.api_token.reveal()}:{timestamp}".encode()).hexdigest()
    basic = b64encode(f"{credentials.user_id}:{token_hash}".encode()).decode()
    return {"Authorization": f"Basic {basic}", "Timestamp": timestamp}
