"""Log lines as logfmt or JSON, with every credential masked."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.config.secret import Secret
from exporter.printable import printable

FORMATS = ("logfmt", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_PLAIN = re.compile(r"[^\s\"=\\]+")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_MASKED = "<secret>"


class Mask:
    """The credentials that no log line may hold; more may be added at any time, none taken away."""

    def __init__(self) -> None:
        self._secrets: tuple[Secret, ...] = ()

    def add(self, secrets: Iterable[Secret]) -> None:
        """Mask these too, from the next line on."""
        self._secrets = tuple({*self._secrets, *secrets})

    def over(self, text: str) -> str:
        """Return the text with every credential, and every SHA-256, masked."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), _MASKED)
        return _SHA256.sub(_MASKED, text)


def configure_logging(level: str, log_format: str, mask: Mask) -> None:
    """Send every log line to standard error, in the format, with the mask over it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(_WRITERS[log_format], mask))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it announces its start and end, as we do


class _Formatter(logging.Formatter):
    """Masks credentials after formatting, so that no exception's text or traceback slips through."""

    def __init__(self, write: Callable[[Mapping[str, Any]], str], mask: Mask) -> None:
        super().__init__()
        self._write = write
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            **{key: value for key, value in extra.items() if value is not None},
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        fields = {key: self._mask.over(str(value)) for key, value in fields.items()}
        return self._write(fields)


def _logfmt(fields: Mapping[str, str]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.isprintable():
        return value
    return printable(json.dumps(value, ensure_ascii=False))


_WRITERS: Mapping[str, Callable[[Mapping[str, str]], str]] = {"logfmt": _logfmt, "json": json.dumps}
