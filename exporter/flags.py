"""The command line: flags as Prometheus spells them, each with its environment variable."""

import argparse
import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from exporter.build import DOCUMENTATION, REVISION_VARIABLE, describe
from exporter.config.credentials import API_TOKEN, API_TOKEN_FILE, USER_ID
from exporter.config.document import suggestion
from exporter.config.duration import parse_duration
from exporter.config.files import may_be_token
from exporter.config.shard import Shard
from exporter.log_format import FORMATS
from exporter.web.server import ListenAddress, parse_listen_address

T = TypeVar("T")

ENVIRONMENT_PREFIX = "QUANTCONNECT_EXPORTER_"
PROGRAM = "quantconnect-exporter"
DEFAULT_LISTEN_ADDRESS = "127.0.0.1:11722"
DEFAULT_MAX_CONNECTIONS = 256
LOG_LEVELS = ("debug", "info", "warning", "error")

_EXAMPLES = f"""\
examples:
  {PROGRAM} --demo
      try it: no account is needed, open http://{DEFAULT_LISTEN_ADDRESS}
  {PROGRAM} --config.example > config.yml
      write a configuration to begin with
  {PROGRAM} --config.file=config.yml --config.probe
      check it, sign in and list what would be polled

Each flag has an environment variable; the flag wins:
  --config.file is {{example}}
Without a configuration file, {USER_ID} and {API_TOKEN}
(or {API_TOKEN_FILE}) name one account, whose live algorithms are discovered.

Documentation: {DOCUMENTATION}
"""

_OWN_VARIABLES = (USER_ID, API_TOKEN, API_TOKEN_FILE, REVISION_VARIABLE)
_KUBERNETES_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""What Kubernetes sets in every pod for a service that is called quantconnect-exporter."""

_ALSO = {"warn": "warning"}  # as Prometheus spells it
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 1.0, 365 * 86_400.0
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command was asked to do.

    ``auto_reload_interval`` in seconds, 0 for never. ``warnings`` are about the environment.
    """

    config_file: Path | None
    config_check: bool
    config_probe: bool
    config_example: bool
    auto_reload_interval: float
    demo: bool
    listen_addresses: tuple[ListenAddress, ...]
    telemetry_path: str
    web_config_file: Path | None
    lifecycle: bool
    allowed_hosts: tuple[str, ...]
    max_connections: int
    grafana_url: str | None
    shard: Shard
    log_level: str
    log_format: str
    warnings: tuple[str, ...]


def parse_flags(arguments: Sequence[str], environment: Mapping[str, str]) -> Flags:
    """Return the flags; a flag wins over its environment variable.

    Raises SystemExit: 0 after ``--help`` and ``--version``, 2 for wrong usage.
    """
    parser = _parser(environment)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        meant = suggestion(unknown[0].partition("=")[0], parser.options())
        parser.error(f"unrecognized arguments: {' '.join(map(_shown_argument, unknown))}{meant}")
    chosen = _Chosen(parser, given, environment)
    demo = chosen.switch("--demo")
    config_file = chosen.value("--config.file", Path, None)
    if demo and config_file is not None:
        parser.error("--demo needs no --config.file: it brings its own")
    return Flags(
        config_file=config_file,
        config_check=chosen.switch("--config.check"),
        config_probe=chosen.switch("--config.probe"),
        config_example=chosen.switch("--config.example"),
        auto_reload_interval=chosen.value("--config.auto-reload-interval", _reload_interval, 0.0),
        demo=demo,
        listen_addresses=chosen.several("--web.listen-address", parse_listen_address, DEFAULT_LISTEN_ADDRESS),
        telemetry_path=chosen.value("--web.telemetry-path", _telemetry_path, "/metrics"),
        web_config_file=chosen.value("--web.config.file", Path, None),
        lifecycle=chosen.switch("--web.enable-lifecycle"),
        allowed_hosts=chosen.several("--web.allowed-host", _host_name),
        max_connections=chosen.value("--web.max-connections", _positive_number, DEFAULT_MAX_CONNECTIONS),
        grafana_url=chosen.value("--web.grafana-url", _web_address, None),
        shard=_shard(parser, chosen, environment),
        log_level=chosen.value("--log.level", _one_of(LOG_LEVELS), "info"),
        log_format=chosen.value("--log.format", _one_of(FORMATS), "logfmt"),
        warnings=_unknown_variables(parser, environment),
    )


