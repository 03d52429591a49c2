"""How many series there will be, from those that answers have added."""

from exporter.config.model import ProjectSettings
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.polling.state import Instant, ProjectState, Source, new_project
from exporter.probe.series import SeriesEstimate, estimate, expected_state, series_of
from tests.support import START

NOW = Instant(START, 1000.0)


def expected(
    project_id: int, status: AlgorithmStatus = AlgorithmStatus.RUNNING, *charts: str
) -> ProjectState:
    state = new_project(project_id, "main", ProjectSettings(charts=charts))
    return expected_state(state.with_deployment(Deployment("L-1", status, START - 3600), NOW), NOW)


def test_missing_answers_count_as_the_mean():
    """A running project that was not asked counts as the mean of those that were, source by source."""
    states = [expected(1), expected(2), expected(3), expected(4), expected(5, AlgorithmStatus.STOPPED)]
    answered = {(Source.PORTFOLIO, 1): 10, (Source.PORTFOLIO, 2): 30, (Source.STATISTICS, 1): 7}
    known = sum(map(series_of, states))

    assert estimate(states, answered, 1) == SeriesEstimate(known + 10 + 30 + 2 * 20 + 4 * 7, 1, 4)


def test_a_source_without_any_answer_is_named():
    """What nobody answered is not guessed; a source that no project has is not missed."""
    states = [expected(1), expected(2, AlgorithmStatus.RUNNING, "Signal")]
    found = estimate(states, {(Source.PORTFOLIO, 1): 10, (Source.PORTFOLIO, 2): 10}, 0)

    assert found.uncounted == (Source.STATISTICS, Source.CHARTS)
    assert not found.is_exact
    assert estimate(states[:1], {(Source.PORTFOLIO, 1): 1, (Source.STATISTICS, 1): 1}, 1).is_exact


def test_a_project_that_does_not_run_has_its_status_alone():
    """Of a stopped project no value and no interval but the status' is expected."""
    stopped, running = expected(1, AlgorithmStatus.STOPPED), expected(1)

    assert stopped.equity is None
    assert [source for source, each in stopped.health.items() if each.interval] == [Source.STATUS]
    assert series_of(stopped) < series_of(running)
