"""Deployments and the names of projects."""

from typing import Any

import pytest

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import Malformed
from exporter.quantconnect.wire.live import Listing, parse_deployment, parse_listing, parse_project_names

LAUNCHED = 1_795_178_096.0
ROW = {
    "projectId": 5,
    "deployId": "L-1",
    "status": "Running",
    "launched": "2026-11-20 12:34:56",
    "stopped": None,
    "brokerage": "PaperBrokerage",
}
RUNNING = Deployment("L-1", AlgorithmStatus.RUNNING, LAUNCHED, None, "PaperBrokerage")


def row(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in {**ROW, **members}.items() if value is not ...}


def listing(*rows: Any):
    return parse_listing({"success": True, "live": list(rows)})


STATUSES = [
    ("DeployError", "deploy_error"),
    ("InQueue", "in_queue"),
    ("Running", "running"),
    ("Stopped", "stopped"),
    ("Liquidated", "liquidated"),
    ("Deleted", "deleted"),
    ("Completed", "completed"),
    ("RuntimeError", "runtime_error"),
    ("Runtime Error", "runtime_error"),
    ("Invalid", "invalid"),
    ("LoggingIn", "logging_in"),
    ("Initializing", "initializing"),
    ("History", "history"),
    ("PendingInput", "pending_input"),
    ("Idle", "idle"),
    ("running", "running"),
    ("Undefined", "unknown"),
    ("Paused", "unknown"),
    ("", "unknown"),
]


@pytest.mark.parametrize(("stated", "expected"), STATUSES)
def test_statuses(stated, expected):
    """Each of LEAN's statuses is known, and any other is unknown."""
    (parsed,) = listing(row(status=stated)).deployments[5]
    assert expected == parsed.status


def test_every_status_can_be_stated():
    """The table of statuses leaves none out."""
    assert set(AlgorithmStatus) == {expected for _, expected in STATUSES}


def test_deployment_of_each_generation_of_a_project():
    """A project has every deployment that is listed, in the order of the rows."""
    old = row(deployId="L-0", status="Stopped", launched="2026-11-01 00:00:00", stopped="2026-11-02 00:00:00")
    expected = {
        5: (
            RUNNING,
            Deployment("L-0", AlgorithmStatus.STOPPED, 1_793_491_200.0, 1_793_577_600.0, "PaperBrokerage"),
        ),
        6: (RUNNING,),
    }
    assert Listing(expected) == listing(row(), row(projectId=6), old)


@pytest.mark.parametrize("live", [[], {}])
def test_no_deployments(live):
    """An account without deployments has an empty list, however that is sent."""
    assert parse_listing({"live": live}) == Listing({})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"stopped": ""}, RUNNING),
        ({"stopped": ...}, RUNNING),
        ({"projectId": "5"}, RUNNING),
        ({"leagues": [], "equity": None, "brandNew": {}}, RUNNING),
        ({"stopped": "0001-01-01 00:00:00"}, RUNNING),
        ({"brokerage": None}, Deployment("L-1", AlgorithmStatus.RUNNING, LAUNCHED)),
        ({"brokerage": ...}, Deployment("L-1", AlgorithmStatus.RUNNING, LAUNCHED)),
        (
            {"status": "InQueue", "launched": None},
            Deployment("L-1", AlgorithmStatus.IN_QUEUE, None, None, "PaperBrokerage"),
        ),
        (
            {"status": "DeployError", "launched": ""},
            Deployment("L-1", AlgorithmStatus.DEPLOY_ERROR, None, None, "PaperBrokerage"),
        ),
    ],
)
def test_rows_as_php_sends_them(members, expected):
    """Blank times, quoted ids, missing and further members leave a row readable."""
    assert Listing({5: (expected,)}) == listing(row(**members))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"status": 5}, "live[0].status: expected a text, found 5"),
        ({"status": ...}, "live[0].status: expected a text, found null"),
        ({"deployId": None}, "live[0].deployId: expected a text, found null"),
        ({"launched": "soon"}, "live[0].launched: expected a time, found the text 'soon'"),
        ({"launched": 5}, "live[0].launched: expected a text, found 5"),
        ({"stopped": True}, "live[0].stopped: expected a text, found true"),
        ({"brokerage": []}, "live[0].brokerage: expected a text, found an array"),
        ({"deployId": "\ud800"}, "live[0].deployId: a text with half a surrogate pair"),
    ],
)
def test_unreadable_row_hides_no_other(members, expected):
    """A row that cannot be read is named, and every other row stays readable, of its project too."""
    parsed = listing(row(**members), row(projectId=6), row(projectId=7, **members), row())
    assert parsed.deployments == {5: (RUNNING,), 6: (RUNNING,), 7: ()}
    assert (expected, parsed.malformed.keys()) == (str(parsed.malformed[5]), {5, 7})


