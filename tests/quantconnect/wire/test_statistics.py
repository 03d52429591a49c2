"""Runtime and server statistics: numbers written for a reader's eye."""

import json
from math import copysign

import pytest

from exporter.domain.deployment import ServerStatistics, Statistics
from exporter.errors import Malformed
from exporter.quantconnect.wire.statistics import parse_statistics

MOST = 50


def parse(runtime=None, server=None, most=MOST):
    return parse_statistics({"runtimeStatistics": runtime, "serverStatistics": server}, most)


def money(text):
    return parse({"Net Profit": text}).net_profit


def ratio(text):
    return parse({"Return": text}).return_ratio


def custom(value):
    return dict(parse({"Own": value}).custom).get("Own")


MARKS = [
    "$",
    "€",
    "£",
    "₤",
    "¥",
    "Fr",
    "kr",
    "Kč",
    "Ft",
    "zł",
    "NT$",
    "R$",
    "R",
    "₹",
    "﷼",
    "₺",
    "฿",
    "₩",
    "Rp",
]
MARKS += ["₿", "Ξ", "₮", "✕", "*", "ZRX", "USDT", "EUR", "EUR ", "USDC ", "SEK", ""]


AMOUNTS = [
    ("{}5,741.19", 5741.19),
    ("{}0.00", 0.0),
    ("{}-840.29", -840.29),
    ("-{}84.48", -84.48),
    ("{}-3,348.57", -3348.57),
    ("{}1,234,567.89", 1_234_567.89),
    ("{}12", 12.0),
]


@pytest.mark.parametrize("mark", MARKS)
def test_money(mark):
    """An amount is read with any currency's mark, and its minus before or after that."""
    assert dict(AMOUNTS) == {form: money(form.format(mark)) for form, _ in AMOUNTS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-42.59 %", -0.4259),
        ("0.00 %", 0.0),
        ("1.66 %", 0.0166),
        ("1,234.50 %", 12.345),
        ("9.145%", 0.09145),
        ("0%", 0.0),
        ("-0.00 %", 0.0),
        ("0", 0.0),  # nothing is nothing in whichever unit
    ],
)
def test_percentages_are_ratios(text, expected):
    """A percentage becomes a ratio, with and without the blank before its sign."""
    assert pytest.approx(expected) == ratio(text)
    assert pytest.approx(expected) == parse({"Probabilistic Sharpe Ratio": text}).probabilistic_sharpe_ratio


@pytest.mark.parametrize(
    ("text", "expected"), [("-$84.48", 84.48), ("-$0.00", 0.0), ("$84.48", 84.48), ("-€1,084.48", 1084.48)]
)
def test_fees_are_a_positive_cost(text, expected):
    """Fees are a positive cost, although LEAN writes a minus before them."""
    fees = parse({"Fees": text}).fees
    assert expected == fees
    assert copysign(1, fees) == 1, "no page should show -0"


def test_all_at_once():
    """Each statistic of LEAN's is found by its name, and those that other sources give better are left out."""
    runtime = {
        "Equity": "$5,741.19",
        "Holdings": "$5,786.20",
        "Net Profit": "$-840.29",
        "Unrealized": "$-3,348.57",
        "Volume": "$21,567.68",
        "Fees": "-$84.48",
        "Return": "-42.59 %",
        "Probabilistic Sharpe Ratio": "9.145%",
        "Capacity": "$220K",
        "Signal": "0.75",
    }
    expected = Statistics(
        -840.29,
        84.48,
        21_567.68,
        pytest.approx(-0.4259),
        pytest.approx(0.09145),
        (("Signal", 0.75),),
        equity=5741.19,
        unrealized_pnl=-3348.57,
    )
    assert expected == parse(runtime)


@pytest.mark.parametrize("runtime", [None, {}, [], {"Own": "text"}])
def test_nothing_stated(runtime):
    """An algorithm that is not running states nothing, and then nothing is known."""
    assert Statistics() == parse(runtime)
    assert parse_statistics({}, MOST) == Statistics()


@pytest.mark.parametrize("blank", [None, "", " ", "NaN", "NaN%", "$NaN", "NaN %"])
def test_blank_statistics(blank):
    """A statistic that is blank, or that LEAN could not compute, is not known."""
    assert (money(blank), ratio(blank)) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "$",
        "$1.2.3",
        "$12,34",
        "$1,2345",
        "1.234,56 €",
        "$1e5",
        "-$-5",
        "--5",
        "$5 of 7",
        "5/7",
        "∞",
        "$Infinity",
        "$5,741.19 (USD)",
        "0x10",
        "9" * 60,
        "16.174%",  # what should be money
    ],
)
def test_money_that_is_no_amount(text):
    """Another text where LEAN writes an amount is malformed and named, since something has changed."""
    with pytest.raises(Malformed, match=r'^runtimeStatistics\["Net Profit"\]: expected an amount of money'):
        money(text)


