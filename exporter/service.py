"""The exporter as a whole: polling, page and server put together from a configuration."""

import os
import platform
import random
from collections.abc import Iterable
from functools import partial

from exporter import __version__
from exporter.clock import Clock
from exporter.config.model import Account, Config
from exporter.metrics.families import AccountView, ExporterView
from exporter.metrics.own import OwnMetrics
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject, render_project
from exporter.polling.account import AccountPoller
from exporter.polling.poller import AccountWorkers, Poller
from exporter.polling.store import Store
from exporter.quantconnect.auth import Credentials
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client, Pace
from exporter.quantconnect.telemetry import RequestLog
from exporter.web.application import Pages
from exporter.web.status_page import status_page

REVISION_VARIABLE = "QUANTCONNECT_EXPORTER_REVISION"
"""Set by the container image to the commit it was built from."""


class Exporter:
    """Polls what the configuration names and keeps the pages that show it."""

    def __init__(self, config: Config, clock: Clock, telemetry_path: str = "/metrics") -> None:
        self._clock = clock
        self._telemetry_path = telemetry_path
        self._store: Store[RenderedProject] = Store(render_project)
        self._view = ExporterView(
            version=__version__,
            revision=os.environ.get(REVISION_VARIABLE, "unknown"),
            python_version=platform.python_version(),
            config_loaded_at=clock.wall(),
        )
        self.poller = Poller([self._account_workers(config, account) for account in config.accounts])
        own = OwnMetrics(self._accounts, lambda: self._view)
        self.page = Page(self._store, own.lines, clock)

    def pages(self) -> Pages:
        """Return what the web server shows."""
        return Pages(
            metrics=self.page,
            status=self._status,
            healthy=self.poller.healthy,
            ready=self.poller.ready,
        )

    def _account_workers(self, config: Config, account: Account) -> AccountWorkers:
        log = RequestLog(ENDPOINTS, RESULTS)
        poller = AccountPoller(
            account,
            [project for project in config.projects if project.account == account.name],
            [project.id for project in config.projects if project.account != account.name],
            config.defaults,
            self._store,
            self._clock,
            random.random,
        )
        timeout = config.defaults.polling.timeout
        longest = max([timeout, *(project.settings.polling.timeout for project in config.projects)])
        make_client = partial(make_client_of, account, timeout, self._clock, log)
        return AccountWorkers(poller, make_client, log, longest, self._clock)

    def _accounts(self) -> Iterable[AccountView]:
        for workers in self.poller.accounts:
            account = workers.poller.account
            yield AccountView(
                name=account.name,
                requests_per_minute=account.requests_per_minute,
                running_projects=workers.poller.running_projects(),
                requests=workers.log.requests,
            )

    def _status(self) -> str:
        now = self._clock.monotonic()
        states = [published.state.without_stale(now) for published in self._store.snapshot().projects]
        return status_page(states, self._telemetry_path, self._clock.wall())


def make_client_of(account: Account, timeout: float, clock: Clock, log: RequestLog, pace: Pace) -> Client:
    """Return a client that signs as the account's user."""
    return Client(
        Credentials(account.user_id, account.api_token), account.base_url, timeout, clock, log, pace
    )
