#!/usr/bin/env python3
"""Ask the exporter in this container whether it is healthy, and exit with 0 if it is.

For the image's health check, and for probes of Kubernetes that need a password. The page is /-/healthy, or
the one given. The exporter is asked at its first listen address, past any proxy, with TLS when its web
configuration has TLS. Its certificate is not verified: nobody but this container is asked. When the files
"username" and "password" stand beside the web configuration, the check signs in with them.
"""

import os
import re
import ssl
import sys
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

SECONDS = 4


def connection(listen_address: str, *, tls: bool) -> HTTPConnection:
    """Return a connection to an address of this container; one without a host means every interface."""
    host, _, port = listen_address.strip().rpartition(":")
    where = host.strip("[]") or "127.0.0.1", int(port)
    if not tls:
        return HTTPConnection(*where, timeout=SECONDS)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(*where, timeout=SECONDS, context=trusting)


def login(folder: Path) -> Mapping[str, str]:
    """Return the header that signs in as the user whose name and password are in a folder, if they are."""
    files = folder / "username", folder / "password"
    if not all(file.is_file() for file in files):
        return {}
    name, password = (file.read_bytes().rstrip(b"\r\n") for file in files)
    return {"Authorization": f"Basic {b64encode(name + b':' + password).decode()}"}


def main(page: str = "/-/healthy") -> int:
    """Return 0 when the page answers with status 200."""
    listen_address = os.environ["QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS"].split(",")[0]
    web_config = os.environ.get("QUANTCONNECT_EXPORTER_WEB_CONFIG_FILE")
    text = Path(web_config).read_text("utf-8") if web_config else ""
    # Also after a byte order mark, in quotes, and in a mapping in braces: the exporter takes each.
    tls = re.search(r"""^[^#\n]*\btls_server_config["']?\s*:""", text, re.MULTILINE)
    server = connection(listen_address, tls=tls is not None)
    server.request("GET", page, headers=login(Path(web_config).parent) if web_config else {})
    return int(server.getresponse().status != 200)  # noqa: PLR2004 - OK


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
