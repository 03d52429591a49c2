"""What a configuration document means: its top-level sections and how they belong together."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from exporter.config.accounts import LoadContext, decide_discovery, read_accounts
from exporter.config.document import Section, suggestion
from exporter.config.model import Config, Labels, NamedProject, ProjectSettings
from exporter.config.report import quoted
from exporter.config.settings import default_settings, project_settings

TOP_KEYS = ("accounts", "projects", "charts", "polling", "cardinality", "limits")
PROJECT_KEYS = (
    "id",
    "account",
    "name",
    "account_currency",
    "charts",
    "peak_since",
    "labels",
    "polling",
    "cardinality",
    "limits",
)

_CLOCKS_DIFFER = 300.0
"""Seconds by which the clock of the file's author may be ahead of ours."""


def read_config(top: Section, context: LoadContext) -> Config:
    """Return what the document means; problems and warnings go into its report."""
    defaults = default_settings(top)
    accounts = read_accounts(top, context)
    # If an account cannot be read, its name is unknown, and no project's account can be checked.
    labels = {account.name: account.labels for _, account in accounts} if top.sound else {}
    projects = _projects(top, labels, defaults, context.now)
    with_projects = {project.account for project in projects}
    return Config(
        accounts=tuple(decide_discovery(section, account, with_projects) for section, account in accounts),
        projects=projects,
        defaults=defaults,
    )


def _projects(
    top: Section, account_labels: Mapping[str, Labels], defaults: ProjectSettings, now: float
) -> tuple[NamedProject, ...]:
    projects = []
    first_with: dict[int, Section] = {}
    for section in top.sections("projects", PROJECT_KEYS):
        if "id" not in section:
            section.problem("id", "is missing: give the number in the project's address on QuantConnect")
        project_id = section.whole_number("id", 0, least=1)
        first = first_with.setdefault(project_id, section)
        if project_id and first is not section:
            section.problem("id", f"{project_id} is already the id of {first.place.key}")
        account = _account_of(section, account_labels)
        inherited = replace(defaults, labels=account_labels.get(account, ()))
        settings = project_settings(section, inherited)
        if settings.peak_since is not None and settings.peak_since > now + _CLOCKS_DIFFER:
            section.problem("peak_since", "lies in the future: until then there would be no drawdown")
        projects.append(NamedProject(project_id, account, settings))
    return tuple(projects)


def _account_of(section: Section, accounts: Collection[str]) -> str:
    """Return the name of a project's account; without the key, of the only one there is."""
    if "account" not in section:
        if len(accounts) > 1:
            section.problem("account", "is missing: there are several accounts")
        return next(iter(accounts), "")
    name = section.text("account", "")
    # An account whose name is wrong has the name "": it may be the one that is meant.
    if name and accounts and name not in accounts and "" not in accounts:
        section.problem("account", f"{quoted(name)} is no account{suggestion(name, accounts)}")
    return name
