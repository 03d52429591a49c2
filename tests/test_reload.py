"""Reloading a running exporter: by signal and by request, all or nothing."""

import re
import signal
from threading import Event, Thread

import pytest
import requests

from exporter.clock import SystemClock
from exporter.config.files import UnreadableError, read_text_file
from exporter.config.load import Loaded
from exporter.config.model import Config
from exporter.config.watched_files import WatchedFiles
from exporter.demo.scenario import demo_scenario
from exporter.demo.server import SimulatedQuantConnect
from exporter.errors import ConfigError, UnfinishedReloadError
from exporter.reload import Reloader
from tests.programs import exporter_process, wait_until, write_config
from tests.support import parse_page, project_named
from tests.web.sites import replace_file

POLLING = {
    "status": "1s",
    "portfolio": "1s",
    "equity": "1s",
    "statistics": "1s",
    "charts": "1s",
    "stale_after": "60s",
}

KEPT = "CFD Indices"
"""The project of the second account that every configuration names."""


@pytest.fixture(scope="module")
def api():
    """A simulated QuantConnect on the real clock."""
    clock = SystemClock()
    with SimulatedQuantConnect(demo_scenario(clock.wall()), clock) as simulated:
        yield simulated


@pytest.fixture
def running(api, tmp_path):
    """An exporter process with two named projects, and how to write its configuration anew."""
    path = tmp_path / "config.yml"

    def configure(*names: str, **sections: object) -> None:
        names = (*names, KEPT)
        projects = [
            {"id": project_named(api, name), "account": api.projects[project_named(api, name)].account}
            for name in names
        ]
        write_config(path, api, polling=POLLING, projects=projects, **sections)

    configure("Coins", "FX Carry")
    log = tmp_path / "exporter.log"
    with exporter_process(f"--config.file={path}", "--web.enable-lifecycle", log=log) as exporter:
        yield exporter, configure, path, log


def shown(exporter) -> set[str]:
    projects = {each["project"] for each in parse_page(exporter.page()).labels("quantconnect_equity")}
    assert KEPT in projects
    return projects - {KEPT}


def test_hangup_takes_the_new_configuration(running):
    """After SIGHUP the project that was taken out is gone, the new one comes, and the kept one never left."""
    exporter, configure, _, log = running
    assert shown(exporter) == {"Coins", "FX Carry"}
    configure("FX Carry", "Single Stock")
    exporter.process.send_signal(signal.SIGHUP)
    seen = []

    def complete() -> bool:
        seen.append(shown(exporter))
        return seen[-1] == {"FX Carry", "Single Stock"}

    wait_until(complete)
    assert all("FX Carry" in each for each in seen)
    assert "configuration reloaded" in log.read_text()


def test_request_takes_the_new_configuration(running):
    """POST and PUT reload like the signal, and answer when the new configuration is in force."""
    exporter, configure, _, _ = running
    configure("Coins")
    for method in ("POST", "PUT"):
        answer = requests.request(method, f"{exporter.url}/-/reload", timeout=5)
        assert (answer.status_code, answer.text) == (200, "configuration reloaded\n")
    assert shown(exporter) == {"Coins"}
    assert requests.get(f"{exporter.url}/-/reload", timeout=5).status_code == 405


def test_bad_configuration_changes_nothing(running):
    """A broken file is answered with 500 and every problem; values, projects and polling go on as before."""
    exporter, _, path, log = running
    path.write_text(path.read_text().replace("portfolio: 1s", "portfolio: often").replace("id: ", "idd: ", 1))
    answer = requests.post(f"{exporter.url}/-/reload", timeout=5)
    page = parse_page(exporter.page())

    assert answer.status_code == 500
    assert len(answer.text.splitlines()) >= 2
    assert all(re.match(rf"{re.escape(str(path))}:\d+: ", line) for line in answer.text.splitlines())
    assert page.one("quantconnect_exporter_config_last_reload_successful") == 0
    assert shown(exporter) == {"Coins", "FX Carry"}
    polls = sum(page.all("quantconnect_polls_total"))
    wait_until(lambda: sum(parse_page(exporter.page()).all("quantconnect_polls_total")) > polls)
    assert log.read_text().count("configuration refused") == len(answer.text.splitlines())


def test_new_token_is_masked_after_a_reload(running, api):
    """A token that came with a reload is as secret as the first: the log holds neither."""
    exporter, _, path, log = running
    path.write_text(path.read_text().replace(api.accounts[0].api_token, "another-token-of-the-account"))
    assert requests.post(f"{exporter.url}/-/reload", timeout=5).ok
    wait_until(lambda: 0 in parse_page(exporter.page()).all("quantconnect_up"), what="the refusal")

    assert "another-token" not in log.read_text() + exporter.page()
    assert api.accounts[0].api_token not in log.read_text()


def test_reload_by_request_is_off_by_default(api, tmp_path):
    """Without the flag there is no such page."""
    path = write_config(tmp_path / "config.yml", api, polling=POLLING)
    with exporter_process(f"--config.file={path}", log=tmp_path / "exporter.log") as exporter:
        assert requests.post(f"{exporter.url}/-/reload", timeout=5).status_code == 404


