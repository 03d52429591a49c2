"""Reading small text files."""

import os
import re
import select
import stat
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

_MAY_BE_TOKEN = re.compile(r"[0-9a-fA-F]{8,}|(?=.*[0-9])[0-9A-Za-z+=]{20,}")

_PATIENCE = 10
"""Seconds for which a pipe in place of a file may be silent: a program that decrypts a file takes a while."""

before_reading: ContextVar[Callable[[Path], None] | None] = ContextVar("before_reading", default=None)
"""What is called with the path of each file before it is read: what is written meanwhile is then a change."""


class UnreadableError(Exception):
    """A file cannot be used; the text says why, ``line`` (from 1, 0: none) where."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


def may_be_token(text: str) -> bool:
    """Whether a text looks like a token, and must not be repeated."""
    return _MAY_BE_TOKEN.fullmatch(text) is not None


def shown_path(path: Path) -> str:
    """Return the absolute path in brackets, as the end of a sentence; "" where its name may be a token.

    People give a token where the name of its file belongs.
    """
    if may_be_token(path.name):
        return ""
    return f" ({repr(os.path.abspath(path))[1:-1]})"  # noqa: PTH100 - links stay as they were written


@dataclass(frozen=True, slots=True, repr=False)  # the text may be a credential
class TextFile:
    """What a file holds, and whether every user of the machine may read it."""

    path: Path
    text: str
    world_readable: bool


def read_text_file(path: Path, max_bytes: int) -> TextFile:
    """Read a UTF-8 file of at most ``max_bytes``, or raise UnreadableError."""
    if note := before_reading.get():
        note(path)
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = _read(file, max_bytes + 1)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror or type(error).__name__}") from error
    except ValueError as error:  # a NUL character in the path
        raise UnreadableError("cannot be read: not a file name") from error
    if len(content) > max_bytes:
        raise UnreadableError(f"is larger than {max_bytes} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError("is not valid UTF-8", line) from None  # the cause would carry the bytes
    return TextFile(path, text, world_readable=bool(mode & stat.S_IROTH))


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever is to write to a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _read(file: FileIO, most: int) -> bytes:
    """Return at most so many bytes; raises TimeoutError when a pipe stays silent."""
    ready = select.poll()
    ready.register(file, select.POLLIN)
    content = b""
    while len(content) < most:
        if not ready.poll(1000 * _PATIENCE):
            raise TimeoutError(None, f"a pipe that sends nothing for {_PATIENCE} s")
        piece = file.read(most - len(content))
        if not piece:
            break
        content += piece
    return content
