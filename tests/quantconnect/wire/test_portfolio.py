"""Portfolios as three generations of LEAN write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.errors import ApiError, Malformed, NotReady
from exporter.quantconnect.envelope import Envelope, Response, interpret
from exporter.quantconnect.wire.portfolio import PortfolioShape, StatedHolding, decode, parse_portfolio

SPY, BTC, AAPL = "SPY R735QTJ8XC9X", "BTCUSD 2XR", "AAPL R735QTJ8XC9X"
PATH = f'portfolio.holdings["{SPY}"]'

SHORT = {"a": 500.1, "q": 10, "p": 512.3, "v": 5123, "u": 121, "up": 2.41}
CAMEL = {
    "symbol": {"value": "SPY", "id": SPY, "permtick": "SPY"},
    "type": 1,
    "currencySymbol": "$",
    "averagePrice": 500.1,
    "quantity": 10,
    "marketPrice": 512.3,
    "conversionRate": 1,
    "marketValue": 5123,
    "unrealizedPnl": 121,
    "unrealizedPnLPercent": 2.41,
}
PASCAL = {
    "Symbol": {"Value": "SPY", "ID": SPY, "Permtick": "SPY"},
    "Type": 1,
    "CurrencySymbol": "$",
    "AveragePrice": 500.1,
    "Quantity": 10.0,
    "MarketPrice": 512.3,
    "ConversionRate": 1.0,
    "MarketValue": 5123.0,
    "UnrealizedPnl": 121.0,
    "UnrealizedPnLPercent": 2.41,
}
USD = {"symbol": "USD", "amount": 1000.5, "conversionRate": 1, "valueInAccountCurrency": 1000.5}


def body(holdings: Any = None, cash: Any = None) -> dict[str, Any]:
    return {"success": True, "portfolio": {"holdings": holdings or {}, "cash": cash or {}}}


def parse_one(members: Any, symbol_id: str = SPY) -> Holding:
    (parsed,) = parse_portfolio(body({symbol_id: members})).holdings
    return parsed


def numbers(holding: Holding) -> tuple[float | None, ...]:
    """Return quantity, prices, rate, value and profit."""
    return (
        holding.quantity,
        holding.average_price,
        holding.market_price,
        holding.conversion_rate,
        holding.market_value,
        holding.unrealized_pnl,
    )


def parse_cash(row: Any, key: str = "USD") -> CashBalance:
    (parsed,) = parse_portfolio(body(cash={key: row})).cash
    return parsed


def malformed(answer: Any) -> str:
    with pytest.raises(Malformed) as caught:
        parse_portfolio(answer)
    return str(caught.value)


# Holdings


@pytest.mark.parametrize("members", [SHORT, CAMEL, PASCAL], ids=["short", "camel", "pascal"])
def test_each_generation_says_the_same(members):
    """The same position reads the same in each of the three generations of keys."""
    assert numbers(parse_one(members)) == (10.0, 500.1, 512.3, 1.0, 5123.0, 121.0)


def test_generations_side_by_side():
    """One body may hold positions of all three generations."""
    parsed = parse_portfolio(body({SPY: SHORT, AAPL: CAMEL, BTC: PASCAL})).holdings
    assert [each.security.symbol_id for each in parsed] == [SPY, AAPL, BTC]
    assert {(10.0, 500.1, 512.3, 1.0, 5123.0, 121.0)} == {numbers(each) for each in parsed}


def test_short_keys_win_over_long_ones():
    """Where one position has a number under two keys, the newer key counts, as in LEAN."""
    assert parse_one({**CAMEL, "q": 11, "v": 5635}).quantity == 11


@pytest.mark.parametrize("key", ["unrealizedPnl", "unrealizedPnL", "UnrealizedPnl", "UnrealizedPnL", "u"])
def test_spellings_of_the_profit(key):
    """The unrealized profit is found however its last letter is spelled."""
    assert parse_one({"q": 1, "p": 10, "v": 10, key: 2.5}).unrealized_pnl == 2.5


def test_genuine_body_of_2024():
    """A recorded body reads as what it says: profit after two fees, and a tail on each fraction."""
    recorded = """{"portfolio": {"holdings": {"AAPL R735QTJ8XC9X": {
        "symbol": {"value": "AAPL", "id": "AAPL R735QTJ8XC9X", "permtick": "AAPL"}, "currencySymbol": "$",
        "averagePrice": 1, "quantity": 1, "marketPrice": 183.28999999999999, "conversionRate": 1,
        "marketValue": 183.28977991799999, "unrealizedPnl": 181.28999999999999,
        "unrealizedPnLPercent": 18128.98, "type": 1}},
        "cash": {"USD": {"securitySymbols": [], "symbol": "USD", "amount": 100000, "conversionRate": 1,
        "currencySymbol": "$", "valueInAccountCurrency": 100000}}}, "success": true}"""
    expected = Portfolio(
        (
            Holding(
                Security(AAPL, "AAPL", SecurityType.EQUITY, "usa", current_ticker="AAPL"),
                quantity=1.0,
                average_price=1.0,
                market_price=183.29,
                conversion_rate=1.0,
                market_value=183.289779918,
                unrealized_pnl=181.29,
                currency_symbol="$",
            ),
        ),
        (CashBalance("USD", 100_000.0, 1.0, 100_000.0),),
    )
    parsed = parse_portfolio(json.loads(recorded))
    assert expected == parsed
    assert (parsed.value(), parsed.infer_account_currency()) == (100_183.289779918, "USD")


@pytest.mark.parametrize("members", [{}, [], None])
def test_flat_asset_is_an_empty_object(members):
    """A subscribed asset that is not held has no members: quantity, value and profit are 0, the price unknown."""
    assert numbers(parse_one(members)) == (0.0, 0.0, None, 1.0, 0.0, 0.0)


def test_flat_asset_with_a_price():
    """A flat asset may have a price, and is worth 0."""
    assert numbers(parse_one({"p": 512.3})) == (0.0, 0.0, 512.3, 1.0, 0.0, 0.0)


def test_profit_left_out_is_zero():
    """A profit that is left out because it is 0 is 0, and the rate left out is 1."""
    assert numbers(parse_one({"a": 5, "q": 2, "p": 5, "v": 10})) == (2.0, 5.0, 5.0, 1.0, 10.0, 0.0)


def test_short_position_keeps_its_signs():
    """A position sold short has a negative quantity and a negative value."""
    assert numbers(parse_one({"a": 5, "q": -2, "p": 6, "v": -12, "u": -3.01})) == (
        -2.0,
        5.0,
        6.0,
        1.0,
        -12.0,
        -3.01,
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        # LEAN leaves the price out until there is one: value and profit say 0 then, and are not known
        ({"a": 5, "q": 2}, (2.0, 5.0, None, 1.0, None, None)),
        ({"a": 5, "q": 2, "u": -1}, (2.0, 5.0, None, 1.0, None, None)),
        ({"a": 5, "q": 2, "p": 0, "v": 0, "u": 0}, (2.0, 5.0, None, 1.0, None, None)),
        # a price that rounds to 0 is left out, and a stated value proves that there is one
        (
            {"a": 0.08, "q": 100_000, "v": 400, "u": -7601},
            (100_000.0, 0.08, None, 1.0, 400.0, -7601.0),
        ),
        ({"a": 0.08, "q": -5000, "v": -20, "u": 380}, (-5000.0, 0.08, None, 1.0, -20.0, 380.0)),
        ({"q": 9, "p": 0, "v": 3}, (9.0, 0.0, None, 1.0, 3.0, 0.0)),
        # a rate of 0 is not known yet
        ({"q": 9, "p": 6, "r": 0, "v": 3, "u": 1}, (9.0, 0.0, 6.0, None, None, None)),
        ({"a": 5, "q": 2, "p": 6, "r": 0}, (2.0, 5.0, 6.0, None, None, None)),
        ({"a": 5, "q": 2, "p": 6, "r": 0, "v": 0, "u": -1}, (2.0, 5.0, 6.0, None, None, None)),
        ({"a": 5, "q": 2, "p": 6, "r": 0.0, "c": "¥"}, (2.0, 5.0, 6.0, None, None, None)),
        ({**PASCAL, "ConversionRate": 0.0, "MarketValue": 0.0}, (10.0, 500.1, 512.3, None, None, None)),
        # with both, a value left out can only be 0 when it rounds to that
        ({"a": 5, "q": 2, "p": 6}, (2.0, 5.0, 6.0, 1.0, None, 0.0)),
        ({"a": 5, "q": 0.0001, "p": 6}, (0.0001, 5.0, 6.0, 1.0, 0.0, 0.0)),
        ({"q": -2, "p": 0.0045}, (-2.0, 0.0, 0.0045, 1.0, 0.0, 0.0)),
        ({"q": -2, "p": 0.0055}, (-2.0, 0.0, 0.0055, 1.0, None, 0.0)),
        ({"a": 5, "q": 2, "p": 6, "r": 0.0001}, (2.0, 5.0, 6.0, 0.0001, 0.0, 0.0)),
        ({"q": 0, "r": 0}, (0.0, 0.0, None, None, 0.0, 0.0)),
    ],
)
def test_price_or_rate_not_known_yet(members, expected):
    """Without a rate, or without a price and a value, value and profit are not known, whatever 0 says."""
    assert expected == numbers(parse_one(members))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"q": 2, "a": 5, "p": 6, "v": 12, "brandNew": 1}, (2.0, 5.0, 6.0, None, 12.0, None)),
        ({"quantityHeld": 2, "a": 5, "p": 6, "v": 12, "u": 1}, (None, 5.0, 6.0, None, 12.0, 1.0)),
        ({"q": 2, "a": 5, "px": 6, "v": 12, "u": 1, "r": 1}, (2.0, 5.0, None, 1.0, 12.0, 1.0)),
        ({"q": 2, "a": 5, "px": 6}, (2.0, 5.0, None, None, None, None)),
        ({"Q": 2}, (None, None, None, None, None, None)),
        ({**SHORT, "r": 1, "brandNew": 1}, (10.0, 500.1, 512.3, 1.0, 5123.0, 121.0)),
        ({"q": 2, "a": 5, "p": 6, "v": 0, "brandNew": 1}, (2.0, 5.0, 6.0, None, None, None)),
    ],
)
def test_missing_beside_unknown_is_not_known(members, expected):
    """Beside a member with a new name a missing number is not known, and what is stated stands."""
    assert expected == numbers(parse_one(members))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({**SHORT, "q": None}, (None, 500.1, 512.3, 1.0, 5123.0, 121.0)),
        ({**SHORT, "a": None, "u": None}, (10.0, None, 512.3, 1.0, 5123.0, None)),
        ({**SHORT, "v": None}, (10.0, 500.1, 512.3, 1.0, None, 121.0)),
        ({**SHORT, "r": None}, (10.0, 500.1, 512.3, None, 5123.0, 121.0)),
        ({**SHORT, "p": None}, (10.0, 500.1, None, 1.0, 5123.0, 121.0)),
        ({**CAMEL, "q": None}, (10.0, 500.1, 512.3, 1.0, 5123.0, 121.0)),
        # beside what is not known, a profit left out is not known to be 0
        ({"q": 2, "a": 5, "p": None}, (2.0, 5.0, None, 1.0, None, None)),
        ({"q": 2, "a": 5, "p": 6, "r": None}, (2.0, 5.0, 6.0, None, None, None)),
        ({"q": None, "a": 5, "p": 6}, (None, 5.0, 6.0, 1.0, None, None)),
        ({"q": 2, "a": 5, "p": None, "v": 10}, (2.0, 5.0, None, 1.0, 10.0, 0.0)),
        ({"q": 0, "p": None}, (0.0, 0.0, None, 1.0, 0.0, 0.0)),
    ],
)
def test_null_is_not_known(members, expected):
    """A number that is null is not known, which is not the same as one left out."""
    assert expected == numbers(parse_one(members))


@pytest.mark.parametrize("key", ["a", "q", "p", "r", "v", "u", "quantity", "MarketValue", "unrealizedPnl"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5", "expected a number, found the text '5'"),
        (True, "expected a number, found true"),
        ({}, "expected a number, found an object"),
        (float("nan"), "expected a finite number, found nan"),
        (float("-inf"), "expected a finite number, found -inf"),
        (10**400, "a number too large to hold"),
    ],
)
def test_what_is_no_number_is_malformed(key, value, found):
    """A member that is no finite number is named with its whole path."""
    assert f"{PATH}.{key}: {found}" == malformed(body({SPY: {key: value}}))


@pytest.mark.parametrize(
    ("symbol_id", "members", "expected"),
    [
        (SPY, {}, "equity"),
        (SPY, {"type": 7}, "equity"),  # the identifier says it first
        ("SPY", {"type": 1}, "equity"),
        ("SPY", {"Type": 1}, "equity"),
        ("SPY", {"type": 0}, "base"),
        ("X", {"type": 11}, "crypto_future"),
        ("X", {"type": 12}, "unknown"),
        ("X", {"type": -1}, "unknown"),
        ("X", {"type": "Equity"}, "equity"),
        ("X", {"type": "FutureOption"}, "future_option"),
        ("X", {"type": "index_option"}, "index_option"),
        ("X", {"type": "CRYPTOFUTURE"}, "crypto_future"),
        ("X", {"type": "Bond"}, "unknown"),
        ("X", {"type": ""}, "unknown"),
        ("X", {"type": None}, "unknown"),
        ("X", {"type": True}, "unknown"),
        ("X", {}, "unknown"),
    ],
)
def test_security_type(symbol_id, members, expected):
    """The type is the identifier's, else the number or the name that is stated, else unknown."""
    assert expected == parse_one(members, symbol_id).security.type


