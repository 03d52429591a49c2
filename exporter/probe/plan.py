"""What would be polled how often: the schedule of the running exporter, filled but not run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.polling.job_specs import JobSpec
from exporter.polling.schedule import Schedule

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Row:
    """Jobs of one kind and one interval; times in seconds.

    ``configured`` is the interval as written, ``in_force`` that after the stretch; ``requests`` are
    those a minute that the jobs make at the configured interval.
    """

    kind: str
    configured: float
    in_force: float
    stale_after: float
    jobs: int
    requests: float

    @property
    def grows_stale(self) -> bool:
        """Whether values leave the page before they are asked for again."""
        return self.in_force >= self.stale_after


@dataclass(frozen=True, slots=True)
class Plan:
    """An account's polling: requests a minute ``wanted`` and ``allowed``, and the ``stretch`` that follows."""

    wanted: float
    allowed: int
    stretch: float
    rows: tuple[Row, ...]


def plan_of(requests_per_minute: int, jobs: Iterable[tuple[JobSpec, float]]) -> Plan:
    """Return what becomes of jobs under a budget; with each goes the ``stale_after`` of its project."""
    schedule = Schedule(requests_per_minute, lambda: 0.0)
    alike: defaultdict[tuple[str, float, float], list[JobSpec]] = defaultdict(list)
    for demand, stale_after in jobs:
        schedule.add(demand.key, demand.interval, 0.0, demand.cost)
        alike[demand.key.kind, demand.interval, stale_after].append(demand)
    return Plan(
        wanted=schedule.requests_wanted,
        allowed=requests_per_minute,
        stretch=schedule.stretch(),
        rows=tuple(
            Row(
                kind=kind,
                configured=interval,
                in_force=schedule.interval(demands[0].key) or interval,
                stale_after=stale_after,
                jobs=len(demands),
                requests=sum(demand.cost for demand in demands) * _MINUTE / interval,
            )
            for (kind, interval, stale_after), demands in alike.items()
        ),
    )
