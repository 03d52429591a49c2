"""What an error of the transport means: no answer came, and where it can be told, why not."""

import socket
import ssl
from collections.abc import Mapping
from errno import EHOSTUNREACH, ENETUNREACH

from exporter.errors import ApiError, Obstacle, TimedOut, Unavailable

_CERTIFICATE_OBSTACLES = {
    9: Obstacle.CERTIFICATE_NOT_YET_VALID,
    10: Obstacle.CERTIFICATE_EXPIRED,
    18: Obstacle.CERTIFICATE_SELF_SIGNED,
    19: Obstacle.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    20: Obstacle.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    21: Obstacle.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    62: Obstacle.CERTIFICATE_OF_ANOTHER_HOST,
    64: Obstacle.CERTIFICATE_OF_ANOTHER_HOST,
}
"""OpenSSL's verify codes (``X509_V_ERR_…`` in ``x509_vfy.h``)."""

_ERRNO_OBSTACLES = {EHOSTUNREACH: Obstacle.NO_ROUTE, ENETUNREACH: Obstacle.NO_ROUTE}

_NAMED_OBSTACLES = {"ProxyError": Obstacle.PROXY, "ConnectTimeout": Obstacle.CONNECT_TIMEOUT}
"""By the class of an error that lies above the innermost one."""

_OBSTACLES: Mapping[type[BaseException], Obstacle] = {
    socket.gaierror: Obstacle.NAME_NOT_RESOLVED,
    ConnectionRefusedError: Obstacle.CONNECTION_REFUSED,
    ConnectionError: Obstacle.CONNECTION_CUT,
    ssl.SSLError: Obstacle.TLS,
}
"""By the innermost error, special kinds before what they are kinds of."""

_NO_AUTHORITIES = "CA certificate bundle"
"""What requests says, in an OSError of no other mark, when the file of authorities is not there."""


def transport_error(error: Exception, timeout: float) -> ApiError:
    """Return our error for one of the transport's; its text may hold the request, so only its kind is kept."""
    causes = _causes(error)
    kinds = [type(cause).__name__ for cause in causes]
    ours: ApiError
    if any("Timeout" in kind for kind in kinds):
        ours = TimedOut(f"no complete answer within {timeout:g} s")
    else:
        ours = Unavailable(f"no usable connection ({kinds[-1]})")
    ours.obstacle = _obstacle(causes[-1], kinds)
    return ours


def _causes(error: Exception) -> list[BaseException]:
    """Return an error and what lies under it, outermost first."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        inner = [
            each for each in (*cause.args, getattr(cause, "reason", None)) if isinstance(each, Exception)
        ]
        cause = inner[0] if inner else cause.__context__
    return causes


def _obstacle(innermost: BaseException, kinds: list[str]) -> Obstacle | None:
    for name, obstacle in _NAMED_OBSTACLES.items():
        if name in kinds:
            return obstacle
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return _CERTIFICATE_OBSTACLES.get(innermost.verify_code, Obstacle.CERTIFICATE_NOT_TRUSTED)
    if isinstance(innermost, OSError) and innermost.errno in _ERRNO_OBSTACLES:
        return _ERRNO_OBSTACLES[innermost.errno]
    if type(innermost) is OSError and _NO_AUTHORITIES in str(innermost):
        return Obstacle.NO_AUTHORITIES
    return next((obstacle for kind, obstacle in _OBSTACLES.items() if isinstance(innermost, kind)), None)
