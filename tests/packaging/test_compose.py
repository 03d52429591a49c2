"""The Compose stack: valid, closed to the outside, and working with the same files without containers."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from exporter import __version__
from tests.packaging.project import DEPLOY, IMAGE, ROOT, run
from tests.programs import Address, exporter_process, free_port, program, wait_until

FILE = DEPLOY / "compose.yml"
TEXT = FILE.read_text("utf-8")
VARIABLES = dict(
    line.split("=", 1)
    for line in (DEPLOY / "compose.env").read_text("utf-8").splitlines()
    if re.match("[A-Z]", line)
)
DOCUMENT = (ROOT / "docs" / "docker.md").read_text("utf-8")


def stack(variables: Mapping[str, str]) -> Any:
    """Return the Compose file with its variables filled in; one that is empty has its default."""
    return interpolated(yaml.safe_load(TEXT), variables)


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """Fill in after parsing, as Compose does: what a variable holds stays text."""
    if isinstance(value, dict):
        return {key: interpolated(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, variables) for each in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: variables.get(found[1]) or found[2], value)
    return value


STACK = stack(VARIABLES)
SERVICES = STACK["services"]


def mounts(service: str) -> Iterator[tuple[str, str]]:
    """Return source and target of each mount; the source is a name or a path."""
    for mount in SERVICES[service].get("volumes", []):
        source, target = mount.split(":")[:2]
        yield source, target


def address(service: str) -> str:
    """Return host and port by which the other services know a service."""
    return f"{service}:{SERVICES[service]['ports'][0].rpartition(':')[2]}"


def test_file_follows_the_schema():
    """The schema of the Compose specification knows every key and value."""
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_variables_are_those_of_the_variable_file():
    """The stack reads each variable of the file, no other, and runs the same without the file."""
    assert set(re.findall(r"\$\{(\w+):-", TEXT)) == set(VARIABLES)
    assert len(re.findall(r"\$", TEXT)) == len(re.findall(r"\$\{\w+:-", TEXT))
    assert stack({}) == STACK


def test_nothing_listens_beyond_loopback():
    """Every published port is bound to loopback, and no service goes around that."""
    ports = [port for service in SERVICES.values() for port in service["ports"]]
    assert len(ports) == 4
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in ports)
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_images_are_pinned():
    """Every image has the tag of one version; the exporter's is that of the code."""
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["exporter"] == f"{IMAGE}:{__version__}"
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", image) for image in images.values())


def test_everything_mounted_exists():
    """Each source is a path of this repository, or a volume that is declared."""
    paths = {source for name in SERVICES for source, _ in mounts(name)}
    assert {each for each in paths if not each.startswith(".")} == set(STACK["volumes"])
    assert all((DEPLOY / each).exists() for each in paths if each.startswith("."))
    assert (DEPLOY / SERVICES["exporter"]["build"] / "Dockerfile").is_file()
    assert SERVICES["exporter"]["secrets"] == list(STACK["secrets"])
    assert [each["source"] for each in SERVICES["prometheus"]["configs"]] == list(STACK["configs"])


def test_exporter_is_confined():
    """The exporter can write nowhere and has no capability."""
    exporter = SERVICES["exporter"]
    assert exporter["read_only"] is True
    assert exporter["cap_drop"] == ["ALL"]
    assert exporter["security_opt"] == ["no-new-privileges:true"]