@pytest.mark.parametrize("text", ["12.5", "$12.5", "5% of 7", "%5", "many %", 0.05, 12])
def test_ratio_that_is_no_percentage(text):
    """A return without its sign could be a ratio or a percentage, so it is malformed."""
    with pytest.raises(Malformed, match=r'^runtimeStatistics\["Return"\]: expected a percentage as text'):
        ratio(text)


@pytest.mark.parametrize(("value", "expected"), [(5, 5.0), (-3.25, -3.25), (0, 0.0)])
def test_money_may_be_a_number(value, expected):
    """An amount that comes as a number is one."""
    assert expected == money(value)


@pytest.mark.parametrize("value", [True, {}, [5], float("nan"), float("inf")])
def test_statistics_of_another_kind(value):
    """A statistic of LEAN's that is neither text nor finite number is malformed."""
    for name in ("Net Profit", "Fees", "Volume", "Return", "Probabilistic Sharpe Ratio"):
        with pytest.raises(Malformed, match=f"{name}.*expected a"):
            parse({name: value})


# The algorithm's own


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5.0),
        ("-5.25", -5.25),
        ("+5", 5.0),
        (".5", 0.5),
        ("1,234,567.5", 1_234_567.5),
        (" 7 ", 7.0),
        ("12.5%", 0.125),
        ("12.5 %", 0.125),
        ("$1,000.00", 1000.0),
        ("€ 5", 5.0),
        ("$-5.00", -5.0),
        ("-$5.00", -5.0),
        ("0", 0.0),
        (5, 5.0),
        (2.5, 2.5),
        (-0.0, 0.0),
    ],
)
def test_custom_numbers(value, expected):
    """A statistic of the algorithm's own that shows a number is that number, a percentage a ratio."""
    assert pytest.approx(expected) == custom(value)


@pytest.mark.parametrize(
    "value",
    [
        "SMA20",
        "20 SMA",
        "USD 5",
        "5 USD",
        "2026-11-20",
        "11/20/2026",
        "12:30",
        "2026-11-20 12:30:00",
        "5 of 7",
        "5/7",
        "1e5",
        "1.2.3",
        "1,5",
        "5-7",
        "v5",
        "",
        " ",
        "-",
        "%",
        "NaN",
        "Infinity",
        "risk on",
        "True",
        "-$-5",
        "9" * 41,
        True,
        False,
        None,
        [],
        {},
        [5],
        float("nan"),
        float("inf"),
        10**400,
    ],
)
def test_custom_texts(value):
    """Letters, dates, fractions and other texts are no numbers, and no reason to fail."""
    assert custom(value) is None


def test_cap_of_custom_statistics():
    """The first ones up to the cap are kept, and those beyond it counted, texts not."""
    runtime = {f"S{number}": str(number) for number in range(60)}
    runtime = {"Text": "risk on", **runtime, "Return": "5 %"}
    parsed = parse(runtime)
    assert (tuple((f"S{number}", float(number)) for number in range(50)), 10) == (
        parsed.custom,
        parsed.dropped,
    )


@pytest.mark.parametrize(("count", "dropped"), [(0, 0), (49, 0), (50, 0), (51, 1)])
def test_cap_is_exact(count, dropped):
    """Nothing is dropped until there is one more than the cap."""
    parsed = parse({f"S{number}": "1" for number in range(count)})
    assert (count - dropped, dropped) == (len(parsed.custom), parsed.dropped)


def test_custom_name_must_be_writable():
    """A name that no page could show is malformed."""
    with pytest.raises(Malformed, match="half a surrogate pair"):
        parse({"\ud800": "5"})


# The server's


def test_server_statistics():
    """The machine's load is a ratio, its memory in bytes, its up time in seconds."""
    server = {
        "CPU Usage": "12.5%",
        "Used RAM (MB)": "430",
        "Total RAM (MB)": "1024",
        "Hostname": "secret",
        "LEAN Version": "2.5.0.0.17210",
        "Up Time": "3d 04:05:06",
    }
    megabyte = 1024 * 1024
    uptime = 3 * 86_400 + 4 * 3600 + 5 * 60 + 6
    expected = ServerStatistics(0.125, 430.0 * megabyte, 1024.0 * megabyte, float(uptime))
    assert expected == parse(server=server).server
    assert "secret" not in repr(parse(server=server))


@pytest.mark.parametrize(
    "server",
    [
        None,
        {},
        [],
        {"CPU Usage": "", "Used RAM (MB)": "n/a", "Total RAM (MB)": None, "Up Time": "a while"},
        {"CPU Usage": True, "Used RAM (MB)": {}, "Total RAM (MB)": 1e308, "Up Time": 5},
        {"Up Time": "3d 4:5:6"},
        {"Up Time": "-1d 00:00:00"},
        {"Up Time": "9" * 40 + "d 00:00:00"},
    ],
)
def test_server_statistics_that_do_not_read(server):
    """A machine's statistic that does not read is left out: no money depends on it."""
    assert ServerStatistics() == parse(server=server).server


def test_uptime_of_a_young_deployment():
    """Less than a day of up time is read too."""
    assert parse(server={"Up Time": "0d 00:01:00"}).server.uptime_seconds == 60.0