def test_first_unreadable_row_of_a_project_is_named():
    """Of several unreadable rows of a project the first is named."""
    parsed = listing(row(), row(status=5), row(deployId=None))
    assert str(parsed.malformed[5]).startswith("live[1].status")


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (None, "live[0].projectId: expected a whole number, found null"),
        (5, "live[0]: expected an object, found 5"),
        ("x", "live[0]: expected an object, found the text 'x'"),
        ({"deployId": "L-1"}, "live[0].projectId: expected a whole number, found null"),
        (row(projectId=True), "live[0].projectId: expected a whole number, found true"),
    ],
)
def test_row_of_no_project_hides_no_other(foreign, expected):
    """A row that names no project is reported, and the others are read."""
    parsed = listing(foreign, row())
    assert ({5: (RUNNING,)}, expected) == (parsed.deployments, str(parsed.stray))
    assert not parsed.malformed


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "live: missing"),
        ({"projects": []}, "live: missing"),
        ({"live": "x"}, "live: expected an array, found the text 'x'"),
        ({"live": {"a": 1}}, "live: expected an array, found an object"),
        ({"live": [5]}, "live[0]: expected an object, found 5"),
        ({"live": [None, 5]}, "live[0].projectId: expected a whole number, found null"),
        ({"live": [row(projectId=5.5)]}, "live[0].projectId: expected a whole number, found 5.5"),
        ({"live": [row(projectId=True)]}, "live[0].projectId: expected a whole number, found true"),
        ({"live": [row(projectId="x")]}, "live[0].projectId: expected a whole number, found the text 'x'"),
    ],
)
def test_malformed_listing(body, expected):
    """A list that cannot be read, or of which no row names a project, is malformed and not empty."""
    with pytest.raises(Malformed) as caught:
        parse_listing(body)
    assert expected == str(caught.value)


def test_deployment_of_one_project():
    """An answer about one project has its deployment beside much else."""
    body = {**ROW, "message": "", "files": [{"content": "secret"}], "runtimeStatistics": [], "success": True}
    assert parse_deployment(body) == RUNNING


def test_project_that_was_never_deployed():
    """The status Undefined means that there is no deployment, and nothing else is looked at."""
    assert parse_deployment({"status": "Undefined", "deployId": None, "launched": "never"}) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "status: expected a text, found null"),
        (row(deployId=7), "deployId: expected a text, found 7"),
    ],
)
def test_malformed_deployment(body, expected):
    """What is wrong with a deployment is named."""
    with pytest.raises(Malformed) as caught:
        parse_deployment(body)
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("projects", "expected"),
    [
        (
            [{"projectId": 5, "name": "Five"}, {"projectId": "6", "name": "a/b \u00e9"}],
            {5: "Five", 6: "a/b é"},
        ),
        ([{"projectId": 5, "name": "", "collaborators": [], "liveForm": None}], {5: ""}),
        ([], {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_project_names(projects, expected):
    """Names are found by project id."""
    assert expected == parse_project_names({"projects": projects})


@pytest.mark.parametrize(
    ("projects", "expected"),
    [
        ("x", "projects: expected an array, found the text 'x'"),
        ([{"projectId": 5, "name": 5}], "projects[0].name: expected a text, found 5"),
        ([{"name": "Five"}], "projects[0].projectId: expected a whole number, found null"),
        ([[5]], "projects[0]: expected an object, found an array"),
    ],
)
def test_malformed_project_names(projects, expected):
    """What is wrong with the names is named."""
    with pytest.raises(Malformed) as caught:
        parse_project_names({"projects": projects})
    assert expected == str(caught.value)


def test_list_that_is_null_is_not_empty():
    """A null list is malformed: read as empty it would take every project off the page."""
    with pytest.raises(Malformed, match="live: missing"):
        parse_listing({"live": None})


def test_project_without_a_name():
    """A project without a name costs no other its name."""
    projects = [{"projectId": 5, "name": None}, {"projectId": 6, "name": "Six"}]
    assert parse_project_names({"projects": projects}) == {6: "Six"}


@pytest.mark.parametrize("launched", [None, "0001-01-01 00:00:00", "0000-00-00 00:00:00"])
def test_running_deployment_without_a_launch_time(launched):
    """A deployment that runs, but whose launch is not told yet, is one that runs."""
    listing = parse_listing({"live": [row(launched=launched)]})
    ((deployment,),) = listing.deployments.values()

    assert (deployment.is_running, deployment.launched) == (True, None)
