"""Orders on the page: what the simulated accounts did, and nothing while the list is not read to its end."""

import json
import logging
from typing import Any

import pytest

from exporter.config.model import Polling, ProjectSettings
from exporter.demo.faults import Fault
from tests.polling.cloud import LOADING, Body, Cloud, polled, row, time_text, with_polling
from tests.support import Bench, Samples, config_of, project_named

FIVE_MINUTES = 300
SELDOM = 4 * 3600
SETTINGS = with_polling(orders=FIVE_MINUTES, portfolio=SELDOM, equity=SELDOM, statistics=SELDOM)
"""Orders as usual, and of the other sources next to nothing: they cost time and prove nothing here."""
LAUNCHED = 1_789_990_000.0


def of(samples: Samples, name: str, project_id: int = 5) -> dict[str, float]:
    """Return a family's values by its own label, or by nothing."""
    found = {}
    for labels in samples.labels(f"quantconnect_{name}", project_id=str(project_id)):
        own = {key: value for key, value in labels.items() if key not in ("project_id", "project")}
        found["".join(own.values())] = samples.one(f"quantconnect_{name}", **labels)
    return found


def assert_equals_the_ledger(bench: Bench, project_id: int) -> None:
    """Orders, fills, fees and rejections on the page are those of the simulated ledger, exactly."""
    samples = bench.samples()
    truth = bench.api.projects[project_id].trading(bench.api.snapshot_time())
    assert sum(of(samples, "orders_total", project_id).values()) == truth.orders
    assert sum(of(samples, "orders", project_id).values()) == truth.orders
    assert of(samples, "fills_total", project_id) == {"buy": truth.buys, "sell": truth.sells}
    assert of(samples, "order_rejections_total", project_id) == {"": truth.rejections}
    assert of(samples, "fills_lost_total", project_id) == {"": truth.fills_lost}
    fees = of(samples, "order_fees_total", project_id)
    assert {currency: fee for currency, fee in fees.items() if fee} == {
        currency: float(fee) for currency, fee in truth.fees.items()
    }
    rebates = of(samples, "order_rebates_total", project_id)
    assert {currency: fee for currency, fee in rebates.items() if fee} == {
        currency: float(fee) for currency, fee in truth.rebates.items()
    }


def test_orders_equal_the_ledgers(make_bench, api):
    """Of every running project, at once and after three hours of trading, and so after a restart."""
    bench = make_bench(config_of(api, SETTINGS))
    running = [project_id for project_id in api.projects if api.state(project_id).status == "Running"]
    bench.poll()
    for project_id in running:
        assert_equals_the_ledger(bench, project_id)
    bench.advance(3 * 3600, FIVE_MINUTES)
    again = make_bench(config_of(api, SETTINGS))
    again.poll()
    for project_id in running:
        if api.state(project_id).status == "Running":
            assert_equals_the_ledger(bench, project_id)
            assert_equals_the_ledger(again, project_id)


def test_few_requests_are_made(make_bench, api):
    """Over an hour of every project's trading, a poll makes 1.2 requests on average."""
    bench = make_bench(config_of(api, SETTINGS))
    bench.poll()
    api.requests.clear()
    bench.advance(3600, 60)
    asked = [request for request in api.requests.snapshot() if request.endpoint == "live/orders/read"]
    projects = {request.project_id for request in asked}
    assert len(asked) / (12 * len(projects)) < 1.2
    assert all(0 < each.parameters["end"] - each.parameters["start"] <= 1000 for each in asked)


def test_order_without_events_waits_for_the_launch(cloud):
    """Its time alone tells whose it is: once the launch of the deployment is known, it counts."""
    serve(cloud, [order(60, status=0, events=[])])
    cloud.rows = [row(5, launched="0001-01-01 00:00:00")]
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert of(bench.samples(), "open_orders") == {}
        cloud.rows = [row(5, launched=LAUNCHED)]
        bench.advance(2 * FIVE_MINUTES, 60)
        assert sum(of(bench.samples(), "open_orders").values()) == 1


def test_new_deployment_begins_at_zero(make_bench, api):
    """While its list is loading nothing is shown; then its own orders alone."""
    project_id = project_named(api, 'Research/Lab "Signal" 7')
    bench = make_bench(config_of(api, SETTINGS))
    bench.poll()
    assert sum(of(bench.samples(), "orders_total", project_id).values()) > 20
    api.projects[project_id].launch()
    bench.advance(60)
    bench.advance(60)
    assert sum(of(bench.samples(), "orders_total", project_id).values()) == 0
    assert of(bench.samples(), "orders_total", project_id)["market"] == 0
    api.projects[project_id].open_position("SPY R735QTJ8XC9X", 10)
    bench.advance(2 * FIVE_MINUTES, 60)
    assert_equals_the_ledger(bench, project_id)
    assert sum(of(bench.samples(), "orders_total", project_id).values()) == 1


