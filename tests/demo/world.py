"""When the simulated world begins, names in it, and its orders as a client lists them."""

import re
from typing import Any

START = 1_795_200_000.0
"""A Friday afternoon, UTC."""

STOCKS = "US Equities/Long Short Momentum"
LAB = 'Research/Lab "Signal" 7'

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
"""A time as the API writes it."""


def security_type(symbol_id):
    """Decode the type from an identifier: the last two decimal digits of its properties."""
    return int(symbol_id.split("|")[0].split(" ")[1], 36) % 100


def page(client, project_id, start=0, end=1000):
    body = client.ask("live/orders/read", projectId=project_id, start=start, end=end)
    assert body["success"], body
    return body["orders"]


def every_order(client, project_id):
    """Return the whole list in camelCase, page by page."""
    orders: list[Any] = []
    while True:
        body = client.ask("live/orders/read", projectId=project_id, start=len(orders), end=len(orders) + 1000)
        if not body["success"] or not body["orders"]:
            return [as_camel(order) for order in orders]
        orders += body["orders"]


def as_camel(order):
    if "id" in order:
        return order
    made = {name[0].lower() + name[1:]: value for name, value in order.items()}
    return made | {
        "events": [{camel(name): value for name, value in each.items()} for each in made["events"]]
    }


def camel(kebab):
    first, *rest = kebab.split("-")
    return first + "".join(word.capitalize() for word in rest)
