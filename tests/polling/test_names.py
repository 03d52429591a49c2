"""When projects' names are read, and what is shown until they are."""

import pytest

from exporter.config.model import ProjectSettings
from exporter.demo.faults import Fault
from exporter.polling.names import NAMES_REFRESH, NAMES_RETRY, ProjectNames
from exporter.polling.state import new_project
from tests.support import project_named

STOCKS = "US Equities/Long Short Momentum"


@pytest.fixture
def client(bench):
    return bench.client()


@pytest.fixture
def stocks(api) -> int:
    return project_named(api, STOCKS)


def test_names_are_read_for_a_new_project(client, stocks):
    """A project without a name is reason to read them, and the names then belong to it."""
    names = ProjectNames().refreshed(client, "main", {stocks}, now=10)

    assert names.applied(new_project(stocks, "main", ProjectSettings())).name == STOCKS
    assert names.due == 10 + NAMES_REFRESH


def test_nothing_is_asked_before_it_is_needed(client, api, stocks):
    """Without a project, and for projects whose names were read within the hour, no request is made."""
    names = ProjectNames().refreshed(client, "main", {stocks}, now=10)
    api.requests.clear()

    assert ProjectNames().refreshed(client, "main", set(), now=10) == ProjectNames()
    assert names.refreshed(client, "main", {stocks}, now=9 + NAMES_REFRESH) is names
    assert api.requests.snapshot() == []


def test_names_are_read_again_after_an_hour(client, api, stocks):
    """A project that was renamed is shown under its new name after an hour."""
    names = ProjectNames().refreshed(client, "main", {stocks}, now=10)
    api.projects[stocks].rename("Momentum 2")
    later = names.refreshed(client, "main", {stocks}, now=10 + NAMES_REFRESH)

    assert later.by_id[stocks] == "Momentum 2"


def test_failure_keeps_the_names_and_is_retried(client, api, stocks):
    """Names that cannot be read again stay as they were, and are asked for again after ten minutes."""
    names = ProjectNames().refreshed(client, "main", {stocks}, now=10)
    api.faults.add(Fault(endpoint="projects/read", status=500))
    later = names.refreshed(client, "main", {stocks, 999}, now=20)

    assert (later.by_id, later.due) == (names.by_id, 20 + NAMES_RETRY)


def test_unnamed_project_is_shown_under_its_id():
    """Until its name is known, a project is its id."""
    assert ProjectNames().applied(new_project(7, "main", ProjectSettings())).name == "7"
