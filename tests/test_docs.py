"""The examples of the documents: each is loaded, parsed or run, none is only looked at."""

import ast
import re
import shlex
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
import yaml
from helm_python.chart import Chart

from exporter.config.credentials import API_TOKEN, API_TOKEN_FILE, USER_ID
from exporter.config.load import Loaded, load_config
from exporter.config.model import Account, Config, Polling
from exporter.config.schema import TOP_KEYS
from exporter.config.watched_files import WatchedFiles
from exporter.flags import _parser, environment_name
from exporter.quantconnect.client import ENDPOINTS, LARGEST_BODIES
from exporter.quantconnect.wire.statistics import parse_statistics
from exporter.simulation import config_for
from exporter.web.web_config import load_web_config
from tests.deploy.promql import UnknownNameError, recorded
from tests.grafana.dashboards import documents, panels
from tests.packaging.project import DEPLOY, IMAGE, REPOSITORY, ROOT

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
CHART = DEPLOY / "helm" / "quantconnect-exporter"
VALUES_KEYS = set(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))
WEB_KEYS = {"tls_server_config", "http_server_config", "basic_auth_users"}
OWN_VARIABLES = {
    USER_ID,
    API_TOKEN,
    API_TOKEN_FILE,
    "QUANTCONNECT_EXPORTER_REVISION",  # of the image
    *(environment_name(option) for action in _parser()._actions for option in action.option_strings),
}
FLAGS = {option for action in _parser()._actions for option in action.option_strings}
KNOWN = recorded()


@dataclass(frozen=True)
class Example:
    """A fenced block of a document."""

    document: str
    language: str
    text: str

    def __str__(self) -> str:
        """Name the example in the reports of tests."""
        return f"{self.document}-{self.text.strip().splitlines()[0][:40]}"


def examples_of(path: Path) -> Iterator[Example]:
    for found in FENCE.finditer(path.read_text("utf-8")):
        yield Example(path.name, found["language"], textwrap.dedent(found["text"]))


DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [example for path in DOCUMENTS for example in examples_of(path)]


def each_example(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "example", [example for example in EXAMPLES if example.language == language], ids=str
    )


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def output_in(name: str) -> list[str]:
    """Return the lines of metrics that a document shows."""
    return [
        line
        for example in examples_of(ROOT / "docs" / name)
        if not example.language
        for line in example.text.splitlines()
        if line.startswith("quantconnect_")
    ]


# -- yaml --------------------------------------------------------------------------------------------


def load_example(text: str, folder: Path) -> Loaded:
    """Load a configuration as its reader would, with the files that it names."""
    content = yaml.safe_load(text)
    for number, account in enumerate(content.get("accounts", [])):
        for key in [key for key in account if key.endswith("_file")]:
            file = folder / f"{number}_{key}"
            file.write_text("654321" if key == "user_id_file" else "worthless")
            file.chmod(0o600)
            text = text.replace(f"{key}: {account[key]}", f"{key}: {file}")
    path = folder / "config.yml"
    path.write_text(text)
    path.chmod(0o600)
    return load_config(path, {} if "accounts" in content else {USER_ID: "1", API_TOKEN: "worthless"})


def check_configuration(example: Example, folder: Path, _: Callable[[str], str]) -> None:
    loaded = load_example(example.text, folder)
    assert loaded.warnings == ()


def check_web_configuration(example: Example, folder: Path, _: Callable[[str], str]) -> None:
    certificate = trustme.CA().issue_cert("exporter.example.org")
    tls = yaml.safe_load(example.text).get("tls_server_config", {})
    contents = {
        "cert_file": certificate.cert_chain_pems[0].bytes(),
        "key_file": certificate.private_key_pem.bytes(),
        "client_ca_file": trustme.CA().cert_pem.bytes(),
    }
    for key, content in contents.items():
        if key in tls:
            (folder / tls[key]).write_bytes(content)
            (folder / tls[key]).chmod(0o600)
    file = folder / "web.yml"
    file.write_text(example.text)
    file.chmod(0o600)
    assert load_web_config(file, WatchedFiles()).warnings == ()


