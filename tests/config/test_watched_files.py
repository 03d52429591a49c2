"""What counts as a change of a file."""

from pathlib import Path

import pytest

from exporter.config.files import UnreadableError
from exporter.config.watched_files import WatchedFiles


def _replace(file: Path) -> None:
    beside = file.with_name("new")
    beside.write_text("two")
    beside.replace(file)


@pytest.mark.parametrize(
    "change",
    [_replace, lambda file: file.write_text("longer"), lambda file: file.chmod(0o644), Path.unlink],
    ids=["replaced", "written", "mode", "removed"],
)
def test_a_file_that_changes(tmp_path, change):
    """A file is another one when its content, its mode or its existence changes, be it behind a link."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("one")
    link.symlink_to(file)
    watched = WatchedFiles()

    assert watched.read(link).text == "one"
    assert not watched.changed()
    change(file)
    assert watched.changed()


def test_a_file_that_appears(tmp_path):
    """What could not be read is watched as well: that it is there now is a change."""
    watched = WatchedFiles()
    with pytest.raises(UnreadableError):
        watched.read(tmp_path / "file")

    assert not watched.changed()
    (tmp_path / "file").write_text("one")
    assert watched.changed()


def test_a_file_belongs_to_the_load_that_reads_it(tmp_path):
    """Of two loads, one inside the other, only the one that reads a file watches it."""
    outer, inner = WatchedFiles(), WatchedFiles()
    (tmp_path / "file").write_text("one")
    with outer.watching():
        inner.read(tmp_path / "file")
    (tmp_path / "file").write_text("longer")

    assert (outer.changed(), inner.changed()) == (False, True)