def test_orders_may_be_turned_off(make_bench, api):
    """With ``orders: null`` none is asked for and nothing of them is shown, after a reload too."""
    bench = make_bench(config_of(api, SETTINGS))
    bench.poll()
    assert bench.samples().names() & {"quantconnect_orders", "quantconnect_fills_total"}
    bench.reconfigure(config_of(api, ProjectSettings(polling=Polling(orders=None))))
    api.requests.clear()
    bench.advance(600)
    assert not {request.endpoint for request in api.requests.snapshot()} & {"live/orders/read"}
    assert not [name for name in bench.samples().names() if "order" in name or "fill" in name]
    assert bench.samples().all("quantconnect_up", source="orders") == []


def test_messages_and_tags_stay_where_they_are(make_bench, api, caplog):
    """What the brokerage said and what the user noted is in no label and in no log line."""
    caplog.set_level(logging.DEBUG)
    bench = make_bench(config_of(api, SETTINGS))
    bench.poll()
    rejected = project_named(api, "Futures Trend")
    assert of(bench.samples(), "order_rejections_total", rejected)[""] > 300
    for text in (bench.page(), caplog.text):
        assert "DU1234567" not in text
        assert "SECRET TAG" not in text


def test_failure_keeps_the_totals_until_they_are_stale(make_bench, api):
    """While the list cannot be read what was known stays, with its source down, and then it leaves."""
    project_id = project_named(api, "Coins")
    bench = make_bench(config_of(api, SETTINGS))
    bench.poll()
    known = of(bench.samples(), "fills_total", project_id)
    api.faults.add(Fault(endpoint="live/orders/read", status=500))
    bench.advance(2 * FIVE_MINUTES, 60)
    assert of(bench.samples(), "fills_total", project_id) == known
    assert bench.samples().one("quantconnect_up", project_id=str(project_id), source="orders") == 0
    bench.advance(900, 60)
    assert of(bench.samples(), "fills_total", project_id) == {}


# A list that a test writes


def order(number: int, status: int | None = 3, deploy_id: str = "L-1", **members: Any) -> Body:
    """Return an order filled an hour and a half ago, or whatever it is."""
    time = LAUNCHED + number
    event = {
        "algorithmId": deploy_id,
        "time": time,
        "status": "filled" if status == 3 else "submitted",
        "fillPrice": 10.0,
        "fillQuantity": 1.0 if status == 3 else 0.0,
    }
    created = time_text(time).replace(" ", "T") + "Z"
    return {"id": number, "type": 0, "status": status, "createdTime": created, "events": [event], **members}


def serve(cloud: Cloud, orders: list[Body], cap: int = 100, *, refuses: bool = True) -> None:
    """Answer from a list, which may change later."""

    def answer(request: Body) -> Body:
        if refuses and request["start"] >= max(len(orders), 1):
            return {"success": False, "errors": ["Invalid argument: start"]}
        return {
            "success": True,
            "orders": orders[request["start"] : request["end"]][:cap],
            "length": len(orders),
        }

    cloud.rows = [row(5, launched=LAUNCHED)]
    cloud.overrides["live/orders/read"] = answer


def reasons(bench: Bench) -> dict[str, float]:
    labels = bench.samples().labels("quantconnect_poll_failures_total", source="orders")
    counted = {
        each["reason"]: bench.samples().one("quantconnect_poll_failures_total", **each) for each in labels
    }
    return {reason: count for reason, count in counted.items() if count}


def test_long_list_is_not_shown_before_its_end(cloud, clock):
    """2,500 orders in pages of a hundred take two polls: not ready, then right, and asked for once each."""
    serve(cloud, [order(number) for number in range(1, 2501)])
    clock.advance(86_400)
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert of(bench.samples(), "orders_total") == {}
        assert reasons(bench) == {"not_ready": 1}
        bench.advance(FIVE_MINUTES)
        assert of(bench.samples(), "fills_total") == {"buy": 2500, "sell": 0}
        starts = [request["start"] for request in cloud.requests("live/orders/read")]
        assert starts[:25] == list(range(0, 2500, 100))
        assert len(starts) == 27


def test_what_was_read_before_an_error_is_kept(cloud, clock):
    """After an error in the middle of a long list the next poll goes on where it was."""
    orders = [order(number) for number in range(1, 451)]
    serve(cloud, orders)
    clock.advance(86_400)
    whole = cloud.overrides["live/orders/read"]
    cloud.overrides["live/orders/read"] = lambda request: whole(request) if request["start"] < 300 else {}
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert reasons(bench) == {"malformed": 1}
        cloud.overrides["live/orders/read"] = whole
        cloud.asked.clear()
        bench.advance(FIVE_MINUTES)
        assert cloud.requests("live/orders/read")[0]["start"] == 300
        assert of(bench.samples(), "fills_total")["buy"] == 450


