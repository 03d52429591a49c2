"""How the sections of a configuration belong together."""

import pytest

from exporter.config.load import load_config
from exporter.errors import ConfigError
from tests.config.texts import ONE


def test_a_peak_that_begins_in_the_future_is_refused(tmp_path):
    """A slip in the year would leave the project without a drawdown, and its alert silent."""
    path = tmp_path / "config.yml"
    path.write_text(f"{ONE}projects: [{{id: 1, peak_since: 2026-11-02T14:30:00Z}}]")
    path.chmod(0o600)

    assert load_config(path, {}, now=1793629800.0 - 300).config.projects[0].settings.peak_since
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, now=1793629800.0 - 301)

    assert caught.value.problems == (
        f"{path}:2: projects[0].peak_since: lies in the future: until then there would be no drawdown",
    )


def test_the_only_account_is_the_one_of_every_project(load):
    """With one account a project need not name it."""
    config = load("accounts: [{name: main, user_id: 1, api_token: worthless}]\nprojects: [{id: 1}]").config

    assert config.projects[0].account == "main"


def test_a_wrong_account_brings_no_second_problem_for_its_projects(load):
    """While an account's name is unreadable, projects are not blamed for naming it."""
    text = "accounts: [{name: 7, user_id: 1, api_token: worthless}]\nprojects: [{id: 1, account: '7'}]"

    with pytest.raises(ConfigError) as caught:
        load(text)

    assert len(caught.value.problems) == 1