@pytest.mark.parametrize("stated", [1.5, [1], {"a": 1}])
def test_security_type_of_another_kind_is_malformed(stated):
    """A stated type that is neither number nor name is malformed."""
    assert malformed(body({"X": {"type": stated}})).startswith('portfolio.holdings["X"].type: ')


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "GOOCV"),
        ({"symbol": {"value": "GOOGL", "id": "x", "permtick": "GOOCV"}}, "GOOGL"),
        ({"Symbol": {"Value": "GOOGL"}}, "GOOGL"),
        ({"symbol": {"value": "SPX   210115C03200000"}}, "SPX 210115C03200000"),
        ({"symbol": {"value": ""}}, "GOOCV"),
        ({"symbol": {}}, "GOOCV"),
        ({"symbol": []}, "GOOCV"),
        ({"symbol": None}, "GOOCV"),
        ({"symbol": "GOOGL"}, "GOOCV"),
    ],
)
def test_current_ticker(members, expected):
    """Older engines send today's ticker, which is shown in place of the first one."""
    parsed = parse_one(members, "GOOCV VP83T1ZUHROL")
    assert (expected, "GOOCV") == (parsed.security.symbol, parsed.security.ticker)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "$"),
        ({"c": "€"}, "€"),
        ({"currencySymbol": "¥"}, "¥"),
        ({"CurrencySymbol": "Fr"}, "Fr"),
        ({"c": None}, "$"),
    ],
)
def test_currency_symbol(members, expected):
    """The currency symbol is left out when it is the dollar sign."""
    assert expected == parse_one(members).currency_symbol


