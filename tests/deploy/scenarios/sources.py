"""Sources that are no longer read, and values that do not fit together."""

from math import inf

from tests.deploy.fleet import Exporter, Project, minutes
from tests.deploy.lines import Piece, clock, grid, steady, steps, within
from tests.deploy.scenarios.limits import limit
from tests.deploy.scenarios.model import TAIL, Expected, Scenario, account, project

SOURCES = ("status", "portfolio", "equity")


def soon() -> list[Scenario]:
    """Return what is known within half an hour."""
    frozen = clock((4, 34))
    a_moment_old = (Piece(0, -15, 1),)
    return [
        # Polled more often than scraped: when the rules look, the page is older than two intervals.
        project(Project("420", read=dict.fromkeys(SOURCES, a_moment_old), interval=dict.fromkeys(SOURCES, steady(5)))),
        project(Project("400", read={"status": frozen}), ("StatusStale", "warning", 22, 34)),
        project(Project("401", read={"portfolio": frozen}), ("PortfolioStale", "warning", 22, 34)),
        project(Project("402", read={"equity": frozen}), ("EquityStale", "warning", 22, 34)),
        # Never read at all.
        project(Project("421", read={"portfolio": ()}), ("PortfolioStale", "warning", 2 + 16, inf)),
        # Nothing of it was ever read.
        project(
            Project("424", read={"status": (), "equity": ()}, deployments=(), launched=None, limits={}, status_shown=(), values_shown=()),
            ("StatusStale", "warning", 2 + 16, inf), ("EquityStale", "warning", 2 + 16, inf),
        ),
        # Started anew in the meantime, the exporter does not know when it read the status last.
        Scenario(
            "restarted-while-stale",
            (Exporter("stale:11722", "stale", (Project("410", read={"status": within(frozen, minutes((0, 12)))}),), page=minutes((0, 12), (13, inf))),),
            [Expected("StatusStale", "warning", {"project_id": "410"}, 22)],
        ),
        # The equity point becomes five days old, and leaves the page later on.
        project(
            Project("405", values={"equity_timestamp_seconds": steady(480 - 5 * 86400)}, values_shown=minutes((0, 25))),
            ("EquityStale", "info", 8 + 10, 25 + 5),
        ),
    ]  # fmt: skip


def later() -> list[Scenario]:
    """Return what takes an hour or more."""
    every_40 = {source: grid(40, 120) for source in SOURCES}
    intervals = {source: steady(2400) for source in every_40}
    leaves = minutes(*((start, start + 15) for start in range(0, 120, 40)))
    read_at = [*range(0, 20, 10), *range(42, 120, 10)]
    restarted = tuple(sorted([Piece(1200, None), *(Piece(60 * minute, 60 * minute) for minute in read_at)]))
    moving = (Piece(0, 1.0, 1e-6),)
    return [
        # The page loses its values after a quarter of an hour, and the next poll is due after 40 minutes.
        project(
            Project("403", read=every_40, interval=intervals, values_shown=leaves, up={"equity": steps((0, None))},
                    values={"drawdown_ratio": steady(0.15)}),
            ("Drawdown", "warning", 2, inf),
        ),
        # Everything is read every 40 minutes; two attempts failed.
        account(Exporter("seldom:11722", "seldom", (Project("404", read=every_40, interval=intervals),),
                         listed=steps((0, 1), (40, 2), (80, 3)), failed={"rate_limited": steps((0, 0), (20, 1)), "unavailable": steps((0, 0), (60, 1))})),
        # Started anew, the exporter has not read the status for a while; it is not yet due.
        Scenario("restarted-before-a-poll", (
            Exporter("before:11722", "before", (
                Project("422", read={"status": restarted}, interval={"status": steady(600)}),
            ), page=minutes((0, 20), (21, inf))),
        )),
        # The portfolio is no longer read, and leaves the page. All else goes on.
        project(
            Project("423", limits=limit("gross_leverage_ratio", 2), read={"portfolio": clock((10, inf))},
                    up={"portfolio": steps((0, 1), (10, 0))}, values={"gross_exposure": steps((0, 250_000), (25, None))}),
            ("Leverage", "warning", 5, inf), ("PortfolioStale", "warning", 28, inf),
        ),
        # Equity is no longer read, and leaves the page. Positions are compared with the last known one.
        project(
            Project("426", limits=limit("gross_leverage_ratio", 2), read={"portfolio": clock(), "equity": clock((10, inf))},
                    up={"equity": steps((0, 1), (10, 0))}, values={"gross_exposure": steady(250_000), "equity": steps((0, 100_000), (25, None))}),
            ("Leverage", "warning", 5, inf), ("EquityStale", "warning", 28, inf),
        ),
        project(
            Project("406", account_currency="BTC", values={
                "equity": moving, "gross_exposure": steady(0.5), "portfolio_value": steps((0, 1.0), (3, 1.1)),
            }),
            ("EquityMismatch", "warning", 48, inf),
        ),
        # Rounding, and snapshots of different times.
        project(Project("407", values={"equity": (Piece(0, 100_000, 0.01),), "portfolio_value": steady(103_000)})),
        # Out of hours equity stands still while prices move on.
        project(Project("408", values={
            "equity": (Piece(0, 100_000, 0.01), Piece(300, 100_003)), "portfolio_value": steps((0, 100_000), (5, 80_000)),
        })),
        # Everything is cash, so nothing can move.
        project(
            Project("409", values={"gross_exposure": steady(0), "portfolio_value": steps((0, 100_000), (3, 80_000), (60, 100_000))}),
            ("EquityMismatch", "warning", 48, 60 + TAIL),
        ),
    ]  # fmt: skip
