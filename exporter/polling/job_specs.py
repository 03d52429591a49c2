"""What polling asks of an account's request budget: which jobs, how often, and what each costs."""

from collections.abc import Iterable
from typing import NamedTuple

from exporter.config.model import ProjectSettings
from exporter.polling.schedule import JobKey
from exporter.polling.state import VALUE_SOURCES, Source, sources_of

LISTING = JobKey("listing", None)
"""The job that asks for all deployments of the account, and so for the status of every listed project."""


class JobSpec(NamedTuple):
    """A job: ``cost`` requests every ``interval`` seconds, as configured."""

    key: JobKey
    interval: float
    cost: int = 1


def listing_job(defaults: ProjectSettings, named: Iterable[ProjectSettings]) -> JobSpec:
    """Return the job that lists an account's deployments, as often as any of its projects wants its status."""
    return JobSpec(LISTING, min(settings.polling.status for settings in (defaults, *named)))


def status_job(project_id: int, settings: ProjectSettings) -> JobSpec:
    """Return the job for the status of a project that is named but not listed."""
    return JobSpec(JobKey(Source.STATUS, project_id), settings.polling.status)


def value_jobs(project_id: int, settings: ProjectSettings) -> tuple[JobSpec, ...]:
    """Return the jobs for the values of a running project."""
    polling = settings.polling
    intervals = {
        Source.PORTFOLIO: polling.portfolio,
        Source.EQUITY: polling.equity,
        Source.STATISTICS: polling.statistics,
        Source.CHARTS: polling.charts,
        Source.ORDERS: polling.orders,
    }
    return tuple(
        JobSpec(
            JobKey(source, project_id),
            interval,
            cost=len(settings.charts) if source is Source.CHARTS else 1,
        )
        for source in VALUE_SOURCES
        if source in sources_of(settings) and (interval := intervals[source]) is not None
    )