class Stand:
    """Stands for the exporter: takes a configuration, keeps the old one, or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.taken: list[Config] = []
        self.kept = 0

    def reconfigure(self, config: Config) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(config)

    def keep_configuration(self) -> None:
        self.kept += 1


LOADED = Loaded(Config(accounts=()), ())


def test_an_unexpected_error_keeps_the_running_configuration(caplog):
    """Whatever goes wrong before the change, the old configuration is kept and said to be, and the next reload works."""
    exporter = Stand(RuntimeError("can't start new thread"))
    reloader = Reloader(lambda: LOADED, exporter, WatchedFiles())
    assert reloader.reload() == ("unexpected error: RuntimeError: can't start new thread",)
    assert (exporter.taken, exporter.kept) == ([], 1)
    assert "the running one is kept" in caplog.text
    exporter.error = None
    assert reloader.reload() == ()
    assert exporter.taken == [LOADED.config]


def test_a_reload_that_breaks_half_way_ends_reloading(caplog):
    """When neither configuration is in force the thread ends, which ends the process."""
    reloader = Reloader(lambda: LOADED, Stand(UnfinishedReloadError("MemoryError")), WatchedFiles())
    reloader.start()
    reloader.request()
    wait_until(lambda: not reloader.is_alive())
    assert "reloading has ended" in caplog.text


def test_requests_that_come_together_share_a_reload():
    """Those who ask while a reload is under way get one that begins after they asked, and get it together."""
    begun, release, loads = Event(), Event(), []

    def load() -> Loaded:
        loads.append(1)
        begun.set()
        assert release.wait(10)
        return LOADED

    reloader = Reloader(load, Stand(), WatchedFiles())
    reloader.start()
    first = reloader.request()
    assert begun.wait(10)
    others = [reloader.request() for _ in range(600)]
    release.set()
    assert first.result(10) == ()
    assert {each.result(10) for each in others} == {()}
    assert len(loads) == 2


def test_no_thread_to_be_had_changes_nothing(bench, monkeypatch):
    """A started exporter whose new workers cannot all be started polls on as before, healthy, and takes the next."""
    exporter = bench.exporter
    exporter.start()
    before, real, started = exporter.poller, Thread.start, []

    def start(thread: Thread) -> None:
        started.append(thread)
        if len(started) > 5:
            raise RuntimeError("can't start new thread")
        real(thread)

    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", start)
        with pytest.raises(RuntimeError):
            exporter.reconfigure(bench.config)
    assert exporter.poller is before
    assert not before.lost()
    assert exporter.pages().healthy()
    wait_until(lambda: not any(thread.is_alive() for thread in started), what="the end of those started")
    exporter.reconfigure(bench.config)
    assert exporter.poller is not before
    assert exporter.pages().healthy()
    exporter.stop()


def test_too_few_workers_are_unhealthy(bench):
    """An account that has lost a worker is unhealthy, and said to be lost."""
    exporter = bench.exporter
    exporter.start()
    assert exporter.pages().healthy()
    exporter.poller.accounts[0]._crew.threads.pop()
    assert not exporter.pages().healthy()
    assert exporter.poller.lost()
    exporter.stop()


def test_a_change_of_the_files_is_taken(tmp_path):
    """With an interval a changed file is taken without being asked for, a broken one once, the mended one again."""
    file = tmp_path / "token"
    file.write_text("one")
    exporter, seen = Stand(), []

    def load() -> Loaded:
        text = read_text_file(file, 100).text
        seen.append(text)
        if text == "broken":
            raise ConfigError(("broken",))
        return LOADED

    files = WatchedFiles()
    with files.watching():
        load()
    reloader = Reloader(load, exporter, files, interval=0.02)
    reloader.start()
    for number, text in enumerate(("two", "broken", "three"), 2):
        replace_file(file, text.encode())
        wait_until(lambda number=number: len(seen) == number, what=text)
    wait_until(lambda: len(exporter.taken) == 2)
    assert seen == ["one", "two", "broken", "three"]
    assert exporter.kept == 1


def test_files_that_appear_or_vanish_are_changes(tmp_path):
    """A file that could not be read is watched too, so that a mended one is taken."""
    files = WatchedFiles()
    with files.watching(), pytest.raises(UnreadableError):
        read_text_file(tmp_path / "token", 100)
    assert not files.changed()
    (tmp_path / "token").write_text("now")
    assert files.changed()


def test_a_changed_file_is_taken_by_the_command(api, tmp_path):
    """The command with --config.auto-reload-interval takes a new configuration by itself; without, it does not."""
    polling = {**POLLING, "status": "7s"}
    path = write_config(tmp_path / "config.yml", api, polling=POLLING)
    log = tmp_path / "exporter.log"
    with exporter_process(f"--config.file={path}", "--config.auto-reload-interval=1s", log=log) as exporter:
        write_config(path, api, polling=polling)

        def is_taken() -> bool:
            return 7 in parse_page(exporter.page()).all("quantconnect_poll_interval_seconds", source="status")

        wait_until(is_taken, what="the new interval")
    assert log.read_text().count("configuration reloaded") == 1