def environment_name(flag: str) -> str:
    """Return the environment variable of a flag: ``--web.listen-address`` has ``…_WEB_LISTEN_ADDRESS``."""
    return ENVIRONMENT_PREFIX + flag.removeprefix("--").replace(".", "_").replace("-", "_").upper()


class _Parser(argparse.ArgumentParser):
    """Says in two lines what is wrong; argparse would print every flag first."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nSee {self.prog} --help\n")

    def options(self) -> tuple[str, ...]:
        """Return every flag in its long form."""
        return tuple(name for action in self._actions for name in action.option_strings if name[:2] == "--")


def _parser(environment: Mapping[str, str] = os.environ) -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [flags]",
        description="Prometheus exporter for live trading algorithms on QuantConnect.",
        epilog=_EXAMPLES.format(example=environment_name("--config.file")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config.file", metavar="FILE", help="YAML configuration")
    add("--config.check", action="store_true", default=None, help="check the configuration and exit")
    add("--config.probe", action="store_true", default=None, help="check, sign in to each account and exit")
    add(
        "--config.example", action="store_true", default=None, help="print a commented configuration and exit"
    )
    add(
        "--config.auto-reload-interval",
        metavar="DURATION",
        help="reload when the configuration or a token file has changed, checked this often (default 0: off)",
    )
    add("--demo", action="store_true", default=None, help="run against a built-in simulated QuantConnect")
    add(
        "--web.listen-address",
        metavar="HOST:PORT",
        action="append",
        help=f"address to listen on; repeatable (default {DEFAULT_LISTEN_ADDRESS})",
    )
    add("--web.telemetry-path", metavar="PATH", help="path of the metrics (default /metrics)")
    add(
        "--web.config.file",
        metavar="FILE",
        help="TLS, client certificates, basic auth and response headers; read again when it changes",
    )
    add("--web.enable-lifecycle", action="store_true", default=None, help="allow POST /-/reload")
    add(
        "--web.allowed-host",
        metavar="NAME",
        action="append",
        help="host name to answer in addition to loopback names, while listening on loopback only; repeatable",
    )
    add(
        "--web.max-connections",
        metavar="N",
        help=f"connections held at once, handshakes included (default {DEFAULT_MAX_CONNECTIONS})",
    )
    add(
        "--web.grafana-url",
        metavar="URL",
        help="address of your Grafana, which the status page then links to",
    )
    add(
        "--shard",
        metavar="N",
        help="poll only the projects of this shard, counted from 0; auto takes the number at the end of POD_NAME",
    )
    add("--total-shards", metavar="N", help="how many shards share the projects (default 1)")
    add("--log.level", metavar="LEVEL", help=f"{', '.join(LOG_LEVELS)} (default info)")
    add("--log.format", metavar="FORMAT", help=f"{' or '.join(FORMATS)} (default logfmt)")
    add("--version", action="version", version=f"{describe(environment)}\n")
    return parser


class _Chosen:
    """Each flag's value: from the command line, else from the environment, else the default."""

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        given: argparse.Namespace,
        environment: Mapping[str, str],
    ) -> None:
        self._parser = parser
        self._given: dict[str, Any] = vars(given)
        self._environment = environment

    def switch(self, flag: str) -> bool:
        if self._given[self._key(flag)]:
            return True
        text = self._environment.get(environment_name(flag), "").lower() or "false"
        if text not in _SWITCH:
            self._refuse(environment_name(flag), ValueError(f"{text!r} is not true or false"))
        return _SWITCH[text]

    def value(self, flag: str, read: Callable[[str], T], default: Any) -> Any:
        text = self._given[self._key(flag)]
        name = flag
        if text is None:
            name = environment_name(flag)
            text = self._environment.get(name) or None
        return default if text is None else self._read(name, read, text)

    def several(self, flag: str, read: Callable[[str], T], default: str = "") -> tuple[T, ...]:
        texts = self._given[self._key(flag)]
        name = flag
        if texts is None:
            name = environment_name(flag)
            given = self._environment.get(name) or default
            texts = given.split(",") if given else []
        return tuple(self._read(name, read, text.strip()) for text in texts)

    def _read(self, name: str, read: Callable[[str], T], text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            self._refuse(name, error)

    def _refuse(self, name: str, error: ValueError) -> NoReturn:
        self._parser.error(f"{name}: {error}")

    @staticmethod
    def _key(flag: str) -> str:
        return flag.removeprefix("--").replace("-", "_")


def _shard(parser: argparse.ArgumentParser, chosen: _Chosen, environment: Mapping[str, str]) -> Shard:
    total = chosen.value("--total-shards", _whole_number, 1)
    index = chosen.value("--shard", lambda text: _shard_index(text, environment), 0)
    if total < 1 or index >= total:
        parser.error(f"--shard: {index} is not below --total-shards, which is {total}")
    return Shard(index, total)


def _shard_index(text: str, environment: Mapping[str, str]) -> int:
    """Return a shard's number; ``auto`` is the ordinal that a StatefulSet puts at the end of a pod's name."""
    if text != "auto":
        return _whole_number(text)
    pod = environment.get("POD_NAME", "")
    _, dash, ordinal = pod.rpartition("-")
    if not dash or not ordinal.isascii() or not ordinal.isdigit():
        raise ValueError(f"auto needs POD_NAME to end in a dash and a number, not {pod!r}")
    return int(ordinal)


def _whole_number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _shown_argument(argument: str) -> str:
    """Return an argument; one may give a token, which is no flag's, and standard error may be a log."""
    flag, equals, value = argument.rpartition("=")
    return f"{flag}{equals}…" if may_be_token(value) else argument


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if "@" in text.partition("?")[0]:
        raise ValueError("must not hold a user name or password: it is shown on the status page")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{text!r} is not an address that begins with http:// or https://")
    return text


def _telemetry_path(text: str) -> str:
    if not _PATH.fullmatch(text) or text.startswith("/-/"):
        raise ValueError(f"{text!r} is not a path of its own, such as /metrics")
    return text


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        chosen = _ALSO.get(text.lower(), text.lower())
        if chosen not in choices:
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
        return chosen

    return read


def _positive_number(text: str) -> int:
    if (number := _whole_number(text)) < 1:
        raise ValueError("must be 1 or more")
    return number


def _reload_interval(text: str) -> float:
    seconds = 0.0 if text == "0" else parse_duration(text)
    if 0 < seconds < _SHORTEST_INTERVAL:
        raise ValueError(f"{text} is shorter than 1s")
    if seconds > _LONGEST_INTERVAL:
        raise ValueError(f"{text} is longer than 365d")
    return seconds


def _host_name(text: str) -> str:
    """Return a host name or IP address in lower case, as in a ``Host`` header, without port."""
    name = text.lower().rstrip(".")
    if _HOST_NAME.fullmatch(name):
        return name
    try:
        return f"[{ipaddress.IPv6Address(name.strip('[]'))}]"
    except ValueError:
        raise ValueError(f"{text!r} is not a host name without scheme and port") from None


def _unknown_variables(parser: _Parser, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning for each variable that looks like one of ours but is not."""
    allowed = {*_OWN_VARIABLES, *map(environment_name, parser.options())}
    warnings = []
    for name in sorted(set(environment) - allowed):
        # The prefix is left out: it would make every name look like every other.
        prefix = ENVIRONMENT_PREFIX if name.upper().startswith(ENVIRONMENT_PREFIX) else "QUANTCONNECT_"
        ends = [other.removeprefix(prefix) for other in allowed if other.startswith(prefix)]
        close = get_close_matches(name.upper().removeprefix(prefix), ends, n=1, cutoff=0.7)
        if name.upper().startswith(prefix) and not _KUBERNETES_LINK.fullmatch(name):
            if close:
                warnings.append(f"environment: {name}: unknown variable, did you mean {prefix}{close[0]}?")
            elif prefix == ENVIRONMENT_PREFIX:
                warnings.append(f"environment: {name}: unknown variable")
    return tuple(warnings)
