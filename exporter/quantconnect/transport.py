"""Errors of the transport: no answer came, and why, if that is known."""

import os
import socket
import ssl
from collections.abc import Mapping
from errno import EHOSTUNREACH, ENETUNREACH

from exporter.errors import ApiError, TimedOut, TransportFailure, Unavailable

_CERTIFICATE_FAILURES = {
    9: TransportFailure.CERTIFICATE_NOT_YET_VALID,
    10: TransportFailure.CERTIFICATE_EXPIRED,
    18: TransportFailure.CERTIFICATE_SELF_SIGNED,
    19: TransportFailure.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    20: TransportFailure.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    21: TransportFailure.CERTIFICATE_OF_UNKNOWN_AUTHORITY,
    62: TransportFailure.CERTIFICATE_OF_ANOTHER_HOST,
    64: TransportFailure.CERTIFICATE_OF_ANOTHER_HOST,
    # The rules of RFC 5280 that OpenSSL checks only where it is asked to, as Python 3.13 does.
    **dict.fromkeys(range(80, 95), TransportFailure.CERTIFICATE_NOT_STRICT),
}
"""OpenSSL's verify codes (``X509_V_ERR_…`` in ``x509_vfy.h``)."""

_ERRNO_FAILURES = {EHOSTUNREACH: TransportFailure.NO_ROUTE, ENETUNREACH: TransportFailure.NO_ROUTE}

_NAMED_FAILURES = {
    "ProxyError": TransportFailure.PROXY,
    "ProxySchemeUnknown": TransportFailure.PROXY_ADDRESS,
    "InvalidProxyURL": TransportFailure.PROXY_ADDRESS,
    "GeneralProxyError": TransportFailure.PROXY,  # of PySocks
    "LocationParseError": TransportFailure.PROXY_ADDRESS,  # the configuration refuses such a base_url
    "ConnectTimeout": TransportFailure.CONNECT_TIMEOUT,
}
"""By the class name of an error in the chain."""

_FAILURES: Mapping[type[BaseException], TransportFailure] = {
    socket.gaierror: TransportFailure.NAME_NOT_RESOLVED,
    ConnectionRefusedError: TransportFailure.CONNECTION_REFUSED,
    ConnectionError: TransportFailure.CONNECTION_CUT,
    ssl.SSLError: TransportFailure.TLS,
}
"""By the class of the innermost error, subclasses before their bases."""

_FAILURES_BY_TEXT = {
    "Tunnel connection failed: 407": TransportFailure.PROXY_LOGIN,
    "'latin-1' codec can't encode": TransportFailure.PROXY_CHARACTERS,
    "Missing dependencies for SOCKS": TransportFailure.PROXY_SOCKS,
    "CA certificate bundle": TransportFailure.NO_AUTHORITIES,
}
"""By the text of an error that nothing else distinguishes, from the standard library or requests."""


def transport_error(error: Exception, timeout: float) -> ApiError:
    """Return our error for an error of the transport. Only its class is kept: its text may repeat the request."""
    causes = _causes(error)
    for cause in causes:
        cause.__traceback__ = None  # its frames hold the answer, in a cycle that only a search would find
    kinds = [type(cause).__name__ for cause in causes]
    ours: ApiError
    if any("Timeout" in kind for kind in kinds):
        ours = TimedOut(f"no complete answer within {timeout:g} s")
    else:
        ours = Unavailable(f"no usable connection ({kinds[-1]})")
    ours.transport_failure = _failure(causes[-1], kinds)
    return ours


def _causes(error: Exception) -> list[BaseException]:
    """Return an error and its causes, outermost first."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        inner = [
            each for each in (*cause.args, getattr(cause, "reason", None)) if isinstance(each, Exception)
        ]
        cause = inner[0] if inner else cause.__context__
    return causes


def proxy_variable(url: str) -> str:
    """Return the environment variable from which requests takes the proxy for a URL."""
    scheme = url.partition(":")[0].lower()
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), names[1])


def _failure(innermost: BaseException, kinds: list[str]) -> TransportFailure | None:
    told = [failure for text, failure in _FAILURES_BY_TEXT.items() if text in str(innermost)]
    named = [failure for name, failure in _NAMED_FAILURES.items() if name in kinds]
    if found := [*told, *named]:
        return found[0]
    if _is_of_the_authorities(innermost, kinds):
        return TransportFailure.UNUSABLE_AUTHORITIES
    if isinstance(innermost, ssl.SSLCertVerificationError):
        return _CERTIFICATE_FAILURES.get(innermost.verify_code, TransportFailure.CERTIFICATE_NOT_TRUSTED)
    if isinstance(innermost, OSError) and innermost.errno in _ERRNO_FAILURES:
        return _ERRNO_FAILURES[innermost.errno]
    return next(
        (transport_failure for kind, transport_failure in _FAILURES.items() if isinstance(innermost, kind)),
        None,
    )


def _is_of_the_authorities(innermost: BaseException, kinds: list[str]) -> bool:
    """Whether the file of authorities could not be loaded; what TLS itself refuses is of OpenSSL's library "SSL"."""
    if isinstance(innermost, PermissionError):
        return "SSLError" in kinds
    return isinstance(innermost, ssl.SSLError) and getattr(innermost, "library", None) == "X509"
