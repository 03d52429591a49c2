"""What QuantConnect's own client sees, as JSON. Run by an interpreter that has ``lean`` installed.

Arguments: the base URL, the user id, the API token. It shares no code with this project.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def without_download():
    """Let nothing be downloaded: ``lean.models`` itself would fetch a list of brokerages, which is not needed."""
    models = ModuleType("lean.models")
    models.__path__ = [str(Path(find_spec("lean").origin).parent / "models")]
    models.json_modules = []
    sys.modules["lean.models"] = models


def everything(base_url, user_id, token):
    without_download()
    from lean.components.api import api_client
    from lean.components.util.http_client import HTTPClient
    from lean.components.util.live_utils import _get_last_portfolio
    from lean.components.util.logger import Logger
    from lean.models.errors import RequestFailedError

    api_client.API_BASE_URL = base_url
    logger = Logger()
    client = api_client.APIClient(logger, HTTPClient(logger), user_id=user_id, api_token=token)
    assert client.is_authenticated()
    projects = client.projects.get_all(None)
    listed = client.get("live/list")["live"]
    seen = {
        "projects": {project.projectId: project.name for project in projects},
        "listed": listed,
        "live": {},
    }
    for project in projects:
        try:
            live = client.live.get_project_by_id(str(project.projectId))
        except RequestFailedError as error:
            if "No live deployment found" not in str(error):
                raise
            continue
        seen["live"][project.projectId] = {
            "deploy_id": live.deployId,
            "status": live.status.value,
            "launched": live.launched.isoformat(),
            "portfolio": _get_last_portfolio(client, str(project.projectId), ""),
            "orders": orders_of(client, project.projectId, RequestFailedError),
        }
    return seen


def orders_of(client, project_id, refusal):
    """Return the orders page by page, by GET as this client asks everything."""
    orders = []
    while True:
        span = {"projectId": project_id, "start": len(orders), "end": len(orders) + 100}
        try:
            page = client.get("live/orders/read", span).get("orders", [])
        except refusal:  # one account refuses to answer beyond the end
            page = []
        orders += page
        if len(page) < 100:
            return orders


if __name__ == "__main__":
    json.dump(everything(*sys.argv[1:]), sys.stdout)
