"""What the panels compute, against numbers worked out by hand from the month in ``history``."""

import pytest

from tests.grafana.dashboards import annotations, panel_of, query_variables, targets_of
from tests.grafana.history import ALPHA, BETA, DAY, END, FIRST, HOUR, SECOND, START, STILL, STOPPED, YOUNG
from tests.grafana.prometheus import everything
from tests.grafana.tables import AXIS, TREND, transformed
from tests.grafana.variables import ALL, Window, substitute

OVERVIEW, FLEET = "quantconnect-overview", "quantconnect-fleet"
POSITIONS, EXPORTER = "quantconnect-positions", "quantconnect-exporter"
WEEK = 7 * DAY
UNKNOWN_CURRENCY = ""


def _chosen(uid, project=None):
    chosen = {variable.name: [ALL] for variable in query_variables(uid)} | {"ended": [STILL["project_id"]]}
    return chosen if project is None else chosen | {"project_id": [project["project_id"]]}


@pytest.fixture
def ask(month):
    """Ask a panel's query at a moment, over a time range before it, and return values by labels of interest."""
    prometheus, _ = month

    def values(uid, title, letter="A", *, by=("project_id",), at=END, span=WEEK, project=None, chosen=None):
        (target,) = [one for one in targets_of(uid, panel_of(uid, title)) if one.letter == letter]
        window = Window(at - span, at, HOUR, HOUR)
        query = substitute(target.expression, _chosen(uid, project) | (chosen or {}), window)
        result = prometheus.instant(query, at)
        found = {tuple(one["metric"].get(label) for label in by): float(one["value"][1]) for one in result}
        assert len(found) == len(result), f"{title} tells {result} apart by more than {by}"
        return {key[0] if len(key) == 1 else key: value for key, value in found.items()}

    return values


@pytest.fixture
def one(ask):
    """Return the single value of a query on the Overview of a project, ``None`` when it is not known."""

    def value(title, project, letter="A", **more):
        found = ask(OVERVIEW, title, letter, by=(), project=project, **more)
        return found.get(())

    return value


@pytest.fixture
def rows(month):
    """Return the rows of a table at a moment."""
    prometheus, _ = month

    def shown(uid, title, *, project=None, at=END, span=WEEK):
        panel, window = panel_of(uid, title), Window(at - span, at, HOUR, HOUR)
        results = {}
        for target in targets_of(uid, panel):
            query = substitute(target.expression, _chosen(uid, project), window)
            over_time = target.letter == TREND
            results[target.letter] = (
                prometheus.over(query, window) if over_time else prometheus.instant(query, at)
            )
        return transformed(panel, results)

    return shown


def test_projects_that_share_a_name_can_be_chosen_apart(month):
    """The variable is an id shown as a name, quotation marks and ended projects included."""
    prometheus, window = month
    _, projects = query_variables(OVERVIEW)
    offered = prometheus.options(projects, {"job": [ALL]}, window)
    assert offered == {"101": "Alpha", "202": "Beta", "303": "Alpha", "404": 'Still "Q"'}


def test_equity_is_of_the_chosen_project_alone(one):
    """Two projects share a name, and the id decides."""
    assert one("Equity", ALPHA) == 102_000
    assert one("Equity", BETA) == 60_000
    assert one("Equity", YOUNG) == 7_000


def test_ended_project_keeps_its_last_equity_within_the_range(one):
    """The crash on day 12 is within a month and not within a week; other figures are not known."""
    assert one("Equity", STILL, span=30 * DAY) == 9_000
    assert one("Profit", STILL, span=30 * DAY) == -1_000
    assert one("Equity", STILL) is None
    assert one("Leverage", STILL, span=30 * DAY) is None
    assert one("Data age", STILL, span=30 * DAY) is None


def test_running_project_of_unknown_equity_keeps_none(one):
    """While Alpha is not known on day 15 its last equity would look alive."""
    assert one("Equity", ALPHA, at=START + 15 * DAY + 6 * HOUR) is None


def test_ended_project_shows_what_it_held_last(rows):
    """Ten shares of SPY five minutes before it crashed; Alpha shows what it holds, not what it closed."""
    held = rows(OVERVIEW, "Open positions", project=STILL, span=30 * DAY)
    assert [(row["Symbol"], row["Quantity"], row["P&L"]) for row in held] == [("SPY", 10, -200)]
    assert rows(OVERVIEW, "Open positions", project=STILL) == []
    assert [row["Symbol"] for row in rows(OVERVIEW, "Open positions", project=ALPHA)] == ["SPY", "TLT"]


