"""What a request may hold: a head of usual size, and no body in chunks."""

import socket

import h11
import pytest

from exporter.web.bounded_requests import MOST_HEAD_BYTES, MOST_HEADERS, BoundedRequests

START = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def read(data: bytes, piece: int = 1 << 20) -> list[object]:
    """Return the events of a request that arrives in pieces, up to where more is needed."""
    conn, events = BoundedRequests(), []
    for start in range(0, len(data), piece):
        conn.receive_data(data[start : start + piece])
        while (event := conn.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            events.append(type(event))
    return events


@pytest.mark.parametrize("piece", [7, 1000, 1 << 20])
@pytest.mark.parametrize(
    "head",
    [
        START + b"\r\n",
        START.replace(b"\r\n", b"\n") + b"\n",
        START + b"".join(b"X-%d: 1\r\n" % number for number in range(MOST_HEADERS - 1)) + b"\r\n",
        START + b"X: %s\r\n\r\n" % (b"a" * (MOST_HEAD_BYTES - 100)),
    ],
    ids=["usual", "line feeds", "most headers", "most bytes"],
)
def test_head_within_bounds(head, piece):
    """A head within its bounds is read, however it arrives, and so is one behind it."""
    assert read(head, piece) == [h11.Request, h11.EndOfMessage]
    assert read(head + START + b"\r\n", piece) == [h11.Request, h11.EndOfMessage]


@pytest.mark.parametrize("piece", [7, 1000, 1 << 20])
@pytest.mark.parametrize(
    "head",
    [
        START + b"a:\r\n" * MOST_HEADERS + b"\r\n",
        START + b"X: %s\r\n\r\n" % (b"a" * MOST_HEAD_BYTES),
        START + b"a:\n" * 100_000,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000,
    ],
    ids=["headers", "bytes", "no end", "chunks", "chunk extension"],
)
def test_what_is_refused(head, piece):
    """More headers, more bytes and any chunk are refused before they are parsed, however they arrive."""
    with pytest.raises(h11.RemoteProtocolError):
        read(head, piece)


@pytest.mark.parametrize("request_bytes", [START + b"a:\r\n" * 8000 + b"\r\n", START[:-2] * 20_000])
def test_server_refuses_it(serve, request_bytes):
    """Over a connection what is refused is answered with 400, and the connection ends."""
    site = serve(http_server_config={})
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as stranger:
        stranger.sendall(request_bytes[: 2 * MOST_HEAD_BYTES])
        assert stranger.recv(1000).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [b"GET /metrics HTTP/1.0\r\n\r\n", START + b"Connection: close\r\n\r\n"],
    ids=["HTTP/1.0", "close"],
)
@pytest.mark.parametrize("rest", [b"\n", START + b"\r\n", b"x" * 100_000], ids=["line", "request", "much"])
def test_what_follows_the_last_request_is_nothing(head, rest):
    """Bytes that arrive while the last request is being answered are no error, and are not kept."""
    conn = BoundedRequests()
    conn.receive_data(head)
    events = [conn.next_event(), conn.next_event()]
    conn.receive_data(rest)

    assert [type(event) for event in events] == [h11.Request, h11.EndOfMessage]
    assert conn.next_event() is h11.NEED_DATA
    assert conn.trailing_data == (b"", False)
    assert conn.send(h11.Response(status_code=200, headers=[])).startswith(b"HTTP/1.1 200")


def test_refusal_of_a_head_request(serve, caplog):
    """A request that may have no text in its answer is refused like any other, without a traceback."""
    site = serve(http_server_config={})
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as stranger:
        stranger.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        with stranger.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400")
            answer.read()
    assert [each for each in caplog.records if each.exc_info] == []


def test_no_upgrade(serve, caplog):
    """Whoever wants to speak WebSocket or HTTP/2 gets the page, and no line of the log."""
    site = serve(http_server_config={})
    for protocol in ("websocket", "h2c"):
        assert site.get(headers={"Connection": "Upgrade", "Upgrade": protocol}).status == 200
    assert [each for each in caplog.records if each.name.startswith("uvicorn")] == []
