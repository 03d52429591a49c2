"""What all dashboards have in common: variables, links, annotations, and the grid of their panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

from grafana.generate.money import capital_moved
from grafana.generate.panels import DATASOURCE, Panel
from grafana.generate.promql import EACH

TAG = "quantconnect"
COLUMNS = 24
SCHEMA_VERSION = 39
"""Of Grafana 10.2: newer versions migrate it when they load it."""

_VARIABLE_QUERY = "PrometheusVariableQueryEditor-VariableQuery"
_LABEL_VALUES, _QUERY_RESULT = 1, 3


@dataclass(frozen=True, slots=True)
class Line:
    """Panels side by side, each with its width in columns.

    ``left`` is the column it begins in. ``taller`` gives the panels, by index, that reach down beside
    the next line, with their height.
    """

    height: int
    panels: Sequence[tuple[int, Panel]]
    left: int = 0
    taller: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of panels under a heading; without a title they stand alone."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard: its fixed address, default range and panels."""

    uid: str
    title: str
    description: str
    since: str
    variables: Sequence[build.QueryVariable]
    annotations: Sequence[build.AnnotationQuery]
    sections: Sequence[Section]


def label_variable(name: str, label: str, query: str) -> build.QueryVariable:
    """Return a variable over the values of a label, of which several can be chosen."""
    return _several(_variable(name, label, query, _LABEL_VALUES))


def job_variable() -> build.QueryVariable:
    """Return the choice among the scrape jobs of the exporter."""
    return label_variable("job", "Job", "label_values(quantconnect_exporter_build_info, job)")


def project_variable(*, several: bool = True) -> build.QueryVariable:
    """Return the choice of one or several projects: shown by name, chosen by id, since two may share a name.

    Prometheus sorts labels, so that the name stands before the id in what it answers, and the greedy
    group takes in quotation marks of the name. Projects that are gone by now stay in the list as long
    as the time range knows them.
    """
    known = 'last_over_time(quantconnect_up{job=~"$job",source="status"}[$__range])'
    variable = _variable(
        "project_id", "Project", f"query_result(max by (project, project_id) ({known}))", _QUERY_RESULT
    )
    variable.regex('/project="(?<text>.*)",project_id="(?<value>[^"]+)"/')
    return _several(variable) if several else variable


def ended_variable() -> build.QueryVariable:
    """Return the ids of the chosen projects that have ended, which nobody needs to choose."""
    variable = _variable("ended", "Ended", f"query_result({EACH.ended()})", _QUERY_RESULT)
    variable.multi(multi=True).include_all(include_all=True)
    variable.current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return variable.regex('/project_id="(?<value>[^"]+)"/').hide(dashboard.VariableHide.HIDE_VARIABLE)


def deployments(*, shown: bool = True) -> build.AnnotationQuery:
    """Return a mark at each launch: the value itself is the time, so that none is missed or late."""
    return (
        _annotation("Deployments", "blue", f"1000 * {EACH.latest('algorithm_launched_timestamp_seconds')}")
        .use_value_for_time(use_value_for_time=True)
        .title_format("Deployed: {{project}}")
        .text_format("A deployment of {{project}} was launched.")
        .enable(enable=shown)
        .tag_keys("project")
    )


def deposits(*, shown: bool = True) -> build.AnnotationQuery:
    """Return a mark where capital was paid in or out."""
    return (
        _annotation("Deposits and withdrawals", "purple", capital_moved())
        .title_format("Paid in or out: {{project}}")
        .text_format("The capital of {{project}} changed.")
        .enable(enable=shown)
        .tag_keys("project")
    )


def firing_alerts(*, shown: bool = True) -> build.AnnotationQuery:
    """Return a region while a critical alert fires, those of no project included."""
    alerts = (
        'ALERTS{alertname=~"QuantConnect.*",alertname!="QuantConnectWatchdog",severity="critical",'
        'alertstate="firing",project_id=~"$project_id|"}'
    )
    return (
        _annotation("Firing alerts", "red", f"max by (alertname, severity, project) ({alerts})")
        .title_format("{{alertname}}")
        .text_format("{{severity}} {{project}}")
        .enable(enable=shown)
        .tag_keys("severity,project")
    )


def make(page: Page) -> dashboard.Dashboard:
    """Return the dashboard in Grafana's classic schema."""
    builder = (
        build.Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags([TAG])
        .readonly()
        .timezone("utc")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(page.since, "now")
        .refresh("1m")
        .with_variable(_datasource_variable())
        .link(
            build.DashboardLink("QuantConnect")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(as_dropdown=True)
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
            .icon("dashboard")
        )
    )
    for variable in page.variables:
        builder.with_variable(variable)
    for annotation in page.annotations:
        builder.annotation(annotation)
    made = builder.build()
    made.schema_version = SCHEMA_VERSION
    made.panels = _placed(page.sections)
    _leave_out_defaults(made)
    return made


def _leave_out_defaults(made: dashboard.Dashboard) -> None:
    """Drop what the builders write of themselves: settings of other variables, links moved into a menu."""
    for variable in made.templating.list_val or ():
        variable.auto = variable.auto_min = variable.auto_count = None
    for annotation in made.annotations.list_val or ():
        annotation.placement = None  # type: ignore[assignment]  # left out of the JSON then
    for link in made.links or ():
        link.placement = None  # type: ignore[assignment]


def _variable(name: str, label: str, query: str, kind: int) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "qryType": kind, "refId": _VARIABLE_QUERY})
        .definition(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def _several(variable: build.QueryVariable) -> build.QueryVariable:
    return (
        variable.multi(multi=True)
        .include_all(include_all=True)
        .all_value(".+")
        .current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _datasource_variable() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Source").type("prometheus")


def _annotation(name: str, color: str, expression: str) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .hide(hide=True)
        .icon_color(color)
        .expr(expression)
        .step("1m")
    )


def _placed(sections: Sequence[Section]) -> list[Panel | dashboard.RowPanel]:
    """Give each panel its place and its number, from the top left to the bottom right."""
    placed: list[Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        if section.title:
            row = build.Row(section.title).id(len(placed) + 1).build()
            row.grid_pos = dashboard.GridPos(h=1, w=COLUMNS, x=0, y=top)
            placed.append(row)
            top += 1
        for line in section.lines:
            left = line.left
            for index, (width, panel) in enumerate(line.panels):
                height = line.taller.get(index, line.height)
                panel.id_val = len(placed) + 1
                panel.grid_pos = dashboard.GridPos(h=height, w=width, x=left, y=top)
                placed.append(panel)
                left += width
            top += line.height
    return placed
