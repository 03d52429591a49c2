"""How people scrape: what a scraper makes of the same pages, and promtool files of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.deploy.fleet import Exporter, Project
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
        if "namespace" not in exporter.place:
            yield exporter, _OPERATOR


def _with_twins(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    """Yield each exporter and one of the same job, instance and account name in another namespace."""
    for number, exporter in enumerate(exporters):
        yield exporter, {"namespace": "live", "pod": "live-0"}
        twin = Exporter(
            exporter.instance,
            exporter.account,
            (Project(f"9{number:03}", limits={}, values_shown=()),),
            job=exporter.job,
        )
        yield twin, {"namespace": "paper", "pod": "paper-0"}


def _by_two_replicas(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    """Yield each exporter as two replicas of Prometheus see it, whose ruler does not deduplicate them."""
    for exporter in exporters:
        yield exporter, {"replica": "A"}
        yield exporter, {"replica": "B"}


def _in_pairs(exporters: Iterable[Exporter]) -> Iterator[tuple[Exporter, Mapping[str, str]]]:
    """Yield each exporter and another of the same projects in a second cluster; one that is elsewhere stays alone."""
    for exporter in exporters:
        yield exporter, {"cluster": "a", "pod": "a-0"}
        if not exporter.place:
            yield exporter, {"cluster": "b", "pod": "b-0"}


@dataclass(frozen=True)
class World:
    """One way to scrape. ``interval`` and ``evaluation`` are seconds."""

    name: str
    interval: int = 30
    evaluation: int = 180
    scraped: Callable[[Iterable[Exporter]], Iterator[tuple[Exporter, Mapping[str, str]]]] = _alone
    recorded: Mapping[str, str] = field(default_factory=dict)
    """Labels that are added to every recorded series and alert."""
    places: Sequence[str] = ()
    """The labels by which it tells exporters apart that have one instance and account."""
    copies: int = 1
    """How often each exporter is there, with all its projects."""

    def series(self, exporters: Sequence[Exporter], horizon: float) -> list[dict[str, str]]:
        """Return the input series of a promtool test that lasts ``horizon`` seconds."""
        count = int(horizon // self.interval) + 1
        found: dict[str, str] = {}
        deployed: set[str] = set()
        for exporter, extra in self.scraped(exporters):
            for each in exporter.series(self.interval, count):
                values = notation(each.line, self.interval, count)
                if any(piece.value is not None for piece in each.line):
                    found[_selector(each.name, {**each.labels, **_placed(exporter, extra)})] = values
            for each in exporter.remembered:
                target = {"job": exporter.job, "instance": exporter.instance, **_placed(exporter, extra)}
                if "account" in each.labels and each.labels["project_id"] in deployed:
                    continue  # One exporter of a project is remembered, not each.
                if "account" in each.labels:
                    deployed.add(each.labels["project_id"])
                own = {name: target[name] for name in each.labels if name in target}
                labels = {**each.labels, **own, **self.recorded}
                found[_selector(each.name, labels)] = notation(each.line, self.interval, 1)
        return [{"series": series, "values": values} for series, values in found.items()]

    def rules(self, shipped: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the rules as this world evaluates them."""
        groups = [
            {**group, "rules": [{**r, "labels": {**r.get("labels", {}), **self.recorded}} for r in group["rules"]]}
            for group in shipped["groups"]
        ]  # fmt: skip
        return {"groups": groups}


def _placed(exporter: Exporter, extra: Mapping[str, str]) -> Mapping[str, str]:
    """Return the labels that a scraper adds; an exporter elsewhere has a cluster or namespace of its own."""
    joined = {
        name: "-".join(filter(None, (value, extra.get(name)))) for name, value in exporter.place.items()
    }
    return {**extra, **joined}


def _selector(name: str, labels: Mapping[str, str]) -> str:
    pairs = [f'{key}="{value}"' for key, value in labels.items() if value]
    return f"{name}{{{','.join(pairs)}}}"


WORLDS: Final = (
    World("plain", evaluation=60),
    World("twins", scraped=_with_twins, places=("namespace",)),
    World("two replicas and a recorded label", scraped=_by_two_replicas, recorded={"tenant": "acme"}),
    World("pairs", scraped=_in_pairs, places=("cluster",), copies=2),
    World("operator that enforces a namespace", scraped=_by_operator, recorded={"namespace": "trading"}),
    World("every 15 s", interval=15),
    World("every minute", interval=60),
    World("every 2 minutes", interval=120),
)
