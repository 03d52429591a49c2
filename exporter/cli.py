"""The command: flags to objects, exit codes.

The probe and the simulation are imported only when they are used: without them an exporter starts a tenth
of a second sooner, and is smaller.
"""

import errno
import logging
import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.resources import files
from io import TextIOWrapper
from threading import Event

from exporter import __version__
from exporter.clock import Clock, SystemClock
from exporter.config.load import Loaded, config_from_environment, load_config
from exporter.config.model import Config
from exporter.config.watched_files import WatchedFiles
from exporter.errors import ConfigError, ListenError
from exporter.flags import Flags, parse_flags
from exporter.log_format import LineFormatter, Mask
from exporter.log_writer import LogWriter, configure_logging
from exporter.loopback import is_loopback
from exporter.process import (
    collect_garbage_rarely,
    forbid_core_dumps,
    occupy_standard_files,
    return_freed_memory,
    run_until_stopped,
)
from exporter.reload import Reloader
from exporter.service import Exporter
from exporter.signals import Signals
from exporter.web.application import make_application
from exporter.web.file_limit import affordable_connections, raise_file_limit
from exporter.web.server import WebServer, listen
from exporter.web.web_config import LiveWebConfig, WebConfig

DONE = 0
FAILED = 1
EXAMPLE = files("exporter.config") / "example.yml"

Load = Callable[[], Loaded]

_logger = logging.getLogger(__name__)


def main(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    signals: Signals | None = None,
) -> int:
    """Run the command and return its exit code: 0 done, 1 wrong configuration; wrong usage exits with 2.

    ``signals`` are those taken since the process began.
    """
    try:
        with _flushed_output():
            return _main(sys.argv[1:] if arguments is None else arguments, environment, signals)
    except BrokenPipeError:  # the reader of our output has seen enough, as in "--config.probe | head"
        _drop_output()
        return FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"The output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        _drop_output()
        return FAILED


def _main(arguments: Sequence[str], environment: Mapping[str, str], signals: Signals | None) -> int:
    occupy_standard_files()
    forbid_core_dumps()
    flags = parse_flags(arguments, environment)
    if flags.config_example:
        print(EXAMPLE.read_text("utf-8"), end="")  # noqa: T201
        return DONE
    if signals is not None and (flags.config_check or flags.config_probe):
        signals.exit_code = FAILED  # of a check that was stopped, also where a variable asks for it
    clock = SystemClock()
    with ExitStack() as stack:
        load = _loader(flags, environment, clock, stack)
        files = WatchedFiles()
        try:
            with files.watching():
                loaded, web_config = _load_both(load, flags)
            if flags.config_check or flags.config_probe:
                _check(loaded)
                succeeded = not flags.config_probe or _probe(loaded.config, clock, environment)
                return DONE if succeeded else FAILED
            return _run(flags, loaded, load, files, web_config, clock, signals or Signals())
        except ConfigError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return FAILED


@contextmanager
def _flushed_output() -> Iterator[None]:
    """Write what is still buffered at the end, where it can still be told that it cannot be written."""
    try:
        yield
    finally:
        if sys.stdout is not None:  # as it is in a process that was started without
            sys.stdout.flush()


def _drop_output() -> None:
    """Let what is still buffered go nowhere, so that nothing is complained about at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _loader(flags: Flags, environment: Mapping[str, str], clock: Clock, stack: ExitStack) -> Load:
    """Return what reads this shard's part of the configuration, now and at each reload."""
    read = _reader(flags, environment, clock, stack)

    def load() -> Loaded:
        loaded = read()
        return replace(loaded, config=flags.shard.apply(loaded.config))

    return load


def _reader(flags: Flags, environment: Mapping[str, str], clock: Clock, stack: ExitStack) -> Load:
    if flags.demo:
        from exporter.simulation import config_for, log_access, simulated_quantconnect  # noqa: PLC0415

        api = stack.enter_context(simulated_quantconnect(clock))
        # Before anything is masked: the simulation's tokens are worthless, and meant to be read.
        _log(flags, Mask(), clock)
        log_access(api)
        return lambda: Loaded(config_for(api), ())
    if flags.config_file is not None:
        path = flags.config_file
        return lambda: load_config(path, environment, clock.wall())
    return partial(config_from_environment, environment)


