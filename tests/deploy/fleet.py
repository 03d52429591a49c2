"""A fleet of exporters as Prometheus sees it: the pages they show, and when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.deploy.lines import ALWAYS, MINUTE, Line, Window, clock, counting, steady, steps, within

DEFAULT_LIMITS: dict[tuple[str, str], float] = {
    ("drawdown_ratio", "warning"): 0.10,
    ("drawdown_ratio", "critical"): 0.20,
    ("daily_loss_ratio", "warning"): 0.03,
    ("daily_loss_ratio", "critical"): 0.06,
}
A_FALL: dict[tuple[str, str], float] = {("drawdown_ratio", "warning"): 0.10}
ONE_A_MINUTE = counting(1)
GOOD = steady(1)
NONE = steady(0)
YESTERDAY = steady(-86400)
LISTING = "live/list"
READING = "live/portfolio/read"


@dataclass(frozen=True)
class Series:
    """One series: its name, its labels, and its value over time."""

    name: str
    labels: Mapping[str, str]
    line: Line


def minutes(*windows: Window) -> tuple[Window, ...]:
    """Return windows of minutes as windows of seconds."""
    return tuple((start * MINUTE, end * MINUTE) for start, end in windows)


def status(*changes: tuple[float, str]) -> Mapping[str, Line]:
    """Return the state set of a status that changes: pairs of a minute and the status from then on."""
    names = {"running", *(name for _, name in changes)}
    return {name: steps(*((minute, float(current == name)) for minute, current in changes)) for name in names}


@dataclass(frozen=True)
class Project:
    """A project on the page of an exporter; every part of it may be told otherwise. Windows are in seconds."""

    id: str
    name: str = "Momentum"
    shown: tuple[Window, ...] = ALWAYS
    values_shown: tuple[Window, ...] = ALWAYS
    status: Mapping[str, Line] = field(default_factory=lambda: status((0, "running")))
    status_shown: tuple[Window, ...] = ALWAYS
    deployments: Sequence[tuple[str, tuple[Window, ...]]] = (("L-1", ALWAYS),)
    launched: Line | None = YESTERDAY
    account_currency: str = "USD"
    read: Mapping[str, Line] = field(default_factory=dict)
    up: Mapping[str, Line] = field(default_factory=dict)
    interval: Mapping[str, Line] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], float] = field(default_factory=lambda: A_FALL)
    values: Mapping[str, Line] = field(default_factory=dict)
    """Value families without further labels, by name without prefix; these replace the healthy ones."""
    more: Sequence[Series] = ()
    """Series with further labels."""

    def series(self, account: str) -> Iterator[Series]:
        """Yield what a page shows of the project."""
        labels = {"project_id": self.id, "project": self.name}
        currency = {**labels, "account_currency": self.account_currency}

        def shown(name: str, line: Line, own: Mapping[str, str], *windows: tuple[Window, ...]) -> Series:
            for each in (*windows, self.shown):
                line = within(line, each)
            return Series(f"quantconnect_{name}", {**labels, **own}, line)

        yield shown("polls_total", counting(1), {"source": "status"})
        sources = dict.fromkeys(("status", "equity"), clock()) | dict(self.read)
        for source, success in sources.items():
            own = {"source": source}
            yield shown("last_success_timestamp_seconds", success, own)
            yield shown("poll_interval_seconds", self.interval.get(source, steady(60)), own)
            yield shown("up", self.up.get(source, steady(1)), own)
        for state, line in self.status.items():
            yield shown("algorithm_status", line, {"status": state}, self.status_shown)
        for deploy_id, windows in self.deployments:
            own = {"account": account, "deploy_id": deploy_id, "brokerage": "Paper"}
            yield shown("algorithm_info", steady(1), own, windows, self.status_shown)
        if self.launched is not None:
            yield shown("algorithm_launched_timestamp_seconds", self.launched, {}, self.status_shown)
        for (limit, severity), value in self.limits.items():
            yield shown("limit", steady(value), {"limit": limit, "severity": severity})
        healthy = {
            "equity": steady(100_000), "drawdown_ratio": steady(0.01), "daily_return_ratio": steady(0.001),
            "gross_exposure": steady(50_000), "equity_timestamp_seconds": clock(),
        }  # fmt: skip
        money = {"equity", "gross_exposure", "portfolio_value", "capital", "strategy_pnl"}
        for name, line in {**healthy, **self.values}.items():
            yield shown(name, line, currency if name in money else {}, self.values_shown)
        for each in self.more:
            yield shown(each.name, each.line, each.labels, self.values_shown)


@dataclass(frozen=True)
class Exporter:
    """A scrape target. ``page`` says when it shows a page of ours, ``up`` what Prometheus says of the scrape.

    ``place`` is the cluster or namespace of a target that is not where the others are.
    """

    instance: str
    account: str
    projects: Sequence[Project] = ()
    job: str = "quantconnect"
    place: Mapping[str, str] = field(default_factory=dict)
    page: tuple[Window, ...] = ALWAYS
    up: Line | None = None
    listed: Line | None = ONE_A_MINUTE
    """Successful listings of the account; ``None`` while there was never one."""
    failed: Mapping[str, Line] = field(default_factory=dict)
    """Failed requests by result."""
    reloaded: Line = GOOD
    """Whether the last reload was successful."""
    more: Sequence[Series] = ()
    flaky: bool = False
    """Every third scrape fails."""
    remembered: Sequence[Series] = ()
    """What the rules recorded of its projects before the beginning."""

    def series(self, interval: float, count: int) -> Iterator[Series]:
        """Yield what Prometheus has of the target, scraped every ``interval`` seconds."""
        target = {"job": self.job, "instance": self.instance, **self.place}
        page = self.page
        if self.flaky:
            page = tuple((k * interval, (k + 2) * interval) for k in range(0, count, 3))
        windows_up = self.up
        if windows_up is None:
            points: list[tuple[float, float | None]] = [(0, 0)]
            for opened, closed in page:
                points += [(opened / MINUTE, 1), (closed / MINUTE, 0)]
            windows_up = steps(*points)
        yield Series("up", target, windows_up)
        for each in self._page():
            yield Series(each.name, {**target, **each.labels}, within(each.line, page))

    def _page(self) -> Iterator[Series]:
        yield Series("quantconnect_exporter_config_last_reload_successful", {}, self.reloaded)
        yield Series("quantconnect_exporter_config_last_reload_success_timestamp_seconds", {}, steady(0))
        requests = {(LISTING, "ok"): self.listed or NONE}
        requests |= {(READING, result): NONE for result in ("unavailable", "unauthorized", "rate_limited")}
        requests |= {(READING, result): line for result, line in self.failed.items()}
        for (endpoint, result), line in requests.items():
            labels = {"account": self.account, "api_endpoint": endpoint, "result": result}
            yield Series("quantconnect_api_requests_total", labels, line)
        yield from self.more
        for project in self.projects:
            yield from project.series(self.account)
