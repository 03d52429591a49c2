"""Signals, handled from the first moment on, and always in the same way.

This module imports next to nothing, so that signals are handled before the rest is imported.
"""

import os
import signal
from queue import Empty, SimpleQueue
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """What signals have asked for: SIGTERM and SIGINT to stop, SIGHUP to reload; several count as one.

    Before :meth:`serve` a stop ends the process at once, with ``exit_code``. It raises no exception: inside
    an import, a callback or a destructor one can be swallowed, or printed and ignored.
    """

    def __init__(self, exit_code: int = 0) -> None:
        self.exit_code = exit_code
        self.stop = False
        self._reload = False
        self._is_serving = False
        self._wake: SimpleQueue[None] = SimpleQueue()  # a handler may put into it, whatever it interrupts
        for number in _NUMBERS:
            signal.signal(number, self._take)

    def serve(self) -> None:
        """Let a stop set :attr:`stop` from now on, for an orderly end."""
        self._is_serving = True

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
        if number == signal.SIGHUP:
            self._reload = True
        elif self._is_serving:
            self.stop = True
        else:
            os._exit(self.exit_code)
        self._wake.put(None)
