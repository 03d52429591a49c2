"""``--config.probe`` as a command: what it prints, in which colours, and its exit code."""

import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
import trustme

from exporter.cli import main
from exporter.clock import SystemClock
from exporter.demo.faults import Fault
from exporter.demo.server import SimulatedQuantConnect
from tests.programs import free_port, wait_until, write_config
from tests.support import project_named, scenario_at

COMMAND = (sys.executable, "-m", "exporter")
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("QUANTCONNECT")}
CSI = "\x1b["


class ShiftedClock(SystemClock):
    """The machine's clock, as a server's that differs from it."""

    shift = 0.0

    def wall(self) -> float:
        return super().wall() + self.shift


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimulatedQuantConnect]:
    clock = ShiftedClock()
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock) as api:
        yield api


@pytest.fixture
def api(simulated: SimulatedQuantConnect) -> Iterator[SimulatedQuantConnect]:
    """A simulated QuantConnect beside the real clock, without what earlier tests did to it."""
    yield simulated
    simulated.faults.clear()
    simulated.requests.clear()
    simulated.clock.shift = 0.0


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """No proxy and no authorities of the machine that the tests run on."""
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def config_file(api, tmp_path) -> Path:
    """A configuration for both simulated accounts."""
    return write_config(tmp_path / "config.yml", api, polling={"timeout": "2s"})


@pytest.fixture
def probe(config_file, capsys) -> Callable[..., tuple[int, str]]:
    """Return the exit code and the output of a probe, with texts of the configuration replaced."""

    def run(replacements: dict[str, str] | None = None, *arguments: str) -> tuple[int, str]:
        text = config_file.read_text("utf-8")
        for old, new in (replacements or {}).items():
            assert old in text
            text = text.replace(old, new, 1)
        config_file.write_text(text, "utf-8")
        code = main([f"--config.file={config_file}", "--config.probe", *arguments], {})
        written = capsys.readouterr()
        assert written.err == ""
        assert not re.search(r"\b[0-9a-f]{64}\b|opens-nothing|Basic ", written.out)
        return code, written.out

    return run


def account_of(output: str, name: str) -> str:
    """Return the lines about an account on one line, as they were before they were wrapped."""
    (found,) = [part for part in output.split("\n\n") if part.startswith(f"account {name}: ")]
    return " ".join(found.split())


def test_signed_in(probe):
    """When every account is signed in and listed, everything about them is told and the exit code is 0."""
    code, output = probe()
    lines = output.splitlines()

    assert code == 0
    assert lines[:3] == ["configuration is valid: 2 accounts, 0 named projects", "", lines[2]]
    assert lines[2] == "account main: signed in as user 100001"
    assert re.fullmatch(r"  clock     (agrees with QuantConnect's to the second|\ds .*)", lines[3])
    assert lines[4] == "  budget    25.0 of 6000 requests a minute"
    polls = "status every 1m, portfolio every 1m, equity every 1m, statistics every 5m, orders every 5m"
    assert f"polls {polls} projects 10 found, 10 running, 10 polled" in account_of(output, "main")
    assert re.search(
        r"^  23456705  running  \d{4}-\d\d-\d\d \d\d:\d\d  yes     FX Carry$", output, re.MULTILINE
    )
    assert lines[-1] == "2 of 2 accounts signed in and listed"


def test_small_budget(probe):
    """A budget too small for the intervals is told with what becomes of them, and is no failure."""
    code, output = probe({"requests_per_minute: 6000": "requests_per_minute: 10"})

    assert code == 0
    told = account_of(output, "main")
    assert "25.0 wanted of 10 requests a minute: some intervals are longer than configured" in told
    assert re.search(r"portfolio every \d\S* \(configured 1m\)", told)


def test_shard(probe):
    """A shard probes its own projects, with its part of the budget, and leaves the others to theirs."""
    code, output = probe({}, "--shard=1", "--total-shards=3")

    assert code == 0
    assert "of 2000 requests a minute (this shard's part, one of 3)" in account_of(output, "main")
    assert "no, it belongs to another shard" in output


