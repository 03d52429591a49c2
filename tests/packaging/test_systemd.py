"""The systemd unit: valid, hardened, and in agreement with the command and the documentation."""

import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping

import pytest
import yaml

from exporter.config.load import load_config
from exporter.flags import _parser, environment_name
from tests.packaging.project import DEPLOY, REPOSITORY, ROOT, run

UNIT = DEPLOY / "systemd" / "quantconnect-exporter.service"
ENVIRONMENT = DEPLOY / "systemd" / "environment"
DOCUMENT = (ROOT / "docs" / "systemd.md").read_text("utf-8")
TOKEN = "0123456789abcdef"


def settings() -> Mapping[str, list[str]]:
    """Return every value of each key of the unit."""
    found = defaultdict(list)
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE):
        found[key].append(value)
    return found


def test_unit_and_document_need_the_same_systemd():
    """The unit uses ``%d`` in Environment, which systemd expands since version 251."""
    assert "Environment=QUANTCONNECT_API_TOKEN_FILE=%d/" in UNIT.read_text("utf-8")
    for text in (UNIT.read_text("utf-8"), DOCUMENT):
        assert re.findall(r"systemd\s(\d+) or newer", text) == ["251"]


def test_unit_is_valid(needs, tmp_path):
    """The unit draws no complaint from systemd: every section, key and value is known to it."""
    command = settings()["ExecStart"][0]
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace(command, "/bin/true"), "utf-8")
    verify = (needs("systemd-analyze"), "verify", "--man=no", copy)
    done = subprocess.run(verify, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_unit_is_hardened(needs, capsys):
    """What a taken-over service could still do is little: systemd's exposure level is at most 1.2 of 10."""
    report = run(needs("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=12", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert found
    with capsys.disabled():
        sys.stdout.write(f"\nsystemd-analyze security: {found[0]}\n")
    assert float(found[1]) <= 1.2


def test_token_is_a_credential(tmp_path):
    """The variable for the token file names the credential that the unit loads, and the command takes the token."""
    (credential,) = settings()["LoadCredential"]
    name, _, source = credential.partition(":")
    (variable,) = settings()["Environment"]
    key, _, path = variable.partition("=")
    assert path == f"%d/{name}"
    assert source in DOCUMENT
    (tmp_path / name).write_text(f"{TOKEN}\n")
    (tmp_path / name).chmod(0o400)
    environment = dict(
        line.split("=", 1) for line in ENVIRONMENT.read_text().splitlines() if re.match(r"[A-Z]", line)
    )
    assert environment == {"QUANTCONNECT_USER_ID": ""}

    checked = run(
        sys.executable, "-m", "exporter", "--config.check",
        environment={**os.environ, **environment, "QUANTCONNECT_USER_ID": "123456", key: str(tmp_path / name)},
    )  # fmt: skip

    assert checked == "configuration is valid: 1 account, 0 named projects\n"


def test_variables_of_the_environment_file_are_flags():
    """Each variable that the file offers belongs to a flag."""
    variables = {
        environment_name(option) for action in _parser()._actions for option in action.option_strings
    }
    offered = set(re.findall(r"^#([A-Z_]+)=", ENVIRONMENT.read_text("utf-8"), re.MULTILINE))
    assert offered
    assert offered <= variables


@pytest.mark.parametrize("key", ["ExecStart", "EnvironmentFile"])
def test_paths_are_those_of_the_document(key):
    """The document installs what the unit starts and reads."""
    (path,) = settings()[key]
    folder, _, name = path.rpartition("/")
    assert path in DOCUMENT or f"venv {folder.removesuffix('/bin')}" in DOCUMENT, (folder, name)


def test_unit_points_to_the_documentation():
    """The address in the unit is the repository's."""
    assert settings()["Documentation"] == [f"{REPOSITORY}/tree/main/docs"]


def test_reload_and_stop_are_the_signals_that_the_command_knows():
    """Reload sends SIGHUP, a stop SIGTERM, and wrong usage, which exits with 2, is not tried again."""
    assert shlex.split(settings()["ExecReload"][0]) == ["/bin/kill", "-HUP", "$MAINPID"]
    assert "KillSignal" not in settings()
    assert settings()["RestartPreventExitStatus"] == ["2"]


def test_configuration_of_the_document_works_beside_the_credential(tmp_path):
    """The configuration with two tokens loads, although the unit sets the variable of the first one."""
    example = re.search(r"```yaml\n(.+?)```", DOCUMENT, re.DOTALL)
    assert example
    credentials = "/run/credentials/quantconnect-exporter.service"
    names = re.findall(rf"{credentials}/(\w+)", example[1])
    assert len(names) == 2
    for name in names:
        (tmp_path / name).write_text(f"{TOKEN}\n")
        (tmp_path / name).chmod(0o400)
    file = tmp_path / "config.yml"
    file.write_text(example[1].replace(credentials, str(tmp_path)))

    loaded = load_config(file, {"QUANTCONNECT_API_TOKEN_FILE": str(tmp_path / names[0])})

    assert [account.name for account in loaded.config.accounts] == ["main", "research"]
    assert loaded.warnings == ()
    drop_in = re.search(r"LoadCredential=(\w+):", DOCUMENT)
    assert drop_in
    assert {drop_in[1], settings()["LoadCredential"][0].partition(":")[0]} == set(names)


def drop_ins() -> Mapping[str, str]:
    """Return the drop-in files that the document writes, by name."""
    return dict(
        re.findall(r"tee \S+\.service\.d/(\S+) <<'END'\n(.*?)^END$", DOCUMENT, re.DOTALL | re.MULTILINE)
    )


def test_drop_ins_of_the_document_are_valid(needs, tmp_path):
    """With all drop-in files of the document, the unit draws no complaint from systemd."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace(settings()["ExecStart"][0], "/bin/true"), "utf-8")
    folder = tmp_path / f"{UNIT.name}.d"
    folder.mkdir()
    for name, text in drop_ins().items():
        (folder / name).write_text(text, "utf-8")
    verify = (needs("systemd-analyze"), "verify", "--man=no", copy)
    done = subprocess.run(verify, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert set(drop_ins()) == {"tokens.conf", "web.conf"}


def test_web_configuration_of_the_document_is_all_credentials():
    """The web configuration and each file that it names beside it are credentials, and the variable names the first."""
    text = drop_ins()["web.conf"]
    (example,) = [
        each for each in re.findall(r"```yaml\n(.+?)```", DOCUMENT, re.DOTALL) if "tls_server" in each
    ]
    named = set(yaml.safe_load(example)["tls_server_config"].values())
    assert set(re.findall(r"^LoadCredential=([^:]+):", text, re.MULTILINE)) == {"web.yml", *named}
    variables = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    assert set(variables) <= {
        environment_name(option) for action in _parser()._actions for option in action.option_strings
    }
    assert variables[environment_name("--web.config.file")] == "%d/web.yml"