def _load_both(load: Load, flags: Flags) -> tuple[Loaded, LiveWebConfig | None]:
    """Return the configuration and that of the web server, or raise ConfigError with all problems of both.

    The configuration's warnings include those about flags and the environment.
    """
    web_config = None
    problems: tuple[str, ...] = ()
    try:
        web_config = LiveWebConfig(flags.web_config_file) if flags.web_config_file else None
    except ConfigError as error:
        problems = error.problems
    try:
        loaded = load()
    except ConfigError as error:
        raise ConfigError(error.problems + problems) from None
    if problems:
        raise ConfigError(problems)
    web = web_config.current() if web_config else WebConfig()
    warnings = flags.warnings + loaded.warnings + web.warnings + _exposure(flags, web) + _unused_names(flags)
    return replace(loaded, warnings=warnings), web_config


def _exposure(flags: Flags, web: WebConfig) -> tuple[str, ...]:
    """Return a warning when positions can be read from other machines without TLS or without signing in."""
    exposed = [f"{each.host}:{each.port}" for each in flags.listen_addresses if not is_loopback(each.host)]
    signed_in = web.users or (web.tls and web.tls.verify_mode is ssl.CERT_REQUIRED)
    missing = [name for name, given in (("TLS", web.tls), ("users", signed_in)) if not given]
    if flags.demo or not exposed or not missing:
        return ()
    reached, lacking = ", ".join(exposed), " and ".join(missing)
    text = (
        f"other machines can reach {reached} without {lacking}, and so read positions: see --web.config.file"
    )
    return (f"--web.listen-address: {text}",)


def _is_local(flags: Flags) -> bool:
    return all(is_loopback(address.host) for address in flags.listen_addresses)


def _unused_names(flags: Flags) -> tuple[str, ...]:
    """Return a warning when ``--web.allowed-host`` keeps nobody out."""
    if not flags.allowed_hosts or _is_local(flags):
        return ()
    return (
        "--web.allowed-host: has no effect: not every listen address is loopback, so every name is answered",
    )


def _check(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201
    print(f"configuration is valid: {_counted(loaded.config)}")  # noqa: T201


def _probe(config: Config, clock: Clock, environment: Mapping[str, str]) -> bool:
    from exporter.probe.command import probe  # noqa: PLC0415
    from exporter.probe.screen import Line, drawn, wants_colour  # noqa: PLC0415

    mask = Mask()
    mask.add(account.api_token for account in config.accounts)
    colour = wants_colour(sys.stdout, environment)
    if isinstance(sys.stdout, TextIOWrapper):  # a project's name may be one that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")

    def show(line: Line) -> None:
        print(mask.over(drawn(line, colour=colour)), flush=True)  # noqa: T201

    def wait(seconds: float) -> None:
        Event().wait(seconds)

    return probe(config, clock, show, wait)


def _log(flags: Flags, mask: Mask, clock: Clock) -> LogWriter:
    writer = LogWriter()
    configure_logging(writer, flags.log_level, LineFormatter(flags.log_format, mask), clock.monotonic)
    return writer


def _run(
    flags: Flags,
    loaded: Loaded,
    load: Load,
    files: WatchedFiles,
    web_config: LiveWebConfig | None,
    clock: Clock,
    signals: Signals,
) -> int:
    mask = Mask()
    writer = _log(flags, mask, clock)

    def masked(read: Loaded) -> Loaded:
        mask.add(account.api_token for account in read.config.accounts)
        return read

    exporter = Exporter(
        masked(loaded).config, clock, flags.telemetry_path, flags.grafana_url, lambda: writer.dropped
    )
    _logger.info("starting", extra={"version": __version__, "configuration": _counted(loaded.config)})
    for warning in loaded.warnings:
        _logger.warning(warning)
    reloader = Reloader(lambda: masked(load()), exporter, files, flags.auto_reload_interval)
    reload_by_request = reloader.request if flags.lifecycle else None
    application = make_application(
        exporter.pages(),
        flags.telemetry_path,
        reload_by_request,
        flags.allowed_hosts if _is_local(flags) else None,
    )
    try:
        sockets = [listen(address) for address in flags.listen_addresses]
    except ListenError as error:
        _logger.error(error)  # noqa: TRY400 - the text says all, a traceback nothing
        return FAILED
    workers = sum(account.max_concurrent_requests for account in loaded.config.accounts)
    connections = affordable_connections(flags.max_connections, workers, raise_file_limit())
    server = WebServer(application, sockets, web_config, connections)
    collect_garbage_rarely()
    return_freed_memory()
    return DONE if run_until_stopped(exporter, server, reloader, signals) else FAILED


def _counted(config: Config) -> str:
    accounts, projects = len(config.accounts), len(config.projects)
    return f"{accounts} account{'s'[: accounts != 1]}, {projects} named project{'s'[: projects != 1]}"
