"""The Helm chart: what it renders is valid, says the same as the rest of the repository, and runs."""

import base64
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import bcrypt
import kubernetes_validate
import pytest
import requests
import trustme
import yaml
from helm_python.chart import Chart, lint
from helm_python.errors import HelmError

from exporter import __version__
from exporter.clock import SystemClock
from exporter.config.load import load_config
from exporter.config.schema import TOP_KEYS
from exporter.config.watched_files import WatchedFiles
from exporter.demo.server import SimulatedQuantConnect
from exporter.web.web_config import load_web_config
from tests.packaging.project import DEPLOY, IMAGE, REPOSITORY, ROOT, run
from tests.programs import exporter_process, free_port, program, prometheus_server, wait_until
from tests.support import scenario_at
from tests.web.sites import bcrypt_hash

CHART = DEPLOY / "helm" / "quantconnect-exporter"
RULES = DEPLOY / "prometheus" / "quantconnect.rules.yml"
DASHBOARDS = {path.name: path for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
DOCUMENT = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")

PROBES = {"livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}
TOKEN_FILE = "/run/secrets/quantconnect/token"
CONFIG = {
    "accounts": [
        {"name": "2024", "user_id": 12345678, "api_token_file": TOKEN_FILE, "requests_per_minute": 60}
    ],
    "projects": [{"id": 23456789, "account_currency": "NOK", "polling": {"charts": "1m"}}],
    "limits": {"drawdown_ratio": {"warning": 0.05, "critical": 0.1}},
}
EVERYTHING = {
    "image": {"tag": "1.2.3", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "config": CONFIG,
    "secret": {"data": {"token": "0123456789abcdef", "research_token": "fedcba9876543210"}},
    "shards": 3,
    "extraArgs": ["--log.format=json", "--web.enable-lifecycle"],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/company-ca", "readOnly": True}],
    "extraContainers": [{"name": "proxy", "image": "example.org/proxy:1"}],
    "serviceAccount": {"create": True, "annotations": {"i": "j"}},
    "service": {"type": "NodePort", "port": 80, "annotations": {"a": "b"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"k": "l"},
        "hosts": [{"host": "quantconnect.example.org", "path": "/exporter"}],
        "tls": [{"secretName": "ingress-tls", "hosts": ["quantconnect.example.org"]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboards": {"enabled": True},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "egress": [{"ports": [{"port": 3128, "protocol": "TCP"}]}],
    },
    "podDisruptionBudget": {"enabled": True},
    "commonLabels": {"team": "trading"},
    "podAnnotations": {"c": "d"},
    "podLabels": {"e": "f"},
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["www.quantconnect.com"]}],
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "monitoring",
}
USER = {"userId": 12345678, "secret": {"name": "quantconnect"}}
WEB = {"secretName": "web", "tlsSecretName": "tls", "login": True}
MONITORED = {"serviceMonitor": {"enabled": True}}
OPENSHIFT = {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}}
COMPANY_CA = {
    "extraVolumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/company-ca", "readOnly": True}],
    "extraEnv": [{"name": "REQUESTS_CA_BUNDLE", "value": "/etc/company-ca/ca.crt"}],
}
SECRET_STORE = {
    "extraVolumes": [
        {
            "name": "store",
            "csi": {
                "driver": "secrets-store.csi.k8s.io",
                "readOnly": True,
                "volumeAttributes": {"secretProviderClass": "quantconnect"},
            },
        }
    ],
    "extraVolumeMounts": [{"name": "store", "mountPath": "/mnt/store", "readOnly": True}],
}
VALUES: Mapping[str, Mapping[str, Any]] = {
    "demo": {"demo": True},
    "user id": USER,
    "configuration": {"config": CONFIG, "secret": {"name": "quantconnect"}},
    "configuration as text": {"config": yaml.safe_dump(CONFIG), "secret": {"name": "quantconnect"}},
    "TLS": {"demo": True, "web": {"secretName": "web", "tlsSecretName": "tls"}, **MONITORED},
    "TLS and login in one secret": {"demo": True, "web": {**WEB, "secretName": "tls"}, **MONITORED},
    "login without TLS": {**USER, "web": {"secretName": "web", "login": True}, **MONITORED},
    "pod monitor": {**USER, "podMonitor": {"enabled": True}},
    "OpenShift": {**USER, **OPENSHIFT},
    "a company's CA": {**USER, **COMPANY_CA},
    "a secret store": {**USER, **SECRET_STORE},
    "a volume in the demo": {"demo": True, **COMPANY_CA},
    "no resources": {"demo": True, "resources": {}, "networkPolicy": {"enabled": True}},
    "everything": EVERYTHING,
}
CUSTOM = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
each_values = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)

