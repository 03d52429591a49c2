"""``live/list`` and ``live/read``: deployments; ``projects/read``: names."""

from collections.abc import Mapping
from typing import Any

from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import Malformed
from exporter.quantconnect.wire.reader import array, mapping, optional_time, text, whole_number

Listing = Mapping[int, tuple[Deployment, ...] | Malformed]
"""The deployments of each listed project by its id, or what is wrong with one of its rows."""

_STATUSES = {status.replace("_", ""): status for status in AlgorithmStatus}


def parse_listing(body: Mapping[str, Any]) -> Listing:
    """Return every deployment in an answer to ``live/list``.

    A row that cannot be read spoils its own project alone; Malformed is raised when the list
    itself, or a row's project id, cannot be read.
    """
    if body.get("live") is None:  # read as empty it would take every project off the page
        raise Malformed("live: missing")
    listing: dict[int, tuple[Deployment, ...] | Malformed] = {}
    for index, value in enumerate(array(body["live"], "live")):
        path = f"live[{index}]"
        row = mapping(value, path)
        project_id = whole_number(row.get("projectId"), f"{path}.projectId")
        known = listing.get(project_id, ())
        if isinstance(known, Malformed):
            continue
        try:
            listing[project_id] = (*known, _deployment(row, f"{path}."))
        except Malformed as error:
            listing[project_id] = error
    return listing


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
    if status is AlgorithmStatus.RUNNING and launched is None:
        raise Malformed(f"{prefix}launched: missing from a running deployment")
    brokerage = row.get("brokerage")
    return Deployment(
        deploy_id=text(row.get("deployId"), f"{prefix}deployId"),
        status=status,
        launched=launched,
        stopped=optional_time(row.get("stopped"), f"{prefix}stopped"),
        brokerage="" if brokerage is None else text(brokerage, f"{prefix}brokerage"),
    )


def _status(stated: str) -> AlgorithmStatus:
    return _STATUSES.get(stated.replace(" ", "").lower(), AlgorithmStatus.UNKNOWN)
