"""The endpoints: from who asks, what, and with which parameters, to the body of the answer."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.demo.charts import ChartReader
from exporter.demo.orders_wire import orders_list
from exporter.demo.project import ProjectState, SimulatedProject
from exporter.demo.wire import live_read, live_row, portfolio, project_row, versions

_MAX_AGE: Final = 7200
"""Seconds a signature stays valid (section 1.2 of QuantConnect's scheme; LEAN reuses one for 7000)."""

_LONGEST_SPAN: Final = 1000
"""Orders that one request may ask for."""

_LOADING_SECONDS: Final = 10
"""Seconds after a launch in which the list of orders is not ready; some ten minutes in the real cloud."""

_STATUSES: Final = frozenset({"Running", "Stopped", "RuntimeError", "Liquidated"})
"""What live/list filters by."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is not known of the cloud, so that accounts differ in it: how it sends long lists of orders."""

    orders_per_page: int = _LONGEST_SPAN
    refuses_beyond_end: bool = False
    length_is_total: bool = True


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """A user of the simulated cloud. The token opens nothing else."""

    name: str
    user_id: int
    api_token: str = field(repr=False)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request's headers claim: user id and hash of ``Authorization``, and ``Timestamp``."""

    user_id: str
    hash: str
    timestamp: str


class Refused(Exception):
    """The request is understood and refused; the text goes into ``errors``."""


class Api:
    """The seven read-only endpoints over accounts and projects.

    ``snapshot`` tells the time the answers show, ``wall`` the time signatures are judged by.
    """

    def __init__(
        self,
        accounts: tuple[SimulatedAccount, ...],
        projects: Mapping[int, SimulatedProject],
        charts: ChartReader,
        snapshot: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._accounts = {str(account.user_id): account for account in accounts}
        self._limits = {account.name: account.limits for account in accounts}
        self._projects = projects
        self._charts = charts
        self._snapshot = snapshot
        self._wall = wall
        self._endpoints: Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
            "authenticate": lambda _account, _parameters: {},
            "projects/read": self._projects_read,
            "live/list": self._live_list,
            "live/read": self._live_read,
            "live/portfolio/read": self._portfolio_read,
            "live/chart/read": self._chart_read,
            "live/orders/read": self._orders_read,
        }

    def answer(
        self, endpoint: str, credentials: Credentials, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the body for a request, None for an endpoint that does not exist."""
        if endpoint not in self._endpoints:
            return None
        try:
            account = self._signed_in(credentials)
            return {**self._endpoints[endpoint](account.name, parameters), "success": True}
        except Refused as refusal:
            return {"success": False, "errors": [str(refusal)]}

    def _signed_in(self, credentials: Credentials) -> SimulatedAccount:
        account = self._accounts.get(credentials.user_id)
        if account is None:
            raise Refused("UserID not valid. REF: 4821907")
        expected = hashlib.sha256(f"{account.api_token}:{credentials.timestamp}".encode()).hexdigest()
        if credentials.hash != expected or self._is_old(credentials.timestamp):
            raise Refused(
                f"Hash doesn't match. UID: {credentials.user_id} "
                f"hash: {credentials.hash} timestamp: {credentials.timestamp}"
            )
        return account

    def _is_old(self, timestamp: str) -> bool:
        return not timestamp.isdecimal() or self._wall() - int(timestamp) > _MAX_AGE

    # Endpoints

    def _projects_read(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        time = self._snapshot()
        chosen = [project for project in self._projects.values() if project.account == account]
        if "projectId" in parameters:
            wanted = integer(parameters, "projectId")
            chosen = [project for project in chosen if project.project_id == wanted]
            if not chosen:
                raise Refused(f"Invalid argument: project {wanted} not found")
        return {"projects": [project_row(project, time) for project in chosen], "versions": versions()}

    def _live_list(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        time = self._snapshot()
        status = parameters.get("status") or None
        if status is not None and status not in _STATUSES:
            raise Refused("Invalid argument: status")
        wanted = integer(parameters, "projectId") if "projectId" in parameters else None
        rows = []
        for project in self._projects.values():
            if project.account != account or project.deleted or wanted not in (None, project.project_id):
                continue
            with project.lock:
                rows += [live_row(project, run, time) for run in project.deployments if run.launched <= time]
        rows.sort(key=lambda row: str(row["launched"]), reverse=True)
        return {"live": [row for row in rows if status in (None, row["status"])]}

    def _live_read(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        project = self._project(account, parameters)
        return live_read(self._deployed(project), project)

    def _portfolio_read(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        project = self._project(account, parameters)
        return {"portfolio": portfolio(self._deployed(project), project)}

    def _chart_read(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        project = self._project(account, parameters)
        name = parameters.get("name")
        if not isinstance(name, str) or not name:
            raise Refused("Invalid argument: name")
        count, start, end = (integer(parameters, key) for key in ("count", "start", "end"))
        if count < 1:
            raise Refused("Invalid argument: count")
        if end < start:
            raise Refused("Invalid argument: end is before start")
        self._deployed(project)
        chart = self._charts.read(project, name, self._snapshot(), count=count, start=start, end=end)
        if chart is None:
            raise Refused(f"Chart {name} not found")
        return {"chart": chart}

    def _orders_read(self, account: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        project = self._project(account, parameters)
        start, end = (integer(parameters, key) for key in ("start", "end"))
        if start < 0 or not 0 < end - start <= _LONGEST_SPAN:
            raise Refused(f"Invalid argument: start and end span at most {_LONGEST_SPAN} orders")
        state, time = self._deployed(project), self._snapshot()
        if state.launched is not None and time - state.launched < _LOADING_SECONDS:
            return {"progress": 0.4, "status": "loading"}
        orders = project.listed_orders(time)
        limits = self._limits[account]
        if limits.refuses_beyond_end and start > 0 and start >= len(orders):
            raise Refused("Invalid argument: start is beyond the last order")
        page = orders[start : min(end, start + limits.orders_per_page)]
        length = len(orders) if limits.length_is_total else len(page)
        return {"orders": orders_list(page, project.generation), "length": length}

    def _project(self, account: str, parameters: Mapping[str, Any]) -> SimulatedProject:
        project = self._projects.get(integer(parameters, "projectId"))
        if project is None or project.account != account or project.deleted:
            raise Refused("Invalid argument: project not found")
        return project

    def _deployed(self, project: SimulatedProject) -> ProjectState:
        state = project.state_without_peak(self._snapshot())
        if state.deploy_id is None:
            raise Refused(f"No live deployment found for project {project.project_id}")
        return state


def integer(parameters: Mapping[str, Any], name: str) -> int:
    """Return a parameter that is a whole number or, in a query string, its text."""
    value = parameters.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    raise Refused(f"Invalid argument: {name}")