def test_header_says_when_a_project_ended(rows):
    """Status, launch and end; a running project has no end."""
    (ended,) = rows(OVERVIEW, "", project=STILL)
    assert (ended["Status"], ended["Ended"]) == ("runtime_error", 1000 * STOPPED)
    (running,) = rows(OVERVIEW, "", project=ALPHA)
    assert running["Status"] == "running"
    assert "Ended" not in running


def test_limit_used_is_the_larger_share(one):
    """Alpha: 15 % of 20 % drawdown, more than 2 % of 6 % today. Beta has a warning limit alone: 5 % of 10 %."""
    assert one("Limit used", ALPHA) == pytest.approx(0.75)
    assert one("Limit used", BETA) == pytest.approx(0.5)
    assert one("Limit used", YOUNG) is None


def test_leverage_and_cash_share(one):
    """72,000 and 66,000 to 102,000; an empty portfolio has leverage 0; a krona without rate leaves no share."""
    assert one("Leverage", ALPHA) == pytest.approx(72 / 102)
    assert one("Leverage", YOUNG) == 0
    assert one("Cash share", ALPHA) == pytest.approx(66 / 102)
    assert one("Cash share", BETA) is None


def test_profit_of_open_positions(one):
    """3,990 + 995 and 600 - 150; the empty portfolio has the value that stands for none, not 0."""
    assert one("Open P&L", ALPHA) == 4_985
    assert one("Open P&L", BETA) == 450
    assert one("Open P&L", YOUNG) == 1e-9
    assert one("Positions", YOUNG) == 0
    assert one("Positions", STILL) is None


def test_data_age_is_that_of_the_older_source(one):
    """90 s for the portfolio, 30 s for equity; none for a source that never came."""
    assert one("Data age", ALPHA) == 90
    assert one("Data age", BETA) is None


def test_change_of_equity_is_split(one):
    """Within a week 114,600 became 102,000: 5,000 paid in, 17,600 lost, of which 1,495 on open positions."""
    parts = [one("Change of equity", ALPHA, letter) for letter in "ABCDE"]
    assert parts == [-16_105, -1_495, -17_600, 5_000, -12_600]
    assert sum(parts[2:4]) == parts[4]


def test_change_counts_from_a_launch_within_the_range(one):
    """Young was launched two days ago with 6,300, which is not paid in; Alpha was redeployed on day 10."""
    assert [one("Change of equity", YOUNG, letter) for letter in "ABCDE"] == [700, 0, 700, 0, 700]
    assert one("Change of equity", ALPHA, "C", at=START + 14 * DAY) == 4_000


def test_change_is_unknown_when_the_range_begins_in_a_gap(one):
    """Nothing is known of Alpha in the first half of day 15."""
    assert one("Change of equity", ALPHA, "C", at=START + 15 * DAY + 6 * HOUR + WEEK) is None


def test_change_of_an_ended_project_is_up_to_its_end(one):
    """Nothing was made in the days before the crash; before a launch outside the range nothing is known."""
    assert one("Change of equity", STILL, "C", span=20 * DAY) == 0


def test_orders_are_counted_over_the_range(one):
    """Twelve a day, of which two are rejected; Alpha was redeployed on day 10, and nothing of it was lost."""
    assert [one("Orders", ALPHA, letter) for letter in "AEF"] == pytest.approx([84, 14, 0])
    assert one("Orders", ALPHA, at=START + 14 * DAY) == pytest.approx(48)


def test_orders_from_before_the_first_poll_are_counted_when_the_launch_is_in_the_range(one):
    """Young had placed seven when it was first polled: an increase would be 0."""
    assert [one("Orders", YOUNG, letter) for letter in "AE"] == [7, 2]


def test_orders_are_unknown_when_the_beginning_or_the_present_is(one):
    """Beta's are known for five days of the week, Alpha's not in the gap, and Still's never."""
    assert [one("Orders", BETA, letter) for letter in "AE"] == [None, None]
    assert [one("Orders", ALPHA, letter, at=START + 15.25 * DAY) for letter in "AEF"] == [None] * 3
    assert [one("Orders", STILL, letter, span=30 * DAY) for letter in "AEF"] == [None] * 3


