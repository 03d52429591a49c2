"""What the panels compute, against numbers worked out by hand from the month in ``history``."""

import pytest

from tests.grafana.dashboards import annotations, panel_of, query_variables, targets_of
from tests.grafana.history import ALPHA, DAY, END, FIRST, HOUR, SECOND, START
from tests.grafana.prometheus import everything
from tests.grafana.tables import transformed
from tests.grafana.variables import ALL, Window, substitute

OVERVIEW, FLEET = "quantconnect-overview", "quantconnect-fleet"
POSITIONS, EXPORTER = "quantconnect-positions", "quantconnect-exporter"


@pytest.fixture
def ask(month):
    """Ask a panel's query at a moment, and return its values by labels of interest."""
    prometheus, window = month

    def values(uid, title, letter="A", *, by=("project_id",), at=END, chosen=None):
        (target,) = [one for one in targets_of(uid, panel_of(uid, title)) if one.letter == letter]
        selected = {variable.name: [ALL] for variable in query_variables(uid)} | (chosen or {})
        result = prometheus.instant(substitute(target.expression, selected, window), at)
        found = {tuple(one["metric"].get(label) for label in by): float(one["value"][1]) for one in result}
        assert len(found) == len(result), f"{title} tells {result} apart by more than {by}"
        return {key[0] if len(key) == 1 else key: value for key, value in found.items()}

    return values


@pytest.fixture
def rows(month):
    """Return the rows of a table at the end of the month."""
    prometheus, window = month

    def shown(uid, title):
        panel = panel_of(uid, title)
        chosen = {variable.name: [ALL] for variable in query_variables(uid)}
        return transformed(
            panel,
            {
                one.letter: prometheus.instant(substitute(one.expression, chosen, window), END)
                for one in targets_of(uid, panel)
            },
        )

    return shown


def test_projects_that_share_a_name_can_be_chosen_apart(month):
    """The variable is an id shown as a name, quotation marks and stopped projects included."""
    prometheus, window = month
    _, projects = query_variables(OVERVIEW)
    offered = prometheus.options(projects, {"job": [ALL]}, window)
    assert offered == {"101": "Alpha", "202": "Beta", "303": "Alpha", "404": 'Still "Q"'}


def test_equity_is_named_in_its_currency_once(ask):
    """One exporter knows the currency and the other does not: the project still shows once, with it."""
    assert ask(OVERVIEW, "Equity", by=("project_id", "account_currency")) == {
        ("101", "USD"): 102_000,
        ("202", "EUR"): 60_000,
        ("303", None): 7_000,
    }


def test_drawdown_and_its_share_of_the_limit(ask):
    """120,000 fell to 102,000: 15 % of the peak, three quarters of the limit; Beta has a warning limit alone."""
    assert ask(OVERVIEW, "Drawdown") == pytest.approx({"101": 1 - 102 / 120, "202": 0.05})
    assert ask(OVERVIEW, "Drawdown", "B") == pytest.approx({"101": 0.75, "202": 0.5})
    assert ask(OVERVIEW, "Underwater") == pytest.approx({"101": -0.15, "202": -0.05})
    assert ask(OVERVIEW, "Underwater", "C", by=()) == {(): -0.2}


def test_todays_return_and_its_share_of_the_limit(ask):
    """A loss of 2 % is a third of a limit of 6 %; a gain uses nothing of it."""
    assert ask(OVERVIEW, "Today's return") == {"101": -0.02, "202": 0.01}
    assert ask(FLEET, "Projects", "G") == pytest.approx({"101": 1 / 3, "202": 0})


def test_leverage_and_cash_share(ask):
    """72,000 and 66,000 to 102,000; an empty portfolio has leverage 0; a krona without rate leaves no share."""
    assert ask(OVERVIEW, "Leverage") == pytest.approx({"101": 72 / 102, "202": 28 / 60, "303": 0})
    assert ask(OVERVIEW, "Cash share") == pytest.approx({"101": 66 / 102})


def test_unrealized_pnl_is_absent_without_positions(ask):
    """3,990 + 995 and 600 - 150; the empty portfolio has no data, not 0."""
    assert ask(OVERVIEW, "Unrealized PnL", by=("project_id", "account_currency")) == {
        ("101", "USD"): 4_985,
        ("202", "EUR"): 450,
    }


def test_long_and_short_exposure(ask):
    """54,000 long and 18,000 short make 72,000 gross and 36,000 net."""
    long, short = (ask(OVERVIEW, "Exposure over time", letter) for letter in "AB")
    assert long == {"101": 54_000, "202": 24_000, "303": 0}
    assert short == {"101": -18_000, "202": -4_000, "303": 0}


