"""Which hosts are this machine itself."""

import pytest

from exporter.loopback import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "api.localhost"])
def test_hosts_of_this_machine(host):
    """What is sent there never leaves the machine."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "notlocalhost", "127.0.0.1.example"]
)
def test_other_hosts(host):
    """Every interface, other machines, and names that only look alike."""
    assert not is_loopback(host)
