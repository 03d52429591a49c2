"""What polling asks of a budget."""

from exporter.config.model import Polling, ProjectSettings
from exporter.polling.job_specs import LISTING, JobSpec, listing_job, status_job, value_jobs
from exporter.polling.schedule import JobKey
from exporter.polling.state import Source

OWN = ProjectSettings(
    polling=Polling(status=20, portfolio=1, equity=2, statistics=3, charts=4, orders=5),
    charts=("A", "B", "C"),
)


def test_each_source_has_its_interval():
    """Each source is a job at its configured interval; the charts' costs a request for each chart."""
    assert value_jobs(7, OWN) == (
        JobSpec(JobKey(Source.PORTFOLIO, 7), 1),
        JobSpec(JobKey(Source.EQUITY, 7), 2),
        JobSpec(JobKey(Source.STATISTICS, 7), 3),
        JobSpec(JobKey(Source.CHARTS, 7), 4, cost=3),
        JobSpec(JobKey(Source.ORDERS, 7), 5),
    )


def test_no_charts_no_job():
    """Without configured charts none is asked for."""
    kinds = [demand.key.kind for demand in value_jobs(7, ProjectSettings())]

    assert kinds == [Source.PORTFOLIO, Source.EQUITY, Source.STATISTICS, Source.ORDERS]


def test_orders_may_be_turned_off():
    """Without an interval orders are not asked for."""
    settings = ProjectSettings(polling=Polling(orders=None))
    assert Source.ORDERS not in [demand.key.kind for demand in value_jobs(7, settings)]


def test_listing_is_as_frequent_as_the_most_frequent_status():
    """One request serves the status of all, and so comes as often as any of them is wanted."""
    assert listing_job(ProjectSettings(), [OWN, ProjectSettings()]) == JobSpec(LISTING, 20)
    assert listing_job(ProjectSettings(), []) == JobSpec(LISTING, 60)
    assert status_job(7, OWN) == JobSpec(JobKey(Source.STATUS, 7), 20)