Objects = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def chart() -> Iterator[Chart]:
    with Chart.load(CHART) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def rendered(chart):
    """Return the objects that the chart renders, by kind and name."""

    def render(values: Mapping[str, Any], release: str = "quantconnect-exporter") -> Objects:
        texts = chart.render(dict(values), name=release, namespace="monitoring")
        manifests = [text for path, text in texts.items() if path.endswith(".yaml")]
        objects = [each for text in manifests for each in yaml.load_all(text, yaml.CSafeLoader) if each]
        by_name = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        assert len(by_name) == len(objects)
        return by_name

    return render


def only(objects: Objects, kind: str) -> Mapping[str, Any]:
    (found,) = [each for (its_kind, _), each in objects.items() if its_kind == kind]
    return found


def pod_of(objects: Objects) -> Mapping[str, Any]:
    return only(objects, "StatefulSet")["spec"]["template"]["spec"]


def container_of(objects: Objects) -> Mapping[str, Any]:
    (container,) = [each for each in pod_of(objects)["containers"] if each["name"] == "exporter"]
    return container


@each_values
def test_lint_finds_nothing(values):
    """Helm's own check, with every warning an error, has nothing against the chart."""
    report = lint(CHART, dict(values), strict=True)
    assert report["errors"] == []
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


@each_values
@pytest.mark.parametrize("version", ["1.25", kubernetes_validate.latest_version()])
def test_objects_are_valid(rendered, values, version):
    """Kubernetes' schemas, from the oldest version that the chart allows to the newest, know every field."""
    objects = rendered(values)
    assert {"StatefulSet", "Service"} <= {kind for kind, _ in objects}
    for (kind, _), each in objects.items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "give userId or config"),
        ({"userId": 1}, "give secret.name"),
        ({"config": CONFIG}, "give secret.name"),
        ({"demo": True, "userId": 1}, "demo brings its own account"),
        ({"userId": 1, "config": CONFIG, "secret": {"name": "a"}}, "either userId or config"),
        ({"userId": 1, "secret": {"name": "a", "data": {"token": "b"}}}, "either secret.name or secret.data"),
        ({"userId": 1, "secret": {"data": {"key": "b"}}}, "under the key token"),
        ({"config": {"accounts": [{"api_token": "b"}]}, "secret": {"name": "a"}}, "readable by many"),
        ({"config": 'accounts: [{"api_token": b}]', "secret": {"name": "a"}}, "readable by many"),
        ({"demo": True, "shard": 2}, "shard"),
        ({"demo": True, "shards": 0}, "shards"),
        ({"demo": True, "shards": "2"}, "shards"),
        ({"userId": "main", "secret": {"name": "a"}}, "userId"),
        ({"config": {"account": []}, "secret": {"name": "a"}}, "account"),
        ({"demo": True, "serviceMonitor": {"enable": True}}, "enable"),
        ({"demo": True, **MONITORED, "podMonitor": {"enabled": True}}, "either serviceMonitor or podMonitor"),
        ({"demo": True, "image": {"digest": "sha256:0123"}}, "digest"),
        ({"demo": True, "service": {"type": "ExternalName"}}, "type"),
        ({"demo": True, "ingress": {"hosts": [{"host": "a"}]}}, "path"),
        ({"demo": True, "web": {"tlsSecretName": "tls"}}, "need web.secretName"),
        ({"demo": True, "web": {"login": True}}, "need web.secretName"),
    ],
)
def test_values_that_cannot_work_are_refused(chart, values, reason):
    """Values that exclude each other, lack something or are misspelt are refused, and the message names them."""
    with pytest.raises(HelmError, match=reason):
        chart.render(values)


def test_schema_knows_every_value():
    """Each default value is in the schema, and nothing else is."""
    schema = (yaml.safe_load((CHART / "values.schema.json").read_text("utf-8")))["properties"]
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert set(schema) - {"global"} == set(values)
    for name, part in schema.items():
        if name != "config" and part.get("additionalProperties") is False:
            assert set(part["properties"]) == set(values[name]), name


def test_schema_knows_every_section_of_the_configuration():
    """A configuration may have under ``config`` each of its sections, and nothing else."""
    schema = (yaml.safe_load((CHART / "values.schema.json").read_text("utf-8")))["properties"]
    assert set(schema["config"]["properties"]) == set(TOP_KEYS)


def test_chart_is_of_this_version(chart, rendered):
    """Chart, image and document have the version of the code, and the chart the repository's address."""
    assert (chart.version, chart.metadata["appVersion"]) == (__version__, __version__)
    assert set(re.findall(r"--version ([\w.+-]+)", DOCUMENT)) == {chart.version}
    assert chart.metadata["home"] == REPOSITORY
    assert container_of(rendered(VALUES["demo"]))["image"] == f"{IMAGE}:{__version__}"


