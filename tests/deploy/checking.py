"""A promtool test of scenarios in one world: what fires when, and that nothing else ever does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import ceil, floor, inf
from typing import Any

from tests.deploy.lines import MINUTE
from tests.deploy.scenarios.model import Expected, Fleet
from tests.deploy.worlds import World

GRAFANA = "https://grafana.example.com"
Question = dict[str, Any]


def promtool_test(
    world: World, fleet: Fleet, groups: Sequence[str], *, left_open: bool = False
) -> Mapping[str, Any]:
    """Return the content of a promtool file that runs a fleet in a world; the groups of rules in their order.

    The file names its rules ``rules.yml``. With ``left_open`` ranges (Prometheus 3), what looks back over a
    range may begin and end one scrape earlier.
    """
    asked = questions(world, fleet, world.interval if left_open else 0)
    return promtool_file(world, fleet, groups, promql_expr_test=asked)


def promtool_file(world: World, fleet: Fleet, groups: Sequence[str], **test: Any) -> Mapping[str, Any]:
    """Return the content of a promtool file that asks something of a fleet in a world."""
    exporters = [exporter for scenario in fleet.scenarios for exporter in scenario.exporters]
    step = max(world.evaluation, fleet.evaluation)
    content = {
        "name": f"{fleet.name}, {world.name}",
        "interval": f"{world.interval}s",
        "input_series": world.series(exporters, fleet.minutes * MINUTE),
        **test,
    }
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{step}s",
        "group_eval_order": list(groups),
        "tests": [content],
    }


def questions(
    world: World, fleet: Fleet, early: float = 0, *, suffix: str = "", only: Collection[str] | None = None
) -> list[Question]:
    """Return what is asked of a fleet: each expected alert, and that over the whole time no other alert fires.

    An alert is silent before its start, less ``early`` seconds, fires after it, and is silent again after its
    end. ``only`` narrows the questions to some alerts, whose names in the rules have a ``suffix``.
    """
    expected = [
        each
        for scenario in fleet.scenarios
        for each in scenario.expected
        if only is None or f"QuantConnect{each.alert}" in only
    ]
    step = max(world.evaluation, fleet.evaluation)
    asked = [
        question
        for each in expected
        for question in _timing(each, world, fleet.minutes * MINUTE, step, early, suffix)
    ]
    return [
        *asked,
        _everything(expected, fleet.minutes, suffix),
        _unlabelled(world, fleet.minutes, suffix),
        _forgotten(fleet.minutes, suffix),
    ]


def _timing(
    expected: Expected, world: World, horizon: float, step: float, early: float, suffix: str
) -> Iterator[Question]:
    """Yield what is asked around the start and the end of an alert.

    It may be late by a scrape, an evaluation that sees it, and one that ends the wait.
    """
    slack = world.interval + 2 * step
    start, end = expected.start * MINUTE, expected.end * MINUTE
    moments = {
        floor((start - early) / step) * step - step: False,
        ceil((start + slack) / step) * step: True,
    }
    if end < inf:
        before = floor((end - early) / step) * step - step
        moments |= {before: True, ceil((end + slack) / step) * step: False}
    else:
        moments[floor(horizon / step) * step] = True
    matchers = {
        "alertname": f"QuantConnect{expected.alert}{suffix}",
        "severity": expected.severity,
        **expected.subject,
    }
    selector = ",".join(f'{name}="{value}"' for name, value in matchers.items())
    if "project_id" in expected.subject:
        selector += ',project!=""'
    operator = "count" if expected.alone else "group"
    count = world.copies if expected.alone and {"account", "instance"} & expected.subject.keys() else 1
    for moment, fires in moments.items():
        if 0 <= moment <= horizon:
            yield {
                "expr": f'{operator}(ALERTS{{alertstate="firing",{selector}}})',
                "eval_time": f"{moment}s",
                "exp_samples": [{"labels": "{}", "value": count}] if fires else [],
            }


def _everything(expected: Sequence[Expected], horizon: float, suffix: str) -> Question:
    """Return the question which alerts ever fired."""
    named = f'alertname=~".*{suffix}"' if suffix else 'alertname!="QuantConnectWatchdog"'
    ever = f'max_over_time(ALERTS{{alertstate="firing",{named},%s}}[{int(horizon)}m])'
    groups = {
        "project_id": 'project_id!=""',
        "account": 'project_id="",account!=""',
        "instance": 'project_id="",account="",instance!=""',
        "": 'project_id="",account="",instance=""',
    }
    parts = [
        f"group by (alertname, severity{', ' * bool(label)}{label}) ({ever % matcher})"
        for label, matcher in groups.items()
    ]
    samples = {
        (
            ("alertname", f"QuantConnect{each.alert}{suffix}"),
            ("severity", each.severity),
            *each.subject.items(),
        )
        for each in expected
    }
    labels = sorted("{" + ",".join(f'{key}="{value}"' for key, value in pairs) + "}" for pairs in samples)
    return {
        "expr": " or ".join(parts),
        "eval_time": f"{int(horizon)}m",
        "exp_samples": [{"labels": each, "value": 1} for each in labels],
    }


def _unlabelled(world: World, horizon: float, suffix: str) -> Question:
    """Return the question which alerts ever lacked a label by which Alertmanager mutes and groups them."""
    exporters = "ExporterDown|ConfigReloadFailed|ClockSkew|ApiUnauthorized|ApiFailing"
    accounts = "ApiUnauthorized|ApiFailing|ApiRateLimited|AccountUnread|ClockSkew|AlgorithmVanished"
    # An alert that there is no exporter at all has neither job nor instance.
    needed = [
        ('instance!="",job=""', exporters),
        ('job!="",instance=""', exporters),
        ('account=""', accounts),
        ('rule_group=""', "RulesFailing"),
    ]
    for place in world.places:
        needed += [
            (f'instance!="",{place}=""', exporters),
            (f'severity!="info",{place}=""', f"{accounts}|[A-Z][a-z]+Stale"),
        ]
    parts = [
        f'group by (alertname) (max_over_time(ALERTS{{alertstate="firing",alertname=~"QuantConnect({names}){suffix}",'
        f"{lacking}}}[{int(horizon)}m]))"
        for lacking, names in needed
    ]
    return {"expr": " or ".join(parts), "eval_time": f"{int(horizon)}m", "exp_samples": []}


def _forgotten(horizon: float, suffix: str) -> Question:
    """Return the question what is still known of projects that were last seen too long ago."""
    known = f'{{__name__=~"project.*:known{suffix}"}}'
    seen = f'{{__name__=~"project:quantconnect_seen:timestamp({suffix})?"}}'
    return {
        "expr": f"group by (project_id) ({known} unless on (project_id) {seen})",
        "eval_time": f"{int(horizon)}m",
        "exp_samples": [],
    }


def text_test(
    fleet: Fleet, world: World, golden: Mapping[str, Any], shipped: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the content of a promtool file that asks for every label and every word of alerts.

    ``golden`` names the scenarios, and for each alert a minute and what fires then. Summaries and links are
    those of the shipped rules, with a Grafana at ``https://grafana.example.com``.
    """
    named = {scenario.name: scenario for scenario in fleet.scenarios}
    rules = [rule for group in shipped["groups"] for rule in group["rules"]]
    notes = {
        (rule["alert"], rule["labels"]["severity"]): rule["annotations"] for rule in rules if "alert" in rule
    }
    groups = [group["name"] for group in shipped["groups"]]

    def expected(alert: str, labels: Mapping[str, str], description: str) -> Mapping[str, Any]:
        told = notes.get((alert, labels["severity"])) or notes[alert, "{{ $labels.severity }}"]
        link = told["dashboard_url"].replace("{{ with $externalLabels.grafana_url }}{{ . }}", GRAFANA)
        link = link.replace("{{ $labels.project_id }}", labels.get("project_id", "")).replace("{{ end }}", "")
        return {
            "exp_labels": dict(labels),
            "exp_annotations": {**told, "description": description, "dashboard_url": link},
        }

    asked = [
        {
            "eval_time": f"{each['minute']}m",
            "alertname": f"QuantConnect{each['alert']}",
            "exp_alerts": [expected(f"QuantConnect{each['alert']}", **one) for one in each["fires"]],
        }
        for each in golden["alerts"]
    ]
    named_alone = Fleet(fleet.name, fleet.minutes, [named[name] for name in golden["scenarios"]])
    return promtool_file(
        world, named_alone, groups, external_labels={"grafana_url": GRAFANA}, alert_rule_test=asked
    )
