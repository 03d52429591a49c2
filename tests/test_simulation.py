"""What ``--demo`` runs on."""

import logging

from exporter.config.shard import Shard
from exporter.simulation import config_for, log_access, simulated_quantconnect
from tests.support import FakeClock


def test_the_configuration_polls_every_simulated_account():
    """Each account is discovered, with a budget that stretches nothing."""
    api = simulated_quantconnect(FakeClock())
    config = config_for(api)

    assert [account.user_id for account in config.accounts] == [each.user_id for each in api.accounts]
    assert all(account.discover for account in config.accounts)
    assert {project.id for project in config.projects} < set(api.projects)
    assert config.shard == Shard()


def test_the_log_says_how_to_reach_it(caplog):
    """Any QuantConnect client can be pointed at the simulation: address, user and token are in the log."""
    caplog.set_level(logging.INFO)
    with simulated_quantconnect(FakeClock()) as api:
        log_access(api)

    assert [(record.base_url, record.user_id, record.api_token) for record in caplog.records] == [
        (api.base_url, account.user_id, account.api_token) for account in api.accounts
    ]
