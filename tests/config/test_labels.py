"""Labels of accounts and projects."""

from tests.config.texts import ONE


def test_a_project_adds_to_the_labels_of_its_account(load):
    """Its own value wins, name by name, and all are in the order of their names."""
    config = load(
        "accounts: [{user_id: 1, api_token: x, labels: {env: live, desk: fx}}]\n"
        "projects: [{id: 1, labels: {desk: rates, Owner_2: 'yes'}}, {id: 2}]"
    ).config

    assert config.projects[0].settings.labels == (("Owner_2", "yes"), ("desk", "rates"), ("env", "live"))
    assert config.projects[1].settings.labels == (("desk", "fx"), ("env", "live"))


def test_without_labels_there_are_none(load):
    """A label is never made up."""
    config = load(ONE + "projects: [{id: 1}]").config

    assert config.accounts[0].labels == config.projects[0].settings.labels == config.defaults.labels == ()
