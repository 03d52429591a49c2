"""Whatever the JSON of an answer, there is a value of finite numbers or an ApiError."""

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.portfolio import Portfolio
from exporter.errors import ApiError
from exporter.quantconnect.envelope import Response, interpret
from exporter.quantconnect.wire.chart import ChartShape, parse_chart_answer
from exporter.quantconnect.wire.live import (
    DeploymentShape,
    ListShape,
    ProjectsShape,
    parse_deployment,
    parse_listing,
    parse_project_names,
)
from exporter.quantconnect.wire.orders import OrdersShape, parse_orders
from exporter.quantconnect.wire.portfolio import PortfolioShape, parse_portfolio
from exporter.quantconnect.wire.statistics import StatisticsShape, parse_statistics

PARSERS = {
    "live/list": (ListShape, parse_listing),
    "live/read": (DeploymentShape, parse_deployment),
    "live/read statistics": (StatisticsShape, lambda body: parse_statistics(body, 50)),
    "live/portfolio/read": (PortfolioShape, parse_portfolio),
    "live/chart/read": (ChartShape, lambda body: parse_chart_answer(body, "Strategy Equity")),
    "live/orders/read": (OrdersShape, parse_orders),
    "projects/read": (ProjectsShape, parse_project_names),
}

ROW = {
    "projectId": 5,
    "deployId": "L",
    "status": "Running",
    "launched": "2026-11-20 12:34:56",
    "brokerage": "",
}
SHORT = {"a": 1.5, "q": 2, "p": 2.5, "r": 1.1, "v": 5.5, "u": 1, "up": 3, "c": "€"}
LONG = {"symbol": {"value": "X"}, "type": 1, "quantity": 1, "marketPrice": 2, "marketValue": 2}
USD = {"symbol": "USD", "amount": 5, "conversionRate": 1, "valueInAccountCurrency": 5}
BODIES: Mapping[str, Any] = {
    "live/list": {"success": True, "live": [ROW, {**ROW, "stopped": "2026-11-21 00:00:00"}]},
    "live/read": {"success": True, **ROW},
    "live/read statistics": {
        "success": True,
        "runtimeStatistics": {"Net Profit": "$5.00", "Fees": "-$1.00", "Return": "1.00 %", "Own": "5"},
        "serverStatistics": {"CPU Usage": "5%", "Used RAM (MB)": "5", "Up Time": "0d 00:00:01"},
    },
    "live/portfolio/read": {
        "success": True,
        "portfolio": {
            "holdings": {"SPY R735QTJ8XC9X": SHORT, "X": LONG, "BTCUSD 2XR": {}},
            "cash": {"USD": USD},
        },
    },
    "live/chart/read": {
        "success": True,
        "chart": {"series": {"Equity": {"values": [[1, 2, 3, 1, 2]]}, "R": {"values": [[1, 2], {"x": 3}]}}},
    },
    "live/orders/read": {
        "success": True,
        "orders": [
            {
                "id": 5,
                "type": 1,
                "status": 3,
                "createdTime": "2026-11-27T14:31:00Z",
                "quantity": -10.5,
                "limitPrice": 601.1,
                "orderSubmissionData": {"bidPrice": 601.18, "askPrice": 601.22, "lastPrice": 601.2},
                "events": [
                    {
                        "id": "L-5-1",
                        "algorithmId": "L",
                        "time": 1795789860.1,
                        "status": "filled",
                        "fillPrice": 601.12,
                        "fillQuantity": -10.5,
                        "orderFeeAmount": 1.5,
                        "orderFeeCurrency": "USD",
                    }
                ],
            },
            {
                "Id": 6,
                "Status": None,
                "Time": "2026-11-27T14:31:00Z",
                "OrderSubmissionData": [],
                "Events": [{"status": None, "fill-price": 1.5, "order-fee-amount": 2.5}],
            },
        ],
    },
    "projects/read": {"success": True, "projects": [{"projectId": 5, "name": "Five"}]},
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        [10**400, 1e308, -1e308, 5e-324, "9" * 5000, "2026-11-20 12:34:56", "$5.00", "NaN", "\ud800"]
    )
    | st.text(max_size=12)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in a body with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def floats_of(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        yield from floats_of(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from floats_of(each)
    elif dataclasses.is_dataclass(value):
        yield from floats_of([getattr(value, field.name) for field in dataclasses.fields(value)])


def answer_to(endpoint: str, body: Any, *, typed: bool) -> Any:
    """Return the parsed value, or the text of the ApiError."""
    shape, parse = PARSERS[endpoint]
    try:
        answer = interpret(Response(200, {}, json.dumps(body).encode(), 0.0), shape if typed else None)
        return parse(answer)
    except ApiError as error:
        return str(error)


def check(endpoint: str, body: Any) -> None:
    value = answer_to(endpoint, body, typed=True)
    assert repr(value) == repr(answer_to(endpoint, body, typed=False)), "both ways of reading agree"
    if isinstance(value, str):
        assert value.isprintable(), "the text of an error fits a log line"
        return
    numbers = list(floats_of(value))
    if isinstance(value, Portfolio):
        sums = (value.value(), value.gross_exposure(), value.net_exposure())
        numbers += [each for each in sums if each is not None]
    assert all(isfinite(each) for each in numbers)


def test_numbers_are_found_where_they_are():
    """The search for numbers that are not finite sees those in every value."""
    found = {endpoint: len(list(floats_of(PARSERS[endpoint][1](body)))) for endpoint, body in BODIES.items()}
    expected = {
        "live/list": 3,
        "live/read": 1,
        "live/read statistics": 7,
        "live/portfolio/read": 6 + 6 + 5 + 3,
        "live/chart/read": 9,
        "live/orders/read": 11 + 9,
        "projects/read": 0,
    }
    assert expected == found


@pytest.mark.parametrize("endpoint", PARSERS)
@settings(max_examples=settings.default.max_examples // 3)
@given(body=JSON)
def test_any_body(endpoint, body):
    """Any JSON as the body of any endpoint gives a value of finite numbers or an ApiError."""
    check(endpoint, body)


@pytest.mark.parametrize("endpoint", PARSERS)
@given(data=st.data())
def test_genuine_body_with_one_thing_changed(endpoint, data):
    """A body that is as it should be but for one place gives a value of finite numbers or an ApiError."""
    body = copy.deepcopy(BODIES[endpoint])
    container, key = data.draw(st.sampled_from(list(places(body))))
    container[key] = data.draw(JSON)
    if isinstance(container, dict) and data.draw(st.booleans()):
        container[data.draw(st.text(max_size=5))] = container.pop(key)
    check(endpoint, body)


@pytest.mark.parametrize("endpoint", PARSERS)
def test_nothing_but_a_success(endpoint):
    """A body of a bare success gives a value or an ApiError."""
    check(endpoint, {"success": True})


@pytest.mark.parametrize("endpoint", PARSERS)
def test_genuine_shape_is_read_as_such(endpoint):
    """Today's body of each endpoint has the shape that is declared for it."""
    body = copy.deepcopy(BODIES[endpoint])
    if endpoint == "live/portfolio/read":
        del body["portfolio"]["holdings"]["X"]  # of an older generation
    if endpoint == "live/chart/read":
        del body["chart"]["series"]["R"]
    if endpoint == "live/read statistics":
        body["deployId"] = "L"
    shape, _ = PARSERS[endpoint]
    assert msgspec.json.decode(json.dumps(body).encode(), type=shape)
