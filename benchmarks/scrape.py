"""What a scrape takes: the page unchanged, one project changed, all changed, and under polling."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.client import TEXT_ONLY, Scraper
from benchmarks.measure import MILLI, Figure, alternately, percentile, spread
from benchmarks.peers import nginx
from benchmarks.processes import Process, started

PROJECTS = 1000
HOLDINGS = 2
"""About a hundred series a project."""

MOST_TIMES_NGINX = 3
LEAST_TIMES_GAUGES = 300
LEAST_TIMES_COLLECTOR = 40
LEAST_TIMES_COLLECTOR_CPU = 20
ONE_CHANGED_SECONDS = 0.020
ALL_CHANGED_SECONDS = 0.045
P99_SECONDS = 0.025
SMALL_SECONDS = 0.0006
TEXT_SHARE = 0.1


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of scraping."""
    rounds = 3 if quick else 7
    with started("benchmarks.serving", PROJECTS, HOLDINGS) as ours:
        figures = _beside_peers(ours, rounds)
    with started("benchmarks.serving", PROJECTS, HOLDINGS) as ours:
        figures.append(_under_polling(ours, 300 if quick else 1500))
    with started("benchmarks.serving", 10, HOLDINGS) as ours:
        figures.append(_small(ours, rounds))
    return figures


def _beside_peers(ours: Process, rounds: int) -> list[Figure]:
    with (
        nginx(ours.port) as nginx_port,
        started("benchmarks.peers", "gauges", ours.port) as gauges,
        started("benchmarks.peers", "collector", ours.port) as collector,
        Scraper(ours.port) as our_scraper,
        Scraper(ours.port, accept=TEXT_ONLY) as text_scraper,
        Scraper(nginx_port) as nginx_scraper,
        Scraper(gauges.port) as gauges_scraper,
        Scraper(collector.port) as collector_scraper,
    ):
        unchanged = alternately(
            rounds,
            {
                "ours": (30, our_scraper.scrape),
                "nginx": (30, nginx_scraper.scrape),
                "gauges": (1, gauges_scraper.scrape),
            },
        )
        one = alternately(
            rounds,
            {
                "ours": (10, _after(ours, 1, our_scraper.scrape)),
                "collector": (1, _after(collector, 1, collector_scraper.scrape)),
            },
        )
        formats = alternately(
            20 * rounds, {"ours": (1, our_scraper.scrape), "text": (1, text_scraper.scrape)}
        )
        formats_changed = alternately(
            10 * rounds,
            {
                "ours": (1, _after(ours, 1, our_scraper.scrape)),
                "text": (1, _after(ours, 1, text_scraper.scrape)),
            },
        )
        every = alternately(
            rounds,
            {
                "ours": (5, _cpu(ours, our_scraper)),
                "collector": (1, _cpu(collector, collector_scraper)),
            },
        )
    own, static = spread(unchanged["ours"]), spread(unchanged["nginx"])
    slow = spread(unchanged["gauges"])
    changed, custom = spread(one["ours"]), spread(one["collector"])
    all_own, all_custom = spread(every["ours"]), spread(every["collector"])
    series = f"{ours.ready['series']:,} series"
    times_nginx, times_gauges = own.median / static.median, slow.median / own.median
    times_custom = custom.median / changed.median
    times_cpu = all_custom.median / all_own.median
    return [
        Figure(
            f"scrape, {series}, page unchanged",
            own.shown("ms", MILLI),
            f"nginx {static.shown('ms', MILLI)}",
            f"{times_nginx:.2f}x its time",
            f"at most {MOST_TIMES_NGINX}x",
            times_nginx <= MOST_TIMES_NGINX,
        ),
        Figure(
            f"scrape, {series}, page unchanged",
            own.shown("ms", MILLI),
            f"labelled gauges {slow.shown('ms', MILLI)}",
            f"{times_gauges:.0f}x faster",
            f"at least {LEAST_TIMES_GAUGES}x",
            times_gauges >= LEAST_TIMES_GAUGES,
        ),
        _text_figure("page unchanged, text format", formats),
        Figure(
            f"scrape, {series}, one project changed",
            changed.shown("ms", MILLI),
            f"custom collector {custom.shown('ms', MILLI)}",
            f"{times_custom:.0f}x faster",
            f"at most {ONE_CHANGED_SECONDS * MILLI:.0f} ms, at least {LEAST_TIMES_COLLECTOR}x",
            changed.median <= ONE_CHANGED_SECONDS and times_custom >= LEAST_TIMES_COLLECTOR,
        ),
        _text_figure("one project changed, text format", formats_changed),
        Figure(
            f"rendering and scrape, {series}, all projects changed, CPU",
            all_own.shown("ms", MILLI),
            f"custom collector {all_custom.shown('ms', MILLI)}",
            f"{times_cpu:.0f}x less",
            f"at most {ALL_CHANGED_SECONDS * MILLI:.0f} ms, {LEAST_TIMES_COLLECTOR_CPU}x less",
            all_own.median <= ALL_CHANGED_SECONDS and times_cpu >= LEAST_TIMES_COLLECTOR_CPU,
        ),
    ]


def _text_figure(what: str, found: Mapping[str, Sequence[float]]) -> Figure:
    text, openmetrics = spread(found["text"]), spread(found["ours"])
    ratio = text.median / openmetrics.median
    return Figure(
        what,
        text.shown("ms", MILLI),
        f"OpenMetrics {openmetrics.shown('ms', MILLI)}",
        f"{ratio:.2f}x its time",
        "within 10 %",
        abs(ratio - 1) <= TEXT_SHARE,
    )


def _after(process: Process, changed: int, scrape: Callable[[], float]) -> Callable[[], float]:
    def run() -> float:
        process.tell("change", changed)
        return scrape()

    return run


def _cpu(process: Process, scraper: Scraper) -> Callable[[], float]:
    """Return the CPU seconds of publishing every project and of the scrape after it."""

    def run() -> float:
        publishing = float(process.tell("change", PROJECTS)["cpu"])
        before = float(process.tell("cpu", 0)["cpu"])
        scraper.scrape()
        return publishing + float(process.tell("cpu", 0)["cpu"]) - before

    return run


def _under_polling(ours: Process, scrapes: int) -> Figure:
    ours.tell("poll", 20)
    with Scraper(ours.port) as scraper:
        scraper.scrape()
        taken = [scraper.scrape() for _ in range(scrapes)]
    worst = percentile(taken, 0.99)
    return Figure(
        f"scrape p99 while {PROJECTS:,} projects are published every 20 s",
        f"{worst * MILLI:.3g} ms",
        f"its median {spread(taken).shown('ms', MILLI)}",
        f"{worst / spread(taken).median:.1f}x its median",
        f"at most {P99_SECONDS * MILLI:.0f} ms",
        worst <= P99_SECONDS,
    )


def _small(ours: Process, rounds: int) -> Figure:
    with nginx(ours.port) as port, Scraper(ours.port) as our_scraper, Scraper(port) as nginx_scraper:
        found = alternately(rounds, {"ours": (100, our_scraper.scrape), "nginx": (100, nginx_scraper.scrape)})
    own, static = spread(found["ours"]), spread(found["nginx"])
    return Figure(
        f"scrape, {ours.ready['series']:,} series",
        own.shown("ms", MILLI),
        f"nginx {static.shown('ms', MILLI)}",
        f"{own.median / static.median:.1f}x its time",
        f"under {SMALL_SECONDS * MILLI:.1f} ms",
        own.median < SMALL_SECONDS,
    )