def test_prometheus_is_configured_as_shipped():
    """The configuration in the Compose file is deploy/prometheus/prometheus.yml, but for two addresses."""
    shipped = (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8")
    for loopback, service in (("127.0.0.1:11722", "exporter"), ("127.0.0.1:9093", "alertmanager")):
        assert shipped.count(loopback) == 1
        shipped = shipped.replace(loopback, address(service))
    assert yaml.safe_load(STACK["configs"]["prometheus"]["content"]) == yaml.safe_load(shipped)


def test_grafana_finds_dashboards_and_prometheus():
    """The provisioned data source is the stack's Prometheus, and the provider reads where the dashboards are."""
    where = {target: DEPLOY / source for source, target in mounts("grafana") if source.startswith(".")}
    (source,) = yaml.safe_load(
        next(where["/etc/grafana/provisioning/datasources"].glob("*.yml")).read_text()
    )["datasources"]
    (provider,) = yaml.safe_load(
        next(where["/etc/grafana/provisioning/dashboards"].glob("*.yml")).read_text()
    )["providers"]
    assert source["url"] == f"http://{address('prometheus')}"
    assert len(list(where[provider["options"]["path"]].glob("*.json"))) == 4
    content = yaml.safe_load(STACK["configs"]["prometheus"]["content"])
    assert (
        content["global"]["external_labels"]["grafana_url"]
        == f"http://localhost:{address('grafana').split(':')[1]}"
    )
    assert source["jsonData"]["timeInterval"] == content["global"]["scrape_interval"]


def test_three_lines_lead_to_a_real_account(tmp_path):
    """With the lines that the document names, the exporter takes user id and token, and simulates nothing."""
    example = re.search(r"```sh\n(QUANTCONNECT_EXPORTER_DEMO=false\n.+?)```", DOCUMENT, re.DOTALL)
    assert example
    lines = dict(line.split("=", 1) for line in example[1].splitlines())
    assert set(lines) < set(VARIABLES)
    real = stack(VARIABLES | lines)
    assert real["secrets"]["quantconnect_token"]["file"] == lines["QUANTCONNECT_API_TOKEN_FILE"]
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o400)
    given = real["services"]["exporter"]["environment"]
    assert given["QUANTCONNECT_API_TOKEN_FILE"] == f"/run/secrets/{SERVICES['exporter']['secrets'][0]}"

    checked = run(
        sys.executable, "-m", "exporter", "--config.check",
        environment={**os.environ, **given, "QUANTCONNECT_API_TOKEN_FILE": str(token)},
    )  # fmt: skip

    assert checked == "configuration is valid: 1 account, 0 named projects\n"


def test_three_lines_lead_to_a_configuration_file(tmp_path):
    """With the other lines of the document, the exporter reads the configuration file of the mounted folder."""
    (example,) = re.findall(
        r"```sh\n(QUANTCONNECT_EXPORTER_DEMO=false\nEXPORTER_CONFIG.+?)```", DOCUMENT, re.DOTALL
    )
    lines = dict(line.split("=", 1) for line in example.splitlines())
    assert set(lines) < set(VARIABLES)
    service = stack(VARIABLES | lines)["services"]["exporter"]
    (mount,) = service["volumes"]
    source, target, mode = mount.split(":")
    assert (source, mode) == (lines["EXPORTER_CONFIG_FOLDER"], "ro")
    (config,) = re.findall(r"```yaml\n(accounts:.+?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "config.yml").write_text(config)
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "token").chmod(0o400)
    file = service["environment"]["QUANTCONNECT_EXPORTER_CONFIG_FILE"].replace(target, str(tmp_path))

    checked = run(
        sys.executable, "-m", "exporter", "--config.check",
        environment={**os.environ, **service["environment"], "QUANTCONNECT_EXPORTER_CONFIG_FILE": file},
    )  # fmt: skip

    assert checked == "configuration is valid: 1 account, 0 named projects\n"


@pytest.mark.parametrize("image", re.findall(rf"{IMAGE}\S*", DOCUMENT))
def test_document_names_the_image_of_this_version(image):
    """Each command of the document runs the present version."""
    assert image == f"{IMAGE}:{__version__}"


@dataclass(frozen=True)
class Running:
    """The stack without containers."""

    exporter: Address
    prometheus: str
    alertmanager: str