@each_values
def test_pod_is_confined(rendered, values):
    """Whatever the values, the pod is fit for the level "restricted", writes nowhere and has no API token."""
    objects = rendered(values)
    pod = pod_of(objects)
    assert pod["automountServiceAccountToken"] is False
    ids = (
        {} if "podSecurityContext" in values else dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), 10001)
    )
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        **ids,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = container_of(objects)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in container.get("volumeMounts", []))
    assert not any(set(volume) & {"hostPath", "emptyDir"} for volume in pod.get("volumes", []))
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert all(f"USER {user}:" in dockerfile for name, user in ids.items() if name == "runAsUser")
    assert f"EXPOSE {container['ports'][0]['containerPort']}" in dockerfile


def test_pod_is_probed(rendered):
    """Kubernetes restarts an exporter that is stuck, and waits for one that has not tried everything."""
    container = container_of(rendered(VALUES["demo"]))
    for probe, page in PROBES.items():
        assert container[probe]["httpGet"] == {"path": page, "port": "http", "scheme": "HTTP"}


def test_pod_with_tls_is_probed_with_tls(rendered):
    """The kubelet speaks https, which it does without looking at the certificate."""
    container = container_of(rendered(VALUES["TLS"]))
    for probe, page in PROBES.items():
        assert container[probe]["httpGet"] == {"path": page, "port": "http", "scheme": "HTTPS"}


