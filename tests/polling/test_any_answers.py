"""Whatever QuantConnect lists and answers: what is shown is of the running deployment, and what runs is shown."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.polling.cloud import Cloud, polled, portfolio, row, serving
from tests.support import START, FakeClock, Samples

PROJECT = 7
DAY = 86_400.0


@dataclass(frozen=True)
class Deployed:
    """A deployment of the project: its number is in every value that belongs to it."""

    number: int
    launched: float

    @property
    def deploy_id(self) -> str:
        return f"L-{self.number}"

    def points(self, until: float) -> list[tuple[float, float]]:
        count = int((until - self.launched) // 600) + 1
        return [(self.launched + 600 * each, 1000.0 * self.number + each % 7) for each in range(count)]

    def row(self, status: str) -> dict[str, Any]:
        return row(PROJECT, self.deploy_id, status, launched=self.launched)


ENDED = st.sampled_from(["Stopped", "RuntimeError", "DeployError", "Liquidated", "Odd"])
SPOILT = st.sampled_from(
    [{"deployId": None}, {"status": None}, {"launched": "soon"}, {"stopped": 5}, {"projectId": None}]
)
EVENTS = st.one_of(
    st.tuples(st.just("redeployed"), st.booleans()),  # whether answers are still of the deployment before
    st.tuples(st.just("answered"), st.none()),
    st.tuples(st.just("ended"), ENDED),
    st.tuples(st.just("resumed"), st.none()),
    st.tuples(st.just("left out"), st.integers(1, 4)),
    st.tuples(st.just("emptied"), st.integers(1, 4)),
    st.tuples(st.just("spoilt"), SPOILT),
    st.tuples(st.just("shortened"), st.sampled_from([5, 40, 1000])),
    st.tuples(st.just("passed"), st.sampled_from([60, 400])),
)


@dataclass
class World:
    """The truth about one project, and what QuantConnect makes of it."""

    cloud: Cloud
    deployments: list[Deployed]
    answering: int = 0
    status: str = "Running"
    spoilt: dict[str, Any] | None = None

    @property
    def newest(self) -> Deployed:
        return self.deployments[-1]

    def points(self, deployments: list[Deployed]) -> list[tuple[float, float]]:
        """Return the points of consecutive deployments, each up to the launch of the next."""
        ends = [each.launched - 1 for each in deployments[1:]] + [self.cloud.clock.wall()]
        return [point for each, end in zip(deployments, ends, strict=True) for point in each.points(end)]

    def tell(self) -> None:
        """Let the cloud answer as things are."""
        older = [each.row("Stopped") for each in self.deployments[:-1]]
        spoilt = [] if self.spoilt is None else [{**self.newest.row("Running"), **self.spoilt}]
        self.cloud.rows = [row(8), *spoilt, *older, self.newest.row(self.status)]
        answering = self.deployments[self.answering]
        statistics = {"Net Profit": f"${answering.number}.00"}
        self.cloud.reads = {
            PROJECT: {"success": True, **answering.row("Running"), "runtimeStatistics": statistics}
        }
        self.cloud.portfolios = {PROJECT: portfolio(answering.number, 100.0 * answering.number)}
        self.cloud.points = self.points(self.deployments)

    def happen(self, event: str, about: Any) -> int:
        """Let something happen, and return for how many lists it lasts."""
        lists = 2
        match event:
            case "redeployed":
                self.cloud.clock.advance(5)
                self.deployments.append(Deployed(self.newest.number + 1, self.cloud.clock.wall()))
                self.status = "Running"
                self.answering = len(self.deployments) - (2 if about else 1)
            case "answered":
                self.answering = len(self.deployments) - 1
            case "ended":
                self.status = about
            case "resumed":
                self.status = "Running"
            case "spoilt":
                self.spoilt = about
            case "shortened":
                self.cloud.most = about
            case "passed":
                lists = about // 60
            case "left out" | "emptied":
                lists = about
        return lists


def check(samples: Samples, world: World) -> None:
    """Fail for a value of a deployment before the one shown as running, and for values without one."""
    label = {"project_id": str(PROJECT)}
    running = [
        each
        for each in samples.labels("quantconnect_algorithm_status", status="running", **label)
        if samples.one("quantconnect_algorithm_status", **each)
    ]
    shown = {
        name: samples.all(f"quantconnect_{name}", **label)
        for name in (
            "cash_amount",
            "holding_quantity",
            "net_profit",
            "equity",
            "equity_peak",
            "drawdown_ratio",
        )
    }
    if not running:
        assert not any(shown.values()), shown
        return
    (info,) = samples.labels("quantconnect_algorithm_info", **label)
    deployed = [each for each in world.deployments if each.deploy_id == info["deploy_id"]]
    # What was deployed since the last list runs as well: its values are true, although its id is not shown yet.
    deployed += [each for each in world.deployments if each.number > deployed[0].number]
    numbers = {each.number for each in deployed}
    points = dict(world.points(deployed))
    assert set(shown["cash_amount"]) <= {100 * number for number in numbers}
    assert set(shown["holding_quantity"]) <= numbers
    assert set(shown["net_profit"]) <= numbers
    for value in shown["equity"]:
        assert points[samples.one("quantconnect_equity_timestamp_seconds", **label)] == value
    for peak in shown["equity_peak"]:
        until = samples.one("quantconnect_equity_timestamp_seconds", **label)
        assert peak == max(value for time, value in points.items() if time <= until)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_only_the_running_deployment_is_shown(events):
    """For any sequence of lists, statuses and histories no sample is of another deployment, and what runs is shown."""
    cloud = Cloud(FakeClock())
    world = World(cloud, [Deployed(1, START - DAY)])
    world.tell()
    with serving(cloud), polled(cloud, cloud.config()) as bench:
        check(bench.samples(), world)
        for event, about in events:
            for number in range(world.happen(event, about)):
                world.tell()
                if event == "left out":
                    cloud.rows = cloud.rows[:1]
                elif event == "emptied":
                    cloud.rows = []
                for _ in range(3):
                    bench.advance(20)
                    check(bench.samples(), world)
                is_told = event not in {"left out", "emptied"}
                if is_told and number and world.status == "Running":
                    samples = bench.samples()
                    label = {"project_id": str(PROJECT)}
                    status = {"status": "running", **label}
                    assert samples.one("quantconnect_algorithm_status", **status) == 1
                    assert samples.one("quantconnect_up", source="status", **label) == 1
                    assert samples.one("quantconnect_poll_interval_seconds", source="equity", **label) == 60
