"""What a loaded configuration answers."""

import dataclasses


def test_a_discovered_project_has_the_labels_of_its_account(load):
    """What is said of an account holds for the projects that nobody named, beside the defaults."""
    config = load(
        "accounts: [{user_id: 1, api_token: worthless, labels: {env: paper}}]\ncharts: [Signal]"
    ).config

    settings = config.discovered(config.accounts[0])
    assert settings == dataclasses.replace(config.defaults, labels=(("env", "paper"),))
    assert settings.charts == ("Signal",)
