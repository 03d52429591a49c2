"""The page about the dashboards and the provisioning files."""

import re

import pytest
import yaml

from tests.grafana.dashboards import ROOT, document, documents, panels

GRAFANA = ROOT / "grafana"


@pytest.mark.parametrize("uid", [each["uid"] for each in documents().values()])
def test_docs_name_every_panel_in_order(uid):
    """A section for each dashboard, a line for each panel, none forgotten and none too many."""
    text = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    name = document(uid)["title"].removeprefix("QuantConnect / ")
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^\| (.+?) \| (.+?) \| (.*) \|$", section[1], re.MULTILINE)[2:]
    assert [title for title, _, _ in lines] == [
        panel["title"] for panel in panels(document(uid)) if panel["title"]
    ]


def test_pictures_are_small_and_of_every_dashboard():
    """Dark and light of each, none larger than a page should carry."""
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").glob("*-*.png")}
    names = [each["title"].removeprefix("QuantConnect / ").lower() for each in documents().values()]
    assert {f"{name}-{theme}.png" for name in names for theme in ("dark", "light")} <= pictures.keys()
    assert max(pictures.values()) < 400_000


def test_dashboards_are_provisioned_into_their_folder():
    """From files that win over changes made in Grafana."""
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/quantconnect.yml").read_text())[
        "providers"
    ]
    assert (provider["type"], provider["folder"], provider["allowUiUpdates"]) == (
        "file",
        "QuantConnect",
        False,
    )


def test_data_source_steps_as_prometheus_scrapes():
    """A fixed uid, queries by POST, and the scrape interval of the shipped Prometheus configuration."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert (source["uid"], source["type"]) == ("quantconnect-prometheus", "prometheus")
    assert source["jsonData"] == {
        "timeInterval": prometheus["global"]["scrape_interval"],
        "httpMethod": "POST",
    }


def test_alerts_link_to_dashboards_that_exist():
    """Dashboards and variables that the links of the alert rules name."""
    rules = (ROOT / "deploy/prometheus/quantconnect.rules.yml").read_text()
    links = re.findall(r"/d/([\w-]+)(?:\?var-(\w+)=)?", rules)
    assert links
    for uid, variable in links:
        assert f"{uid}.json" in documents()
        names = {one["name"] for one in document(uid)["templating"]["list"]}
        assert not variable or variable in names