@pytest.mark.parametrize("release", ["quantconnect-exporter", "a", "a" * 53])
def test_everything_finds_the_pods(rendered, release):
    """Services, monitor, policy and budget select the pods; the monitor selects one of the two services."""
    objects = rendered(EVERYTHING, release)
    stateful = only(objects, "StatefulSet")
    labels = stateful["spec"]["template"]["metadata"]["labels"]
    services = [each for (kind, _), each in objects.items() if kind == "Service"]
    selectors = [
        stateful["spec"]["selector"]["matchLabels"],
        only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(service["spec"]["selector"] for service in services),
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    headless = objects["Service", stateful["spec"]["serviceName"]]["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    wanted = only(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    scraped = [each for each in services if wanted.items() <= each["metadata"]["labels"].items()]
    assert [each["spec"].get("clusterIP") for each in scraped] == [None]
    assert all(len(name) <= 63 - len("-0123456789") for _, name in objects)
    (port,) = container_of(objects)["ports"]
    assert all(service["spec"]["ports"][0]["targetPort"] == port["name"] for service in services)


def test_everything_carries_the_recommended_labels(rendered):
    """Each object says what it is, which release it belongs to, and who manages it, as Kubernetes recommends."""
    recommended = {"name", "instance", "version", "managed-by"}
    for each in rendered(EVERYTHING).values():
        assert {f"app.kubernetes.io/{label}" for label in recommended} <= each["metadata"]["labels"].keys()


MONITORS = {
    "serviceMonitor": ("ServiceMonitor", "endpoints"),
    "podMonitor": ("PodMonitor", "podMetricsEndpoints"),
}
each_monitor = pytest.mark.parametrize("monitor", MONITORS)


def endpoint_of(objects: Objects, monitor: str) -> Mapping[str, Any]:
    kind, member = MONITORS[monitor]
    (endpoint,) = only(objects, kind)["spec"][member]
    return endpoint


@each_monitor
def test_monitor_scrapes_as_the_rules_expect(rendered, monitor):
    """The exporter's own labels win, an instance is a pod of a namespace, and labels that only change are dropped."""
    objects = rendered({**USER, monitor: {"enabled": True, "labels": {"release": "prometheus"}}})
    described = only(objects, MONITORS[monitor][0])
    assert described["metadata"]["namespace"] == "monitoring"
    assert described["metadata"]["labels"]["release"] == "prometheus"
    assert described["spec"]["namespaceSelector"] == {"matchNames": ["monitoring"]}
    assert endpoint_of(objects, monitor) == {
        "port": "http",
        "scheme": "http",
        "interval": "15s",
        "scrapeTimeout": "10s",
        "honorLabels": True,
        "relabelings": [
            {"targetLabel": "job", "replacement": "quantconnect"},
            {
                "sourceLabels": ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"],
                "separator": "/",
                "targetLabel": "instance",
            },
            {"action": "labeldrop", "regex": "endpoint|container|service"},
        ],
    }


@each_monitor
def test_monitor_can_be_told_otherwise(rendered, monitor):
    """Job, interval, labels, namespace and relabelings of a monitor are the user's to choose."""
    relabeling = {"targetLabel": "desk", "replacement": "fx"}
    dropping = {"action": "labeldrop", "regex": "brokerage"}
    told = {
        "enabled": True,
        "namespace": "prometheus",
        "interval": "1m",
        "scrapeTimeout": "30s",
        "job": "trading",
        "honorLabels": False,
        "relabelings": [relabeling],
        "metricRelabelings": [dropping],
    }
    objects = rendered({**USER, monitor: told})
    assert only(objects, MONITORS[monitor][0])["metadata"]["namespace"] == "prometheus"
    endpoint = endpoint_of(objects, monitor)
    assert (endpoint["interval"], endpoint["scrapeTimeout"], endpoint["honorLabels"]) == ("1m", "30s", False)
    assert endpoint["relabelings"][0] == {"targetLabel": "job", "replacement": "trading"}
    assert endpoint["relabelings"][-1] == relabeling
    assert endpoint["metricRelabelings"] == [dropping]


def test_pod_monitor_selects_the_pods(rendered):
    """A PodMonitor finds the pods by the labels that they carry."""
    objects = rendered(VALUES["pod monitor"])
    wanted = only(objects, "PodMonitor")["spec"]["selector"]["matchLabels"]
    carried = only(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert wanted.items() <= carried.items()


def test_nothing_is_rendered_while_a_parent_chart_turns_it_off(rendered):
    """With ``enabled: false`` no object is left, whatever else is chosen."""
    assert rendered(EVERYTHING)
    assert not rendered({**EVERYTHING, "enabled": False})


def test_digest_names_the_image(rendered):
    """A digest wins over the tag."""
    digest = f"sha256:{'0123456789abcdef' * 4}"
    image = {"repository": "example.org/exporter", "tag": "1.2.3", "digest": digest}
    assert container_of(rendered({"demo": True, "image": image}))["image"] == f"example.org/exporter@{digest}"
    without = {"repository": "example.org/exporter", "tag": "1.2.3"}
    assert container_of(rendered({"demo": True, "image": without}))["image"] == "example.org/exporter:1.2.3"


@pytest.mark.parametrize(
    ("account", "used", "created"),
    [
        ({}, "default", None),
        ({"name": "trading"}, "trading", None),
        ({"create": True}, "quantconnect-exporter", "quantconnect-exporter"),
        ({"create": True, "name": "trading"}, "trading", "trading"),
    ],
)
def test_service_account(rendered, account, used, created):
    """The pod runs as the account that is named or created, and mounts no token of it."""
    objects = rendered({"demo": True, "serviceAccount": {**account, "annotations": {"a": "b"}}})
    assert pod_of(objects)["serviceAccountName"] == used
    accounts = [each for (kind, _), each in objects.items() if kind == "ServiceAccount"]
    assert [each["metadata"]["name"] for each in accounts] == ([created] if created else [])
    for each in accounts:
        assert each["automountServiceAccountToken"] is False
        assert each["metadata"]["annotations"] == {"a": "b"}


def test_pod_has_what_is_added_to_it(rendered):
    """Volumes, mounts, containers, host names and DNS options reach the pod beside the chart's own."""
    pod = pod_of(rendered(EVERYTHING))
    assert {"config", "secret", "ca"} <= {volume["name"] for volume in pod["volumes"]}
    assert EVERYTHING["extraVolumeMounts"][0] in container_of(rendered(EVERYTHING))["volumeMounts"]
    assert [each["name"] for each in pod["containers"]] == ["exporter", "proxy"]
    assert (pod["hostAliases"], pod["dnsConfig"]) == (EVERYTHING["hostAliases"], EVERYTHING["dnsConfig"])


def test_security_context_can_be_changed(rendered):
    """What a cluster demands is added to the chart's own security contexts."""
    values = {
        "demo": True,
        "podSecurityContext": {"supplementalGroups": [5]},
        "securityContext": {"seLinuxOptions": {"level": "s0"}},
    }
    objects = rendered(values)
    assert pod_of(objects)["securityContext"]["supplementalGroups"] == [5]
    assert pod_of(objects)["securityContext"]["runAsNonRoot"] is True
    assert container_of(objects)["securityContext"]["seLinuxOptions"] == {"level": "s0"}
    assert container_of(objects)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_common_labels_are_on_every_object(rendered):
    """Common labels are on each object and on the pods, and select nothing: they may change."""
    objects = rendered(EVERYTHING)
    assert all(each["metadata"]["labels"]["team"] == "trading" for each in objects.values())
    stateful = only(objects, "StatefulSet")["spec"]
    assert stateful["template"]["metadata"]["labels"]["team"] == "trading"
    assert "team" not in stateful["selector"]["matchLabels"]


def test_ingress_leads_to_the_service(rendered):
    """The ingress has the host, path, class and certificate that were chosen, and leads to the service."""
    objects = rendered(EVERYTHING)
    ingress = only(objects, "Ingress")
    assert ingress["metadata"]["annotations"] == {"k": "l"}
    assert (ingress["spec"]["ingressClassName"], ingress["spec"]["tls"]) == (
        "nginx",
        EVERYTHING["ingress"]["tls"],
    )
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == (
        "quantconnect.example.org",
        "/exporter",
        "Prefix",
    )
    service = objects["Service", path["backend"]["service"]["name"]]
    assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    assert (service["spec"]["type"], service["spec"]["ports"][0]["port"]) == ("NodePort", 80)


OTHER_VALUES: Mapping[str, Any] = {
    "image.repository": "example.org/exporter",
    "image.tag": "9",
    "image.digest": f"sha256:{'0' * 64}",
    "image.pullPolicy": "Never",
    "secret.name": "quantconnect",
    "web.secretName": "web",
    "web.tlsSecretName": "tls",
    "web.login": True,
    "shards": 2,
    "serviceAccount.name": "trading",
    "service.type": "LoadBalancer",
    "service.port": 81,
    "ingress.className": "other",
    "ingress.hosts": [{"host": "a", "path": "/"}],
    **{
        f"{monitor}.{name}": value
        for monitor in MONITORS
        for name, value in {
            "namespace": "other",
            "interval": "1m",
            "scrapeTimeout": "5s",
            "job": "other",
            "honorLabels": False,
            "tlsConfig": {"serverName": "other"},
        }.items()
    },
    "prometheusRule.grafanaUrl": "https://grafana.example.com",
    "podDisruptionBudget.maxUnavailable": 2,
    "priorityClassName": "other",
    "nameOverride": "other",
    "fullnameOverride": "other",
}
"""Of each value that is neither a switch, nor a list or an object of texts: another one."""

ACCOUNTS = {"enabled", "demo", "config", "userId", "secret.data"}
"""Values that exclude each other: the tests above have each of them."""


def values_of(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of values.yaml by its path; what Kubernetes defines is one value."""
    for name, value in tree.items():
        is_section = (
            isinstance(value, dict) and value and not name.endswith(("Context", "resources", "abels"))
        )
        if is_section and name != "annotations":
            yield from values_of(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def other_than(path: str, default: Any) -> Any:
    if path in OTHER_VALUES:
        return OTHER_VALUES[path]
    if isinstance(default, bool):
        return not default
    if isinstance(default, list):
        return ["--log.level=debug"] if path == "extraArgs" else [{"name": "other"}]
    return {"other": "other"}


@pytest.mark.parametrize(
    ("path", "default"),
    [
        (path, default)
        for path, default in values_of(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))
        if path not in ACCOUNTS
    ],
)
def test_every_value_has_an_effect(rendered, path, default):
    """Each value of values.yaml, changed alone, changes what is rendered."""
    section, _, name = path.rpartition(".")
    switch = {"serviceAccount": "create"}.get(section, "enabled")
    has_switch = section and switch in yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))[section]
    base: dict[str, Any] = {
        "config": CONFIG,
        "secret": {"name": "token"},
        "web": {"secretName": "a", "tlsSecretName": "b"},
    }
    if has_switch and name != switch:
        base[section] = {switch: True}
    other = {name: other_than(path, default)}
    changed = {**base, section: {**base.get(section, {}), **other}} if section else {**base, **other}
    assert rendered(changed) != rendered(base)


def test_rules_are_the_shipped_ones(rendered, needs, tmp_path):
    """The rules come through Helm unchanged, templates of Prometheus included."""
    spec = only(rendered(EVERYTHING), "PrometheusRule")["spec"]
    assert spec == yaml.safe_load(RULES.read_text("utf-8"))
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(spec), "utf-8")
    assert "SUCCESS" in run(needs("promtool"), "check", "rules", file)


def test_dashboards_are_the_shipped_ones(rendered):
    """Each dashboard is in a ConfigMap of its own that Grafana's sidecar looks for, to the last byte."""
    found = {
        name: text
        for (kind, _), each in rendered(EVERYTHING).items()
        if kind == "ConfigMap" and each["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in each["data"].items()
    }
    assert found == {name: path.read_text("utf-8") for name, path in DASHBOARDS.items()}
    assert len(found) == 4


def test_alerts_link_to_the_grafana_that_is_told(rendered):
    """With its address, every link of an alert to a dashboard is that of this Grafana; nothing else changes."""
    address = "https://grafana.example.com/"
    told = {**USER, "prometheusRule": {"enabled": True, "grafanaUrl": address}}
    found = only(rendered(told), "PrometheusRule")["spec"]
    linked = "{{ with $externalLabels.grafana_url }}{{ . }}"
    written = yaml.safe_load(
        RULES.read_text("utf-8").replace(linked, "{{ with 1 }}https://grafana.example.com")
    )
    assert found == written
    links = [
        rule["annotations"]["dashboard_url"]
        for group in found["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert all(link.startswith("{{ with 1 }}https://grafana.example.com/d/quantconnect-") for link in links)


def test_packaged_chart_brings_its_files(chart, tmp_path):
    """In the archive, rules and dashboards are files of their own, no links to what is not there."""
    with tarfile.open(chart.save(tmp_path)) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        files = {name for name in archive.getnames() if "/files/" in name}
    assert files == {
        "quantconnect-exporter/files/quantconnect.rules.yml",
        *(f"quantconnect-exporter/files/dashboards/{name}" for name in DASHBOARDS),
    }


def test_packaged_chart_leaves_out_what_lies_about(tmp_path):
    """What editors, systems and Git leave in the folder is not in the archive."""
    copied = tmp_path / "quantconnect-exporter"
    shutil.copytree(CHART, copied, ignore=lambda *_: ["files"])
    (copied / ".git").mkdir()
    litter = {".DS_Store", ".git/config", "templates/.secret.yaml.swp", "values.yaml.orig"}
    for name in litter:
        (copied / name).write_text("litter")
    with Chart.load(copied) as littered, tarfile.open(littered.save(tmp_path)) as archive:
        names = {name.removeprefix("quantconnect-exporter/") for name in archive.getnames()}

    assert names & litter == set()
    assert "templates/statefulset.yaml" in names


@pytest.mark.parametrize("as_text", [False, True])
def test_configuration_reaches_the_exporter(rendered, tmp_path, as_text):
    """Large numbers, texts that look like numbers and ratios arrive as they were written."""
    values = {"config": yaml.safe_dump(CONFIG) if as_text else CONFIG, "secret": {"name": "quantconnect"}}
    text = only(rendered(values), "ConfigMap")["data"]["config.yml"]
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o440)
    file = tmp_path / "config.yml"
    file.write_text(text.replace(TOKEN_FILE, str(token)))

    config = load_config(file, {}).config

    assert (config.accounts[0].name, config.accounts[0].user_id) == ("2024", 12345678)
    assert (config.projects[0].id, config.projects[0].settings.account_currency) == (23456789, "NOK")


def test_secret_holds_the_values(rendered):
    """A created secret has each value, encoded; its files are for the exporter's group and nobody else."""
    objects = rendered(EVERYTHING)
    data = {name: base64.b64decode(value).decode() for name, value in only(objects, "Secret")["data"].items()}
    assert data == EVERYTHING["secret"]["data"]
    (volume,) = [each["secret"] for each in pod_of(objects)["volumes"] if "secret" in each]
    assert volume == {"secretName": only(objects, "Secret")["metadata"]["name"], "defaultMode": 0o440}
    other = {key: value for key, value in objects.items() if key[0] != "Secret"}
    assert not any(value in str(other) for value in data.values())


def test_new_configuration_means_new_pods(rendered):
    """The pods' annotations change with configuration and secret, and with nothing else."""

    def annotations(**changed):
        return only(rendered({**EVERYTHING, **changed}), "StatefulSet")["spec"]["template"]["metadata"][
            "annotations"
        ]

    before = annotations()
    assert annotations(dashboards={"enabled": False}) == before
    assert annotations(config={**CONFIG, "limits": {}})["checksum/config"] != before["checksum/config"]
    assert annotations(secret={"data": {"token": "new"}})["checksum/secret"] != before["checksum/secret"]


def test_policy_lets_through_what_is_needed(rendered):
    """In comes who may scrape, on the port of the metrics; out go names, https and what the values add."""
    spec = only(rendered(EVERYTHING), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}], "from": EVERYTHING["networkPolicy"]["from"]}
    ]
    ports = [(each["port"], each["protocol"]) for rule in spec["egress"] for each in rule["ports"]]
    assert ports == [(53, "UDP"), (53, "TCP"), (5353, "UDP"), (5353, "TCP"), (443, "TCP"), (3128, "TCP")]


@each_values
def test_notes_are_complete(chart, values):
    """The notes after an installation name the service that exists."""
    texts = chart.render(dict(values), name="quantconnect-exporter", namespace="monitoring")
    (notes,) = [text for path, text in texts.items() if path.endswith("NOTES.txt")]
    assert "port-forward service/quantconnect-exporter 11722:" in notes
    assert "<no value>" not in notes


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"--set(?:-file|-json)? '?([\w.]+)=", DOCUMENT))))
def test_document_sets_values_that_exist(setting):
    """Each value that a command of the document sets is one of the chart's."""
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for part in setting.removesuffix(".labels.release").split("."):
        assert part in values
        values = values[part]