@pytest.mark.parametrize(
    ("holdings", "expected"),
    [
        ({SPY: {"c": 5}}, f"{PATH}.currencySymbol: expected a text, found 5"),
        ({SPY: [1]}, f"{PATH}: expected an object, found an array"),
        ({SPY: "x"}, f"{PATH}: expected an object, found the text 'x'"),
        ({SPY: 5}, f"{PATH}: expected an object, found 5"),
        ({SPY: {"symbol": {"value": 7}}}, f"{PATH}.symbol.value: expected a text, found 7"),
        ([SHORT], "portfolio.holdings: expected an object, found an array"),
        ("x", "portfolio.holdings: expected an object, found the text 'x'"),
        ({"\ud800": {}}, 'portfolio.holdings["\\ud800"]: a text with half a surrogate pair'),
    ],
)
def test_malformed_holdings(holdings, expected):
    """Whatever is wrong with a holding is named with its whole path."""
    assert expected == malformed(body(holdings))


# The two maps


@pytest.mark.parametrize(
    "portfolio",
    [
        {"holdings": {}, "cash": {}},
        {"holdings": [], "cash": []},
        {"Holdings": {}, "Cash": []},
        {"holdings": {}},
        {"cash": []},
        {},
        [],
    ],
)
def test_empty_portfolio(portfolio):
    """Empty maps come as an object, an array or not at all, and then the value is not known."""
    parsed = parse_portfolio({"portfolio": portfolio})
    assert (Portfolio(), None) == (parsed, parsed.value())