def test_named_project_that_does_not_exist(api, config_file, probe):
    """A named project that QuantConnect does not know is told, beside one that was never deployed; no failure."""
    draft = project_named(api, "Never Deployed")
    named = f"projects:\n- {{id: {draft}, account: main}}\n- {{id: 99999999, account: main}}\n"
    config_file.write_text(named + config_file.read_text("utf-8"), "utf-8")
    code, output = probe()

    assert code == 0
    assert re.search(
        rf"^  {draft}  never deployed  -  +status only, until it runs +Never Dep", output, re.MULTILINE
    )
    assert re.search(r"^  99999999  unknown +-  +no, QuantConnect refuses it$", output, re.MULTILINE)
    assert "note project 99999999: rejected: live/read: Invalid argument" in account_of(output, "main")


USER = "user_id: 100001"
TOKEN = "simulated-token-of-main-opens-nothing"


@pytest.mark.parametrize(
    ("replacements", "expected"),
    [
        ({TOKEN: "not-the-token"}, "the hash of token and time does not match"),
        ({USER: "user_id: 7"}, "QuantConnect does not know user 7"),
        (
            {"user_id: 100002": "user_id: 7", USER: "user_id: 100002"},
            "the hash of token and time does not match",
        ),
    ],
)
def test_wrong_credentials(probe, replacements, expected):
    """A wrong token, an unknown user and another account's user are told, and the exit code is 1."""
    code, output = probe(replacements)
    told = account_of(output, "main")

    assert code == 1
    assert f"account main: not signed in (unauthorized): {expected}" in told
    assert "https://www.quantconnect.com/settings" in told
    assert "not-the-token" not in output


def test_the_other_account_is_probed_all_the_same(probe):
    """One account that is refused keeps no other from being asked, and is counted at the end."""
    _, output = probe({TOKEN: "not-the-token"})

    assert "account europe: signed in as user 100002" in output
    assert output.splitlines()[-1] == "1 of 2 accounts signed in and listed"


def test_clock_too_far_behind(api, probe):
    """A clock three hours behind breaks signing in: it is told with the number, before the token is suspected."""
    api.clock.shift = 3 * 3600
    code, output = probe()
    told = account_of(output, "main")

    assert code == 1
    assert "not signed in (unauthorized)" in told
    assert re.search(r"clock (3h|2h59m59s) behind QuantConnect's: synchronise", told)
    assert re.search(r"advice The clock is the likely cause: it is (3h|2h59m59s) behind", told)


def test_clock_ahead(api, probe):
    """A clock ten minutes ahead signs in, and is warned of."""
    api.clock.shift = -600
    code, output = probe()

    assert code == 0
    assert re.search(r"clock (10m|10m1s|9m59s) ahead of QuantConnect's: synch", account_of(output, "main"))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            Fault(status=401, body=b"<html>"),
            "(unauthorized): QuantConnect refuses user id, token or clock, and does",
        ),
        (
            Fault(status=429, headers={"Retry-After": "90"}),
            "(rate_limited): too many requests; QuantConnect asks to stay away for 1m30s",
        ),
        (
            Fault(status=503, body=b"<html><h1>Maintenance</h1>"),
            "(unavailable): no answer of the API came (HTTP 503 ",
        ),
        (
            Fault(body=b"<!DOCTYPE html>"),
            "(unavailable): no answer of the API came (HTTP 200 with a body that",
        ),
        (
            Fault(status=302, headers={"Location": "/login"}),
            "(unavailable): no answer of the API came (HTTP 302: red",
        ),
        (Fault(effect="reset"), "(unavailable): the connection to 127.0.0.1:"),
        (
            Fault(body=b"[]"),
            "(malformed): the answer is not shaped as the API's (the body is not a JSON object)",
        ),
        (
            Fault(body={"success": False, "errors": [f"\x1b[2J hash: {'ab' * 32}"]}),
            "(rejected): QuantConnect refuses",
        ),
    ],
)
def test_what_answers_instead(api, probe, fault, expected):
    """Each answer that is none is told for what it is, with advice, and without secrets or markup."""
    api.faults.add(fault)
    code, output = probe()
    told = account_of(output, "main")

    assert code == 1
    assert f"account main: not signed in {expected}" in told
    assert "advice" in told
    assert "<h" not in output
    assert all(line.isprintable() for line in output.splitlines())


def test_no_answer(api, probe):
    """An answer that does not come within the time-out is told so, and ends the account alone."""
    api.faults.add(Fault(effect="stall", user_id=100_001))
    code, output = probe({"timeout: 2s": "timeout: 500ms"})

    assert code == 1
    assert "not signed in (timeout): no complete answer from 127.0.0.1 within 500ms" in account_of(
        output, "main"
    )
    assert "account europe: signed in" in output


