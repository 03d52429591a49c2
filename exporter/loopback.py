"""Which hosts are this machine itself."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether the name or address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
