"""What errors of the transport mean; the ones that need a server are in ``tests/test_probe.py``."""

import errno
import os
import socket
import ssl

import pytest
import requests
import urllib3

from exporter.errors import TimedOut, TransportFailure, Unavailable
from exporter.quantconnect.transport import proxy_variable, transport_error

SECRET = "Basic MTAwMDAxOmhhc2g="


def connection_error(innermost: Exception) -> requests.ConnectionError:
    """Return an error as requests raises it: what happened, wrapped twice, with the request in its text."""
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, SECRET, reason=innermost))


@pytest.mark.parametrize(
    ("innermost", "expected"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), TransportFailure.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), TransportFailure.NO_ROUTE),
        (ConnectionRefusedError(), TransportFailure.CONNECTION_REFUSED),
        (ConnectionResetError(), TransportFailure.CONNECTION_CUT),
        (BrokenPipeError(), TransportFailure.CONNECTION_CUT),
        (socket.gaierror(-3, "Temporary failure in name resolution"), TransportFailure.NAME_NOT_RESOLVED),
        (ssl.SSLError(1, "wrong version number"), TransportFailure.TLS),
        (ssl.SSLCertVerificationError(1, "unknown"), TransportFailure.CERTIFICATE_NOT_TRUSTED),
        (OSError(errno.EIO, "Input/output error"), None),
        (urllib3.exceptions.DecodeError("not gzip"), None),
        (
            OSError("Tunnel connection failed: 407 Proxy Authentication Required"),
            TransportFailure.PROXY_LOGIN,
        ),
        (
            requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
            TransportFailure.PROXY_SOCKS,
        ),
        (urllib3.exceptions.ProxySchemeUnknown("foo"), TransportFailure.PROXY_ADDRESS),
        (requests.exceptions.InvalidProxyURL("http://"), TransportFailure.PROXY_ADDRESS),
        (urllib3.exceptions.LocationParseError("http://a:b@c:99999"), TransportFailure.PROXY_ADDRESS),
    ],
)
def test_obstacle(innermost, expected):
    """The innermost error tells what kept an answer from coming; nothing of its text is kept."""
    if isinstance(innermost, ssl.SSLCertVerificationError):
        innermost.verify_code = 26
    error = transport_error(connection_error(innermost), 5)

    assert (type(error), error.transport_failure) == (Unavailable, expected)
    assert str(error) == f"no usable connection ({type(innermost).__name__})"


@pytest.mark.parametrize(
    ("verify_code", "expected"),
    [
        (10, TransportFailure.CERTIFICATE_EXPIRED),
        (85, TransportFailure.CERTIFICATE_NOT_STRICT),  # Missing Authority Key Identifier
        (92, TransportFailure.CERTIFICATE_NOT_STRICT),  # CA cert does not include key usage extension
    ],
)
def test_same_kind_twice_hides_nothing(verify_code, expected):
    """An error wrapped in one of the same name, as those of TLS are, is still found."""
    cause = ssl.SSLCertVerificationError(1, "refused")
    cause.verify_code = verify_code
    wrapped = urllib3.exceptions.MaxRetryError(None, SECRET, reason=urllib3.exceptions.SSLError(cause))

    assert transport_error(requests.exceptions.SSLError(wrapped), 5).transport_failure is expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), TransportFailure.UNUSABLE_AUTHORITIES),
        (ssl.SSLError(1, "wrong version number"), TransportFailure.TLS),
    ],
)
def test_authorities_that_cannot_be_read(cause, expected):
    """A refusal while TLS is set up is that of the file of authorities."""
    error = connection_error(urllib3.exceptions.SSLError(cause))

    assert transport_error(error, 5).transport_failure is expected


def test_error_that_is_its_own_cause():
    """A circle of causes ends."""
    error, other = requests.ConnectionError(), ConnectionResetError()
    error.__context__, other.__context__ = other, error

    assert transport_error(error, 5).transport_failure is TransportFailure.CONNECTION_CUT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectTimeout(SECRET), TransportFailure.CONNECT_TIMEOUT),
        (requests.ReadTimeout(SECRET), None),
        (TimeoutError(SECRET), None),
    ],
)
def test_time_outs(error, expected):
    """A connection that does not come about and an answer that does not come are both time-outs, told apart."""
    ours = transport_error(error, 5)

    assert (type(ours), ours.transport_failure) == (TimedOut, expected)
    assert SECRET not in str(ours)


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        (["HTTPS_PROXY"], "https://www.quantconnect.com/api/v2/", "HTTPS_PROXY"),
        (["https_proxy", "HTTPS_PROXY"], "https://www.quantconnect.com/api/v2/", "https_proxy"),
        (["ALL_PROXY"], "https://www.quantconnect.com/api/v2/", "ALL_PROXY"),
        (["ALL_PROXY", "HTTP_PROXY"], "http://10.0.0.1/", "HTTP_PROXY"),
        (["HTTP_PROXY", "all_proxy"], "https://10.0.0.1/", "all_proxy"),
        ([], "https://10.0.0.1/", "HTTPS_PROXY"),
    ],
)
def test_variable_that_names_the_proxy(monkeypatch, variables, url, expected):
    """The variable to look at is the one that requests takes the proxy from."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in variables:
        monkeypatch.setenv(name, "http://proxy.example.org:3128")
    assert proxy_variable(url) == expected
    if variables:
        assert requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)) is not None
