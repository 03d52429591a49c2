"""The command: flags to objects, signals, exit codes."""

import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from threading import Event

from exporter import __version__
from exporter.clock import Clock, SystemClock
from exporter.config.load import Loaded, config_from_environment, load_config
from exporter.config.model import Config
from exporter.errors import ConfigError, ListenError
from exporter.flags import Flags, parse_flags
from exporter.log_format import configure_logging
from exporter.probe import probe
from exporter.service import Exporter
from exporter.simulation import config_for, log_access, simulated_quantconnect
from exporter.web.application import make_application
from exporter.web.server import WebServer, listen

DONE = 0
FAILED = 1

_WATCH_SECONDS = 1.0
"""How often the main thread looks whether the web server still lives."""

_logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run the command and return its exit code: 0 done, 1 wrong configuration; wrong usage exits with 2."""
    flags = parse_flags(sys.argv[1:] if arguments is None else arguments, environment)
    clock = SystemClock()
    with ExitStack() as stack:
        try:
            loaded = _load(flags, environment, clock, stack)
        except ConfigError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return FAILED
        if flags.config_check or flags.config_probe:
            return _check(loaded, clock, probe_too=flags.config_probe)
        return _run(flags, loaded, clock)


def _load(flags: Flags, environment: Mapping[str, str], clock: Clock, stack: ExitStack) -> Loaded:
    """Return the configuration; with ``--demo``, of a simulated QuantConnect that runs until the end."""
    if flags.demo:
        api = stack.enter_context(simulated_quantconnect(clock))
        # Before secrets are masked: the simulation's token is meant to be read, and worthless.
        configure_logging(flags.log_level, flags.log_format)
        log_access(api)
        return Loaded(config_for(api), ())
    if flags.config_file is not None:
        return load_config(flags.config_file, environment)
    return config_from_environment(environment)


def _check(loaded: Loaded, clock: Clock, *, probe_too: bool) -> int:
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201
    config = loaded.config
    print(f"configuration is valid: {_counted(config)}")  # noqa: T201
    if probe_too and not probe(config, clock, print):
        return FAILED
    return DONE


def _run(flags: Flags, loaded: Loaded, clock: Clock) -> int:
    secrets = [account.api_token for account in loaded.config.accounts]
    configure_logging(flags.log_level, flags.log_format, secrets)
    _logger.info("starting", extra={"version": __version__, "configuration": _counted(loaded.config)})
    for warning in loaded.warnings:
        _logger.warning(warning)
    exporter = Exporter(loaded.config, clock, flags.telemetry_path)
    try:
        sockets = [listen(address) for address in flags.listen_addresses]
    except ListenError as error:
        _logger.error(error)  # noqa: TRY400 - the text says all, a traceback nothing
        return FAILED
    server = WebServer(make_application(exporter.pages(), flags.telemetry_path), sockets)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server.start()
    exporter.start()
    while server.is_alive() and not stop.wait(_WATCH_SECONDS):
        pass
    _logger.info("stopping")
    exporter.stop()
    if not stop.is_set():
        _logger.error("the web server ended by itself")
        return FAILED
    server.stop()
    return DONE


def _counted(config: Config) -> str:
    accounts, projects = len(config.accounts), len(config.projects)
    return f"{accounts} account{'s'[: accounts != 1]}, {projects} named project{'s'[: projects != 1]}"
