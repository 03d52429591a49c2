"""The machine's clocks."""
# ruff: noqa: TID251 - it compares with what the machine says

import time

import pytest

from exporter.clock import SystemClock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_durations_count_while_the_machine_sleeps():
    """Durations are measured on the clock that goes on during a suspend."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    measured = SystemClock().monotonic()

    assert before <= measured <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_system_without_that_clock(monkeypatch):
    """Where there is no such clock, the monotonic one is read."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.monotonic()

    assert before <= SystemClock().monotonic() <= time.monotonic()


def test_wall_clock_is_unix_time():
    """Wall time is the system's."""
    assert time.time() - 5 < SystemClock().wall() < time.time() + 5
