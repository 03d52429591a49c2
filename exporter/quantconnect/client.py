"""The API client: the read-only endpoints that the exporter asks, and nothing that acts."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from threading import Lock
from typing import Any, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from exporter import __version__
from exporter.clock import Clock
from exporter.domain.chart import Chart
from exporter.domain.deployment import Deployment, Statistics
from exporter.domain.order import Order
from exporter.domain.portfolio import Portfolio
from exporter.errors import ApiError, NoDeployment, Reason, Unavailable
from exporter.quantconnect.auth import Credentials, sign
from exporter.quantconnect.deadline import BoundedAdapter
from exporter.quantconnect.envelope import Envelope, Response, interpret
from exporter.quantconnect.redaction import without_secrets
from exporter.quantconnect.telemetry import OK, RequestLog
from exporter.quantconnect.transport import transport_error
from exporter.quantconnect.wire.chart import ChartShape, parse_chart_answer
from exporter.quantconnect.wire.live import (
    DeploymentShape,
    Listing,
    ListShape,
    ProjectsShape,
    parse_deployment,
    parse_listing,
    parse_project_names,
)
from exporter.quantconnect.wire.orders import OrdersShape, parse_orders
from exporter.quantconnect.wire.portfolio import PortfolioShape, parse_portfolio
from exporter.quantconnect.wire.statistics import StatisticsShape, parse_statistics

_logger = logging.getLogger(__name__)

T = TypeVar("T")

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings repeat headers that a server sent

AUTHENTICATE = "authenticate"
LIVE_LIST = "live/list"
LIVE_READ = "live/read"
LIVE_PORTFOLIO_READ = "live/portfolio/read"
LIVE_CHART_READ = "live/chart/read"
LIVE_ORDERS_READ = "live/orders/read"
PROJECTS_READ = "projects/read"
ENDPOINTS = (
    AUTHENTICATE,
    LIVE_LIST,
    LIVE_READ,
    LIVE_PORTFOLIO_READ,
    LIVE_CHART_READ,
    LIVE_ORDERS_READ,
    PROJECTS_READ,
)
"""Every endpoint the exporter may ask; each only reads."""

RESULTS = (OK, *Reason)
_MEGABYTE = 1024 * 1024
LARGEST_BODIES = {
    AUTHENTICATE: _MEGABYTE,
    LIVE_LIST: 5 * _MEGABYTE,  # 8,000 deployments
    LIVE_READ: 3 * _MEGABYTE,  # it holds the source code of the project
    LIVE_PORTFOLIO_READ: 4 * _MEGABYTE,  # 25,000 holdings
    LIVE_CHART_READ: 3 * _MEGABYTE,  # 1,000 points of 125 series
    LIVE_ORDERS_READ: 8 * _MEGABYTE,  # 1,000 orders of a dozen fills each
    PROJECTS_READ: 6 * _MEGABYTE,  # 3,000 projects
}
"""Bytes that an answer may have, after decompression: what each endpoint can need."""

BELIEVABLE_AHEAD = 300.0
"""Seconds that a time may be ahead of both our clock and the API's."""

_ONE_AT_A_TIME = Lock()
"""One answer at a time is in memory as objects. The interpreter would not read two of them faster."""

_CHUNK = 64 * 1024


class Throttle(Protocol):
    """Waits until the next request may be made."""

    def __call__(self) -> None:
        """Return when the account's budget allows one more request."""


class _Session(requests.Session):
    """A session that never looks where a redirect leads.

    Even when told not to follow it, requests would read its whole body and parse its address.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return that there is none."""


