"""``live/list`` and ``live/read``: deployments; ``projects/read``: names."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import Malformed
from exporter.quantconnect.envelope import Envelope
from exporter.quantconnect.wire.reader import array, mapping, optional_text, optional_time, text, whole_number


@dataclass(frozen=True, slots=True)
class Listing:
    """An answer to ``live/list``, read row by row.

    ``deployments`` has the readable rows of each project by its id; an empty tuple if all its rows are
    unreadable. ``malformed`` has the error of each project's first unreadable row. ``stray`` is the error
    of the first row without a project id, which may belong to any project.
    """

    deployments: Mapping[int, tuple[Deployment, ...]]
    malformed: Mapping[int, Malformed] = field(default_factory=dict)
    stray: Malformed | None = None


class _Row(TypedDict):
    projectId: int | str
    deployId: str
    status: str
    launched: str | None
    stopped: NotRequired[str | None]
    brokerage: NotRequired[str | None]


class ListShape(Envelope):
    """Today's shape of an answer to ``live/list``."""

    live: list[_Row]


class DeploymentShape(Envelope):
    """Today's shape of the deployment in an answer to ``live/read``, without its source code."""

    deployId: str | None
    status: str
    launched: str | None
    stopped: NotRequired[str | None]
    brokerage: NotRequired[str | None]


class _Project(TypedDict):
    projectId: int | str
    name: str | None


class ProjectsShape(Envelope):
    """Today's shape of an answer to ``projects/read``."""

    projects: list[_Project]


_STATUSES = {status.replace("_", ""): status for status in AlgorithmStatus}


def parse_listing(body: Mapping[str, Any]) -> Listing:
    """Return every deployment in an answer to ``live/list``. Unreadable rows do not affect the others.

    Raises Malformed when the list itself, or none of its rows' project ids, can be read.
    """
    if body.get("live") is None:  # read as empty it would take every project off the page
        raise Malformed("live: missing")
    rows = array(body["live"], "live")
    deployments: defaultdict[int, list[Deployment]] = defaultdict(list)
    malformed: dict[int, Malformed] = {}
    stray: Malformed | None = None
    for index, value in enumerate(rows):
        path = f"live[{index}]"
        try:
            row = mapping(value, path)
            project_id = whole_number(row.get("projectId"), f"{path}.projectId")
        except Malformed as error:
            stray = stray or error.with_traceback(None)  # whose frames would keep every row
            continue
        own = deployments[project_id]
        try:
            own.append(_deployment(row, f"{path}."))
        except Malformed as error:
            malformed.setdefault(project_id, error.with_traceback(None))
    if stray and not deployments:
        raise stray
    return Listing({project_id: tuple(own) for project_id, own in deployments.items()}, malformed, stray)


def parse_deployment(body: Mapping[str, Any]) -> Deployment | None:
    """Return the deployment in an answer to ``live/read``; ``None`` for a project never deployed."""
    if text(body.get("status"), "status") == "Undefined":
        return None
    return _deployment(body, "")


def parse_project_names(body: Mapping[str, Any]) -> Mapping[int, str]:
    """Return the name of each project in an answer to ``projects/read``, by project id."""
    names = {}
    for index, value in enumerate(array(body.get("projects"), "projects")):
        path = f"projects[{index}]"
        row = mapping(value, path)
        if row.get("name") is not None:  # without a name a project is shown under its id
            project_id = whole_number(row.get("projectId"), f"{path}.projectId")
            names[project_id] = text(row["name"], f"{path}.name")
    return names


def _deployment(row: Mapping[str, Any], prefix: str) -> Deployment:
    status = _status(text(row.get("status"), f"{prefix}status"))
    launched = optional_time(row.get("launched"), f"{prefix}launched")
    return Deployment(
        deploy_id=text(row.get("deployId"), f"{prefix}deployId"),
        status=status,
        launched=launched,
        stopped=optional_time(row.get("stopped"), f"{prefix}stopped"),
        brokerage=optional_text(row.get("brokerage"), f"{prefix}brokerage") or "",
    )


def _status(stated: str) -> AlgorithmStatus:
    return _STATUSES.get(stated.replace(" ", "").lower(), AlgorithmStatus.UNKNOWN)
