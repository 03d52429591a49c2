"""``--config.probe``: sign in to each account, compare clocks, list the live algorithms."""

from collections.abc import Callable

from exporter.clock import Clock
from exporter.config.model import Account, Config
from exporter.domain.deployment import latest_deployment
from exporter.errors import ApiError, Malformed
from exporter.quantconnect.client import ENDPOINTS, RESULTS, Client
from exporter.quantconnect.telemetry import RequestLog
from exporter.service import make_client_of

Print = Callable[[str], None]


def probe(config: Config, clock: Clock, show: Print) -> bool:
    """Report on every account, and tell whether all could be signed in to."""
    signed_in = [_probe_account(config, account, clock, show) for account in config.accounts]
    return all(signed_in)


def _probe_account(config: Config, account: Account, clock: Clock, show: Print) -> bool:
    log = RequestLog(ENDPOINTS, RESULTS)
    client = make_client_of(account, config.defaults.polling.timeout, clock, log, lambda: None)
    try:
        client.authenticate()
        show(f"account {account.name}: signed in as user {account.user_id}")
        _show_clock(log, show)
        _show_algorithms(client, show)
    except ApiError as error:
        show(f"account {account.name}: {error.reason}: {error}")
        _show_clock(log, show)
        return False
    finally:
        client.close()
    return True


def _show_clock(log: RequestLog, show: Print) -> None:
    skew = log.requests.clock_skew_seconds
    if skew is not None:
        show(
            f"  this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} QuantConnect's"
        )


def _show_algorithms(client: Client, show: Print) -> None:
    listing = client.live_list()
    names = client.project_names()
    running = 0
    for project_id, deployments in sorted(listing.items()):
        if isinstance(deployments, Malformed):
            show(f"  {project_id}: {deployments}")
            continue
        latest = latest_deployment(deployments)
        if latest is not None:
            running += latest.is_running
            show(f"  {project_id}  {latest.status:<13}  {names.get(project_id, '')}")
    show(f"  {running} live algorithm{'' if running == 1 else 's'} running")
