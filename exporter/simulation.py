"""``--demo``: the simulated QuantConnect, and a configuration that polls it."""

import logging
from dataclasses import replace

from exporter.clock import Clock
from exporter.config.model import Account, Config, NamedProject, Polling, ProjectSettings
from exporter.config.secret import Secret
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect

_POLLING = Polling(
    status=5, portfolio=5, equity=5, statistics=15, charts=15, orders=15, timeout=20, stale_after=60
)
_REQUESTS_PER_MINUTE = 1200

_logger = logging.getLogger(__name__)


def simulated_quantconnect(clock: Clock) -> SimulatedQuantConnect:
    """Return the simulated API, not yet listening."""
    return SimulatedQuantConnect(demo_scenario(clock.wall()), clock)


def log_access(api: SimulatedQuantConnect) -> None:
    """Log how any QuantConnect client can be pointed at the simulated API."""
    for account in api.accounts:
        _logger.info(
            "simulated QuantConnect",
            extra={"base_url": api.base_url, "user_id": account.user_id, "api_token": account.api_token},
        )


def config_for(api: SimulatedQuantConnect) -> Config:
    """Return a configuration that discovers every running algorithm and names the ones that need more.

    Those are: one never deployed, one with a chart to export, and one whose cash book holds a
    stablecoin, so that its account currency must be said.
    """
    defaults = ProjectSettings(polling=_POLLING)
    projects = tuple(
        NamedProject(
            project.project_id,
            project.account,
            replace(
                defaults,
                account_currency=project.account_currency,
                charts=(project.custom_chart,) if project.custom_chart else (),
            ),
        )
        for project in api.projects.values()
        if project.custom_chart or not project.deployments or project.name == "Coins"
    )
    accounts = tuple(
        Account(
            name=account.name,
            user_id=account.user_id,
            api_token=Secret(account.api_token),
            base_url=api.base_url,
            requests_per_minute=_REQUESTS_PER_MINUTE,
        )
        for account in api.accounts
    )
    return Config(accounts, projects, defaults)