def test_allocation_shows_shorts_below_zero(rows):
    """Weights are of equity, the largest long first; the position closed on day 25 is gone."""
    shown = rows(OVERVIEW, "Allocation")
    assert [row["position"] for row in shown] == [
        "SPY  · Alpha",
        "DE30EUR  · Beta",
        "SPY  · Beta",
        "TLT  · Alpha",
    ]
    assert [row["Allocation"] for row in shown] == pytest.approx([54 / 102, 24 / 60, -4 / 60, -18 / 102])


def test_pnl_bars_name_the_currency(rows):
    """Amounts in several currencies stand side by side, each under its own."""
    assert [(row["position"], row["PnL by position"]) for row in rows(OVERVIEW, "PnL by position")] == [
        ("SPY  · Alpha · USD", 3_990),
        ("TLT  · Alpha · USD", 995),
        ("DE30EUR  · Beta · EUR", 600),
        ("SPY  · Beta · EUR", -150),
    ]


def test_positions_are_sorted_by_size(rows):
    """PnL % is 3,990 to 50,000 paid and 995 to 19,000 received; sorted by weight whatever its sign."""
    shown = rows(OVERVIEW, "Open positions")
    assert [(row["Symbol"], row["Project"]) for row in shown] == [
        ("SPY", "Alpha"),
        ("DE30EUR", "Beta"),
        ("TLT", "Alpha"),
        ("SPY", "Beta"),
    ]
    spy, dax, tlt, _ = shown
    assert spy["PnL %"] == pytest.approx(3_990 / 50_000)
    assert tlt["PnL %"] == pytest.approx(995 / 19_000)
    assert dax["PnL %"] == pytest.approx(600 / 23_400)
    assert list(spy.values())[3:9] == [100, 500, 540, 54_000, "USD", pytest.approx(54 / 102)]


def test_data_age_is_that_of_the_older_source(ask):
    """90 s for the portfolio, 30 s for equity; none for a stopped project or a source that never came."""
    assert ask(OVERVIEW, "Data age") == {"101": 90}
    assert ask(OVERVIEW, "Data age", at=START + 12 * DAY - HOUR).keys() == {"101", "404"}


def test_gap_stays_a_gap(ask):
    """Nothing is known of Alpha for half of day 15, and nothing is drawn."""
    assert "101" in ask(OVERVIEW, "Equity and peak", at=START + 15 * DAY - HOUR)
    assert "101" not in ask(OVERVIEW, "Equity and peak", at=START + 15 * DAY + 6 * HOUR)
    assert "101" in ask(OVERVIEW, "Equity and peak", at=START + 15 * DAY + 12 * HOUR)


def test_closed_position_keeps_its_past(ask):
    """AAPL has a value until day 25 and none from then on."""
    value = {"at": START + 24 * DAY, "by": ("project_id", "symbol")}
    assert ask(POSITIONS, "Market value", **value)["101", "AAPL"] == 30_000
    assert ("101", "AAPL") not in ask(POSITIONS, "Market value", by=("project_id", "symbol"))


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


def test_equity_is_normalised_at_the_start(month):
    """100,000 to 102,000 and 50,000 to 60,000; the project launched on day 28 is 100 at its launch."""
    prometheus, window = month
    (target,) = targets_of(FLEET, panel_of(FLEET, "Equity, 100 at the start"))
    result = prometheus.over(
        substitute(target.expression, {"job": [ALL], "project_id": [ALL]}, window), window
    )
    ends = {one["metric"]["project_id"]: float(one["values"][-1][1]) for one in result}
    assert ends == pytest.approx({"101": 102, "202": 120, "303": 110, "404": 100})
    starts = {one["metric"]["project_id"]: float(one["values"][0][1]) for one in result}
    assert starts == pytest.approx({"101": 100, "202": 100, "303": 110, "404": 100})


def test_normalisation_begins_with_the_time_range(month):
    """From day 20 on, Alpha went from 120,000 to 102,000."""
    prometheus, _ = month
    window = Window(START + 20 * DAY, END, HOUR, HOUR)
    (target,) = targets_of(FLEET, panel_of(FLEET, "Equity, 100 at the start"))
    query = substitute(target.expression, {"job": [ALL], "project_id": ["101"]}, window)
    (series,) = prometheus.over(query, window)
    assert float(series["values"][-1][1]) == pytest.approx(85)