def check_rules(example: Example, folder: Path, needs: Callable[[str], str]) -> None:
    promtool(needs, "check", "rules", write(folder / "rules.yml", example.text))
    for group in yaml.safe_load(example.text)["groups"]:
        for rule in group["rules"]:
            labels = KNOWN.labels(rule["expr"])
            for text in rule.get("annotations", {}).values():
                assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels


def check_scraping(example: Example, folder: Path, needs: Callable[[str], str]) -> None:
    text = example.text
    for file in set(re.findall(r"_file: (\S+)", text)):
        text = text.replace(file, str(write(folder / Path(file).name, "")))
    promtool(needs, "check", "config", "--syntax-only", write(folder / "prometheus.yml", text))
    assert [job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]] == ["quantconnect"]


def check_values(example: Example, *_: object) -> None:
    values = yaml.safe_load(example.text)
    account = {"secret": {"name": "quantconnect"}, "userId": 1}
    with Chart.load(CHART) as chart:
        assert chart.render(account | values, name="quantconnect-exporter", namespace="monitoring")


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def promtool(needs: Callable[[str], str], *arguments: str | Path) -> None:
    command = (needs("promtool"), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


CHECKS: Sequence[tuple[set[str], Callable[[Example, Path, Callable[[str], str]], None]]] = (
    (set(TOP_KEYS), check_configuration),
    (WEB_KEYS, check_web_configuration),
    ({"groups"}, check_rules),
    ({"scrape_configs"}, check_scraping),
    (VALUES_KEYS, check_values),
)


def check_yaml(example: Example, folder: Path, needs: Callable[[str], str]) -> None:
    """Give an example to what reads such files; one that nothing reads is a mistake."""
    keys = set(yaml.safe_load(example.text))
    (check,) = [check for known, check in CHECKS if keys <= known]
    check(example, folder, needs)


@each_example("yaml")
def test_yaml_is_read_by_what_it_is_for(example, tmp_path, needs):
    """Each file that a document shows is taken without a complaint: by the loader, or by promtool."""
    check_yaml(example, tmp_path, needs)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("limits: {drawdown: {warning: 0.1}}", "drawdown"),
        ("limits: {drawdown_ratio: {warning: 0.3, critical: 0.2}}", "critical"),
        ("accounts: [{name: main, user_id: 1}]", "api_token"),
        ("polling: {stale_after: 2s, status: 1s, portfolio: 1s, equity: 1s, statistics: 1s}", "stale_after"),
        ("tls_server_config: {cert_file: server.crt}", "key_file"),
        ("groups: [{name: a, rules: [{record: b, expr: 'quantconnect_equity >'}]}]", "parse error"),
        ("groups: [{name: a, rules: [{record: b, expr: quantconnect_equty}]}]", "quantconnect_equty"),
        ("scrape_configs: [{job_name: quantconnect, schema: https}]", "schema"),
        ("scrape_configs: [{job_name: exporter}]", "exporter"),
        ("service: {prt: 80}", "prt"),
        ("limit: {}", "not enough values"),
    ],
)
def test_wrong_yaml_is_found(text, complaint, tmp_path, needs):
    """The check itself complains of keys, values, queries and files that are of no kind."""
    with pytest.raises(Exception, match=complaint):
        check_yaml(Example("document", "yaml", text), tmp_path, needs)


# -- promql ------------------------------------------------------------------------------------------

QUERIES = [
    replace(example, text=query.strip())
    for example in EXAMPLES
    if example.language == "promql"
    for query in example.text.split("\n\n")
]