def test_commands_of_the_document_render(rendered):
    """The values of each Helm command give objects."""
    commands = re.findall(r"^ *(helm (?:upgrade|template) (?:[^\n]*\\\n)*[^\n]*)$", DOCUMENT, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "), comments=True)
        values: dict[str, Any] = {}
        for option, setting in pairwise(words):
            path, _, text = setting.partition("=")
            if option == "--set-file":
                set_value(values, path, yaml.safe_dump(CONFIG))
            elif option == "--set":
                set_value(values, path, yaml.safe_load(text))
            elif option == "--values":
                values = {**USER}
        assert rendered(values)


def set_value(values: dict[str, Any], path: str, value: object) -> None:
    """Set one value of nested ones, as Helm does."""
    *above, last = path.split(".")
    for key in above:
        values = values.setdefault(key, {})
    values[last] = value


def test_one_pod_is_enough(rendered):
    """Unless shards are asked for, one pod polls everything."""
    assert only(rendered({"demo": True}), "StatefulSet")["spec"]["replicas"] == 1


def test_shards_share_the_projects(rendered, tmp_path):
    """Three pods, run with what the chart gives them, poll every project once between them."""
    clock = SystemClock()
    with ExitStack() as started, pytest.MonkeyPatch.context() as patch:
        api = started.enter_context(SimulatedQuantConnect(scenario_at(clock.wall()), clock))
        account = api.accounts[0]
        config = {
            "accounts": [
                {
                    "user_id": account.user_id,
                    "api_token_file": TOKEN_FILE,
                    "base_url": api.base_url,
                    "requests_per_minute": 6000,
                }
            ]
        }
        values = {"config": config, "secret": {"data": {"token": account.api_token}}, "shards": 3}
        objects = rendered(values)
        container = container_of(objects)
        root = file_system(objects, tmp_path)
        arguments = [argument.replace("=/", f"={root}/") for argument in container["args"]]
        assert [each["name"] for each in container["env"]] == ["POD_NAME"]

        def polled(name: str, *further: str) -> set[str]:
            patch.setenv("POD_NAME", f"{only(objects, 'StatefulSet')['metadata']['name']}-{name}")
            log = tmp_path / f"{name}.log"
            exporter = started.enter_context(exporter_process(*arguments, *further, log=log))
            for probe in PROBES:
                assert requests.get(exporter.url + container[probe]["httpGet"]["path"], timeout=5).ok
            return set(re.findall(r'quantconnect_up\{project_id="(\d+)"', exporter.page()))

        shards = [polled(str(ordinal)) for ordinal in range(only(objects, "StatefulSet")["spec"]["replicas"])]
        everything = polled("0", "--total-shards=1")
    assert all(shards)
    assert set().union(*shards) == everything
    assert sum(map(len, shards)) == len(everything)


def test_login_over_tls_reaches_the_exporter(rendered, needs, tmp_path):
    """With the two secrets, the exporter shows its pages to the probes and to Prometheus, and to nobody else."""
    password = "long and secret"
    users = {"basic_auth_users": {"prometheus": bcrypt_hash(password)}}
    tls = {"tls_server_config": {"cert_file": "tls.crt", "key_file": "tls.key"}}
    secrets = {
        "web": {"web.yml": yaml.safe_dump(tls | users), "username": "prometheus", "password": password},
        "tls": certificate_files("quantconnect-exporter.monitoring.svc"),
    }
    objects = rendered({"demo": True, "web": WEB, **MONITORED})
    container = container_of(objects)
    (mount,) = container["volumeMounts"]
    (volume,) = pod_of(objects)["volumes"]
    assert volume["projected"]["defaultMode"] == 0o440
    folder = tmp_path / mount["mountPath"].removeprefix("/")
    folder.mkdir(parents=True)
    for source in volume["projected"]["sources"]:
        for name, text in secrets[source["secret"]["name"]].items():
            (folder / name).write_text(text)
            (folder / name).chmod(volume["projected"]["defaultMode"])
    listen_address = f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        **{
            each["name"]: each["value"].replace("/etc", f"{tmp_path}/etc")
            for each in container["env"]
            if "value" in each
        },
        "POD_NAME": "quantconnect-exporter-0",
        "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS": listen_address,
    }

    def passes(probe: str) -> bool:
        script = ROOT / "deploy" / "healthcheck.py"
        installed, *page = container[probe]["exec"]["command"][1:]
        assert f"COPY deploy/{script.name} {Path(installed).parent}/" in (ROOT / "Dockerfile").read_text()
        command = (sys.executable, script, *page)
        return (
            subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 0
        )

    exporter = (
        "env",
        *(f"{name}={value}" for name, value in environment.items()),
        sys.executable,
        "-m",
        "exporter",
    )
    with program(*exporter, *container["args"], log=tmp_path / "log"):
        for probe in PROBES:
            wait_until(lambda probe=probe: passes(probe), what=f"{probe}, see {tmp_path / 'log'}")
        scrape = scrape_as_monitored(only(objects, "ServiceMonitor"), secrets, tmp_path)
        scrape["static_configs"] = [{"targets": [listen_address]}]
        with prometheus_server(
            needs("prometheus"), tmp_path / "prometheus", {"scrape_configs": [scrape]}
        ) as server:
            wait_until(lambda: server.query("quantconnect_equity") != [], what="the scrape")
        (folder / "password").write_text("another")
        assert not passes("livenessProbe")
        (folder / "password").unlink()
        assert not passes("livenessProbe")


