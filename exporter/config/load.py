"""The configuration file or the environment -> a frozen Config, or every problem at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

from exporter.config.accounts import LoadContext
from exporter.config.credentials import environment_account, missing_variables
from exporter.config.document import read_document
from exporter.config.files import UnreadableError, read_text_file, shown_path
from exporter.config.model import Config
from exporter.config.report import Place, Report
from exporter.config.schema import TOP_KEYS, read_config
from exporter.config.tree import NotYamlError
from exporter.errors import ConfigError

MAX_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable configuration, with warnings about what is probably a mistake in it."""

    config: Config
    warnings: tuple[str, ...]


def load_config(path: Path, environment: Mapping[str, str], now: float = inf) -> Loaded:
    """Load a YAML file, or raise ConfigError with every problem, each with file, line and key.

    ``now`` in Unix seconds: a time that must have passed may not be later.
    """
    report = Report()
    source = Place(str(path))
    try:
        file = read_text_file(path, MAX_FILE_BYTES)
        top = read_document(file.text, source, report, TOP_KEYS)
    except UnreadableError as error:
        where = "" if path.is_absolute() else shown_path(path)
        raise ConfigError((f"{Place(str(path), error.line)}: the file {error}{where}",)) from None
    except NotYamlError as error:
        raise ConfigError((f"{Place(str(path), error.line)}: {error}",)) from None
    config = read_config(top, LoadContext(path.parent, environment, file.world_readable, now))
    return Loaded(config, report.warnings())


def config_from_environment(environment: Mapping[str, str]) -> Loaded:
    """Return one discovering account from the environment, or raise ConfigError."""
    if missing := missing_variables(environment):
        raise ConfigError((f"Set {missing}, or name a configuration file with --config.file.",))
    report = Report()
    account = environment_account(environment, report)
    return Loaded(Config(accounts=(account,)), report.warnings())