def test_lost_fill_is_shown_until_the_next_deployment(one):
    """It was lost before the first poll, and the alert about it fires for as long."""
    assert one("Orders", BETA, "F") == 1


def test_fees_of_a_day_are_in_account_currency(one):
    """Two euros and ten dollars at 0.9; without a rate of the dollar the day has no bar."""
    assert one("Fees by day", BETA, at=START + 10 * DAY) == pytest.approx(11)
    assert one("Fees by day", BETA, at=START + 25 * DAY) is None


def test_returns_by_period(rows):
    """A day, a week, and since launch; a month ago another deployment ran."""
    shown = {row["Period"]: row for row in rows(OVERVIEW, "Returns", project=ALPHA)}
    assert shown.keys() == {"1 24 hours", "2 7 days", "4 Since launch"}
    assert shown["1 24 hours"]["P&L"] == -1_800
    assert shown["1 24 hours"]["Return"] == pytest.approx(-1_800 / 103_800)
    assert shown["2 7 days"]["P&L"] == -17_600
    assert shown["2 7 days"]["Return"] == pytest.approx(-17_600 / 114_600)
    assert shown["4 Since launch"]["P&L"] == -13_000


def test_return_of_each_day(one):
    """1,000 a day at first; equity's change on the day of a redeployment; a deposit is no profit."""
    assert one("Return by day", ALPHA, at=START + 5 * DAY) == pytest.approx(1_000 / 105_000)
    assert one("Return by day", ALPHA, "B", at=START + 5 * DAY) is None
    assert one("Return by day", ALPHA, at=START + 9 * DAY) == pytest.approx(1_000 / 109_000)
    loss = one("Return by day", ALPHA, "B", at=START + 26 * DAY)
    assert loss == pytest.approx((-1_800 - 5_000) / 109_200)


def test_return_of_each_week_stands_at_its_monday(ask):
    """The month begins on a Tuesday: its first Monday is day 6, the week from there has 7,000 of 106,000."""
    week = {"project": BETA, "by": ()}
    assert ask(OVERVIEW, "Return by week", at=START + 5 * DAY, **week) == {}
    made = ask(OVERVIEW, "Return by week", at=START + 6 * DAY, **week)[()]
    assert made == pytest.approx((70_000 / 30) / 52_000)


def test_return_of_a_month_stands_at_its_first_day(ask):
    """The month has 30 days and begins with the data; of the month before nothing is known."""
    month = {"project": BETA, "by": ()}
    assert ask(OVERVIEW, "Return by month", at=START + DAY, **month) == {}
    made = ask(OVERVIEW, "Return by month", at=START, **month)[()]
    assert made == pytest.approx(10_000 / 50_000)


def test_underwater_with_the_limits(one):
    """120,000 fell to 102,000, drawn below zero like the limits."""
    assert one("Underwater", ALPHA) == pytest.approx(-0.15)
    assert one("Underwater", ALPHA, "C") == -0.1
    assert one("Underwater", ALPHA, "D") == -0.2


def test_long_and_short_exposure(one):
    """54,000 long and 18,000 short make 36,000 net."""
    assert [one("Exposure", ALPHA, letter) for letter in "ABC"] == [54_000, -18_000, 36_000]


def test_bars_of_open_positions_are_sorted_and_have_room(ask, rows):
    """What is open changed nothing within the week; the closed position is gone, and the axis is drawn."""
    shown = rows(OVERVIEW, "Open positions, change", project=ALPHA)
    assert [(row["position"], row["Open positions, change"]) for row in shown] == [("SPY", 0), ("TLT", 0)]
    ends = ask(POSITIONS, "Largest weights", AXIS, by=("highest",))
    ((highest, lowest),) = ends.items()
    assert float(highest) > 54 / 102
    assert lowest < -18 / 102


def test_positions_are_sorted_by_size(rows):
    """P&L % is 3,990 to 50,000 paid and 995 to 19,000 received; sorted by weight whatever its sign."""
    shown = rows(POSITIONS, "Open positions")
    assert [(row["Symbol"], row["Project"]) for row in shown] == [
        ("SPY", "Alpha"),
        ("DE30EUR", "Beta"),
        ("TLT", "Alpha"),
        ("SPY", "Beta"),
    ]
    spy, dax, tlt, _ = shown
    assert spy["P&L %"] == pytest.approx(3_990 / 50_000)
    assert tlt["P&L %"] == pytest.approx(995 / 19_000)
    assert dax["P&L %"] == pytest.approx(600 / 23_400)
    assert (spy["Quantity"], spy["Entry"], spy["Price"]) == (100, "500", "540")
    assert (spy["Value"], spy["Ccy"], spy["Weight"]) == (54_000, "USD", pytest.approx(54 / 102))