def test_web_configuration_of_the_document(needs, tmp_path):
    """The document's first step writes a web configuration that lets its password in, with names as the Secrets'."""
    (step,) = re.findall(r"^   ```sh\n(   openssl.*?)^   ```", DOCUMENT, re.DOTALL | re.MULTILINE)
    needs("openssl")
    # What apache2-utils' htpasswd prints, so that the test does not need it.
    htpasswd = (
        f"#!{sys.executable}\nimport bcrypt, sys\nassert sys.argv[1:] == ['-niBC', '10', 'prometheus']\n"
        "hashed = bcrypt.hashpw(sys.stdin.buffer.readline().rstrip(), bcrypt.gensalt(4))\n"
        "print('prometheus:' + hashed.decode().replace('$2b$', '$2y$') + '\\n')\n"
    )
    (tmp_path / "htpasswd").write_text(htpasswd)
    (tmp_path / "htpasswd").chmod(0o755)
    for name, text in certificate_files("quantconnect-exporter.monitoring.svc").items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o440)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    run("bash", "-c", textwrap.dedent(step), environment=path, folder=tmp_path)

    (tmp_path / "web.yml").chmod(0o440)
    loaded = load_web_config(tmp_path / "web.yml", WatchedFiles())
    assert loaded.tls is not None
    assert loaded.warnings == ()
    ((name, hashed),) = yaml.safe_load((tmp_path / "web.yml").read_text())["basic_auth_users"].items()
    assert bcrypt.checkpw((tmp_path / "password").read_bytes(), hashed.encode())
    assert f"--from-literal=username={name} --from-file=password" in DOCUMENT