@pytest.mark.parametrize("member", ["runtimeStatistics", "serverStatistics"])
@pytest.mark.parametrize("value", ["x", 5, [1]])
def test_statistics_must_be_an_object(member, value):
    """Statistics that are no object are malformed."""
    with pytest.raises(Malformed, match=f"^{member}: expected an object"):
        parse_statistics({member: value}, MOST)


# Where they are


@pytest.mark.parametrize(
    "body",
    [
        {"runtimeStatistics": {"Volume": "$5.00"}},
        {"RuntimeStatistics": {"Volume": "$5.00"}},
        {"runtimeStatistics": {"Volume": "$5.00"}, "LiveResults": {"results": {}}},
        {"LiveResults": {"results": {"runtimeStatistics": {"Volume": "$5.00"}}}},
        {"LiveResults": {"results": {"RuntimeStatistics": {"Volume": "$5.00"}}}},
        {"LiveResults": {"Results": {"RuntimeStatistics": {"Volume": "$5.00"}}}},
        {"LiveResults": None, "RuntimeStatistics": {"Volume": "$5.00"}},
    ],
)
def test_places_of_statistics(body):
    """Statistics stand in the body or, in older ones, nested in the live results."""
    assert parse_statistics(body, MOST).volume == 5.0


@pytest.mark.parametrize("body", [{"LiveResults": {}}, {"LiveResults": {"results": []}}, {"LiveResults": []}])
def test_nested_results_without_statistics(body):
    """Nested results without statistics state nothing."""
    assert Statistics() == parse_statistics(body, MOST)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "lean_backtest_BasicTemplateAlgorithm_2020.json",
            Statistics(
                0.0,
                3.26,
                99_614.58,
                pytest.approx(0.0166),
                pytest.approx(0.66954),
                equity=101_662.54,
                unrealized_pnl=1662.54,
            ),
        ),
        (
            "lean_backtest_SpyBondPortfolioRebalance_2021.json",
            Statistics(
                16.46,
                21.0,
                12_179.31,
                pytest.approx(-0.0934),
                pytest.approx(0.13996),
                equity=9065.58,
                unrealized_pnl=-931.88,
            ),
        ),
        (
            "lean_backtest_current_shape_2025.json",
            Statistics(0.0, 0.0, 0.0, 0.0, 0.0, equity=1e6, unrealized_pnl=0.0),
        ),
        ("lean_test_report_data.json", Statistics()),
    ],
)
def test_genuine_statistics(name, expected, sample):
    """The runtime statistics of genuine files read as what stands there."""
    assert expected == parse_statistics(json.loads(sample(name).read_text()), MOST)


@pytest.mark.parametrize(
    ("text", "expected"), [("-$-5.00", -5.0), ("-€-1,234.50", -1234.5), ("-$-0.00", 0.0)]
)
def test_rebate_is_a_negative_cost(text, expected):
    """Fees that came out in the account's favour, which LEAN writes with two minuses, are a negative cost."""
    assert parse({"Fees": text}).fees == expected


@pytest.mark.parametrize(
    ("equity", "net_profit", "unrealized", "pnl", "capital"),
    [
        ("$110,000.00", "$-40,000.00", "$0.00", -40_000.0, 150_000.0),
        ("$110,000.00", "-$40,000.00", "-$0.00", -40_000.0, 150_000.0),
        ("$101,662.54", "$0.00", "$1,662.54", 1662.54, 100_000.0),
        ("€-500.00", "-€100.00", "€-600.00", -700.0, 200.0),
        (None, "$1.00", "$1.00", None, None),
        ("$1.00", "", "$1.00", None, None),
        ("$1.00", "$1.00", None, None, None),
    ],
)
def test_profit_and_capital(equity, net_profit, unrealized, pnl, capital):
    """Profit and capital follow from three amounts, with the minus before or after the currency's mark."""
    parsed = parse({"Equity": equity, "Net Profit": net_profit, "Unrealized": unrealized})
    assert (pnl, capital) == (parsed.strategy_pnl, parsed.capital)


@pytest.mark.parametrize(
    ("name", "capital"),
    [
        ("lean_backtest_BasicTemplateAlgorithm_2020.json", 100_000.0),
        # before 2023 the net profit is without the fees of 21.00, and 2.00 of exit fees are in the profit
        ("lean_backtest_SpyBondPortfolioRebalance_2021.json", 10_002.0 - 21.0),
    ],
)
def test_genuine_capital(name, capital, sample):
    """The genuine bodies give the capital that their algorithms began with, less the fees of old engines."""
    assert capital == parse_statistics(json.loads(sample(name).read_text()), MOST).capital


@pytest.mark.parametrize(("stated", "expected"), [("L-1", "L-1"), (None, None)])
def test_deployment_of_the_statistics(stated, expected):
    """The statistics name the deployment they belong to, where the answer does."""
    assert expected == parse_statistics({"deployId": stated}, MOST).deploy_id