def test_weights_are_negative_when_short(rows):
    """The largest first; names are short, and tell the project."""
    shown = rows(POSITIONS, "Largest weights")
    assert [row["position"] for row in shown] == [
        "SPY · Alpha",
        "DE30EUR · Beta",
        "SPY · Beta",
        "TLT · Alpha",
    ]
    assert [row["Largest weights"] for row in shown] == pytest.approx([54 / 102, 24 / 60, -4 / 60, -18 / 102])


def test_symbol_can_be_chosen(ask):
    """With SPY alone chosen, no other position is shown, and weights stay those of all equity."""
    chosen = {"symbol": ["SPY"]}
    found = ask(POSITIONS, "Weights of the ten largest", chosen=chosen)
    assert found == pytest.approx({"101": 54 / 102, "202": -4 / 60})


def test_symbol_is_summed_within_a_currency_only(rows):
    """SPY is long 54,000 dollars in one project and short 4,000 euros in another: two rows."""
    shown = {(row["Symbol"], row["Ccy"]): row for row in rows(POSITIONS, "By symbol across projects")}
    assert shown["SPY", "USD"]["Net"] == 54_000
    assert shown["SPY", "EUR"]["Net"] == -4_000
    assert shown["SPY", "EUR"]["Gross"] == 4_000


def test_concentration(ask, rows):
    """Shares 0.75 and 0.25 make a Herfindahl index of 0.625, as 1.6 equal positions would."""
    assert ask(POSITIONS, "Concentration over time") == pytest.approx({"101": 0.75, "202": 24 / 28})
    beta, alpha = rows(POSITIONS, "Concentration")
    assert (beta["Project"], alpha["Project"]) == ("Beta", "Alpha")
    assert (alpha["Positions"], alpha["Equal positions"]) == (2, pytest.approx(1.6))


def test_what_needs_attention_is_sorted_worst_first(rows):
    """A drawdown beyond the warning limit, a crash of long ago, and half of another limit used."""
    shown = rows(FLEET, "Needs attention")
    seen = [(row["level"], row["what"], row["project_id"]) for row in shown]
    assert seen == [
        ("2", "QuantConnectDrawdown:warning", "101"),
        ("3", "runtime_error", "404"),
        ("5", "half_drawdown", "202"),
        ("5", "no_rules", ""),
    ]
    alpha, crash, beta, _ = shown
    assert crash["since"] == 1000 * STOPPED
    assert (alpha["used"], beta["used"]) == (pytest.approx(0.75), pytest.approx(0.5))


def test_crash_of_today_needs_attention_first(rows):
    """On its day it is critical, and nothing comes before it."""
    first, *_ = rows(FLEET, "Needs attention", at=START + 12 * DAY + HOUR)
    assert (first["level"], first["what"], first["project_id"]) == ("1", "runtime_error", "404")


def test_unknown_project_is_not_well(rows):
    """A project that no exporter shows at that time is said to be unknown, not well."""
    shown = rows(OVERVIEW, "Needs attention", project=YOUNG, at=START + 20 * DAY)
    assert [(row["level"], row["what"]) for row in shown] == [("1", "nothing"), ("5", "no_rules")]


def test_projects_are_sorted_by_trouble(rows):
    """By the share of the limit; the project without a limit behind, what ended long ago last."""
    shown = rows(FLEET, "Projects", span=30 * DAY)
    assert [row["project_id"] for row in shown] == ["101", "202", "303", "404"]
    still = shown[-1]
    assert (still["Status"], still["Equity"], still["Since"]) == (
        "runtime_error",
        9_000,
        1000 * STOPPED,
    )
    assert still.keys() & {"Today", "Leverage", "Unrealised", "Data age", "Limit used"} == set()


def test_recent_crash_comes_first(rows):
    """On the day of the crash it stands before every limit."""
    shown = rows(FLEET, "Projects", at=START + 12 * DAY + 2 * HOUR)
    assert shown[0]["project_id"] == "404"


