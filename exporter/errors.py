"""Every error this package raises on purpose.

ExporterError
├── ConfigError          the configuration is wrong; carries every problem found
├── UnfinishedReloadError  a reload broke half way: neither configuration is in force
├── ListenError          an address cannot be listened on
└── ApiError             a request to QuantConnect gave no usable answer; carries its reason
    ├── Unauthorized     user id, token or clock refused
    ├── RateLimited      asked too often; may carry how long to stay away
    ├── Unavailable      no connection, 5xx, or a body that is not JSON from a proxy in between
    ├── TimedOut         no answer within the time-out
    ├── Rejected         QuantConnect understood the request and refused it
    │   └── NoDeployment the project has never been deployed
    ├── NotReady         QuantConnect is still loading the answer
    └── Malformed        the answer is not shaped as it should be; names the path
"""

from enum import StrEnum
from typing import ClassVar


class Reason(StrEnum):
    """Why a poll failed: the values of the label ``reason``."""

    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    REJECTED = "rejected"
    MALFORMED = "malformed"
    NOT_READY = "not_ready"
    INTERNAL = "internal"


class TransportFailure(StrEnum):
    """Why no answer came, if the transport says so."""

    NAME_NOT_RESOLVED = "name_not_resolved"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_CUT = "connection_cut"
    CONNECT_TIMEOUT = "connect_timeout"
    NO_ROUTE = "no_route"
    PROXY = "proxy"
    PROXY_ADDRESS = "proxy_address"
    PROXY_LOGIN = "proxy_login"
    PROXY_CHARACTERS = "proxy_characters"
    PROXY_SOCKS = "proxy_socks"
    TLS = "tls"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"
    CERTIFICATE_OF_UNKNOWN_AUTHORITY = "certificate_of_unknown_authority"
    CERTIFICATE_OF_ANOTHER_HOST = "certificate_of_another_host"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_NOT_STRICT = "certificate_not_strict"
    CERTIFICATE_NOT_TRUSTED = "certificate_not_trusted"
    NO_AUTHORITIES = "no_authorities"
    UNUSABLE_AUTHORITIES = "unusable_authorities"


class Refused(StrEnum):
    """Why QuantConnect refused the credentials."""

    USER_ID = "user_id"
    HASH = "hash"


class ExporterError(Exception):
    """The base of every error raised on purpose."""


class ConfigError(ExporterError):
    """The configuration cannot be used.

    ``problems`` holds one line for each problem, each naming its file, line and key.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnfinishedReloadError(ExporterError):
    """A reload broke half way; neither the old nor the new configuration is in force."""


class ListenError(ExporterError):
    """An address cannot be listened on; the text names it."""


class ApiError(ExporterError):
    """A request to QuantConnect gave no usable answer.

    The text is already free of credentials and short enough for a log line. ``endpoint`` is set by
    the client that asked, ``transport_failure`` where no answer came and it is known why.
    """

    reason: ClassVar[Reason]
    endpoint: str = ""
    transport_failure: TransportFailure | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.endpoint}: {text}" if self.endpoint else text


class Unauthorized(ApiError):
    """User id, token or clock was refused; ``refused`` says which, if QuantConnect does."""

    reason = Reason.UNAUTHORIZED

    def __init__(self, message: str, refused: Refused | None = None) -> None:
        super().__init__(message)
        self.refused = refused


class _Postponed(ApiError):
    """An error after which QuantConnect may name a wait: ``retry_after``, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(_Postponed):
    """Asked too often."""

    reason = Reason.RATE_LIMITED


class Unavailable(_Postponed):
    """No connection, a server error, or something that is not QuantConnect answering."""

    reason = Reason.UNAVAILABLE


class TimedOut(ApiError):
    """No complete answer within the time-out."""

    reason = Reason.TIMEOUT


class Rejected(ApiError):
    """QuantConnect understood the request and refused it."""

    reason = Reason.REJECTED


class NoDeployment(Rejected):
    """The project has never been deployed."""


class NotReady(ApiError):
    """QuantConnect is still loading the answer."""

    reason = Reason.NOT_READY


class Malformed(ApiError):
    """The answer is not shaped as it should be; the text names the path inside the body."""

    reason = Reason.MALFORMED
