"""Runtime and server statistics: numbers that LEAN sends as formatted text."""

import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, NotRequired

from exporter.domain.deployment import ServerStatistics, Statistics
from exporter.quantconnect.envelope import Envelope
from exporter.quantconnect.wire.reader import malformed, mapping, member_path, number, optional_text, text

_Stated = str | int | float | bool | None
_StatedMap = dict[str, _Stated] | list[_Stated] | None
"""``[]`` is how an empty map comes."""


class StatisticsShape(Envelope):
    """Today's shape of the statistics in an answer to ``live/read``, without the project's source code."""

    deployId: str | None
    runtimeStatistics: _StatedMap
    serverStatistics: NotRequired[_StatedMap]


_EQUITY = "Equity"
_NET_PROFIT = "Net Profit"
_UNREALIZED = "Unrealized"
_FEES = "Fees"
_VOLUME = "Volume"
_RETURN = "Return"
_PROBABILISTIC_SHARPE_RATIO = "Probabilistic Sharpe Ratio"
_ENGINE_STATISTICS = frozenset(
    {
        _EQUITY,
        _NET_PROFIT,
        _UNREALIZED,
        _FEES,
        _VOLUME,
        _RETURN,
        _PROBABILISTIC_SHARPE_RATIO,
        "Holdings",
        "Capacity",
    }
)
"""What LEAN sets itself (``BaseResultsHandler.GetAlgorithmRuntimeStatistics``)."""

_BYTES_PER_MEGABYTE = 1024 * 1024
_NUMBER = r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_ENGINE_TEXT = re.compile(
    rf"(?P<before>-?)(?P<mark>[^\d\s.,%+-]{{0,8}})\s?(?P<after>-?){_NUMBER}(?P<percent>\s?%)?"
)
_CUSTOM_TEXT = re.compile(
    rf"(?P<before>[+-]?)(?P<mark>[$€£₤¥₹₿₩₺₽฿]?)\s?(?P<after>-?){_NUMBER}(?P<percent>\s?%)?"
)
_REBATE = re.compile(r"-(?P<amount>[^\d-]*-.*)")
_UP_TIME = re.compile(r"(?P<days>\d+)d (?P<hours>\d{2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})")
_LONGEST_NUMBER = 40


def parse_statistics(body: Mapping[str, Any], most_custom: int) -> Statistics:
    """Return the statistics of an answer to ``live/read``; at most ``most_custom`` of the algorithm's own.

    Raises Malformed when a statistic that LEAN itself sets does not read as a number.
    """
    results = _results(body)
    runtime = mapping(results.get("runtimeStatistics", results.get("RuntimeStatistics")), "runtimeStatistics")
    server = mapping(results.get("serverStatistics", results.get("ServerStatistics")), "serverStatistics")
    custom: list[tuple[str, float]] = []
    dropped = 0
    for name, stated in runtime.items():
        if name in _ENGINE_STATISTICS or (value := _custom_number(stated)) is None:
            continue
        if len(custom) < most_custom:
            custom.append((text(name, member_path("runtimeStatistics", name)), value))
        else:
            dropped += 1
    return Statistics(
        net_profit=_money(runtime, _NET_PROFIT),
        fees=_cost(runtime, _FEES),
        volume=_money(runtime, _VOLUME),
        return_ratio=_ratio(runtime, _RETURN),
        probabilistic_sharpe_ratio=_ratio(runtime, _PROBABILISTIC_SHARPE_RATIO),
        custom=tuple(custom),
        dropped=dropped,
        server=_server_statistics(server),
        equity=_money(runtime, _EQUITY),
        unrealized_pnl=_money(runtime, _UNREALIZED),
        deploy_id=optional_text(body.get("deployId"), "deployId"),
    )


