"""A scripted API server, as a process of its own: canned bodies after a fixed delay, and a count of requests.

``python -m benchmarks.api PROJECTS HOLDINGS DELAY_SECONDS [CERTIFICATE KEY]`` prints its port.
``GET /counts`` answers how many requests came, and for each kind the longest time between two of a
project; ``GET /forget`` begins to count anew.
"""

import asyncio
import json
import ssl
import sys
from collections import defaultdict
from email.utils import formatdate

from benchmarks.measure import CLOCK
from benchmarks.world import Answers

_PREFIX = "/api/v2/"
_PLAIN_ARGUMENTS = 3


class Script:
    """What is answered, and what has been asked."""

    def __init__(self, projects: int, holdings: int) -> None:
        self._answers = Answers(projects, holdings, CLOCK.wall())
        self._requests = 0
        self._last: dict[tuple[str, str], float] = {}
        self._longest: defaultdict[str, float] = defaultdict(float)

    def answer(self, endpoint: str, content: bytes) -> bytes:  # noqa: PLR0911 - one for each endpoint
        """Return the body for a request, and note that it came."""
        self._requests += 1
        project = content.partition(b'"projectId": ')[2].partition(b",")[0].rstrip(b"}").decode()
        now, key = CLOCK.monotonic(), (endpoint, project)
        if key in self._last:
            self._longest[endpoint] = max(self._longest[endpoint], now - self._last[key])
        self._last[key] = now
        match endpoint:
            case "live/list":
                return self._answers.listing
            case "projects/read":
                return self._answers.names
            case "live/read":
                return self._answers.status
            case "live/chart/read":
                return self._answers.chart
            case "live/portfolio/read":
                return self._answers.portfolios[self._requests % len(self._answers.portfolios)]
            case "live/orders/read":
                return b'{"orders": [], "length": 0, "success": true}'
            case _:
                return b'{"success": false}'

    def counts(self) -> bytes:
        """Return what has been asked since counting began, as JSON."""
        return json.dumps({"requests": self._requests, "longest": self._longest}).encode()

    def forget(self) -> bytes:
        """Begin to count anew; when each was asked last stays known."""
        self._requests = 0
        self._longest.clear()
        return b"{}"


class Connection(asyncio.Protocol):
    """One kept connection, with one request at a time."""

    def __init__(self, script: Script, delay: float) -> None:
        self._script = script
        self._delay = delay
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request is complete."""
        self._received += data
        head, end, content = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if not end or len(content) < length:
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        if path == "/counts":
            self._send(self._script.counts())
        elif path == "/forget":
            self._send(self._script.forget())
        else:
            body = self._script.answer(path.removeprefix(_PREFIX), content)
            asyncio.get_running_loop().call_later(self._delay, self._send, body)

    def _send(self, body: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\n"
            f"Date: {formatdate(CLOCK.wall(), usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + body)


async def serve(projects: int, holdings: int, delay: float, encryption: ssl.SSLContext | None) -> None:
    """Serve until the process ends."""
    script = Script(projects, holdings)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(script, delay), "127.0.0.1", 0, backlog=1024, ssl=encryption
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """Run the server."""
    encryption = None
    if len(arguments) > _PLAIN_ARGUMENTS:
        encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        encryption.load_cert_chain(arguments[3], arguments[4])
    asyncio.run(serve(int(arguments[0]), int(arguments[1]), float(arguments[2]), encryption))


if __name__ == "__main__":
    main(sys.argv[1:])