@pytest.fixture(scope="module")
def running(needs, tmp_path_factory) -> Iterator[Running]:
    """Exporter, Alertmanager and Prometheus as the Compose file starts them, but for folders and addresses."""
    prometheus, alertmanager = needs("prometheus"), needs("prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("stack")
    ports = {name: f"127.0.0.1:{free_port()}" for name in ("prometheus", "alertmanager")}
    with ExitStack() as started:
        patch = started.enter_context(pytest.MonkeyPatch.context())
        for name, value in SERVICES["exporter"]["environment"].items():
            patch.setenv(name, value)
        exporter = started.enter_context(exporter_process(log=folder / "exporter.log"))
        for name, binary in (("alertmanager", alertmanager), ("prometheus", prometheus)):
            root = file_system(name, folder / name)
            if name == "prometheus":
                rewrite(
                    root,
                    {
                        address("exporter"): exporter.target,
                        address("alertmanager"): ports["alertmanager"],
                        "127.0.0.1:9090": ports["prometheus"],
                    },
                )
            command = [
                binary,
                *within(root, SERVICES[name]["command"]),
                f"--web.listen-address={ports[name]}",
            ]
            log = folder / f"{name}.log"
            started.enter_context(program(*command, log=log))
            wait_until(
                lambda name=name: ask(f"http://{ports[name]}/-/ready") is not None, what=f"{name}, see {log}"
            )
        yield Running(exporter, f"http://{ports['prometheus']}", f"http://{ports['alertmanager']}")


def file_system(service: str, root: Path) -> Path:
    """Lay out below a folder what the service finds in its container."""
    for source, target in mounts(service):
        place = root / target.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.startswith("."):
            shutil.copy(DEPLOY / source, place)
        else:
            place.mkdir()
    for config in SERVICES[service].get("configs", []):
        place = root / config["target"].removeprefix("/")
        place.write_text(STACK["configs"][config["source"]]["content"], "utf-8")
    return root


def within(root: Path, command: Sequence[str]) -> list[str]:
    """Return a command whose absolute paths begin at a folder."""
    return [re.sub("=/", f"={root}/", argument) for argument in command]


def rewrite(root: Path, addresses: Mapping[str, str]) -> None:
    file = root / "etc/prometheus/prometheus.yml"
    text = file.read_text("utf-8")
    for old, new in addresses.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text, "utf-8")


def ask(url: str) -> Any:
    try:
        answer = requests.get(url, timeout=5)
    except requests.RequestException:
        return None
    if not answer.ok:
        return None
    return answer.json()["data"] if "/api/v1/" in url else answer.text


def test_target_is_up(running):
    """Prometheus scrapes itself and the exporter, which simulates QuantConnect."""

    def up():
        targets = ask(f"{running.prometheus}/api/v1/targets")["activeTargets"]
        return {(each["labels"]["job"], each["health"]) for each in targets} == {
            ("quantconnect", "up"),
            ("prometheus", "up"),
        }

    wait_until(up, seconds=40, what="the target")
    # A target is up a moment before its samples can be asked for.
    equity = f"{running.prometheus}/api/v1/query?query=quantconnect_equity"
    wait_until(lambda: ask(equity)["result"] != [], what="the samples")


def test_rules_are_loaded(running):
    """Prometheus has the alert rules."""
    groups = ask(f"{running.prometheus}/api/v1/rules")["groups"]
    names = {rule["name"] for group in groups for rule in group["rules"]}
    assert {"QuantConnectDrawdown", "QuantConnectExporterDown"} <= names


def test_alerts_have_somewhere_to_go(running):
    """Prometheus knows the stack's Alertmanager, which runs with the shipped configuration."""

    def known():
        managers = ask(f"{running.prometheus}/api/v1/alertmanagers")["activeAlertmanagers"]
        return [each["url"] for each in managers] == [f"{running.alertmanager}/api/v2/alerts"]

    wait_until(known, seconds=40, what="the Alertmanager")
    status = requests.get(f"{running.alertmanager}/api/v2/status", timeout=5).json()
    shipped = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    loaded = yaml.safe_load(status["config"]["original"])
    assert [each["name"] for each in loaded["receivers"]] == [each["name"] for each in shipped["receivers"]]
    assert status["cluster"]["status"] == "disabled"
