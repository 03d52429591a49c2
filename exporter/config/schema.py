"""What a configuration document means: its top-level sections and how they belong together."""

from exporter.config.accounts import LoadContext, decide_discovery, read_accounts
from exporter.config.document import Section, suggestion
from exporter.config.model import Config, NamedProject, ProjectSettings
from exporter.config.report import quoted
from exporter.config.settings import default_settings, project_settings

TOP_KEYS = ("accounts", "projects", "polling", "cardinality", "limits")
PROJECT_KEYS = ("id", "account", "name", "account_currency", "charts", "polling", "cardinality", "limits")


def read_config(top: Section, context: LoadContext) -> Config:
    """Return what the document means; problems and warnings go into its report."""
    defaults = default_settings(top)
    accounts = read_accounts(top, context)
    # While an account cannot be read, its name is unknown, and no project's account can be judged.
    names = [account.name for _, account in accounts] if top.sound else []
    projects = _projects(top, names, defaults)
    with_projects = {project.account for project in projects}
    return Config(
        accounts=tuple(decide_discovery(section, account, with_projects) for section, account in accounts),
        projects=projects,
        defaults=defaults,
    )


def _projects(top: Section, account_names: list[str], defaults: ProjectSettings) -> tuple[NamedProject, ...]:
    projects = []
    first_with: dict[int, Section] = {}
    for section in top.sections("projects", PROJECT_KEYS):
        if "id" not in section:
            section.problem("id", "is missing: give the number in the project's address on QuantConnect")
        project_id = section.whole_number("id", 0, least=1)
        first = first_with.setdefault(project_id, section)
        if project_id and first is not section:
            section.problem("id", f"{project_id} is already the id of {first.place.key}")
        account = _account_of(section, account_names)
        projects.append(NamedProject(project_id, account, project_settings(section, defaults)))
    return tuple(projects)


def _account_of(section: Section, account_names: list[str]) -> str:
    """Return the name of a project's account; without the key, of the only one there is."""
    if "account" not in section:
        if len(account_names) > 1:
            section.problem("account", "is missing: there are several accounts")
        return account_names[0] if account_names else ""
    name = section.text("account", "")
    known = [account for account in account_names if account]
    if name and name not in known and len(known) == len(account_names) > 0:
        section.problem("account", f"{quoted(name)} is no account{suggestion(name, known)}")
    return name
