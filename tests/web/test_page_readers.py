"""Readers of old pages are ended when those pages hold too much."""

from exporter.metrics.page import Content
from exporter.web.page_readers import PageReaders


class Reader:
    ended = False

    def end(self) -> None:
        self.ended = True


def version(size: int) -> Content:
    return Content(size, lambda: iter(()), object(), size)


def test_readers_of_the_oldest_version_end_first():
    """When the versions beside the newest hold more than allowed, all readers of the oldest are ended."""
    readers = PageReaders(most_bytes=100)
    clients = [Reader() for _ in range(5)]
    first, second, third, fourth = (version(60) for _ in range(4))
    open_readings = [
        readers.reading(content, client)
        for content, client in zip((first, first, second, third, fourth), clients, strict=True)
    ]
    for reading in open_readings[:3]:
        reading.__enter__()
    assert not any(each.ended for each in clients)
    open_readings[3].__enter__()
    assert [each.ended for each in clients] == [True, True, False, False, False]
    open_readings[4].__enter__()
    assert [each.ended for each in clients] == [True, True, True, False, False]
    for reading in open_readings:
        reading.__exit__(None, None, None)
    assert not readers._versions


def test_any_number_reads_one_version():
    """Readers of one page share it, however large it is."""
    readers = PageReaders(most_bytes=1)
    content, clients = version(10**9), [Reader() for _ in range(300)]
    for client in clients:
        readers.reading(content, client).__enter__()
    assert not any(each.ended for each in clients)


def test_who_has_read_all_holds_nothing():
    """Versions that nobody reads any more do not count."""
    readers = PageReaders(most_bytes=100)
    for _ in range(100):
        with readers.reading(version(90), Reader()):
            pass
    last, old = Reader(), Reader()
    with readers.reading(version(90), old), readers.reading(version(90), last):
        assert not old.ended
