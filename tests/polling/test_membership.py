"""Which listed projects are polled."""

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import Malformed
from exporter.polling.membership import Membership, membership

RUNS = Deployment("L-2", AlgorithmStatus.RUNNING, launched=2)
STOPPED = Deployment("L-1", AlgorithmStatus.STOPPED, launched=1, stopped=2)
NAMED, HERE, ELSEWHERE = 1, 2, 3


@pytest.mark.parametrize(
    ("project_id", "deployments", "discover", "expected"),
    [
        (NAMED, (RUNS,), False, Membership.NAMED),
        (NAMED, (STOPPED,), True, Membership.NAMED),
        (NAMED, Malformed("status"), True, Membership.NAMED),
        (HERE, (STOPPED, RUNS), True, Membership.DISCOVERED),
        (HERE, (RUNS, STOPPED), True, Membership.DISCOVERED),
        (HERE, (STOPPED,), True, Membership.NOT_RUNNING),
        (HERE, (), True, Membership.NOT_RUNNING),
        (HERE, (RUNS,), False, Membership.NOT_NAMED),
        (HERE, Malformed("status"), True, Membership.UNREADABLE),
        (ELSEWHERE, (RUNS,), True, Membership.ELSEWHERE),
        (ELSEWHERE, (RUNS,), False, Membership.NOT_NAMED),
    ],
)
def test_membership(project_id, deployments, discover, expected):
    """A project is polled when it is named, or when it runs and may be discovered; else it is said why not."""
    found = membership(project_id, deployments, {NAMED}, lambda each: each != ELSEWHERE, discover=discover)

    assert found is expected
    assert found.is_polled == (expected in {Membership.NAMED, Membership.DISCOVERED})
