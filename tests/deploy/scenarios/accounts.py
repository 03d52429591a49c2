"""Accounts whose requests are refused, fail or are too many."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from tests.deploy.fleet import DEFAULT_LIMITS, NONE, Exporter, Project, Series, minutes
from tests.deploy.lines import ALWAYS, Line, Piece, clock, counting, steady, steps
from tests.deploy.scenarios.model import (
    BEGIN,
    END,
    TAIL,
    Expected,
    Scenario,
    account,
    away_and_back,
    beside_sound_ones,
    growing,
    neighbours,
    standing_still,
)


def _unread(number: int, start: float, end: float, **values: Line) -> Project:
    """Return a project of which nothing is read in a window; its values leave after a quarter of an hour."""
    gone = minutes((0, start + 15), (end, inf)) if end > start + 15 else minutes((0, inf))
    sources = ("status", "portfolio", "equity")
    return Project(
        str(number), limits=DEFAULT_LIMITS, read=dict.fromkeys(sources, clock((start, end))), values=values, values_shown=gone, status_shown=gone,
        up=dict.fromkeys(sources, steps((0, 1), (start, 0), (end, 1))),
    )  # fmt: skip


def _stale(start: float, end: float) -> list[tuple[str, str, float, float]]:
    return [(f"{source}Stale", "warning", start + 18, end) for source in ("Status", "Portfolio", "Equity")]


def soon() -> list[Scenario]:
    """Return what is known within half an hour."""
    skew = Series("quantconnect_api_clock_skew_seconds", {"account": "wrong-clock"}, away_and_back(1, -30))
    every_seven_minutes = steps(*((minute, minute // 7) for minute in range(0, 42, 7)))
    return [
        # Ten minutes, and up to six more until each source is asked again.
        account(Exporter("maintenance:11722", "maintenance", (_unread(510, 4, 20), _unread(511, 4, 15)),
                         listed=standing_still(4, 15), failed={"timeout": growing(4, 14, 0.5)})),
        account(Exporter("half:11722", "half-failing", (Project("520"),), failed={"malformed": growing(4, 24, 2)}),
                ("ApiFailing", "warning", 17, 32)),
        account(Exporter("start:11722", "refused-from-the-start", listed=None, failed={"unauthorized": counting(0.2, 1)}),
                ("ApiUnauthorized", "critical", 2, inf), ("AccountUnread", "critical", 30, inf)),
        account(Exporter("once:11722", "refused-once", (Project("540"),), failed={"unauthorized": steps((0, 0), (10, 1))})),
        beside_sound_ones(account(
            Exporter("refused-beside:11722", "refused-beside-sound-ones", listed=None, failed={"unauthorized": steady(1)}),
            ("ApiUnauthorized", "critical", 2, inf),
        )),
        # One attempt every seven minutes.
        beside_sound_ones(account(
            Exporter("failing-beside:11722", "failing-beside-sound-ones", listed=growing(0, 5, 10), failed={"unavailable": every_seven_minutes}),
            ("ApiFailing", "warning", 5 + 5 + 11, inf),
        )),
        account(Exporter("clock:11722", "wrong-clock", (Project("570"),), more=(skew,)),
                ("ClockSkew", "warning", BEGIN + 10, END + 5)),
    ]  # fmt: skip


def outage_of(numbers: Iterable[int], start: float, end: float, **values: Line) -> Exporter:
    """Return an exporter of projects whose account cannot be asked in a window of minutes."""
    return Exporter(
        "outage:11722",
        "outage",
        [_unread(number, start, end, **values) for number in numbers],
        listed=standing_still(start, end),
        failed={"unavailable": growing(start, end, 0.4)},
    )


def later() -> list[Scenario]:
    """Return what takes an hour or more."""
    anew = (Piece(0, 50, 1 / 60), Piece(1200, 70), Piece(1800, 0), Piece(4200, 0, 1 / 60))
    failed_anew = (*growing(20, 70, 0.4)[:2], Piece(1800, 0, 0.4 / 60), Piece(4200, 16))
    limited_once = Exporter(
        "limited-once:11722",
        "limited-once",
        failed={"rate_limited": steps((0, 0), (10, 1))},
    )
    skew = Series("quantconnect_api_clock_skew_seconds", {"account": "trouble"}, steady(-30))
    trouble = {"account": "trouble"}
    return [
        # A fall before an outage stays known.
        beside_sound_ones(account(
            outage_of((500, 501), 6, 74, drawdown_ratio=steps((0, 0.01), (2, 0.3))),
            *_stale(6, 74), ("ApiFailing", "warning", 20, 81), ("AccountUnread", "critical", 66, 104),
            ("Drawdown", "warning", 4, inf), ("Drawdown", "critical", 4, inf),
        ), count=2),
        account(Exporter("refused:11722", "refused", (replace(_unread(530, 6, 74), status_shown=ALWAYS),), listed=standing_still(6, 74), failed={"unauthorized": growing(6, 74, 0.2)}),
                *_stale(6, 74), ("ApiUnauthorized", "critical", 18, 89), ("AccountUnread", "critical", 66, 104)),
        # Refused for a while, and then there is no answer any more.
        account(Exporter("then:11722", "refused-then-unavailable", listed=growing(0, 10, 1),
                         failed={"unauthorized": growing(10, 16, 0.5), "unavailable": counting(5, since=16)}),
                ("ApiUnauthorized", "critical", 22, 31 + TAIL), ("ApiFailing", "warning", 28, inf), ("AccountUnread", "critical", 70, inf)),
        account(Exporter("often:11722", "limited-now-and-then", (Project("560"),), failed={"rate_limited": growing(0, 30, 0.2)}),
                ("ApiRateLimited", "warning", 15, 45 + TAIL)),
        # Others of the same name ask nothing for hours.
        Scenario("limited-once", (limited_once, *neighbours(limited_once, listed=NONE)[:2])),
        # One request an hour, refused with Retry-After: 3600.
        account(Exporter("wait:11722", "told-to-wait", (_unread(550, 10, inf),), listed=standing_still(10, inf),
                         failed={"rate_limited": steps((0, 0), (10, 1), (70, 2))}),
                *_stale(10, inf), ("ApiRateLimited", "warning", 25, inf), ("AccountUnread", "critical", 70, inf)),
        # Nothing was asked since, whatever the reason.
        beside_sound_ones(account(
            Exporter("silent:11722", "limited-then-silent", listed=standing_still(2, inf), failed={"rate_limited": steps((0, 0), (2, 1))}),
            ("ApiRateLimited", "warning", 17, 92 + TAIL), ("AccountUnread", "critical", 62, inf),
        ), count=2),
        # The exporter starts anew in an outage and knows no project until it can list them.
        beside_sound_ones(account(
            Exporter("anew:11722", "restarted-in-an-outage", (Project("580", shown=minutes((0, 30), (70, inf))),),
                     listed=anew, failed={"unavailable": failed_anew}),
            ("ApiFailing", "warning", 34, 77),
        )),
        # What was wrong with an exporter that is gone is no longer known.
        Scenario("trouble-then-gone", (
            Exporter("trouble:11722", "trouble", listed=None, failed={"unauthorized": steady(1)}, reloaded=NONE, page=minutes((0, 50)), more=(skew,)),
        ), (
            Expected("ConfigReloadFailed", "warning", {"instance": "trouble:11722"}, 1, 55),
            Expected("ApiUnauthorized", "critical", trouble, 2, 55 + TAIL),
            Expected("ClockSkew", "warning", trouble, 10, 55 + 5),
            Expected("AccountUnread", "critical", trouble, 30, 55 + 30),
            Expected("ExporterDown", "warning", {"instance": "trouble:11722"}, 53),
        )),
    ]  # fmt: skip
