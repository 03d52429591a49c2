"""Grafana's variables, put into queries the way its Prometheus data source does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ALL = "$__all"

_REFERENCE = re.compile(r"\$(?!\d)(\w+)|\$\{(\w+)(?::[\w:]+)?\}|\[\[(\w+)\]\]")
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|]")

Choice = Mapping[str, list[str]]
"""The chosen values by variable; ``[ALL]`` for all of them."""


@dataclass(frozen=True)
class Window:
    """The time range of a dashboard with the step of its charts, in seconds."""

    start: float
    end: float
    step: float
    scrape_interval: float

    def built_in(self) -> dict[str, str]:
        """Return Grafana's own variables, moments in seconds."""
        length = round(self.end - self.start)
        rate = max(self.step + self.scrape_interval, 4 * self.scrape_interval)
        return {
            "__range": f"{length}s",
            "__from": str(round(self.start)),
            "__to": str(round(self.end)),
            "__interval": f"{round(self.step)}s",
            "__rate_interval": f"{round(rate)}s",
        }


def escaped(value: str) -> str:
    """Return a value as a regular expression inside a PromQL string."""
    return _SPECIAL.sub(lambda found: f"\\\\{found[0]}", value.replace("\\", "\\\\\\\\"))


def substitute(text: str, chosen: Choice, window: Window, every: Mapping[str, str] | None = None) -> str:
    """Put values into a query; ``every`` holds what stands for All.

    An unknown variable is an error, but ``$1`` is a group of ``label_replace``, which Grafana lets stand.
    """
    built_in = window.built_in()

    def value(found: re.Match[str]) -> str:
        name = next(group for group in found.groups() if group)
        if name in built_in:
            return built_in[name]
        values = chosen[name]
        if values == [ALL]:
            return (every or {}).get(name, ".+")
        parts = [escaped(one) for one in values]
        return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"

    return _REFERENCE.sub(value, text)


def options(texts: list[str], regex: str) -> dict[str, str]:
    """Return what a variable offers, value to shown text, from what its query returned."""
    if not regex:
        return {text: text for text in texts}
    pattern = re.compile(regex.strip("/").replace("(?<", "(?P<"))
    found = [pattern.search(text) for text in texts]
    return {one["value"]: one.groupdict().get("text", one["value"]) for one in found if one}
