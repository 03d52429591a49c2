"""Problems and warnings, each with its place."""

from dataclasses import dataclass, replace

from exporter.errors import ConfigError

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding belongs: a file or the environment, a line from 1 (0: none), a dotted key."""

    source: str
    line: int = 0
    key: str = ""

    def child(self, name: str, line: int) -> "Place":
        """Return the place of the entry ``name`` of the mapping here."""
        return replace(self, line=line, key=f"{self.key}.{name}" if self.key else name)

    def item(self, index: int, line: int) -> "Place":
        """Return the place of an item of the list here, counted from 0."""
        return replace(self, line=line, key=f"{self.key}[{index}]")

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.key}" if self.key else where


class Report:
    """Collects problems, which refuse the configuration, and warnings, which do not."""

    def __init__(self) -> None:
        self._problems: list[tuple[Place, str]] = []
        self._warnings: list[tuple[Place, str]] = []

    def problem(self, place: Place, text: str) -> None:
        """Add a problem, which makes the configuration unusable."""
        self._problems.append((place, text))

    def warning(self, place: Place, text: str) -> None:
        """Add a warning: allowed, but probably a mistake."""
        self._warnings.append((place, text))

    def warnings(self) -> tuple[str, ...]:
        """Return the warnings in the order of their lines, or raise ConfigError with all problems."""
        if self._problems:
            raise ConfigError(_lines(self._problems))
        return _lines(self._warnings)


def _lines(findings: list[tuple[Place, str]]) -> tuple[str, ...]:
    ordered = sorted(findings, key=lambda finding: finding[0].line)
    return tuple(f"{place}: {text}" for place, text in ordered)


def quoted(text: str) -> str:
    """Return ``text`` in quotes, short and on one line, whatever it holds."""
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 1] + "…"
    return f'"{repr(text)[1:-1]}"'