def test_totals_never_add_currencies(rows):
    """A row for dollars, one for euros, and one for the project whose currency is not known."""
    shown = {row["Currency"]: row for row in rows(FLEET, "Totals by currency")}
    assert shown.keys() == {"USD", "EUR", UNKNOWN_CURRENCY}
    assert (shown["USD"]["Equity"], shown["USD"]["P&L"], shown["USD"]["Unrealised"]) == (
        102_000,
        -17_600,
        4_985,
    )
    assert (shown["EUR"]["Equity"], shown["EUR"]["P&L"], shown["EUR"]["Unrealised"]) == (60_000, 2_333, 450)
    assert (shown[UNKNOWN_CURRENCY]["Equity"], shown[UNKNOWN_CURRENCY]["P&L"]) == (7_000, 700)
    assert shown["USD"]["Leverage"] == pytest.approx(72 / 102)


def test_projects_by_state(ask):
    """Three run and one has crashed."""
    counts = [ask(FLEET, "Projects by state", letter, by=()) for letter in "ABCDE"]
    assert counts == [{(): 3}, {(): 1}, {(): 0}, {(): 0}, {(): 0}]


def test_best_and_worst_are_returns_over_the_range(ask):
    """Profit without deposits to the equity a week ago, or to the capital of a later launch."""
    assert ask(FLEET, "Best and worst over the range") == pytest.approx(
        {"101": -17_600 / 114_600, "202": (70_000 / 30) / (50_000 + 230_000 / 30), "303": 700 / 6_300}
    )


def test_curves_end_where_the_bars_do(month, ask):
    """The last point of each curve is the value of its bar."""
    prometheus, _ = month
    window = Window(END - WEEK, END, HOUR, HOUR)
    (target,) = targets_of(FLEET, panel_of(FLEET, "Return over the range"))
    result = prometheus.over(substitute(target.expression, _chosen(FLEET), window), window)
    ends = {each["metric"]["project_id"]: float(each["values"][-1][1]) for each in result}
    assert ends == pytest.approx(ask(FLEET, "Best and worst over the range"))


def test_deployments_are_marked_at_their_launch(month):
    """The values of the annotation are the two launches of Alpha, in milliseconds, nothing in between."""
    prometheus, window = month
    (annotation,) = [one for uid, one in annotations() if uid == OVERVIEW and one.get("useValueForTime")]
    query = substitute(annotation["expr"], {"job": [ALL], "project_id": ["101"]}, window)
    (series,) = prometheus.over(query, window)
    assert {float(value) for _, value in series["values"]} == {
        1000 * (START - 5 * DAY),
        1000 * (START + 10 * DAY),
    }


def test_deposits_are_marked(month):
    """5,000 on day 27 and nothing else: the capital of a new deployment is no deposit."""
    prometheus, window = month
    (annotation,) = [one for uid, one in annotations() if uid == OVERVIEW and "Deposits" in one["name"]]
    query = substitute(annotation["expr"], {"job": [ALL], "project_id": ["101"]}, window)
    (series,) = prometheus.over(query.replace("15m", "1h"), window)
    assert series["values"] == [[START + 27 * DAY, "5000"]]


def test_restart_of_the_exporter_makes_no_spike(ask):
    """The counter falls to 0 on day 20, and the rate neither jumps nor turns negative."""
    both = {("main", FIRST): 0.5, ("main", SECOND): 0.5}
    by = ("account", "instance")
    assert ask(EXPORTER, "Budget in use over time", by=by) == pytest.approx(both)
    after = ask(EXPORTER, "Budget in use over time", by=by, at=START + 20 * DAY + 2 * HOUR)
    assert after["main", SECOND] == pytest.approx(0.5)
    assert 0.25 < after["main", FIRST] <= 0.5


def test_choosing_all_is_choosing_each(month):
    """A choice of every value by hand shows what All shows."""
    prometheus, window = month
    chosen = prometheus.choose(FLEET, lambda _, offered: list(offered), window)
    (target, *_) = targets_of(FLEET, panel_of(FLEET, "Best and worst over the range"))
    by_hand = prometheus.instant(substitute(target.expression, chosen, window), END)
    every = prometheus.choose(FLEET, everything, window)
    assert by_hand == prometheus.instant(substitute(target.expression, every, window), END)
