"""The time-stamped hash that signs each request."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from exporter.config.secret import Secret

SIGNATURE_LIFETIME = 7200.0
"""Seconds after which QuantConnect refuses a signature. How far ahead a clock may be is unknown."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A QuantConnect user and the API token."""

    user_id: int
    api_token: Secret


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """Proof of the user for two hours: the hash, and its Base64 form together with the user id."""

    token_hash: str
    basic: str
    timestamp: str

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of a request."""
        return {"Authorization": f"Basic {self.basic}", "Timestamp": self.timestamp}


def sign(credentials: Credentials, unix_seconds: float) -> Signature:
    """Return the signature of the user at this moment.

    The rule is LEAN's ``Api/ApiConnection.cs``: basic authentication of the user id and the SHA-256
    of ``token:timestamp``, with the same whole-second timestamp in a header of its own. Signatures
    expire, so each request has its own.
    """
    timestamp = str(int(unix_seconds))
    token_hash = sha256(f"{credentials.api_token.reveal()}:{timestamp}".encode()).hexdigest()
    basic = b64encode(f"{credentials.user_id}:{token_hash}".encode()).decode()
    return Signature(token_hash, basic, timestamp)