def test_list_that_cannot_be_had(api, probe):
    """An account that signs in but cannot be listed is a failure of its own."""
    api.faults.add(Fault("live/list", status=503, body=b"<html>"))
    code, output = probe()

    assert code == 1
    assert (
        "account main: signed in as user 100001, but live algorithms cannot be listed (unavailable)" in output
    )


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:{port}/", "127.0.0.1:{port} refuses the connection"),
        ("http://[::1]:{port}/", "[::1]:{port} refuses the connection"),
        ("https://nothing.invalid/api/v2/", "the name nothing.invalid cannot be resolved"),
    ],
)
def test_no_way_there(api, probe, base_url, expected):
    """A port where nobody listens and a name that does not resolve are told apart."""
    port = free_port()
    code, output = probe({api.base_url: base_url.format(port=port)})

    assert code == 1
    assert f"not signed in (unavailable): {expected.format(port=port)}" in account_of(output, "main")


def test_proxy_that_is_not_there(api, probe, monkeypatch):
    """A proxy that the environment names and that cannot be used is told as such."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    code, output = probe({api.base_url: "https://quantconnect.invalid/api/v2/"})

    assert code == 1
    assert "the proxy that HTTPS_PROXY names cannot be used" in account_of(output, "main")


@pytest.fixture
def proxy_that_asks():
    """Return the address of a proxy that asks for a login."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{proxy}", "names asks for a login (HTTP 407)"),
        ("http://{proxy}", "names asks for a login (HTTP 407)"),
        ("gopher://{proxy}", "is not the address of a proxy"),
        ("http://", "is not the address of a proxy"),
        ("proxy.example.org:port", "is not the address of a proxy"),
        ("http://user:secret-word@127.0.0.1:99999", "is not the address of a proxy"),
        ("http://user:secret-word%E2%82%AC@{proxy}", "has a character that cannot be sent"),
        ("socks5h://{proxy}", "names cannot be used"),
    ],
)
def test_variable_of_the_proxy_is_named(api, probe, monkeypatch, proxy_that_asks, value, expected):
    """Whatever is wrong with a proxy, the environment variable that names it is named, not QuantConnect."""
    pytest.importorskip("socks")
    monkeypatch.setenv("HTTPS_PROXY", value.format(proxy=proxy_that_asks))
    code, output = probe({api.base_url: "https://quantconnect.invalid/api/v2/"})
    shown = " ".join(account_of(output, "main").split())

    assert code == 1
    assert "HTTPS_PROXY" in shown
    assert expected in shown
    assert "maintenance" not in shown
    assert "secret-word" not in output


HOST = "quantconnect.test"
"""A name that is not loopback's: to this machine itself the client goes without proxies and authorities."""

_getaddrinfo = socket.getaddrinfo


def resolved_to_loopback(host: str, *arguments, **options):
    """Resolve the name as a name server would that knows it."""
    return _getaddrinfo("127.0.0.1" if host == HOST else host, *arguments, **options)


