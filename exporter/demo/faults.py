"""Faults a test can aim at the simulated API, and the record of what was asked."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock
from typing import Any, Final, Literal

Effect = Literal["reset", "reset_midway", "stall", "drip"]

_KEPT_REQUESTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with matching requests; None matches all, ``times`` limits how often.

    With ``body`` None, ``status`` 200 and no ``effect`` the true answer comes, after ``delay`` seconds
    and with the further ``headers``. A body of bytes is sent as it is, any other as JSON. Effects:
    ``reset`` cuts before any byte, ``reset_midway`` after half the body, ``stall`` never answers,
    ``drip`` sends a byte every 50 ms.
    """

    endpoint: str | None = None
    project_id: int | None = None
    user_id: int | None = None
    times: int | None = None
    delay: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    effect: Effect | None = None

    def matches(self, request: "RecordedRequest") -> bool:
        """Tell whether the fault is aimed at a request."""
        return (
            self.endpoint in (None, request.endpoint)
            and self.project_id in (None, request.project_id)
            and self.user_id in (None, request.user_id)
        )


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived; ``received_at`` in seconds of the server's monotonic clock."""

    endpoint: str
    user_id: int | None
    project_id: int | None
    parameters: Mapping[str, Any]
    received_at: float


class Faults:
    """The faults in force, oldest first: the first that matches a request applies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._handles = count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, fault: Fault) -> int:
        """Put a fault in force and return its handle."""
        with self._lock:
            handle = next(self._handles)
            self._faults[handle] = fault
            return handle

    def remove(self, handle: int) -> None:
        """Lift a fault; one that is used up or lifted already is fine."""
        with self._lock:
            self._faults.pop(handle, None)

    def clear(self) -> None:
        """Lift every fault."""
        with self._lock:
            self._faults.clear()

    def take(self, request: RecordedRequest) -> Fault | None:
        """Return the fault for a request and count its use."""
        with self._lock:
            for handle, fault in self._faults.items():
                if fault.matches(request):
                    if fault.times is not None:
                        self._faults[handle] = replace(fault, times=fault.times - 1)
                        if fault.times <= 1:
                            del self._faults[handle]
                    return fault
        return None


class RequestLog:
    """The latest requests, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: deque[RecordedRequest] = deque(maxlen=_KEPT_REQUESTS)

    def append(self, request: RecordedRequest) -> None:
        """Record a request."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._requests.clear()

    def snapshot(self) -> list[RecordedRequest]:
        """Return the requests up to now."""
        with self._lock:
            return list(self._requests)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(self.snapshot())

    def __len__(self) -> int:
        with self._lock:
            return len(self._requests)

    def __getitem__(self, index: int) -> RecordedRequest:
        with self._lock:
            return self._requests[index]
