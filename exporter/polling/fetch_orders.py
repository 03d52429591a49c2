"""Asking for orders until the order book is complete."""

from dataclasses import replace

from exporter.domain.orders import OrderBook
from exporter.errors import ApiError, NoDeployment, NotReady, Rejected
from exporter.polling.fetched import Change, Fetched, Poll
from exporter.polling.state import Instant, ProjectState, Reading

MOST_REQUESTS_FOR_ORDERS = 20
"""Requests that one poll of orders may make: 2,000 orders, also where pages are short."""


def fetch_orders(poll: Poll) -> Fetched:
    """Ask until the order book is complete; until then its totals are not published.

    What was read before an error is kept for the next poll.
    """
    previous = poll.state.order_book
    is_continued = previous is not None and previous.wanted is not None
    launched = poll.deployment.launched
    book = previous or OrderBook(poll.deployment.deploy_id, launched)
    if book.launched is None and launched is not None:
        book = replace(book, launched=launched)
    book = book.begun()
    for requests_left in range(MOST_REQUESTS_FOR_ORDERS, 0, -1):
        if book.wanted is None and is_continued:
            # What may have changed since the earlier poll is asked for again, if this poll has room for it.
            is_continued, again = False, book.begun()
            book = again if again.requests_left <= requests_left else book
        span = book.wanted
        if span is None:
            break
        try:
            book = book.with_page(poll.client.live_orders(poll.state.project_id, *span), poll.now.wall)
        except ApiError as error:
            if not isinstance(error, Rejected) or isinstance(error, NoDeployment):
                return Fetched(_with_orders(book, poll.now), error)
            if span.first == 0:  # no list ends there, so this says nothing about the list
                raise
            book = book.with_refusal(poll.now.wall)
    unfinished = NotReady("the list of orders is long and not read to its end yet") if book.wanted else None
    return Fetched(_with_orders(book, poll.now), unfinished, next_cost=_next_cost(book))


def _next_cost(book: OrderBook) -> int:
    return MOST_REQUESTS_FOR_ORDERS if book.wanted else book.begun().requests_left


def _with_orders(book: OrderBook, now: Instant) -> Change:
    def change(state: ProjectState) -> ProjectState:
        if book.wanted is not None:
            return state._replace(order_book=book)
        totals, previous = book.totals().with_fees_in(state.account_currency), state.orders
        # The same object tells rendering that nothing has changed.
        value = previous.value if previous is not None and previous.value == totals else totals
        return state._replace(order_book=book, orders=Reading(value, now))

    return change
