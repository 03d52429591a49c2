"""Reading files: every way in which one cannot be used."""

import os
from pathlib import Path
from threading import Thread

import pytest

from exporter.config import files
from exporter.config.files import UnreadableError, read_text_file, shown_path
from exporter.config.load import MAX_FILE_BYTES, load_config
from exporter.errors import ConfigError


def test_a_missing_file_is_a_problem(tmp_path):
    """A path that leads nowhere is named."""
    assert _problem(tmp_path / "none.yml") == "the file cannot be read: No such file or directory"


def test_a_directory_is_a_problem(tmp_path):
    """A folder is no configuration file."""
    assert _problem(tmp_path) == "the file cannot be read: Is a directory"


def test_a_path_with_a_nul_is_a_problem(tmp_path):
    """Even what is no file name is told in the same way."""
    assert _problem(tmp_path / "a\0b") == "the file cannot be read: not a file name"


def test_a_file_that_may_not_be_opened_is_a_problem(tmp_path, monkeypatch):
    """Missing rights are named; the refusal is made up, since tests may run as root."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    assert _problem(tmp_path / "config.yml") == "the file cannot be read: Permission denied"


def test_a_pipe_that_nobody_writes_to_is_a_problem(tmp_path, monkeypatch):
    """A named pipe holds nothing up for ever, and one that a program writes to is read to its end."""
    path = tmp_path / "config.yml"
    os.mkfifo(path)
    monkeypatch.setattr(files, "_PATIENCE", 0.1)
    assert _problem(path) == "the file cannot be read: a pipe that sends nothing for 0.1 s"

    monkeypatch.setattr(files, "_PATIENCE", 60)
    text = "# decrypted\n" * 20_000
    writer = Thread(target=path.write_text, args=(text,), daemon=True)
    writer.start()
    assert read_text_file(path, MAX_FILE_BYTES).text == text
    writer.join()


def test_invalid_utf8_is_a_problem_with_its_line(tmp_path):
    """The line of the first byte that is no UTF-8 is named."""
    path = tmp_path / "latin.yml"
    path.write_bytes(b"accounts:\n  - name: B\xf6rse\n")

    with pytest.raises(ConfigError) as caught:
        load_config(path, {})

    assert caught.value.problems == (f"{path}:2: the file is not valid UTF-8",)


def test_a_file_over_one_mebibyte_is_refused_unread(tmp_path):
    """The bound holds to the byte: one more is refused, and the bound itself is parsed."""
    path = tmp_path / "large.yml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    assert _problem(path) == "the file is larger than 1048576 bytes"

    path.write_bytes(b"#" * MAX_FILE_BYTES)
    with pytest.raises(ConfigError, match=r":1: the file is empty$"):
        load_config(path, {})


def _problem(path):
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    (problem,) = caught.value.problems
    return problem.removeprefix(f"{path}: ")


def test_who_may_read_a_file_is_told(tmp_path):
    """A file that every user of the machine may read is no place for a secret."""
    path = tmp_path / "token"
    path.write_text("worthless")
    for mode, expected in ((0o600, False), (0o640, False), (0o644, True), (0o604, True)):
        path.chmod(mode)
        assert read_text_file(path, 100).world_readable is expected


def test_the_content_does_not_print(tmp_path):
    """What was read may be a credential: it is in no representation, and in no error."""
    path = tmp_path / "token"
    path.write_text("worthless")

    assert "worthless" not in repr(read_text_file(path, 100))
    with pytest.raises(UnreadableError) as caught:
        read_text_file(path, 3)
    assert "worthless" not in str(caught.value)


def test_a_path_is_shown_on_one_line():
    """A line break in a path is shown, not obeyed."""
    assert shown_path(Path("/a\nb/c")) == " (/a\\nb/c)"
