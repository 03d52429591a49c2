"""Where a connection comes from; what accepting many does is in test_attack.py."""

import pytest

from exporter.web.acceptor import _origin


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
    ],
)
def test_origin(host, expected):
    """Hosts of one IPv6 network count as one, since each has as many addresses as it likes."""
    assert _origin(host) == expected
