"""A configuration as the YAML that would load it, with every secret masked."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import product
from typing import Any

import yaml

from exporter.config.duration import format_duration
from exporter.config.limits import AGES
from exporter.config.model import (
    DEFAULT_LIMITS,
    Account,
    Config,
    LimitName,
    Limits,
    NamedProject,
    Polling,
    Severity,
)


def dump_config(config: Config) -> str:
    """Return the configuration in force; of a project, what differs from the sections for all."""
    defaults = config.defaults
    return yaml.safe_dump(
        {
            "accounts": [_account(account) for account in config.accounts],
            "projects": [_project(project, config) for project in config.projects],
            "charts": list(defaults.charts),
            "polling": _polling(defaults.polling),
            "cardinality": asdict(defaults.cardinality),
            "limits": _limits(defaults.limits, DEFAULT_LIMITS),
        },
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )


def _account(account: Account) -> Mapping[str, Any]:
    return {
        "name": account.name,
        "user_id": account.user_id,
        "api_token": str(account.api_token),
        "base_url": account.base_url,
        "requests_per_minute": account.requests_per_minute,
        "max_concurrent_requests": account.max_concurrent_requests,
        "discover": account.discover,
        "labels": dict(account.labels),
    }


def _project(project: NamedProject, config: Config) -> Mapping[str, Any]:
    settings, defaults = project.settings, config.defaults
    peak_since = settings.peak_since
    entries = {
        "id": project.id,
        "account": project.account,
        "name": settings.name,
        "account_currency": settings.account_currency,
        "charts": [chart for chart in settings.charts if chart not in defaults.charts],
        "peak_since": peak_since and datetime.fromtimestamp(peak_since, UTC).isoformat(),
        "labels": dict(settings.labels),
        "polling": _differences(_polling(settings.polling), _polling(defaults.polling)),
        "cardinality": _differences(asdict(settings.cardinality), asdict(defaults.cardinality)),
        "limits": _differences(
            _limits(settings.limits, defaults.limits), _limits(defaults.limits, settings.limits)
        ),
    }
    return {key: value for key, value in entries.items() if value not in (None, [], {})}


def _polling(polling: Polling) -> Mapping[str, Any]:
    return {key: value and format_duration(value) for key, value in asdict(polling).items()}


def _differences(own: Mapping[str, Any], general: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in own.items() if value != general[key]}


def _limits(limits: Limits, inherited: Limits) -> Mapping[str, Mapping[str, Any]]:
    """Return each limit that is set or could be inherited; one that is off is ``null``."""
    shown: dict[str, dict[str, Any]] = {}
    for name, severity in (key for key in product(LimitName, Severity) if key in limits or key in inherited):
        bound = limits.get((name, severity))
        if bound is not None and name in AGES:
            shown.setdefault(name.value, {})[severity.value] = format_duration(bound)
        else:
            shown.setdefault(name.value, {})[severity.value] = bound
    return shown