def test_missing_map_leaves_the_other():
    """A map that is missing because it is empty leaves the other one as it is."""
    assert len(parse_portfolio({"portfolio": {"holdings": {SPY: SHORT}}}).holdings) == 1
    assert len(parse_portfolio({"portfolio": {"cash": {"USD": USD}, "holdings": []}}).cash) == 1


@pytest.mark.parametrize(
    ("portfolio", "expected"),
    [
        (
            {"positions": {}, "cash": {}},
            "portfolio.holdings: missing, while there is an unknown member 'positions'",
        ),
        (
            {"holdings": {}, "cashBook": {}},
            "portfolio.cash: missing, while there is an unknown member 'cashBook'",
        ),
        ([1], "portfolio: expected an object, found an array"),
        ("x", "portfolio: expected an object, found the text 'x'"),
        (False, "portfolio: expected an object, found false"),
    ],
)
def test_malformed_portfolio(portfolio, expected):
    """A map that may have a new name is not taken for an empty one."""
    assert expected == malformed({"portfolio": portfolio})


def test_unknown_member_beside_both_maps_is_fine():
    """A new member of the portfolio leaves what is known readable."""
    portfolio = {"holdings": {SPY: SHORT}, "cash": {"USD": USD}, "settled": 5}
    assert parse_portfolio({"portfolio": portfolio}).value() == 5123 + 1000.5


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"portfolio": None},
        {"status": "loading", "progress": 0.5},
        {"portfolio": {"holdings": None, "cash": {"USD": USD}}},
        {"portfolio": {"holdings": {SPY: SHORT}, "cash": None}},
        {"portfolio": {"Holdings": None, "Cash": None}},
    ],
)
def test_no_portfolio_yet(answer):
    """An answer without a portfolio, or with null in place of a map, is not ready: it is not empty."""
    with pytest.raises(NotReady):
        parse_portfolio(answer)


