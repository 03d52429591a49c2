"""The command as a process: exit codes, signals, and the simulation it can run on."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from exporter import __version__
from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from tests.support import parse_page

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
    """``--version`` prints name and version."""
    assert run("--version").stdout == f"quantconnect-exporter {__version__}\n"


def test_wrong_usage_exits_with_2():
    """A flag that does not exist is wrong usage."""
    assert run("--no.such.flag").returncode == 2


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_with_0_within_two_seconds(api, config_file, number):
    """A signal ends the command within two seconds with exit code 0, even inside requests that hang."""
    handle = api.faults.add(Fault(effect="stall"))
    try:
        with running(f"--config.file={config_file}") as (process, _):
            started = CLOCK.monotonic()
            process.send_signal(number)
            assert process.wait(5) == 0
            assert CLOCK.monotonic() - started < 2
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