def test_totals_never_add_currencies(rows):
    """A row for dollars, one for euros, and one for the project whose currency is not known."""
    assert rows(FLEET, "Totals by account currency") == [
        {
            "Currency": "", "Project": "Alpha", "Projects": 1, "Equity": 7_000,
            "Gross exposure": 0, "Net exposure": 0,
        },
        {
            "Currency": "EUR", "Project": "", "Projects": 1, "Equity": 60_000, "Unrealized PnL": 450,
            "Gross exposure": 28_000, "Net exposure": 20_000, "Cash": 59_000,
        },
        {
            "Currency": "USD", "Project": "", "Projects": 1, "Equity": 102_000, "Unrealized PnL": 4_985,
            "Gross exposure": 72_000, "Net exposure": 36_000, "Cash": 66_000,
        },
    ]  # fmt: skip


def test_stopped_project_keeps_status_and_times_alone(rows):
    """Its row in the fleet has no equity, drawdown or age: they are not known, which is not 0."""
    stopped = next(row for row in rows(FLEET, "Projects") if row["Id"] == "404")
    assert stopped == {
        "Project": 'Still "Q"',
        "Id": "404",
        "Status": "stopped",
        "Launched": 1000 * (START - 9 * DAY),
        "Stopped": 1000 * (START + 12 * DAY),
    } | ({"Currency": ""} if "Currency" in stopped else {})


def test_projects_by_status(ask):
    """Three run and one has stopped."""
    assert ask(FLEET, "Projects by status", by=("status",)) == {"running": 3, "stopped": 1}


def test_concentration(ask, rows):
    """Shares 0.75 and 0.25 make a Herfindahl index of 0.625, as 1.6 equal positions would."""
    assert ask(POSITIONS, "Largest position") == pytest.approx({"101": 0.75, "202": 24 / 28})
    assert ask(POSITIONS, "Five largest positions") == pytest.approx({"101": 1, "202": 1})
    assert ask(POSITIONS, "Herfindahl index") == pytest.approx({"101": 0.625, "202": (24**2 + 4**2) / 28**2})
    beta, alpha = rows(POSITIONS, "Concentration")
    assert (beta["Project"], alpha["Project"]) == ("Beta", "Alpha")
    assert (alpha["Positions"], alpha["Equal positions"]) == (2, pytest.approx(1.6))


def test_symbol_is_summed_within_a_currency_only(rows):
    """SPY is long 54,000 dollars in one project and short 4,000 euros in another: two rows."""
    shown = {(row["Symbol"], row["Currency"]): row for row in rows(POSITIONS, "By symbol across projects")}
    assert shown["SPY", "USD"]["Net value"] == 54_000
    assert shown["SPY", "EUR"]["Net value"] == -4_000
    assert shown["SPY", "EUR"]["Gross value"] == 4_000


def test_symbol_can_be_chosen(ask):
    """With SPY alone chosen, no other position is drawn, and weights stay those of all equity."""
    chosen = {"symbol": ["SPY"]}
    assert ask(POSITIONS, "Weight", chosen=chosen) == pytest.approx({"101": 54 / 102, "202": -4 / 60})


def test_restart_of_the_exporter_makes_no_spike(ask):
    """The counter falls to 0 on day 20, and the rate neither jumps nor turns negative."""
    both = {("main", FIRST): 0.5, ("main", SECOND): 0.5}
    by = ("account", "instance")
    assert ask(EXPORTER, "Budget in use", by=by) == pytest.approx(both)
    after = ask(EXPORTER, "Budget in use", by=by, at=START + 20 * DAY + 2 * HOUR)
    assert after["main", SECOND] == pytest.approx(0.5)
    assert 0.25 < after["main", FIRST] <= 0.5


def test_one_project_can_be_chosen_of_two_that_share_a_name(ask):
    """The id decides, not the name."""
    assert ask(OVERVIEW, "Equity", chosen={"project_id": [ALPHA["project_id"]]}) == {"101": 102_000}


def test_choosing_all_is_choosing_each(month):
    """A choice of every value by hand shows what All shows."""
    prometheus, window = month
    chosen = prometheus.choose(OVERVIEW, lambda _, offered: list(offered), window)
    (target,) = targets_of(OVERVIEW, panel_of(OVERVIEW, "Leverage"))
    by_hand = prometheus.instant(substitute(target.expression, chosen, window), END)
    every = prometheus.choose(OVERVIEW, everything, window)
    assert by_hand == prometheus.instant(substitute(target.expression, every, window), END)