# Cash


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (USD, CashBalance("USD", 1000.5, 1.0, 1000.5)),
        # the stated value counts, and is only worked out where it is missing
        (
            {"amount": 100, "conversionRate": 1.1, "valueInAccountCurrency": 110.00000000000001},
            CashBalance("USD", 100.0, 1.1, 110.00000000000001),
        ),
        ({"amount": 100, "conversionRate": 1.5}, CashBalance("USD", 100.0, 1.5, 150.0)),
        (
            {"Amount": 100.0, "ConversionRate": 1.5, "ValueInAccountCurrency": 149.0},
            CashBalance("USD", 100.0, 1.5, 149.0),
        ),
        ({"amount": -100, "conversionRate": 2}, CashBalance("USD", -100.0, 2.0, -200.0)),
        # an amount of 0 is worth 0 at whatever rate
        ({"amount": 0, "conversionRate": 0, "valueInAccountCurrency": 0}, CashBalance("USD", 0.0, None, 0.0)),
        ({"amount": 0, "conversionRate": 1}, CashBalance("USD", 0.0, 1.0, 0.0)),
        ({"amount": 0}, CashBalance("USD", 0.0, None, 0.0)),
        # a rate of 0 is not known yet, and the value of 0 beside it means nothing
        (
            {"amount": 100, "conversionRate": 0, "valueInAccountCurrency": 0},
            CashBalance("USD", 100.0, None, None),
        ),
        ({"amount": 100, "conversionRate": None}, CashBalance("USD", 100.0, None, None)),
        ({"amount": 100, "rate": 1}, CashBalance("USD", 100.0, None, None)),
    ],
)
def test_cash(row, expected):
    """A row of the cash book has its amount, its rate once known, and its value once the rate is."""
    assert expected == parse_cash(row)


