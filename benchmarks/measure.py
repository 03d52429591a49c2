"""Measuring: alternating runs, medians with their spread, processes, and the machine."""

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.clock import SystemClock

CLOCK = SystemClock()
MILLI = 1e3
MICRO = 1e6
MEBIBYTE = 1024 * 1024

_TICKS = os.sysconf("SC_CLK_TCK")
_QUARTILES = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the quartiles around it, in the unit of what was measured."""

    median: float
    low: float
    high: float

    def shown(self, unit: str, scale: float = 1.0) -> str:
        """Return ``median unit (low-high)``."""
        median, low, high = (f"{each * scale:.3g}" for each in (self.median, self.low, self.high))
        return f"{median} {unit} ({low}-{high})"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``met`` is ``None`` where there is nothing to hold it to."""

    name: str
    measured: str
    peer: str
    ratio: str
    target: str
    met: bool | None


def spread(values: Sequence[float]) -> Spread:
    """Return the median and quartiles of at least one value."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, _, high = statistics.quantiles(values, n=_QUARTILES, method="inclusive")
    return Spread(statistics.median(values), low, high)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def alternately(
    rounds: int, contenders: Mapping[str, tuple[int, Callable[[], float]]]
) -> dict[str, list[float]]:
    """Run each contender in turn, ``rounds`` times over, and return what each run of it returned.

    A contender comes with how often it runs in each round, so that a fast one gets enough runs
    beside a slow one. A first, unrecorded run of each warms what can be warm.
    """
    for _, run in contenders.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (times, run) in contenders.items():
            found[name] += [run() for _ in range(times)]
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    started = CLOCK.monotonic()
    work()
    return CLOCK.monotonic() - started


def cpu_seconds(process_id: int) -> float:
    """Return the CPU time a process has used, of all its threads."""
    fields = Path(f"/proc/{process_id}/stat").read_text("ascii").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / _TICKS


def resident_bytes(process_id: int) -> int:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{process_id}/status").read_text("ascii").splitlines()
    stated = next(line for line in lines if line.startswith("VmRSS:"))
    return int(stated.split()[1]) * 1024


def machine() -> str:
    """Return what the figures were measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    names = ("prometheus-client", "requests", "uvicorn", "isal", "msgspec")
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    return (
        f"{os.cpu_count()} cores, {model}, load {os.getloadavg()[0]:.1f}; {platform.platform(terse=True)}; "
        f"Python {platform.python_version()}; {versions}"
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
