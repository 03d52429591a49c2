"""Where the server listens: addresses, their families, and what is in use."""

import socket

import pytest

from exporter.errors import ListenError
from exporter.web.server import ListenAddress, listen, parse_listen_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:11722", ListenAddress("127.0.0.1", 11722)),
        (":11722", ListenAddress("", 11722)),
        ("[::1]:0", ListenAddress("::1", 0)),
        ("localhost:80", ListenAddress("localhost", 80)),
    ],
)
def test_listen_address(text, expected):
    """An address is a host and a port; without a host it means every interface."""
    assert parse_listen_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["11722", "localhost", ":", ":x", "::1:80", "127.0.0.1:70000", "h:-1", "h:²", "a..b:80", "\udcff:80"],
)
def test_wrong_listen_address(text):
    """What is no host and port is refused, with the text that was wrong."""
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets|not a name"):
        parse_listen_address(text)


def test_port_in_use_is_named():
    """An address that cannot be had is named in the error."""
    taken = listen(ListenAddress("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
        listen(ListenAddress("127.0.0.1", port))
    taken.close()


def test_connections_do_not_delay_small_pieces():
    """An accepted connection sends each piece at once (TCP_NODELAY), instead of waiting for acknowledgements."""
    listening = listen(ListenAddress("127.0.0.1", 0))
    with socket.create_connection(listening.getsockname(), timeout=5):
        accepted, _ = listening.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        accepted.close()
    listening.close()


@pytest.mark.parametrize("host", ["", "::"])
def test_every_interface_serves_both_families(host):
    """Without a host, or on ``[::]``, the socket answers on IPv4 and, where there is one, on IPv6."""
    if host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6")
    listening = listen(ListenAddress(host, 0))
    port = listening.getsockname()[1]
    for address in ("127.0.0.1", "::1")[: 2 if socket.has_dualstack_ipv6() else 1]:
        with socket.create_connection((address, port), timeout=5):
            pass
    listening.close()