@contextmanager
def tls_server(context: ssl.SSLContext | None) -> Iterator[int]:
    """Accept one connection and shake hands, or without a context answer in plain text; yield the port."""

    def serve() -> None:
        accepted, _ = listening.accept()
        with suppress(OSError), accepted:
            if context is None:
                accepted.recv(100)
                accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            else:
                context.wrap_socket(accepted, server_side=True).recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def presenting(authority: trustme.CA, flaw: str, folder: Path) -> ssl.SSLContext:
    """Return a server's side of TLS whose certificate has a flaw."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if flaw == "self-signed":
        pem = folder / "self-signed.pem"
        pem.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
        context.load_cert_chain(pem)
        return context
    host = "elsewhere.example" if flaw == "another host" else HOST
    expires = datetime(2020, 1, 1, tzinfo=UTC) if flaw == "expired" else None
    begins = datetime(2090, 1, 1, tzinfo=UTC) if flaw == "not valid yet" else None
    authority.issue_cert(host, not_after=expires, not_before=begins).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        ("self-signed", "the TLS certificate of quantconnect.test is self-signed"),
        (
            "unknown authority",
            "the TLS certificate of quantconnect.test is signed by an authority that is not known here",
        ),
        ("expired", "the TLS certificate of quantconnect.test has expired"),
        ("not valid yet", "the TLS certificate of quantconnect.test is not valid yet"),
        ("another host", "the TLS certificate is not that of quantconnect.test, but of another host"),
        ("no TLS", "TLS cannot be agreed on with quantconnect.test:"),
        ("no authorities", "the file of TLS authorities is not there"),
        ("authorities in DER", "the file of TLS authorities cannot be read, or holds no certificate in PEM"),
    ],
)
def test_tls(api, probe, tmp_path, monkeypatch, flaw, expected):
    """Whatever is wrong with TLS is told as what it is."""
    authority = trustme.CA()
    if flaw not in {"self-signed", "unknown authority"}:
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        der = ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())
        (tmp_path / "authority.der").write_bytes(der)
        bundles = {"no authorities": "none.pem", "authorities in DER": "authority.der"}
        bundle = bundles.get(flaw, "authority.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / bundle))
    monkeypatch.setattr(socket, "getaddrinfo", resolved_to_loopback)
    with tls_server(None if flaw == "no TLS" else presenting(authority, flaw, tmp_path)) as port:
        code, output = probe({api.base_url: f"https://{HOST}:{port}/api/v2/"})

    assert code == 1
    assert f"not signed in (unavailable): {expected}" in account_of(output, "main")


def test_token_is_masked_wherever_it_comes_from(api, probe):
    """Even a project that is named like the token is shown without it."""
    rows = [{"projectId": project_named(api, "Coins"), "name": TOKEN}]
    api.faults.add(Fault("projects/read", body={"success": True, "projects": rows}))
    _, output = probe()

    assert TOKEN not in output
    assert "  <secret>\n" in output


def test_interrupt_ends_without_a_traceback(api, tmp_path):
    """Ctrl-C while QuantConnect does not answer ends the probe at once, as not passed."""
    api.faults.add(Fault("authenticate", effect="stall"))
    path = write_config(tmp_path / "config.yml", api)
    command = [*COMMAND, f"--config.file={path}", "--config.probe"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=CLEAN) as probing:
        wait_until(lambda: any(each.endpoint == "authenticate" for each in api.requests))
        probing.send_signal(signal.SIGINT)
        _, errors = probing.communicate(timeout=10)

    assert (probing.returncode, b"Traceback" in errors) == (1, False)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with a pipe for its output."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=30, check=False, env=CLEAN | environment
    )


def run_on_a_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command with a terminal for its output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=CLEAN | environment
    ) as process:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how Linux tells that nobody has the terminal open any more
            while chunk := os.read(ours, 65536):
                written += chunk
    os.close(ours)
    return process.returncode, written.decode()


def test_a_pipe_gets_plain_text(config_file):
    """In a pipe there is no escape sequence, whatever the terminal could do; the exit code is 0."""
    ended = run(f"--config.file={config_file}", "--config.probe", TERM="xterm-256color", NO_COLOR="")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"signed in as user 100001" in ended.stdout
    assert b"\x1b" not in ended.stdout


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours(config_file, environment, coloured):
    """On a terminal what is good is green and what failed red, unless NO_COLOR is set or the terminal is dumb."""
    text = config_file.read_text("utf-8").replace(TOKEN, "not-the-token")
    config_file.write_text(text, "utf-8")
    code, output = run_on_a_terminal(
        f"--config.file={config_file}", "--config.probe", **{"NO_COLOR": "", **environment}
    )

    assert code == 1
    assert (f"{CSI}32msigned in as user 100002{CSI}0m" in output) == coloured
    assert (f"{CSI}1;31mnot signed in (unauthorized)" in output) == coloured
    assert (CSI in output) == coloured
    assert "not signed in (unauthorized)" in output


def test_hostile_names_do_not_reach_the_terminal(api, config_file):
    """A name's escape sequences are shown, on a terminal too; one that it cannot show does not end the command."""
    coins, stock = project_named(api, "Coins"), project_named(api, "Single Stock")
    rows = [
        {"projectId": coins, "name": "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp"},
        {"projectId": stock, "name": "日本"},
    ]
    api.faults.add(Fault("projects/read", body={"success": True, "projects": rows}))
    code, output = run_on_a_terminal(
        f"--config.file={config_file}", "--config.probe", TERM="xterm", NO_COLOR="", PYTHONIOENCODING="ascii"
    )
    foreign = re.sub(r"\x1b\[[0-9;]*m", "", output)

    assert code == 0
    assert not {*foreign} & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp" in foreign
    assert r"\u65e5\u672c" in foreign
