"""The log lines of polling: one when something changes, none while it stays."""

import logging
from collections.abc import Mapping

from exporter.config.model import Account
from exporter.domain.deployment import Deployment
from exporter.errors import ApiError, Malformed, Reason
from exporter.polling.schedule import JobKey
from exporter.polling.state import ProjectState, Source
from exporter.polling.store import Update

_logger = logging.getLogger("exporter.polling")


def failed(update: Update | None, source: Source, reason: Reason, text: str, *, quiet: bool) -> None:
    """Warn when a source begins to fail or fails for another reason; ``quiet`` when the log already says so."""
    if update is None or update.after is update.before:
        return
    before = update.before.health[source]
    is_repeated = quiet or (before.up is False and before.last_failure == reason)
    _logger.log(
        logging.DEBUG if is_repeated else logging.WARNING,
        "poll failed",
        extra={**_project(update.after), "source": source, "reason": reason, "error": text},
    )


def recovered(update: Update | None, source: Source) -> None:
    """Log that a source which failed answers again."""
    if update is not None and update.before.health[source].up is False and update.after.health[source].up:
        _logger.info("poll recovered", extra={**_project(update.after), "source": source})


def members_unknown(update: Update | None) -> None:
    """Warn when holdings come with members that this version does not know."""
    if update is None or update.after.portfolio is None:
        return
    before = update.before.portfolio
    previous = before.value.unknown_members if before else frozenset[str]()
    new = update.after.portfolio.value.unknown_members - previous
    if new:
        _logger.warning(
            "holdings have members that this version does not know; numbers missing beside them are not shown as 0",
            extra={**_project(update.after), "members": ", ".join(sorted(new))},
        )


def orders_moved(update: Update | None) -> None:
    """Warn when the list of orders has changed since it was read; once only: a full list moves with each order."""
    before = update.before.order_book if update else None
    after = update.after.order_book if update else None
    if update is None or before is None or after is None or after.rereads == before.rereads:
        return
    _logger.log(
        logging.INFO if before.rereads else logging.WARNING,
        "the list of orders has lost or moved some; it is read again, and the counters stay",
        extra=_project(update.after),
    )


def status_changed(update: Update) -> None:
    """Log that an algorithm started, stopped or was deployed again."""
    reading = update.before.deployment
    before = reading.value if reading else None
    after = update.after.deployment.value if update.after.deployment else None
    if reading is not None and (before == after):
        return
    _logger.info("algorithm status", extra={**_project(update.after), **_deployment(after)})


def discovered(state: ProjectState) -> None:
    """Log that a live algorithm was found in the account."""
    _logger.info("live algorithm discovered", extra=_project(state))


def dropped(state: ProjectState) -> None:
    """Log that a project leaves the page: its account no longer lists it, or it ended long ago."""
    _logger.info("live algorithm gone", extra=_project(state))


def listing_failed(account: str, reason: Reason, text: str, *, again: bool) -> None:
    """Warn when an account's list of live algorithms begins to fail."""
    _logger.log(
        logging.DEBUG if again else logging.WARNING,
        "listing live algorithms failed",
        extra={"account": account, "reason": reason, "error": text},
    )


def listing_recovered(account: str) -> None:
    """Log that an account's live algorithms can be listed again."""
    _logger.info("listing live algorithms recovered", extra={"account": account})


def account_refused(account: str, text: str) -> None:
    """Warn that QuantConnect refuses an account's credentials."""
    _logger.warning(
        "QuantConnect refuses the account: until its sign-in succeeds, nothing else is asked",
        extra={"account": account, "reason": Reason.UNAUTHORIZED, "error": text},
    )


def account_accepted(account: str) -> None:
    """Log that QuantConnect accepts an account's credentials again."""
    _logger.info("QuantConnect accepts the account again", extra={"account": account})


def names_failed(account: str, error: ApiError) -> None:
    """Warn that projects are shown under their ids for now."""
    _logger.warning(
        "reading project names failed",
        extra={"account": account, "reason": error.reason, "error": str(error)},
    )


def stretched(account: Account, factor: float) -> None:
    """Log that the request budget became too short for the configured intervals, or suffices again."""
    fields = {"account": account.name, "requests_per_minute": account.requests_per_minute}
    if factor > 1:
        _logger.warning(
            "request budget is short: intervals are stretched", extra={**fields, "factor": round(factor, 2)}
        )
    else:
        _logger.info("request budget suffices again", extra=fields)


def outlasting(account: str, sources: Mapping[Source, float]) -> None:
    """Log which values are shown for longer than ``stale_after``, and for how long, or that none are any more."""
    if sources:
        shown = ", ".join(f"{source} {seconds:.0f}s" for source, seconds in sorted(sources.items()))
        _logger.warning(
            "values are shown for longer than stale_after: for 2.5 intervals in force",
            extra={"account": account, "shown_for": shown},
        )
    else:
        _logger.info("no value is shown for longer than stale_after any more", extra={"account": account})


def suddenly_empty(account: str) -> None:
    """Warn that an account's list is empty, which is believed only after three empty lists in a row."""
    _logger.warning(
        "the list of live algorithms is suddenly empty: projects are polled as before unless it stays empty",
        extra={"account": account},
    )


def stray_row(account: str, error: Malformed) -> None:
    """Warn that a row of an account's list names no project."""
    _logger.warning(
        "a row of the list of live algorithms cannot be read, and its project is not known",
        extra={"account": account, "reason": error.reason, "error": str(error)},
    )


def projects_dropped(account: str, count: int) -> None:
    """Warn when an account has more running algorithms than may be discovered."""
    _logger.warning(
        "more live algorithms run than cardinality.projects allows; the others are left out",
        extra={"account": account, "left_out": count},
    )


def internal_error(account: str, key: JobKey, error: Exception) -> None:
    """Log an error of our own with its traceback."""
    _logger.error(
        "poll failed: an error in the exporter",
        exc_info=error,
        extra={"account": account, "source": key.kind, "project_id": key.project_id},
    )


def _project(state: ProjectState) -> dict[str, object]:
    return {"project_id": state.project_id, "project": state.name}


def _deployment(deployment: Deployment | None) -> dict[str, object]:
    if deployment is None:
        return {"status": "never deployed"}
    return {"status": deployment.status, "deploy_id": deployment.deploy_id}
