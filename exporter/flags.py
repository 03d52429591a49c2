"""The command line: Prometheus' spelling of flags, each with a twin in the environment."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from exporter import __version__
from exporter.config.shard import Shard
from exporter.log_format import FORMATS
from exporter.web.server import ListenAddress, parse_listen_address

T = TypeVar("T")

ENVIRONMENT_PREFIX = "QUANTCONNECT_EXPORTER_"
DEFAULT_LISTEN_ADDRESS = "127.0.0.1:11722"
LOG_LEVELS = ("debug", "info", "warning", "error")

_SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command was asked to do."""

    config_file: Path | None
    config_check: bool
    config_probe: bool
    demo: bool
    listen_addresses: tuple[ListenAddress, ...]
    telemetry_path: str
    web_config_file: Path | None
    lifecycle: bool
    shard: Shard
    log_level: str
    log_format: str


def parse_flags(arguments: Sequence[str], environment: Mapping[str, str]) -> Flags:
    """Return the flags; a flag wins over its twin in the environment.

    Raises SystemExit: 0 after ``--help`` and ``--version``, 2 for wrong usage.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    chosen = _Chosen(parser, given, environment)
    demo = chosen.switch("--demo")
    config_file = chosen.value("--config.file", Path, None)
    if demo and config_file is not None:
        parser.error("--demo needs no --config.file: it brings its own")
    return Flags(
        config_file=config_file,
        config_check=chosen.switch("--config.check"),
        config_probe=chosen.switch("--config.probe"),
        demo=demo,
        listen_addresses=tuple(
            chosen.several("--web.listen-address", parse_listen_address, DEFAULT_LISTEN_ADDRESS)
        ),
        telemetry_path=chosen.value("--web.telemetry-path", _telemetry_path, "/metrics"),
        web_config_file=chosen.value("--web.config.file", Path, None),
        lifecycle=chosen.switch("--web.enable-lifecycle"),
        shard=_shard(parser, chosen, environment),
        log_level=chosen.value("--log.level", _one_of(LOG_LEVELS), "info"),
        log_format=chosen.value("--log.format", _one_of(FORMATS), "logfmt"),
    )


def environment_name(flag: str) -> str:
    """Return the environment twin of a flag: ``--web.listen-address`` has ``…_WEB_LISTEN_ADDRESS``."""
    return ENVIRONMENT_PREFIX + flag.removeprefix("--").replace(".", "_").replace("-", "_").upper()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quantconnect-exporter",
        description="Prometheus exporter for live trading algorithms on QuantConnect.",
        epilog=(
            f"Each flag has a twin in the environment, such as {environment_name('--config.file')}; the flag wins. "
            "Without a configuration file, QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN (or "
            "QUANTCONNECT_API_TOKEN_FILE) name one account, whose live algorithms are discovered."
        ),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config.file", metavar="FILE", help="YAML configuration")
    add("--config.check", action="store_true", default=None, help="check the configuration and exit")
    add("--config.probe", action="store_true", default=None, help="check, sign in to each account and exit")
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
        "--shard",
        metavar="N",
        help="poll only the projects of this shard, counted from 0; auto takes the number at the end of POD_NAME",
    )
    add("--total-shards", metavar="N", help="how many shards share the projects (default 1)")
    add("--log.level", metavar="LEVEL", help=f"{', '.join(LOG_LEVELS)} (default info)")
    add("--log.format", metavar="FORMAT", help=f"{' or '.join(FORMATS)} (default logfmt)")
    add("--version", action="version", version=f"quantconnect-exporter {__version__}")
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
        text = self._environment.get(environment_name(flag), "false").lower()
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

    def several(self, flag: str, read: Callable[[str], T], default: str) -> list[T]:
        texts = self._given[self._key(flag)]
        name = flag
        if texts is None:
            name = environment_name(flag)
            texts = (self._environment.get(name) or default).split(",")
        return [self._read(name, read, text.strip()) for text in texts]

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


def _telemetry_path(text: str) -> str:
    if not text.startswith("/") or text == "/" or text.startswith("/-/") or "{" in text:
        raise ValueError(f"{text!r} is not a path of its own, such as /metrics")
    return text


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return read
