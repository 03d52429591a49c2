"""Requests that cost little to read: no page needs a body, or many headers."""

import re

import h11

MOST_HEAD_BYTES = 16 * 1024
MOST_HEADERS = 100

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_TRANSFER_ENCODING = re.compile(rb"\nTransfer-Encoding[ \t]*:", re.IGNORECASE)


class BoundedRequests(h11.Connection):
    """The server's side of HTTP/1.1, which refuses what would hold up the event loop.

    A megabyte of tiny chunks or headers takes a second to parse, and headers stay in memory as long as
    their connection.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MOST_HEAD_BYTES)

    def receive_data(self, data: bytes) -> None:
        """Take bytes. Those behind the last request are dropped: an answer that is under way is not about them."""
        if self.their_state is not h11.MUST_CLOSE:
            super().receive_data(data)

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what has been received; raises RemoteProtocolError for what is refused."""
        if self.their_state is h11.MUST_CLOSE:
            return h11.NEED_DATA
        if self.their_state is h11.IDLE:
            self._check_head()
        return super().next_event()

    def _check_head(self) -> None:
        received, _ = self.trailing_data
        end = _END_OF_HEAD.search(received, 0, MOST_HEAD_BYTES)
        head = received[: end.start()] if end else received
        if len(head) > MOST_HEAD_BYTES or head.count(b"\n", 0, MOST_HEAD_BYTES) > MOST_HEADERS:
            raise h11.RemoteProtocolError("a head that is too large", error_status_hint=431)
        # Before h11 reads it: the refusal of a HEAD request could not have a text.
        if end and _TRANSFER_ENCODING.search(head):
            raise h11.RemoteProtocolError("a body needs a Content-Length", error_status_hint=411)
