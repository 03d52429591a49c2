"""Which format and encoding a client asks for (RFC 9110, sections 12.4 and 12.5)."""

from functools import lru_cache

from exporter.metrics.exposition import Format

_KEPT_ANSWERS = 16
"""Headers whose meaning is kept: a scraper sends the same each time."""
_MOST_ELEMENTS = 32
_MOST_PARAMETERS = 8
"""Of a header; the rest is not looked at. Prometheus sends six elements with three parameters."""


@lru_cache(_KEPT_ANSWERS)
def choose_format(accept: str | None) -> Format:
    """Return the format that the Accept header prefers: OpenMetrics only where it is named, else text."""
    openmetrics = text = 0.0
    for media_type, parameters, quality in _ranges(accept or ""):
        if media_type == "application/openmetrics-text":
            if parameters.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
                openmetrics = max(openmetrics, quality)
        elif media_type in ("text/plain", "text/*", "*/*") and parameters.get("version", "0.0.4") == "0.0.4":
            text = max(text, quality)
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Format.TEXT


@lru_cache(_KEPT_ANSWERS)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Tell whether the Accept-Encoding header allows gzip."""
    qualities = {coding: quality for coding, _, quality in _ranges(accept_encoding or "")}
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def _ranges(value: str) -> list[tuple[str, dict[str, str], float]]:
    """Return the first elements of a header as name, parameters and quality, from 0 to 1."""
    ranges = []
    for element in value.split(",", _MOST_ELEMENTS)[:_MOST_ELEMENTS]:
        name, *rest = (part.strip() for part in element.split(";", _MOST_PARAMETERS)[:_MOST_PARAMETERS])
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): each.strip().strip('"') for key, _, each in pairs}
        ranges.append((name.lower(), parameters, _quality(parameters.pop("q", "1"))))
    return ranges


def _quality(text: str) -> float:
    """Return a quality; one that is no number between 0 and 1 asks for nothing."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
