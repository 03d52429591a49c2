"""Log lines as logfmt or JSON, with every credential masked."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from exporter.config.secret import Secret
from exporter.printable import printable

FORMATS = ("logfmt", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_PLAIN = re.compile(r"[^\s\"=\\]+")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_BASIC = re.compile(r"\bBasic +[A-Za-z0-9+/=_-]{8,}", re.IGNORECASE)
_MASKED = "<secret>"
_TRACEBACK = "traceback"

MAX_FIELD_CHARACTERS = 512
MAX_LINE_BYTES = 4000
"""Pipes pass a line of up to 4,096 bytes in one piece (POSIX, PIPE_BUF)."""


class Mask:
    """The credentials that no log line may hold. More can be added at any time; none is removed."""

    def __init__(self) -> None:
        self._secrets: tuple[Secret, ...] = ()

    def add(self, secrets: Iterable[Secret]) -> None:
        """Mask these too, from the next line on."""
        self._secrets = tuple({*self._secrets, *secrets})

    def over(self, text: str) -> str:
        """Return the text with every credential, SHA-256 and ``Basic`` header masked."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), _MASKED)
        return _BASIC.sub(f"Basic {_MASKED}", _SHA256.sub(_MASKED, text))


class LineFormatter(logging.Formatter):
    """Makes a line of a record: ``log_format`` is one of ``FORMATS``.

    Credentials are masked after formatting, so that no exception's text or traceback escapes the mask,
    and before anything is cut.
    """

    def __init__(self, log_format: str, mask: Mask) -> None:
        super().__init__()
        self._write = _WRITERS[log_format]
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            **{key: value for key, value in extra.items() if value is not None},
        }
        if record.exc_info:
            fields[_TRACEBACK] = self.formatException(record.exc_info)
        fields = {key: self._mask.over(str(value)) for key, value in fields.items()}
        return self._bounded(fields)

    def _bounded(self, fields: Mapping[str, str]) -> str:
        """Write the fields, each cut until all of them are short enough."""
        most = MAX_FIELD_CHARACTERS
        while True:
            line = self._write({key: _cut(key, value, most) for key, value in fields.items()})
            if len(line.encode(errors="backslashreplace")) <= MAX_LINE_BYTES:
                return line
            most //= 2


def _cut(key: str, value: str, most: int) -> str:
    """Return a value of at most so many characters, and a mark; a traceback of four times as many, its end."""
    if key == _TRACEBACK:
        return value if len(value) <= 4 * most else f"…{value[-4 * most :]}"
    return value if len(value) <= most else f"{value[:most]}…"


def _logfmt(fields: Mapping[str, str]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.isprintable():
        return value
    return printable(json.dumps(value, ensure_ascii=False))


_WRITERS: Mapping[str, Callable[[Mapping[str, str]], str]] = {"logfmt": _logfmt, "json": json.dumps}
