"""How many series a page would have, counted by rendering them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from exporter.domain.chart import ChartPoint
from exporter.domain.equity import EquityCurve
from exporter.metrics.exporter_metrics import AccountView, ExporterMetrics, ExporterView
from exporter.metrics.exposition import Format
from exporter.metrics.rendering import count_samples, render_project
from exporter.polling.state import Instant, ProjectState, Reading, Source

MEASURED_SOURCES = (Source.PORTFOLIO, Source.STATISTICS, Source.CHARTS)
"""The sources of which only an answer tells how many series they make; equity makes the same for all."""


@dataclass(frozen=True, slots=True)
class SeriesEstimate:
    """The series of an account's projects, from the answers of ``measured`` of ``running`` projects.

    ``uncounted`` are sources of which no answer came, so that ``total`` is too low.
    """

    total: int
    measured: int
    running: int
    uncounted: tuple[Source, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether nothing had to be estimated."""
        return self.measured == self.running and not self.uncounted


def expected_state(state: ProjectState, now: Instant) -> ProjectState:
    """Return a project as it is after a first round, but for what :data:`MEASURED_SOURCES` answer."""
    deployment = state.current_deployment
    polled = state.health if deployment else (Source.STATUS,)
    for source in polled:
        state = state.with_success(source, now)
    state = state.with_intervals({source: 1.0 if source in polled else None for source in state.health})
    if deployment is None:
        return state
    launched = deployment.launched or 0.0
    points = [ChartPoint(time, value=1.0, high=1.0) for time in (launched, now.wall)]
    return state._replace(equity=Reading(EquityCurve(launched).extended(points, now.wall), now))


def series_of(state: ProjectState) -> int:
    """Return how many series a project has on the page."""
    return count_samples(render_project(state, None).lines)


def estimate(
    states: Sequence[ProjectState], answered: Mapping[tuple[Source, int], int], measured: int
) -> SeriesEstimate:
    """Return the series of projects in their expected state.

    ``answered`` holds how many series an answer added, by source and project; a project without an
    answer counts as the mean of those with one. ``measured`` is how many projects were asked.
    """
    running = [state for state in states if state.current_deployment]
    total = float(sum(map(series_of, states)))
    uncounted = []
    for source in MEASURED_SOURCES:
        added = [series for (each, _), series in answered.items() if each is source]
        asked = sum(source in state.health for state in running)
        if added:
            total += sum(added) + fmean(added) * (asked - len(added))
        elif asked:
            uncounted.append(source)
    return SeriesEstimate(round(total), measured, len(running), tuple(uncounted))


def own_series(accounts: Sequence[AccountView]) -> int:
    """Return how many series the exporter has of itself."""
    exporter = ExporterView(version="", revision="", python_version="", config_loaded_at=0.0)
    lines = ExporterMetrics(lambda: accounts, lambda: exporter).lines(Format.TEXT).splitlines()
    return sum(not line.startswith(b"#") for line in lines)
