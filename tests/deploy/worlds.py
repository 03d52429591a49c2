"""How people scrape: what a scraper makes of the same pages, and promtool files of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.deploy.fleet import Exporter, Project, Series
from tests.deploy.lines import notation

_OPERATOR: Final = {
    "endpoint": "http", "namespace": "trading", "pod": "quantconnect-exporter-0",
    "container": "exporter", "service": "quantconnect-exporter",
}  # fmt: skip


def _alone(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    for exporter in exporters:
        yield exporter, {}


def _by_operator(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    for exporter in exporters:
        yield exporter, _OPERATOR


def _with_twins(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    """Yield each exporter and one of the same job, instance and account name in another namespace."""
    for number, exporter in enumerate(exporters):
        yield exporter, {"namespace": "live", "pod": "live-0"}
        twin = Exporter(exporter.instance, exporter.account, (Project(f"9{number:03}"),), job=exporter.job)
        yield twin, {"namespace": "paper", "pod": "paper-0"}


def _in_pairs(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    """Yield each exporter and another of the same projects in a second cluster."""
    for exporter in exporters:
        yield exporter, {"cluster": "a", "pod": "a-0"}
        yield exporter, {"cluster": "b", "pod": "b-0"}


@dataclass(frozen=True)
class World:
    """One way to scrape. ``interval`` and ``evaluation`` are seconds."""

    name: str
    interval: int = 30
    evaluation: int = 120
    scraped: Callable[[Iterable[Exporter]], Iterator[tuple[Exporter, Mapping[str, str]]]] = _alone
    recorded: Mapping[str, str] = field(default_factory=dict)
    """Labels that are added to every recorded series and alert."""

    @property
    def slack(self) -> int:
        """How late an alert may be: a scrape, an evaluation that sees it, and one that ends the wait."""
        return self.interval + 2 * self.evaluation

    def series(self, exporters: Sequence[Exporter], horizon: float) -> list[dict[str, str]]:
        """Return the input series of a promtool test that lasts ``horizon`` seconds."""
        count = int(horizon // self.interval) + 1
        return [
            {"series": _selector(each, extra), "values": notation(each.line, self.interval, count)}
            for exporter, extra in self.scraped(exporters)
            for each in exporter.series(self.interval, count)
        ]

    def rules(self, shipped: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the rules as this world evaluates them."""
        groups = [
            {**group, "rules": [{**r, "labels": {**r.get("labels", {}), **self.recorded}} for r in group["rules"]]}
            for group in shipped["groups"]
        ]  # fmt: skip
        return {"groups": groups}


def _selector(series: Series, extra: Mapping[str, str]) -> str:
    labels = [f'{key}="{value}"' for key, value in {**series.labels, **extra}.items()]
    return f"{series.name}{{{','.join(labels)}}}"


WORLDS: Final = (
    World("plain", evaluation=60),
    World("twins", scraped=_with_twins),
    World("recorded label", recorded={"tenant": "acme"}),
    World("pairs", scraped=_in_pairs),
    World("operator that enforces a namespace", scraped=_by_operator, recorded={"namespace": "trading"}),
    World("every 15 s", interval=15),
    World("every minute", interval=60),
    World("every 2 minutes", interval=120),
)
