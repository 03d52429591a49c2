"""How many connections a limit of files leaves beside polling."""

import resource

import pytest

from exporter.web.file_limit import affordable_connections


@pytest.mark.parametrize(
    ("workers", "files", "expected"),
    [
        (4, 1024, 256),
        (4, 256, 184),
        (200, 1024, 256),
        (400, 1024, 160),
        (400, 64, 1),
        (4, resource.RLIM_INFINITY, 256),
    ],
)
def test_connections_beside_polling(workers, files, expected, caplog):
    """Two files for each worker and 64 others are kept; what is left bounds the connections, which is logged."""
    assert affordable_connections(256, workers, files) == expected
    assert ("fewer connections" in caplog.text) is (expected < 256)
