"""Which listed projects are polled."""

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.polling.selection import Selection, Selector

NOW, DAY = 1_790_000_000.0, 86_400.0
RUNS = Deployment("L-2", AlgorithmStatus.RUNNING, launched=2)
STOPPED = Deployment("L-1", AlgorithmStatus.STOPPED, launched=1, stopped=2)
CRASHED = Deployment("L-3", AlgorithmStatus.RUNTIME_ERROR, launched=3, stopped=NOW - 6.9 * DAY)
FORGOTTEN = Deployment("L-3", AlgorithmStatus.RUNTIME_ERROR, launched=3, stopped=NOW - 7 * DAY)
UNTIMED = Deployment("L-3", AlgorithmStatus.DEPLOY_ERROR, launched=NOW - DAY)
TIMELESS = Deployment("L-3", AlgorithmStatus.IN_QUEUE, launched=None)
NAMED, HERE, ELSEWHERE = 1, 2, 3


@pytest.mark.parametrize(
    ("project_id", "deployments", "discover", "expected"),
    [
        (NAMED, (RUNS,), False, Selection.NAMED),
        (NAMED, (STOPPED,), True, Selection.NAMED),
        (NAMED, (), True, Selection.NAMED),
        (HERE, (STOPPED, RUNS), True, Selection.DISCOVERED),
        (HERE, (RUNS, STOPPED), True, Selection.DISCOVERED),
        (HERE, (RUNS, CRASHED), True, Selection.DISCOVERED),
        (HERE, (STOPPED,), True, Selection.NOT_RUNNING),
        (HERE, (STOPPED, CRASHED), True, Selection.ENDED),
        (HERE, (FORGOTTEN,), True, Selection.NOT_RUNNING),
        (HERE, (UNTIMED,), True, Selection.ENDED),
        (HERE, (TIMELESS,), True, Selection.NOT_RUNNING),
        (HERE, (), True, Selection.UNREADABLE),
        (HERE, (RUNS,), False, Selection.NOT_NAMED),
        (HERE, (), False, Selection.NOT_NAMED),
        (ELSEWHERE, (RUNS,), True, Selection.ELSEWHERE),
        (ELSEWHERE, (), True, Selection.ELSEWHERE),
        (ELSEWHERE, (RUNS,), False, Selection.NOT_NAMED),
    ],
)
def test_selection(project_id, deployments, discover, expected):
    """A project is polled when it is named, runs, ended lately or cannot be read; else it is said why not."""
    selector = Selector({NAMED}, lambda each: each != ELSEWHERE, discover, keep_ended_for=7 * DAY)
    found = selector.select(project_id, deployments, NOW)

    polled = {Selection.NAMED, Selection.DISCOVERED, Selection.ENDED, Selection.UNREADABLE}
    assert found is expected
    assert found.is_polled == (expected in polled)


@pytest.mark.parametrize(("project_id", "may"), [(NAMED, True), (HERE, True), (ELSEWHERE, False)])
def test_what_has_been_polled_may_be_still(project_id, may):
    """What another shard or account polls now is not polled here any more, unless it is named here."""
    selector = Selector({NAMED}, lambda each: each != ELSEWHERE, discover=True, keep_ended_for=0)

    assert selector.may_poll(project_id) == may