class Client:
    """One worker's view of the API: a kept connection, and every answer parsed.

    Each method makes one request and returns domain values, or raises an ApiError. Nothing is
    retried here: the schedule is the retry loop. ``timeout``, in seconds, bounds a whole request, and
    ``source`` says in the log what it is for; the worker sets both for each job.
    """

    source: str | None = None

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        timeout: float,
        clock: Clock,
        log: RequestLog,
        throttle: Throttle,
    ) -> None:
        self._credentials = credentials
        self._base_url = base_url
        self.timeout = timeout
        self._clock = clock
        self._log = log
        self._throttle = throttle
        self._secrets: tuple[str, ...] = ()
        self._session = _Session()
        # A cookie that an answer sets would break every later request.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter())
        self._session.headers["User-Agent"] = f"quantconnect-exporter/{__version__}"
        # As auth and not as headers, which an entry in ~/.netrc would replace.
        self._session.auth = self._sign
        self._session.trust_env = not _is_loopback(base_url)  # no proxy leads to this machine itself

    def close(self) -> None:
        """Close the kept connection."""
        self._session.close()

    def authenticate(self) -> None:
        """Raise Unauthorized unless QuantConnect knows the user."""
        self._ask(AUTHENTICATE, {}, Envelope, lambda _, __: None)

    def live_list(self) -> Listing:
        """Return every deployment of the account's projects."""
        return self._ask(LIVE_LIST, {}, ListShape, lambda body, _: parse_listing(body))

    def live_deployment(self, project_id: int) -> Deployment | None:
        """Return a project's deployment, ``None`` for one never deployed."""
        try:
            return self._ask(
                LIVE_READ, {"projectId": project_id}, DeploymentShape, lambda body, _: parse_deployment(body)
            )
        except NoDeployment:
            return None

    def live_statistics(self, project_id: int, most_custom: int) -> Statistics:
        """Return a live algorithm's runtime and server statistics, at most so many of its own."""
        return self._ask(
            LIVE_READ,
            {"projectId": project_id},
            StatisticsShape,
            lambda body, _: parse_statistics(body, most_custom),
        )

    def live_portfolio(self, project_id: int) -> Portfolio:
        """Return a live algorithm's holdings and cash book."""
        return self._ask(
            LIVE_PORTFOLIO_READ,
            {"projectId": project_id},
            PortfolioShape,
            lambda body, _: parse_portfolio(body),
        )

    def live_chart(
        self, project_id: int, name: str, start: float, end: float, count: int, only: str | None = None
    ) -> Chart:
        """Return a chart's points between two Unix times, at most ``count`` for each series.

        With ``only``, that series alone is read, so that no other can spoil it; else the last point of
        each series. A point that no clock can have made yet is malformed.
        """

        def parse(body: Mapping[str, Any], now: float) -> Chart:
            chart = parse_chart_answer(body, name, only, now + BELIEVABLE_AHEAD)
            return chart if only else chart.without_history()

        request = {
            "projectId": project_id,
            "name": name,
            "count": count,
            "start": int(start),
            "end": int(end),
        }
        return self._ask(LIVE_CHART_READ, request, ChartShape, parse)

    def live_orders(self, project_id: int, start: int, end: int) -> tuple[Order, ...]:
        """Return orders of all deployments of a project: those at positions from ``start`` up to ``end``.

        The API may send fewer, and refuse where there are none.
        """
        return self._ask(
            LIVE_ORDERS_READ,
            {"projectId": project_id, "start": start, "end": end},
            OrdersShape,
            lambda body, now: parse_orders(body, now + BELIEVABLE_AHEAD),
        )

    def project_names(self) -> Mapping[int, str]:
        """Return the name of each of the account's projects by its id."""
        return self._ask(PROJECTS_READ, {}, ProjectsShape, lambda body, _: parse_project_names(body))

    def _ask(
        self,
        endpoint: str,
        request: Mapping[str, Any],
        shape: type[Envelope],
        parse: Callable[[Mapping[str, Any], float], T],
    ) -> T:
        """Return what ``parse`` makes of the answer's body and the later of both clocks."""
        self._throttle()
        started = self._clock.monotonic()
        result: str = Reason.INTERNAL
        try:
            parsed = self._answer(endpoint, request, shape, parse)
            result = OK
        except ApiError as error:
            result = error.reason
            error.endpoint = endpoint
            error.__traceback__ = error.__context__ = None  # the frames of its reader hold the whole answer
            raise
        else:
            return parsed
        finally:
            self._record(endpoint, request, result, self._clock.monotonic() - started)

    def _answer(
        self,
        endpoint: str,
        request: Mapping[str, Any],
        shape: type[Envelope],
        parse: Callable[[Mapping[str, Any], float], T],
    ) -> T:
        response = self._post(endpoint, request)
        if (skew := response.clock_skew()) is not None:
            self._log.record_clock_skew(skew)
        with _ONE_AT_A_TIME:
            response = replace(response, content=without_secrets(response.content, self._secrets))
            return parse(interpret(response, shape), response.latest_clock())

    def _record(self, endpoint: str, request: Mapping[str, Any], result: str, seconds: float) -> None:
        self._log.record(endpoint, result, seconds)
        details = {"endpoint": endpoint, "result": str(result), "seconds": round(seconds, 3)}
        project = {"project_id": request.get("projectId"), "chart": request.get("name")}
        _logger.debug("request", extra={"source": self.source, **details, **project})

    def _post(self, endpoint: str, request: Mapping[str, Any]) -> Response:
        try:
            with self._session.post(
                urljoin(self._base_url, endpoint),
                data=json.dumps(request),
                headers={"Content-Type": "application/json"},
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                wall = self._clock.wall()
                content = _read(answer, LARGEST_BODIES[endpoint])
                return Response(answer.status_code, answer.headers, content, wall)
        # All of requests' are an OSError, but for a proxy's password that it cannot encode.
        except (OSError, urllib3.exceptions.HTTPError, UnicodeEncodeError) as error:
            raise transport_error(error, self.timeout) from None

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        signature = sign(self._credentials, self._clock.wall())
        self._secrets = (self._credentials.api_token.reveal(), signature.basic, signature.token_hash)
        request.headers.update(signature.headers)
        return request


def _read(answer: requests.Response, largest: int) -> bytes:
    content = bytearray()
    while chunk := answer.raw.read1(_CHUNK, decode_content=True):
        content += chunk
        if len(content) > largest:
            raise Unavailable(f"the body is larger than {largest} bytes")
    return bytes(content)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