def _results(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that holds the statistics: older bodies nest them in ``LiveResults.results``."""
    nested = body.get("LiveResults")
    if "runtimeStatistics" in body or not isinstance(nested, dict):
        return body
    inner = nested.get("results", nested.get("Results"))
    return mapping(inner, "LiveResults.results")


def _money(runtime: Mapping[str, Any], name: str) -> float | None:
    """Return the amount in a text such as ``$-3,348.57`` or ``-$84.48``."""
    return _engine_number(runtime, name, "an amount of money as text", lambda stated: "%" not in stated)


def _cost(runtime: Mapping[str, Any], name: str) -> float | None:
    """Return the cost in a text with a minus in front, ``-$84.48``; a rebate is negative."""
    stated = runtime.get(name)
    if isinstance(stated, str) and (rebate := _REBATE.fullmatch(stated.strip())):
        return _money({name: rebate["amount"]}, name)
    amount = _money(runtime, name)
    return None if amount is None else abs(amount)


def _ratio(runtime: Mapping[str, Any], name: str) -> float | None:
    """Return the ratio in a percentage, ``-42.59 %`` or ``9.145%``. Only 0 may come without a percent sign."""
    return _engine_number(runtime, name, "a percentage as text", lambda stated: "%" in stated)


def _engine_number(
    runtime: Mapping[str, Any], name: str, expected: str, has_unit: Callable[[str], bool]
) -> float | None:
    """Return the number in a text with the unit of the statistic; percent as a ratio.

    ``None`` when the statistic is missing or blank, or when LEAN could not compute it.
    """
    path = member_path("runtimeStatistics", name)
    stated = runtime.get(name)
    if stated is None:
        return None
    shown = stated if isinstance(stated, str) else ""
    if isinstance(stated, str) and (not stated.strip() or "NaN" in stated):
        return None
    value = _matched_number(_ENGINE_TEXT, stated) if isinstance(stated, str) else number(stated, path)
    if value is None or (value != 0 and not has_unit(shown)):
        raise malformed(path, expected, stated)
    return value


def _custom_number(stated: Any) -> float | None:
    """Return the number in an algorithm's own statistic, percent as a ratio; ``None`` for other text.

    Stricter than for LEAN's own statistics: ``SMA20`` is a text, not a number.
    """
    if isinstance(stated, str):
        return _matched_number(_CUSTOM_TEXT, stated)
    if type(stated) in (int, float) and abs(stated) <= sys.float_info.max:
        return float(stated)
    return None


def _matched_number(pattern: re.Pattern[str], stated: str) -> float | None:
    stripped = stated.strip()
    match = pattern.fullmatch(stripped) if len(stripped) <= _LONGEST_NUMBER else None
    if match is None or (match["before"] and match["after"]):
        return None
    value = Decimal(match["digits"].replace(",", ""))
    if "-" in (match["before"], match["after"]):
        value = -value
    return float(value / 100 if match["percent"] else value)


def _server_statistics(server: Mapping[str, Any]) -> ServerStatistics:
    return ServerStatistics(
        cpu_usage_ratio=_server_number(server, "CPU Usage"),
        memory_used_bytes=_megabytes(server, "Used RAM (MB)"),
        memory_total_bytes=_megabytes(server, "Total RAM (MB)"),
        uptime_seconds=_uptime(server.get("Up Time")),
    )


def _server_number(server: Mapping[str, Any], name: str) -> float | None:
    """Return a number of LEAN's ``OS.GetServerStatistics``, percent as a ratio; ``None`` for other text.

    No money depends on the load of the server, so an unreadable text only omits the value.
    """
    return _custom_number(server.get(name))


def _megabytes(server: Mapping[str, Any], name: str) -> float | None:
    megabytes = _server_number(server, name)
    if megabytes is None or not isfinite(megabytes * _BYTES_PER_MEGABYTE):
        return None
    return megabytes * _BYTES_PER_MEGABYTE


def _uptime(stated: Any) -> float | None:
    """Return the seconds in ``3d 04:05:06``, as LEAN's live result handler writes it."""
    match = _UP_TIME.fullmatch(stated) if isinstance(stated, str) and len(stated) < _LONGEST_NUMBER else None
    if match is None:
        return None
    days, hours, minutes, seconds = (int(each) for each in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