def test_old_cash_with_one_security_symbol():
    """Bodies of before 2021 have one symbol where later ones have a list, and neither matters."""
    assert parse_cash({**USD, "securitySymbol": {"Value": ""}}) == parse_cash({**USD, "securitySymbols": []})


def test_cash_is_named_by_its_key():
    """Two rows never get the same currency, whatever their symbols say."""
    rows = {"USD": USD, "EUR": {**USD, "symbol": "USD"}, "BTC": {"amount": 1, "conversionRate": 5}}
    assert [each.currency for each in parse_portfolio(body(cash=rows)).cash] == ["USD", "EUR", "BTC"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, '["USD"].amount: expected a number, found null'),
        ([], '["USD"].amount: expected a number, found null'),
        (5, '["USD"]: expected an object, found 5'),
        ({"amount": "5"}, "[\"USD\"].amount: expected a number, found the text '5'"),
        ({"amount": None}, '["USD"].amount: expected a number, found null'),
        ({"amount": float("nan")}, '["USD"].amount: expected a finite number, found nan'),
        ({"amount": 5, "conversionRate": True}, '["USD"].conversionRate: expected a number, found true'),
        (
            {"amount": 5, "conversionRate": 1, "valueInAccountCurrency": "5"},
            "[\"USD\"].valueInAccountCurrency: expected a number, found the text '5'",
        ),
        (
            {"amount": 1e300, "conversionRate": 1e300},
            '["USD"].valueInAccountCurrency: expected a finite number, found inf',
        ),
    ],
)
def test_malformed_cash(row, expected):
    """Whatever is wrong with a row of the cash book is named with its whole path."""
    assert f"portfolio.cash{expected}" == malformed(body(cash={"USD": row}))


def test_what_is_remembered_of_identifiers_is_bounded():
    """However many symbols come and go, no more than a fixed number of them is kept."""
    for number in range(40_000):
        decode(f"S{number} 2T")
    info = decode.cache_info()

    assert info.currsize == info.maxsize < 40_000