def certificate_files(name: str) -> Mapping[str, str]:
    """Return what a Secret of the type kubernetes.io/tls holds, with the authority as cert-manager adds it."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    return {
        "tls.crt": b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode(),
        "tls.key": issued.private_key_pem.bytes().decode(),
        "ca.crt": authority.cert_pem.bytes().decode(),
    }


def scrape_as_monitored(
    monitor: Mapping[str, Any], secrets: Mapping[str, Mapping[str, str]], folder: Path
) -> dict[str, Any]:
    """Return the scrape configuration that the Prometheus Operator makes of a ServiceMonitor, but for targets."""
    (endpoint,) = monitor["spec"]["endpoints"]

    def content(reference: Mapping[str, str]) -> str:
        return secrets[reference["name"]][reference["key"]]

    ca_file = folder / "ca.crt"
    ca_file.write_text(content(endpoint["tlsConfig"]["ca"]["secret"]))
    return {
        "job_name": "quantconnect",
        "scheme": endpoint["scheme"],
        "tls_config": {"ca_file": str(ca_file), "server_name": endpoint["tlsConfig"]["serverName"]},
        "basic_auth": {name: content(reference) for name, reference in endpoint["basicAuth"].items()},
        "scrape_interval": "500ms",
        "scrape_timeout": "500ms",
    }


def test_monitor_verifies_as_told(rendered):
    """A certificate of a public authority, whose Secret has no ca.crt, can be verified in another way."""
    own = {"serverName": "exporter.example.org"}
    values = {**VALUES["TLS"], "serviceMonitor": {"enabled": True, "tlsConfig": own}}
    (endpoint,) = only(rendered(values), "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["scheme"], endpoint["tlsConfig"]) == ("https", own)
    assert "basicAuth" not in endpoint


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_notes_name_the_scheme(chart, scheme):
    """The address in the notes is one that answers."""
    values = VALUES["TLS" if scheme == "https" else "demo"]
    texts = chart.render(dict(values), name="quantconnect-exporter", namespace="monitoring")
    (notes,) = [text for path, text in texts.items() if path.endswith("NOTES.txt")]
    assert f"open {scheme}://127.0.0.1:11722" in notes


def file_system(objects: Objects, root: Path) -> Path:
    """Lay out below a folder what the container finds mounted."""
    contents = {
        "config": only(objects, "ConfigMap")["data"],
        "secret": {
            name: base64.b64decode(text).decode() for name, text in only(objects, "Secret")["data"].items()
        },
    }
    for mount in container_of(objects)["volumeMounts"]:
        folder = root / mount["mountPath"].removeprefix("/")
        folder.mkdir(parents=True)
        for name, text in contents[mount["name"]].items():
            (folder / name).write_text(text.replace("/run/secrets", f"{root}/run/secrets"), "utf-8")
            (folder / name).chmod(0o440)
    return root
