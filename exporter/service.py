"""The exporter as a whole: polling, page and server put together from a configuration."""

import platform
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from exporter import __version__
from exporter.build import DOCUMENTATION, revision
from exporter.clock import Clock
from exporter.config.dump import dump_config
from exporter.config.model import Account, Config
from exporter.errors import UnfinishedReloadError
from exporter.metrics.exporter_metrics import AccountView, ExporterMetrics, ExporterView
from exporter.metrics.page import Page
from exporter.metrics.rendering import RenderedProject, render_project
from exporter.polling.account import AccountPoller, Handover
from exporter.polling.poller import AccountWorkers, Crew, Poller
from exporter.polling.store import Store
from exporter.quantconnect.auth import Credentials
from exporter.quantconnect.budget import RequestBudget
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client, Throttle
from exporter.quantconnect.telemetry import RequestLog
from exporter.web.application import Pages
from exporter.web.status.page import status_page
from exporter.web.status.problems import AccountStatus


class Exporter:
    """Polls what the configuration names and keeps the pages that show it."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        telemetry_path: str = "/metrics",
        grafana_url: str | None = None,
        log_lines_dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._clock = clock
        self._links = {  # relative: they lead to our pages behind a path prefix too
            "Metrics": telemetry_path.removeprefix("/"),
            "Health": "-/healthy",
            "Readiness": "-/ready",
            "Configuration": "-/config",
            "Documentation": DOCUMENTATION,
            **({"Grafana": grafana_url} if grafana_url else {}),
        }
        self._store: Store[RenderedProject] = Store(render_project)
        self._view = ExporterView(
            version=__version__,
            revision=revision(),
            python_version=platform.python_version(),
            config_loaded_at=clock.wall(),
        )
        self._config = config
        self._dumped: tuple[Config | None, str] = (None, "")
        self._started = False
        self._stopped = False
        self.poller = Poller(self._workers(config, {}, {}))
        own = ExporterMetrics(
            self._accounts, lambda: replace(self._view, log_lines_dropped=log_lines_dropped())
        )
        self.page = Page(self._store, own.lines, clock)

    def start(self) -> None:
        """Start polling."""
        self._started = True
        self.poller.start()

    def stop(self) -> None:
        """Stop polling at once and for good; requests under way are abandoned."""
        self._stopped = True
        self.poller.stop()

    def pages(self) -> Pages:
        """Return what the web server shows."""
        return Pages(
            metrics=self.page,
            status=self._status,
            healthy=self._healthy,
            not_ready=self._not_ready,
            config=self._dumped_config,
        )

    def reconfigure(self, config: Config) -> None:
        """Poll what another configuration names, from now on.

        What is known of the projects that stay is kept, and shown without a gap; the others leave
        the page at once. Raises RuntimeError, and changes nothing, when no thread can be started;
        UnfinishedReloadError when it failed half way.
        """
        before = {workers.poller.account.name: workers for workers in self.poller.accounts}
        crews = self._crews(config)
        try:
            self.poller.stop()
            self.poller = Poller(self._workers(config, before, crews))
            if self._started:
                self.poller.start()
        except Exception as error:
            raise UnfinishedReloadError(f"{type(error).__name__}: {error}") from error
        if self._stopped:  # while the new configuration was taken
            self.poller.stop()
        self._config = config
        self._view = replace(self._view, config_loaded_at=self._clock.wall(), config_load_succeeded=True)

    def keep_configuration(self) -> None:
        """Note that another configuration was refused, and the running one kept."""
        self._view = replace(self._view, config_load_succeeded=False)

    def _crews(self, config: Config) -> Mapping[str, Crew]:
        """Return threads for each account, all of them or none."""
        crews: dict[str, Crew] = {}
        try:
            for account in config.accounts if self._started else ():
                crews[account.name] = Crew(account.name, account.max_concurrent_requests)
        except RuntimeError:
            for crew in crews.values():
                crew.dismiss()
            raise
        return crews

    def _workers(
        self, config: Config, before: Mapping[str, AccountWorkers], crews: Mapping[str, Crew]
    ) -> list[AccountWorkers]:
        """Return the workers of each account, which take over from those of the same account before."""
        kept = {
            account.name for account in config.accounts if _is_same_user(account, before.get(account.name))
        }
        handovers = {}
        for name, workers in before.items():
            handover = workers.poller.retire()
            if name in kept:
                handovers[name] = handover
            else:
                for state in handover.states:
                    self._store.remove(state.project_id)
        return [
            self._account_workers(
                config,
                account,
                before.get(account.name),
                handovers.get(account.name),
                crews.get(account.name),
            )
            for account in config.accounts
        ]

    def _account_workers(
        self,
        config: Config,
        account: Account,
        before: AccountWorkers | None,
        handover: Handover | None,
        crew: Crew | None,
    ) -> AccountWorkers:
        log = before.log if before else RequestLog(ENDPOINTS, RESULTS)
        poller = AccountPoller(
            account,
            [project for project in config.projects if project.account == account.name],
            may_discover(config, account),
            config.discovered(account),
            self._store,
            self._clock,
            random.random,
            handover,
        )
        timeout = config.defaults.polling.timeout
        longest = max([timeout, *(project.settings.polling.timeout for project in config.projects)])
        make_client = partial(make_client_of, account, timeout, self._clock, log)
        budget = RequestBudget(account.requests_per_minute, before.budget if before else None)
        return AccountWorkers(poller, make_client, log, budget, longest, self._clock, crew)

    def _accounts(self) -> Iterable[AccountView]:
        for workers in self.poller.accounts:
            account = workers.poller.account
            yield AccountView(
                name=account.name,
                requests_per_minute=account.requests_per_minute,
                running_projects=workers.poller.jobs.running_projects(),
                requests=workers.log.requests,
                listing=workers.poller.listing,
                projects_dropped=workers.poller.projects_dropped,
            )

    def _dumped_config(self) -> str:
        """Return the configuration in force as YAML, which takes a third of a millisecond for each project."""
        config, (dumped, text) = self._config, self._dumped
        if dumped is not config:
            text = dump_config(config)
            self._dumped = config, text
        return text

    def _healthy(self) -> bool:
        return self.poller.healthy()

    def _not_ready(self) -> str | None:
        return self.poller.not_ready()

    def _status(self, sort: str) -> str:
        now = self._clock.monotonic()
        states = [published.state.without_stale(now) for published in self._store.snapshot().projects]
        accounts = [_account_status(workers, now) for workers in self.poller.accounts]
        return status_page(states, accounts, self._links, self._clock.wall(), sort)


def _account_status(workers: AccountWorkers, now: float) -> AccountStatus:
    account = workers.poller.account
    return AccountStatus(
        name=account.name,
        listing=workers.poller.listing,
        refused_since=workers.poller.refused_since,
        requests=workers.budget.used(now),
        requests_per_minute=account.requests_per_minute,
    )


def _is_same_user(account: Account, before: AccountWorkers | None) -> bool:
    if before is None:
        return False
    known = before.poller.account
    return (account.user_id, account.base_url) == (known.user_id, known.base_url)


def may_discover(config: Config, account: Account) -> Callable[[int], bool]:
    """Return which projects the account may discover: the shard's, and none that another account names."""
    elsewhere = {project.id for project in config.projects if project.account != account.name}
    return lambda project_id: project_id not in elsewhere and config.shard.owns(project_id)


def make_client_of(
    account: Account, timeout: float, clock: Clock, log: RequestLog, throttle: Throttle
) -> Client:
    """Return a client that signs as the account's user."""
    return Client(
        Credentials(account.user_id, account.api_token), account.base_url, timeout, clock, log, throttle
    )