NUMBERS = st.one_of(
    st.floats(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.booleans(),
    st.none(),
    st.text(max_size=2),
)
MEMBERS = st.dictionaries(st.sampled_from(["a", "q", "p", "v", "u", "up", "r", "c", "type", "x"]), NUMBERS)
PLAIN = st.fixed_dictionaries(
    {name: st.floats(-1e12, 1e12) for name in "aqpv"},
    optional={"u": st.floats(-1e12, 1e12), "r": st.floats(0, 1e3), "up": NUMBERS, "c": st.text(max_size=2)},
)
SYMBOLS = st.sampled_from(["SPY R735QTJ8XC9X", "AAPL R735QTJ8XC9X", "ES", "é 2T", "", "X" * 200, "\ud800"])


def read(content: bytes, shape: type[Envelope] | None) -> Portfolio | str:
    try:
        return parse_portfolio(interpret(Response(200, {}, content, 0.0), shape))
    except ApiError as error:
        return str(error)


@given(st.dictionaries(SYMBOLS, MEMBERS | PLAIN, min_size=1, max_size=3))
def test_typed_reading_says_what_forgiving_reading_says(holdings):
    """A body in today's shape gives the same portfolio, or the same error, as one that is read forgivingly."""
    content = json.dumps({**body(holdings), "success": True}).encode()
    assert read(content, None) == read(content, PortfolioShape)


USUAL = {"a": 500, "q": 10, "p": 540.5, "v": 5405, "u": 405, "up": 8.1}


@pytest.mark.parametrize("left_out", ["", "q", "a", "p", "v", "u", "up"])
def test_todays_holding_is_read_as_a_structure(left_out):
    """Whatever LEAN leaves out today because it has its default value, the answer has today's shape."""
    members = {**USUAL, "r": 1.08, "c": "A$"}
    members.pop(left_out, None)
    content = json.dumps(body({SPY: members}, {"USD": USD})).encode()
    shaped = interpret(Response(200, {}, content, 0.0), PortfolioShape)
    assert type(shaped["portfolio"]["holdings"][SPY]) is StatedHolding
    assert read(content, None) == parse_portfolio(shaped)


def test_unusual_holding_leaves_the_others_in_their_order():
    """Of many holdings, one without a price is read in its place."""
    holdings = {f"S{number} R735QTJ8XC9X": dict(USUAL) for number in range(200)}
    del holdings["S77 R735QTJ8XC9X"]["p"], holdings["S77 R735QTJ8XC9X"]["v"]
    parsed = parse_portfolio(body(holdings=holdings)).holdings

    assert [holding.security.symbol_id for holding in parsed] == list(holdings)
    assert [holding.security.symbol_id for holding in parsed if holding.market_price is None] == [
        "S77 R735QTJ8XC9X"
    ]


@pytest.mark.parametrize(
    ("symbol_id", "odd"),
    [
        (SPY, {"a": float("inf")}),
        (SPY, {"a": float("nan")}),
        (SPY, {"c": 5}),
        (SPY, {"c": "\ud800"}),
        ("\ud800 2T", {}),
    ],
)
def test_what_cannot_be_shown_is_malformed(symbol_id, odd):
    """Numbers that are not finite, signs that are no text and halves of characters are malformed."""
    malformed(body(holdings={symbol_id: {**USUAL, **odd}}))


def test_long_identifier_is_not_remembered():
    """An identifier longer than any genuine one is read, and not kept."""
    decode.cache_clear()
    assert parse_one(USUAL, symbol_id="X" * 10_000).quantity == 10
    assert decode.cache_info().currsize == 0


@pytest.mark.parametrize("shape", [None, PortfolioShape])
def test_texts_are_cut_and_stay_apart(shape):
    """Symbols, tickers and currency signs have at most 256 characters, and long ones stay different."""
    holdings = {f"{'X' * 1000}{number}": {**USUAL, "c": "€" * 1000} for number in range(2)}
    content = json.dumps(body(holdings, {"U" * 1000: USD})).encode()
    parsed = read(content, shape)
    symbols = {each.security.symbol_id for each in parsed.holdings}
    texts = symbols | {each.security.symbol for each in parsed.holdings}
    texts |= {each.currency_symbol for each in parsed.holdings} | {each.currency for each in parsed.cash}
    assert len(symbols) == 2
    assert {(len(each), "…" in each) for each in texts} == {(256, True)}


def test_few_unknown_members_are_named():
    """However many unknown members an answer has, a few of them are named, each shortened."""
    holdings = {SPY: {f"{number:05}{'x' * 500}": 1 for number in range(1000)}}
    named = parse_portfolio(body(holdings)).unknown_members
    assert len(named) == 10
    assert max(map(len, named)) < 70


def test_more_holdings_than_any_account_has():
    """An answer with more holdings than any account is malformed, not a page of a gigabyte."""
    assert malformed(body({f"S{number}": {} for number in range(20_001)})).endswith("more than 20000")