def test_loading_is_not_ready(cloud):
    """A list that is being prepared is no list of no orders."""
    cloud.rows = [row(5, launched=LAUNCHED)]
    cloud.overrides["live/orders/read"] = lambda _: LOADING
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert reasons(bench) == {"not_ready": 1}
        assert of(bench.samples(), "orders_total") == {}


@pytest.mark.parametrize("text", ["Invalid argument: projectId", "No live deployment found", "Sorry"])
def test_refusal_of_the_first_page_is_a_failure(cloud, text):
    """Where nothing could be read there are not 0 orders."""
    cloud.rows = [row(5, launched=LAUNCHED)]
    cloud.overrides["live/orders/read"] = lambda _: {"success": False, "errors": [text]}
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert reasons(bench) == {"rejected": 1}
        assert of(bench.samples(), "orders_total") == {}


def test_refusal_of_a_list_that_was_read_keeps_it(cloud):
    """A project that may not be read for a while loses nothing and counts nothing twice."""
    orders = [order(number) for number in range(1, 4)]
    serve(cloud, orders)
    whole = cloud.overrides["live/orders/read"]
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        cloud.overrides["live/orders/read"] = lambda _: {"success": False, "errors": ["Sorry"]}
        bench.advance(FIVE_MINUTES)
        assert reasons(bench) == {"rejected": 1}
        assert of(bench.samples(), "fills_total")["buy"] == 3
        orders.append(order(4))
        cloud.overrides["live/orders/read"] = whole
        bench.advance(3600, 60)
        assert of(bench.samples(), "fills_total")["buy"] == 4


def test_no_orders_are_zero(cloud):
    """A list without orders is known: every status and type is 0."""
    serve(cloud, [])
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert set(of(bench.samples(), "orders").values()) == {0}
        assert set(of(bench.samples(), "orders_total").values()) == {0}
        assert of(bench.samples(), "order_fees_total") == {"USD": 0}
        assert of(bench.samples(), "last_order_timestamp_seconds") == {}


def test_list_that_shrinks_is_told_and_no_counter_falls(cloud, caplog):
    """When orders leave the list what was counted stays, new ones are added, and the log says so once."""
    orders = [order(number) for number in range(1, 131)]
    serve(cloud, orders)
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        del orders[:50]
        bench.advance(FIVE_MINUTES)
        assert of(bench.samples(), "fills_total")["buy"] == 130
        assert caplog.text.count("list of orders has lost or moved some") == 1
        orders.append(order(131))
        bench.advance(FIVE_MINUTES)
        assert of(bench.samples(), "fills_total")["buy"] == 131
        assert caplog.text.count("list of orders has lost or moved some") == 1


def test_late_fills_and_cancellations_are_seen(cloud, clock):
    """An open order is asked for again until it is final, whatever is listed after it."""
    orders = [order(1, status=1), *(order(number) for number in range(2, 300))]
    serve(cloud, orders, refuses=False)
    clock.advance(86_400)
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        assert of(bench.samples(), "open_orders") == {"market": 1}
        orders[0] = order(1, status=3)
        cloud.asked.clear()
        bench.advance(FIVE_MINUTES)
        assert of(bench.samples(), "open_orders") == {}
        assert of(bench.samples(), "fills_total")["buy"] == 299
        assert [(each["start"], each["end"]) for each in cloud.requests("live/orders/read")] == [
            (0, 1),
            (298, 1298),
        ]


def test_synthetic_orders_have_the_values_worked_out_by_hand(cloud):
    """A sale at 601.12 with a mid of 601.20, 3.9 s after it was submitted."""
    body = json.loads(
        '{"type":0,"id":7,"time":"2026-09-21T13:31:00Z","createdTime":"2026-09-21T13:31:00Z","quantity":-10.0,'
        '"status":3,"orderSubmissionData":{"bidPrice":601.18,"askPrice":601.22,"lastPrice":601.2},"events":['
        '{"algorithmId":"L-1","time":1789997460.1,"status":"submitted","fillPrice":0.0,"fillQuantity":0.0},'
        '{"algorithmId":"L-1","time":1789997464.0,"status":"filled","orderFeeAmount":1.0,'
        '"orderFeeCurrency":"USD","fillPrice":601.12,"fillQuantity":-10.0}]}'
    )
    serve(cloud, [body])
    with polled(cloud, cloud.config(SETTINGS)) as bench:
        samples = bench.samples()
        assert of(samples, "fills_total") == {"buy": 0, "sell": 1}
        assert of(samples, "order_fees_total") == {"USD": 1}
        assert of(samples, "order_slippage_ratio_sum")[""] == pytest.approx(1.331e-04, abs=1e-7)
        assert of(samples, "order_slippage_ratio_bucket")["0.0005"] == 1
        assert of(samples, "order_slippage_ratio_bucket")["0.0"] == 0
        assert of(samples, "order_fill_duration_seconds_sum")[""] == pytest.approx(3.9)
        assert of(samples, "last_fill_timestamp_seconds") == {"": 1789997464}
        assert of(samples, "last_order_timestamp_seconds") == {"": 1789997460}