def test_queries_are_valid(tmp_path, needs):
    """Prometheus parses each query of every document."""
    rules = [{"record": f"query:{number}", "expr": query.text} for number, query in enumerate(QUERIES)]
    text = yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})

    promtool(needs, "check", "rules", write(tmp_path / "rules.yml", text))


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries_name_what_exists(query):
    """Each query names series, labels and label values that exist, and adds up no two currencies."""
    KNOWN.labels(query.text)


def test_wrong_queries_are_found():
    """The check of names complains of a label that no series has."""
    with pytest.raises(UnknownNameError, match="no label account"):
        KNOWN.labels('quantconnect_equity{account="main"}')


# -- shell -------------------------------------------------------------------------------------------

SEPARATORS = {"&&", "||", ";", "|", "(", ")"}
OURS = {
    "quantconnect-exporter",
    ".venv/bin/quantconnect-exporter",
    "/opt/quantconnect-exporter/bin/quantconnect-exporter",
}


def commands(script: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a script, here-documents and substitutions aside."""
    text = re.sub(r"<<'?(\w+)'?\n.*?^\s*\1$", "", script, flags=re.DOTALL | re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;()")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in (*lexer, ";"):
            if word in SEPARATORS:
                yield words
                words = []
            else:
                words.append(word)


def flags_given(words: Sequence[str]) -> Iterator[str]:
    """Yield the flags that a command gives to the exporter, run by name or by image."""
    for place, word in enumerate(words):
        begins = all(
            re.fullmatch(r"sudo|env|--|kubectl|exec|statefulset/\S+|[A-Z_]+=.*", each)
            for each in words[:place]
        )
        if word.startswith(f"{IMAGE}:") or (word in OURS and begins):
            yield from (each.partition("=")[0] for each in words[place + 1 :] if each.startswith("-"))
            return


def check_shell(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"\bQUANTCONNECT_\w+", script)) <= OWN_VARIABLES
    for words in commands(script):
        assert set(flags_given(words)) <= FLAGS, words
        for word in words:
            path = word.partition("=")[2] or word
            if re.match(r"(?:deploy|grafana|docs)/", path):
                assert (ROOT / path).exists(), path


@each_example("sh")
def test_commands_name_what_exists(example):
    """Each command is valid shell; the flags and variables of the exporter and the files of the repository exist."""
    check_shell(example.text)


@pytest.mark.parametrize(
    "script",
    [
        "quantconnect-exporter --config.fil=a",
        ".venv/bin/quantconnect-exporter --config.check && quantconnect-exporter --demmo",
        "sudo env A=1 /opt/quantconnect-exporter/bin/quantconnect-exporter --probe",
        f"docker run --rm \\\n    {IMAGE}:0.1.0 --config.probes",
        "kubectl exec statefulset/quantconnect-exporter -- quantconnect-exporter --prob",
        "export QUANTCONNECT_USERID=1",
        "docker compose --file deploy/composed.yml up",
        "if true; then",
    ],
)
def test_wrong_commands_are_found(script):
    """The check itself complains of misspelt flags, variables and files, and of what is no shell."""
    with pytest.raises(AssertionError):
        check_shell(script)


NOT_RUN = {
    "docker": "no engine where the tests run: buildah builds the image, and the stack runs without containers",
    "kubectl": "no cluster: Kubernetes' schemas check what would be applied",
    "helm": "rendered by Helm's own library, with the values of each command",
    "systemctl": "no running systemd: systemd-analyze checks the unit",
    "journalctl": "no running systemd",
    "sudoedit": "an editor",
    "/opt/quantconnect-exporter/bin/pip": "writes to /opt; the wheel is installed into another folder",
    "/opt/quantconnect-exporter/bin/quantconnect-exporter": "lives in /opt; the command is run from another folder",
    ".venv-lean/bin/pip": "makes an environment, as .ci/run does",
    "rm": "removes what no test has installed",
    "git": "shows a difference to a person",
    "htpasswd": "bcrypt makes the same hash",
}
"""Programs of the documents that no test runs, and why."""

RUN = {
    "quantconnect-exporter", ".venv/bin/quantconnect-exporter", "python3", ".venv/bin/pip", ".venv/bin/pytest",
    ".venv/bin/python", "bash", "install", "chmod", "tee", "echo", "cat", "tr", "sed", "openssl", "curl", "grep",
    "prometheus", "promtool", "amtool", "victoria-metrics", "systemd-analyze",
}  # fmt: skip
"""Programs that tests run, or that only write a file whose content is tested."""


def test_every_command_is_run_or_says_why_not():
    """Each program that a document runs is run by a test, or is listed with the reason; the lists hold no other."""
    programs = set()
    for example in EXAMPLES:
        for words in commands(example.text) if example.language == "sh" else ():
            begins = (word for word in words if not re.fullmatch(r"sudo|env|export|[A-Z_]+=.*", word))
            programs |= {next(begins, "")} - {""}
    assert programs == NOT_RUN.keys() | RUN
    assert not NOT_RUN.keys() & RUN


def test_the_first_look_shows_equity_and_drawdown(demo_page):
    """The README's curl line finds equity and drawdown of every running algorithm, and nothing else."""
    (pattern,) = re.findall(r"/metrics \| grep -E '(.+?)'", (ROOT / "README.md").read_text("utf-8"))
    found = [line.partition("{")[0] for line in demo_page if re.search(pattern, line)]
    assert set(found) == {"quantconnect_equity", "quantconnect_drawdown_ratio"}
    assert len(found) > 20


def test_every_block_has_a_language_that_is_checked():
    """No example goes unchecked because its language is misspelt; text, or one without a language, is output."""
    assert {example.language for example in EXAMPLES} == {
        "",
        "text",
        "sh",
        "yaml",
        "promql",
        "python",
        "csharp",
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_repository_has_one_address(path):
    """Each address of the repository in a document is the one in pyproject.toml."""
    found = re.findall(
        r"https://github\.com/[^\s\"')>`]*quantconnect-exporter[^\s\"')>`]*", path.read_text("utf-8")
    )
    assert all(url == REPOSITORY or url.startswith(f"{REPOSITORY}/") for url in found)


# -- what the guides show ----------------------------------------------------------------------------


def on_simulation(loaded: Config, simulated: Config) -> Config:
    """Return a configuration with the simulation's credentials in place of the reader's."""
    accounts = {account.name: account for account in simulated.accounts}
    return replace(
        loaded,
        accounts=tuple(
            replace(
                accounts.get(account.name, simulated.accounts[0]),
                name=account.name,
                discover=account.discover,
            )
            for account in loaded.accounts
        ),
        projects=tuple(replace(project, account=project.account) for project in loaded.projects),
    )


def series_of(lines: Sequence[str]) -> set[str]:
    """Return lines of a page without their values."""
    return {line.rpartition(" ")[0] for line in lines}


@pytest.fixture
def page_of(make_bench, api, tmp_path) -> Callable[[str], list[str]]:
    """Return the page that an exporter with a document's configuration shows of the simulated QuantConnect."""

    def page_of(text: str) -> list[str]:
        bench = make_bench(on_simulation(load_example(text, tmp_path).config, config_for(api)))
        bench.poll()
        return bench.page().splitlines()

    return page_of


@pytest.fixture
def demo_page(make_bench, api) -> list[str]:
    """The page of ``--demo``."""
    bench = make_bench(config_for(api))
    bench.poll()
    return bench.page().splitlines()


def first(name: str, language: str) -> str:
    return next(each.text for each in examples_of(ROOT / "docs" / name) if each.language == language)


def test_own_numbers_appear_as_shown(page_of, demo_page):
    """With the document's configuration, and in the demo, the page has just the series that the document shows."""
    shown = series_of(output_in("custom-metrics.md"))
    assert len(shown) == 6
    for page in (page_of(first("custom-metrics.md", "yaml")), demo_page):
        of_the_metrics = re.compile(r"quantconnect_(runtime_statistic|chart_value|chart_timestamp_seconds)\{")
        assert series_of([line for line in page if of_the_metrics.match(line)]) == shown


def test_the_algorithm_publishes_what_is_shown():
    """The Python of the document is valid; its names are those of the series, and the text is what is left out."""
    calls = {
        tuple(argument.value for argument in node.args if isinstance(argument, ast.Constant))[:2]
        for node in ast.walk(ast.parse(first("custom-metrics.md", "python")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"plot", "set_runtime_statistic"}
    }
    lines = "\n".join(output_in("custom-metrics.md"))
    statistics = set(re.findall(r'statistic="([^"]+)"', lines))
    points = set(re.findall(r'chart="([^"]+)",series="([^"]+)"', lines))

    assert {names[0] for names in calls if names[0] != "Custom Signal"} == statistics | {"Regime"}
    assert {names for names in calls if names[0] == "Custom Signal"} >= points
    for names in re.findall(
        r'(?:Plot|Statistic)\("([^"]+)"(?:, "([^"]+)")?, ', first("custom-metrics.md", "csharp")
    ):
        assert names in points | {(name, "") for name in statistics}


SIGNAL_TEST = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: '{momentum}'
        values: '0.7x59 0.3x200'
      - series: '{threshold}'
        values: '0.5x260'
      - series: '{time}'
        values: '0+60x120 7200x140'
    alert_rule_test:
      - {{eval_time: 59m, alertname: SignalBelowThreshold}}
      - {{eval_time: 95m, alertname: SignalBelowThreshold, exp_alerts: [{below}]}}
      - {{eval_time: 190m, alertname: SignalSilent}}
      - {{eval_time: 200m, alertname: SignalSilent, exp_alerts: [{silent}]}}
"""


def test_the_alerts_fire(tmp_path, needs):
    """Fed with the series that the document shows, its first alert sees the signal fall, its second sees it stop."""
    (rules,) = [text for text in map(str, yaml_of("custom-metrics.md")) if text.startswith("groups:")]
    write(tmp_path / "rules.yml", rules)
    shown = series_of(output_in("custom-metrics.md"))

    def one(*parts: str) -> str:
        (found,) = [series for series in shown if all(part in series for part in parts)]
        return found.replace("'", "''")

    labels = {"project_id": "23456711", "project": 'Research/Lab "Signal" 7', "severity": "warning"}
    texts = {
        "below": (
            "The momentum is below its threshold.",
            'The momentum of Research/Lab "Signal" 7 is 0.30.',
        ),
        "silent": (
            "The algorithm has not published its signal for an hour.",
            'The last signal of Research/Lab "Signal" 7 is 1h 20m 0s old.',
        ),
    }
    expected = {
        name: yaml.safe_dump(
            {"exp_labels": labels, "exp_annotations": {"summary": summary, "description": description}},
            default_flow_style=True,
            width=10_000,
        ).strip()
        for name, (summary, description) in texts.items()
    }
    case = SIGNAL_TEST.format(
        momentum=one("chart_value", "Momentum"),
        threshold=one("chart_value", "Threshold"),
        time=one("chart_timestamp_seconds", "Momentum"),
        **expected,
    )

    promtool(needs, "test", "rules", write(tmp_path / "test.yml", case))


def yaml_of(name: str) -> list[str]:
    return [each.text for each in examples_of(ROOT / "docs" / name) if each.language == "yaml"]


def test_texts_are_read_as_the_table_says():
    """Each text of the table gives the value beside it, or none."""
    rows = re.findall(r"^\| `(.+?)` \| (-?[\d.]+|left out) \|$", text_of("custom-metrics.md"), re.MULTILINE)
    assert len(rows) == 12
    for text, value in rows:
        read = dict(parse_statistics({"runtimeStatistics": {"Own": text}}, 50).custom)
        assert read == ({} if value == "left out" else {"Own": pytest.approx(float(value))}), text


def test_names_that_lean_uses_are_those_of_the_document():
    """A statistic of a name that the document lists is not shown as one of the algorithm's own, any other is."""
    listed = re.search(
        r"\*\*Names that LEAN uses itself\*\* \((.+?)\)", text_of("custom-metrics.md"), re.DOTALL
    )
    names = re.findall(r"`(.+?)`", listed[1])
    units = {
        name: "1 %" if name in {"Return", "Probabilistic Sharpe Ratio"} else "$1.00"
        for name in (*names, "Own")
    }

    assert len(names) == 9
    assert parse_statistics({"runtimeStatistics": units}, 50).custom == (("Own", 1.0),)


def test_panels_that_the_guides_name_exist():
    """Each panel in italics is one of the dashboards, and each column one of a table."""
    titles = {panel["title"] for document in documents().values() for panel in panels(document)}
    for name in ("Own figures", "Configured charts"):
        assert f"*{name}*" in text_of("custom-metrics.md")
        assert name in titles
    for name in ("Limit used", "Underwater", "Projects"):
        assert f"*{name}*" in text_of("limits.md")
        assert name in titles
    overrides = "".join(str(document) for document in documents().values())
    for column in ("Limit used",):
        assert f"*{column}*" in text_of("limits.md")
        assert column in overrides


def test_limits_appear_as_shown(page_of):
    """The document's configuration shows just the limits that the document lists, with their values."""
    page = page_of(first("limits.md", "yaml"))
    assert [line for line in output_in("limits.md") if line not in page] == []
    assert len([line for line in page if line.startswith("quantconnect_limit{")]) == len(
        output_in("limits.md")
    )


def test_accounts_appear_as_shown(demo_page, page_of):
    """The demo shows what the document shows; its configuration polls both accounts."""
    assert series_of(output_in("several-accounts.md")) <= series_of(demo_page)
    both, named, _ = yaml_of("several-accounts.md")
    page = page_of(both)
    assert 'quantconnect_projects{account="main"} 1' in page
    assert 'quantconnect_projects{account="europe"} 3' in page
    assert [
        line for line in page_of(named) if re.match(r'quantconnect_up\{.*project="momentum europe"', line)
    ]


def test_the_faq_names_every_endpoint():
    """The list of what the exporter may ask is the client's."""
    (answer,) = re.findall(
        r"^## Can it trade, or stop anything\?\n(.*?)^## ", text_of("faq.md"), re.DOTALL | re.MULTILINE
    )
    assert set(re.findall(r"`([a-z/]+)`", answer)) == set(ENDPOINTS)


def test_the_faq_names_the_bound_of_every_endpoint():
    """The table of the largest answers is the client's."""
    rows = re.findall(r"^\| (`.+?`) \| (\d) MiB \|", text_of("faq.md"), re.MULTILINE)
    stated = {each: int(size) << 20 for names, size in rows for each in re.findall("`(.+?)`", names)}
    assert stated == LARGEST_BODIES


def test_the_default_budget_is_enough_for_as_many_as_said():
    """The number of algorithms in the answer follows from the default intervals and the default budget."""
    polling, minute = Polling(), 60
    intervals = (polling.portfolio, polling.equity, polling.statistics, polling.orders)
    each = sum(minute / interval for interval in intervals)
    left = Account.__dataclass_fields__["requests_per_minute"].default - minute / polling.status
    assert f"enough for {int(left / each)} running algorithms" in text_of("faq.md").replace("\n", " ")


def test_every_question_is_answered():
    """The list at the top has each heading of the page once, in its order."""
    text = text_of("faq.md")
    assert re.findall(r"^\* \[(.+?)\]\(", text, re.MULTILINE) == re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_every_document_is_found_from_the_readme():
    """The README links each document."""
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text("utf-8")))
    assert linked == {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
