"""Durations as text: ``500ms``, ``30s``, ``5m``, ``1h30m``, ``1d``."""

import re

_DURATION = re.compile(
    r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?"
)
_BARE_NUMBER = re.compile(r"[0-9]{1,9}")
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))  # in milliseconds


def parse_duration(text: str) -> float:
    """Return the duration in seconds: units from large to small, each at most once.

    A ValueError says what is expected; it does not repeat the text.
    """
    if _BARE_NUMBER.fullmatch(text):
        raise ValueError(f"must be a duration with its unit: write {text}s")
    match = _DURATION.fullmatch(text)
    if not match or not text:
        raise ValueError("must be a duration such as 500ms, 30s, 5m or 1h30m")
    milliseconds = sum(int(count) * size for count, (_, size) in zip(match.groups("0"), _UNITS, strict=True))
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """Return ``seconds``, rounded to milliseconds, as the text that :func:`parse_duration` reads."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
