"""The command as a process: exit codes, signals, and the simulation it can run on."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from exporter import __version__
from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.flags import environment_name
from tests.programs import wait_until
from tests.support import parse_page

ROOT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-m", "exporter")
CLOCK = SystemClock()
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("QUANTCONNECT")}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=CLEAN | environment,
    )


@contextmanager
def running(*arguments: str, log: list[str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command in the background; yield it and the address it listens on."""
    with subprocess.Popen(
        [*COMMAND, "--web.listen-address=127.0.0.1:0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN,
    ) as process:
        lines = [] if log is None else log
        try:
            yield process, _address(process, lines)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            lines += process.stderr.read().splitlines()
            process.wait(10)


def _address(process: subprocess.Popen[str], lines: list[str]) -> str:
    for line in process.stderr:
        lines.append(line.rstrip("\n"))
        if found := re.search(r"msg=listening address=(\S+)", line):
            return f"http://{found[1]}"
    raise AssertionError("\n".join(lines))


def wait_for(address: str, seconds: float = 20) -> None:
    """Ask for readiness until it is there."""
    deadline = CLOCK.monotonic() + seconds
    while requests.get(f"{address}/-/ready", timeout=5).status_code != 200:
        assert CLOCK.monotonic() < deadline, "not ready in time"


@pytest.fixture(scope="module")
def api():
    """A simulated QuantConnect on the real clock."""
    with SimulatedQuantConnect(demo_scenario(CLOCK.wall()), CLOCK) as simulated:
        yield simulated


@pytest.fixture
def config_file(api, tmp_path):
    """A configuration for both simulated accounts, polled each second."""
    lines = ["accounts:"]
    for account in api.accounts:
        lines += [
            f"  - name: {account.name}",
            f"    user_id: {account.user_id}",
            f"    api_token: {account.api_token}",
            f"    base_url: {api.base_url}",
            "    requests_per_minute: 6000",
        ]
    lines += [
        "polling: {status: 1s, portfolio: 1s, equity: 1s, statistics: 1s, charts: 1s, timeout: 2s, stale_after: 5s}"
    ]
    path = tmp_path / "config.yml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    path.chmod(0o600)
    return path


def test_version():
    """``--version`` prints version, revision and Python in one line."""
    python = platform.python_version()

    assert (
        run("--version").stdout
        == f"quantconnect-exporter {__version__} (revision unknown, Python {python})\n"
    )
    assert "revision 0123abc," in run("--version", QUANTCONNECT_EXPORTER_REVISION="0123abc").stdout


def test_help_shows_examples_and_where_to_read_on():
    """Who asks for help sees three commands to begin with, and the address of the documentation."""
    shown = run("--help").stdout

    assert re.findall(r"^  quantconnect-exporter (.*)$", shown, re.MULTILINE) == [
        "--demo",
        "--config.example > config.yml",
        "--config.file=config.yml --config.probe",
    ]
    assert (
        tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Documentation"]
        in shown
    )
    assert environment_name("--config.file") in shown


def test_the_example_is_a_configuration(tmp_path):
    """``--config.example`` prints what ``--config.check`` takes."""
    path = tmp_path / "config.yml"
    path.write_text(run("--config.example").stdout, "utf-8")
    path.chmod(0o600)

    assert run(f"--config.file={path}", "--config.check").stdout.startswith(
        "configuration is valid: 1 account"
    )


@pytest.mark.parametrize("arguments", ["--help", "--version", "--config.example", "--demo --config.probe"])
def test_a_reader_that_has_seen_enough_is_no_error(arguments):
    """Output into a pipe that nobody reads ends without a complaint, as in ``… | head``."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(
            [*COMMAND, *arguments.split(), "--log.level=warning"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
            env=CLEAN | {"PYTHONUNBUFFERED": ""},
        )

    assert ended.stderr == ""


def test_output_that_cannot_be_written_is_an_error():
    """On a full disk the command fails in one sentence."""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "--config.example"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (1, "The output cannot be written: No space left on device\n")


def test_wrong_name_in_the_environment_is_a_warning(config_file):
    """A variable that is spelled wrongly would be ignored in silence; the right name is offered, no value shown."""
    ended = run(
        f"--config.file={config_file}",
        "--config.check",
        QUANTCONNECT_EXPORTER_WEB_LISTEN_ADRESS="worthless",
        QUANTCONNECT_API_TOKEN_FIL="worthless",
    )

    assert ended.returncode == 0
    assert ended.stderr == (
        "warning: environment: QUANTCONNECT_API_TOKEN_FIL: unknown variable, "
        "did you mean QUANTCONNECT_API_TOKEN_FILE?\n"
        "warning: environment: QUANTCONNECT_EXPORTER_WEB_LISTEN_ADRESS: unknown variable, "
        "did you mean QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS?\n"
    )


def test_an_open_port_without_protection_is_a_warning(config_file, tmp_path):
    """Positions are secret: who opens a port to other machines is told what protects them, once."""
    ended = run(f"--config.file={config_file}", "--config.check", "--web.listen-address=:11722")
    users = tmp_path / "web.yml"
    users.write_text(
        "basic_auth_users: {reader: $2b$04$abcdefghijklmnopqrstuu6mVE6YNcYIRLqbqNEQdpJuGOk6oEqpi}"
    )
    users.chmod(0o600)
    with_users = run(
        f"--config.file={config_file}",
        "--config.check",
        "--web.listen-address=0.0.0.0:11722",
        f"--web.config.file={users}",
    )

    assert ended.stderr == (
        "warning: --web.listen-address: other machines can reach :11722 without TLS and users, "
        "and so read positions: see --web.config.file\n"
    )
    assert "can reach 0.0.0.0:11722 without TLS, and" in with_users.stderr


def test_the_demo_may_be_open(config_file):
    """There is nothing secret in the demo, and nothing to reach on loopback."""
    assert run("--demo", "--config.check", "--web.listen-address=:11722").stderr.count("warning") == 0
    assert run(f"--config.file={config_file}", "--config.check", "--web.listen-address=[::1]:1").stderr == ""


def test_allowed_host_without_effect(config_file):
    """Beside an address that others can reach, every name is answered: who allows some is warned."""
    arguments = [f"--config.file={config_file}", "--config.check", "--web.allowed-host=box"]
    loopback, open_to_all = run(*arguments), run(*arguments, "--web.listen-address=:11722")

    assert loopback.stderr == ""
    assert "warning: --web.allowed-host: has no effect" in open_to_all.stderr


def test_wrong_usage_exits_with_2():
    """A flag that does not exist is wrong usage, said in two lines."""
    ended = run("--config.fil=a")

    assert ended.returncode == 2
    assert ended.stderr == (
        "quantconnect-exporter: unrecognized arguments: --config.fil=a, did you mean --config.file?\n"
        "See quantconnect-exporter --help\n"
    )


def test_no_account_is_one_sentence():
    """Without any account the command says in one sentence what to set, and exits with 1."""
    ended = run()

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "QUANTCONNECT_USER_ID" in ended.stderr
    assert "--config.file" in ended.stderr


def test_check_names_every_mistake_with_its_line(tmp_path):
    """A file with five mistakes is refused with five lines, each with its place."""
    path = tmp_path / "config.yml"
    path.write_text(
        "accounts:\n"
        "  - user_id: twelve\n"
        "    api_token: abc\n"
        "    requests_per_minute: 0\n"
        "polling:\n"
        "  portfolio: 60\n"
        "  equty: 60s\n"
        "limits:\n"
        "  drawdown_ratio: {warning: 1.5}\n",
        "utf-8",
    )
    path.chmod(0o600)
    ended = run(f"--config.file={path}", "--config.check")
    places = [line.split(": ")[0] for line in ended.stderr.splitlines()]

    assert ended.returncode == 1
    assert places == [f"{path}:{line}" for line in (2, 4, 6, 7, 9)]


def test_check_of_a_good_file(config_file):
    """A good file is said to be valid, with what it holds, and nothing is asked of the network."""
    ended = run(f"--config.file={config_file}", "--config.check")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "configuration is valid: 2 accounts, 0 named projects\n"


def test_demo_shows_every_running_project_within_ten_seconds():
    """``--demo`` needs nothing: holdings, PnL, cash, equity and drawdown of every running project are there."""
    log: list[str] = []
    with running("--demo", log=log) as (_, address):
        wait_for(address, 10)
        page = parse_page(requests.get(f"{address}/metrics", timeout=5).text)
    live = {
        each["project_id"]
        for each in page.labels("quantconnect_algorithm_status", status="running")
        if page.one("quantconnect_algorithm_status", **each) == 1
    }

    assert len(live) == 13
    for name in ("quantconnect_equity", "quantconnect_drawdown_ratio", "quantconnect_cash_value"):
        assert {each["project_id"] for each in page.labels(name)} == live
    holding = {each["project_id"] for each in page.labels("quantconnect_holding_market_value")}
    assert {each["project_id"] for each in page.labels("quantconnect_holding_unrealized_pnl")} == holding
    fresh = {each["project_id"] for each in page.labels("quantconnect_up", project="Fresh")}
    assert live - holding <= fresh
    access = [line for line in log if 'msg="simulated QuantConnect"' in line]
    assert all("base_url=http://127.0.0.1:" in line and "api_token=" in line for line in access)
    assert len(access) == 2


def test_a_budget_that_cannot_be_shared_is_refused(config_file):
    """With more shards than requests one could never ask: an error at start, and a reload that is refused."""
    shards = ("--shard=0", "--total-shards=3")
    assert run(f"--config.file={config_file}", "--config.check", *shards).returncode == 0
    with running(f"--config.file={config_file}", *shards) as (process, address):
        config_file.write_text(config_file.read_text("utf-8").replace("minute: 6000", "minute: 2"), "utf-8")
        process.send_signal(signal.SIGHUP)
        refused = "quantconnect_exporter_config_last_reload_successful 0.0"
        wait_until(lambda: refused in requests.get(f"{address}/metrics", timeout=5).text)
    ended = run(f"--config.file={config_file}", *shards)

    assert ended.returncode == 1
    assert "main: requests_per_minute is 2, which cannot be shared among 3 shards" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_with_0_inside_requests_that_hang(api, config_file, number):
    """A signal ends the command with exit code 0, and waits for no request that hangs."""
    text = config_file.read_text("utf-8").replace("timeout: 2s, stale_after: 5s", "timeout: 300s")
    config_file.write_text(text, "utf-8")
    api.requests.clear()
    handle = api.faults.add(Fault(effect="stall"))
    try:
        with running(f"--config.file={config_file}") as (process, _):
            wait_until(lambda: len(api.requests) > 0, what="a request")
            process.send_signal(number)
            assert process.wait(60) == 0
    finally:
        api.faults.remove(handle)


def test_address_in_use_exits_with_1(config_file):
    """When the port is taken, the command says which and ends."""
    with running(f"--config.file={config_file}") as (_, address):
        port = address.rpartition(":")[2]
        ended = run(f"--config.file={config_file}", f"--web.listen-address=127.0.0.1:{port}")

    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_secrets_are_in_no_output(api, config_file):
    """At debug level, through failures of every kind, neither token nor hash stands in the log or on a page."""
    faults = [
        Fault(
            endpoint="live/portfolio/read",
            body={"success": False, "errors": ["Hash doesn't match. a 1"]},
            times=2,
        ),
        Fault(endpoint="live/read", effect="reset_midway", times=5),
        Fault(endpoint="live/chart/read", body=b"<html>", status=502, times=5),
        Fault(endpoint="projects/read", effect="reset", times=1),
    ]
    handles = [api.faults.add(fault) for fault in faults]
    log: list[str] = []
    pages = ""
    with running(f"--config.file={config_file}", "--log.level=debug", log=log) as (_, address):
        wait_for(address)
        for path in ("/metrics", "/", "/-/healthy", "/-/ready"):
            pages += requests.get(address + path, timeout=5).text
    for handle in handles:
        api.faults.remove(handle)
    output = "\n".join(log) + pages

    assert "unauthorized" in output
    for account in api.accounts:
        assert account.api_token not in output
    assert not re.search(r"\b[0-9a-f]{64}\b", output)
    assert "Authorization" not in output
    assert "Basic " not in output


def test_log_can_be_json():
    """With ``--log.format=json`` every line of the log is an object."""
    ended = run("--demo", "--log.format=json", "--web.listen-address=192.0.2.1:1")
    lines = [json.loads(line) for line in ended.stderr.splitlines()]

    assert "cannot listen on 192.0.2.1:1" in lines[-1]["msg"]
    assert {line["level"] for line in lines} == {"info", "error"}
