"""Which listed projects are polled."""

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.polling.selection import Selection, membership

RUNS = Deployment("L-2", AlgorithmStatus.RUNNING, launched=2)
STOPPED = Deployment("L-1", AlgorithmStatus.STOPPED, launched=1, stopped=2)
NAMED, HERE, ELSEWHERE = 1, 2, 3


@pytest.mark.parametrize(
    ("project_id", "deployments", "discover", "expected"),
    [
        (NAMED, (RUNS,), False, Selection.NAMED),
        (NAMED, (STOPPED,), True, Selection.NAMED),
        (NAMED, (), True, Selection.NAMED),
        (HERE, (STOPPED, RUNS), True, Selection.DISCOVERED),
        (HERE, (RUNS, STOPPED), True, Selection.DISCOVERED),
        (HERE, (STOPPED,), True, Selection.NOT_RUNNING),
        (HERE, (RUNS,), False, Selection.NOT_NAMED),
        (HERE, (), True, Selection.UNREADABLE),
        (ELSEWHERE, (RUNS,), True, Selection.ELSEWHERE),
        (ELSEWHERE, (RUNS,), False, Selection.NOT_NAMED),
    ],
)
def test_membership(project_id, deployments, discover, expected):
    """A project is polled when it is named, or when it runs and may be discovered; else it is said why not."""
    found = membership(project_id, deployments, {NAMED}, lambda each: each != ELSEWHERE, discover=discover)

    assert found is expected
    assert found.is_polled == (expected in {Selection.NAMED, Selection.DISCOVERED})
