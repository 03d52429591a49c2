"""Where polling and scraping meet."""

from exporter.config.model import ProjectSettings
from exporter.polling.state import ProjectState, new_project
from exporter.polling.store import Store


def store_of(*project_ids: int) -> Store[str]:
    store = Store(lambda state, before: f"{before or ''}{state.name};")
    for project_id in project_ids:
        assert store.add(new_project(project_id, "main", ProjectSettings()))
    return store


def renamed(name: str):
    return lambda state: state.with_name(name)


def test_first_account_to_add_a_project_has_it():
    """A project is published once; a second account is told that it is there already."""
    store = store_of(7)

    assert not store.add(new_project(7, "other", ProjectSettings()))
    assert (7 in store, 8 in store) == (True, False)
    assert store.get(7).account == "main"


def test_update_publishes_what_was_rendered_from_before():
    """A change is rendered with what the state before was rendered to, and makes a new version."""
    store = store_of(7)
    version = store.version
    update = store.update(7, renamed("A"))

    assert (update.before.name, update.after.name) == ("7", "A")
    assert [each.rendered for each in store.snapshot().projects] == ["7;A;"]
    assert store.version > version


def test_no_change_publishes_nothing():
    """A change that returns the same state makes no new version."""
    store = store_of(7)
    version = store.version
    store.update(7, lambda state: state)

    assert store.version == version


def test_removed_project_is_not_published_again():
    """A change of a project that has been removed is lost, also when it is removed during the change."""
    store = store_of(7, 8)
    store.remove(8)

    def removing(state: ProjectState) -> ProjectState:
        store.remove(7)
        return state.with_name("late")

    assert store.update(8, renamed("A")) is None
    assert store.update(7, removing) is None
    assert store.snapshot().projects == ()


def test_snapshot_does_not_change():
    """A reader keeps what it took, whatever is published afterwards."""
    store = store_of(7)
    taken = store.snapshot()
    store.update(7, renamed("A"))
    store.remove(7)

    assert [each.state.name for each in taken.projects] == ["7"]
