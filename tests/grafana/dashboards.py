"""The committed dashboards as tests look at them."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "grafana" / "dashboards"

HEADER = "Header"
"""What tests call the panel without a title."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    dashboard: str
    panel: str
    letter: str
    expression: str
    legend: str
    instant: bool
    table: bool

    @property
    def name(self) -> str:
        """Dashboard, panel and letter."""
        return f"{self.dashboard} / {self.panel} / {self.letter}"


@dataclass(frozen=True)
class Variable:
    """One query variable."""

    name: str
    query: str
    regex: str
    every: str


@cache
def documents() -> dict[str, Json]:
    """Return the JSON of each dashboard by the name of its file."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def document(uid: str) -> Json:
    """Return the JSON of the dashboard with a uid."""
    return documents()[f"{uid}.json"]


def panels(dashboard: Json) -> list[Json]:
    """Return all panels that show something of Prometheus."""
    return [panel for panel in dashboard["panels"] if panel.get("targets")]


def panel_of(uid: str, title: str) -> Json:
    """Return the panel with a title."""
    return next(panel for panel in panels(document(uid)) if panel["title"] == title)


def targets_of(uid: str, panel: Json) -> list[Target]:
    """Return the queries of a panel."""
    return [
        Target(
            dashboard=uid,
            panel=panel["title"] or HEADER,
            letter=target["refId"],
            expression=target["expr"],
            legend=target.get("legendFormat", ""),
            instant=target["instant"],
            table=target["format"] == "table",
        )
        for target in panel["targets"]
    ]


def all_targets() -> list[Target]:
    """Return every query of every panel."""
    return [
        target
        for dashboard in documents().values()
        for panel in panels(dashboard)
        for target in targets_of(dashboard["uid"], panel)
    ]


def annotations() -> list[tuple[str, Json]]:
    """Return every annotation with the uid of its dashboard."""
    return [
        (dashboard["uid"], annotation)
        for dashboard in documents().values()
        for annotation in dashboard["annotations"].get("list") or ()
    ]


def query_variables(uid: str) -> list[Variable]:
    """Return the variables that ask Prometheus, in the order in which they depend on each other."""
    return [
        Variable(one["name"], one["query"]["query"], one.get("regex", ""), one.get("allValue", ""))
        for one in document(uid)["templating"]["list"]
        if one["type"] == "query"
    ]


def legend_labels(legend: str) -> list[str]:
    """Return the labels that a legend names."""
    return re.findall(r"\{\{\s*(\w+)\s*\}\}", legend)
