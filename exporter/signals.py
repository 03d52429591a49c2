"""Signals: taken from the first moment on, and the same whenever they come.

This module imports next to nothing, so that signals are taken before the rest is imported.
"""

import signal
from queue import Empty, SimpleQueue
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGINT came before the process began to serve."""


class Signals:
    """What signals have asked for: SIGTERM and SIGINT to stop, SIGHUP to reload, any number of them once."""

    def __init__(self) -> None:
        self.stop = False
        self._reload = False
        self._is_serving = False
        self._wake: SimpleQueue[None] = SimpleQueue()  # a handler may put into it, whatever it interrupts
        for number in _NUMBERS:
            signal.signal(number, self._take)

    def serve(self) -> None:
        """Stop by :attr:`stop` from now on, no longer by an exception; raises Stopped if it came already."""
        self._is_serving = True
        if self.stop:  # whatever it interrupted may have swallowed the exception
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait until a signal comes, but no longer than so many seconds."""
        try:
            self._wake.get(timeout=seconds)
            while True:
                self._wake.get_nowait()
        except Empty:
            return

    def take_reload(self) -> bool:
        """Tell whether a reload was asked for since this was last called."""
        asked, self._reload = self._reload, False
        return asked

    def _take(self, number: int, _: FrameType | None) -> None:
        self._wake.put(None)
        if number == signal.SIGHUP:
            self._reload = True
            return
        is_first, self.stop = not self.stop, True
        if is_first and not self._is_serving:
            raise Stopped
