"""A Prometheus server of one's own, and questions to it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

from tests.grafana.dashboards import Variable, query_variables
from tests.grafana.variables import ALL, Choice, Window, options, substitute
from tests.programs import wait_until

_HTTP = build_opener(ProxyHandler({}))

HIDDEN = {"ended"}
"""Variables that nobody chooses: they hold all of their values."""

Series = dict[str, Any]


def get(url: str) -> str:
    """Return a page of a server on this machine."""
    with _HTTP.open(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def answers(url: str) -> Callable[[], bool]:
    """Return a condition: the address answers with success."""

    def condition() -> bool:
        try:
            get(url)
        except (URLError, ConnectionError):
            return False
        return True

    return condition


class Prometheus:
    """Asks a running server."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid

    def instant(self, query: str, at: float) -> list[Series]:
        """Return the vector of a query at a moment."""
        return self._ask("query", query=query, time=f"{at:.3f}")

    def now(self, query: str) -> list[Series]:
        """Return the vector of a query at the server's own time."""
        return self._ask("query", query=query)

    def over(self, query: str, window: Window) -> list[Series]:
        """Return the series of a query over a window."""
        parameters = {"start": f"{window.start:.3f}", "end": f"{window.end:.3f}", "step": str(window.step)}
        return self._ask("query_range", query=query, **parameters)

    def cpu_seconds(self, query: str, window: Window, *, instant: bool) -> float:
        """Return the processor's time that the server takes to answer, which waits for no other program."""
        before = _cpu_seconds(self._pid)
        if instant:
            self.instant(query, window.end)
        else:
            self.over(query, window)
        return _cpu_seconds(self._pid) - before

    def options(self, variable: Variable, chosen: Choice, window: Window) -> dict[str, str]:
        """Return what a variable offers, value to shown text."""
        kind, _, inside = variable.query.partition("(")
        text = substitute(inside.removesuffix(")"), chosen, window)
        if kind == "label_values":
            selector, _, label = text.rpartition(", ")
            address = f"{self._url}/api/v1/label/{label}/values?{urlencode({'match[]': selector})}"
            return options(json.loads(get(address))["data"], variable.regex)
        assert kind == "query_result"
        texts = []
        for series in self.instant(text, window.end):
            name = series["metric"].pop("__name__", "")
            labels = ",".join(f'{label}="{value}"' for label, value in series["metric"].items())
            moment, value = series["value"]
            texts.append(f"{name}{{{labels}}} {value} {moment * 1000}")
        return options(texts, variable.regex)

    def choose(self, uid: str, pick: Callable[[str, dict[str, str]], list[str]], window: Window) -> Choice:
        """Choose a value of each variable in turn: each one's offer depends on the choices before."""
        chosen: dict[str, list[str]] = {}
        for variable in query_variables(uid):
            offered = self.options(variable, chosen, window)
            if variable.name in HIDDEN:
                chosen[variable.name] = list(offered) or [""]
                continue
            assert offered, f"{uid}: nothing to choose for {variable.name} with {chosen}"
            chosen[variable.name] = pick(variable.name, offered)
        return chosen

    def _ask(self, endpoint: str, **parameters: str) -> list[Series]:
        result: list[Series] = self._answer(endpoint, **parameters)["result"]
        return result

    def _answer(self, endpoint: str, **parameters: str) -> Series:
        answer = json.loads(get(f"{self._url}/api/v1/{endpoint}?{urlencode(parameters, quote_via=quote)}"))
        data: Series = answer["data"]
        return data


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def everything(_: str, __: dict[str, str]) -> list[str]:
    """Choose All."""
    return [ALL]


@contextmanager
def process(command: list[str], log: Path, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process, its output in a file, and stop it at the end."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=folder) as running,
    ):
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:
                running.kill()


@contextmanager
def server(program: str, folder: Path, port: int, config: str) -> Iterator[Prometheus]:
    """Run Prometheus on a folder of data."""
    file = folder / "prometheus.yml"
    file.write_text(config)
    url = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with process(command, folder / "prometheus.log") as running:
        wait_until(answers(f"{url}/-/ready"), 15, "Prometheus")
        yield Prometheus(url, running.pid)
