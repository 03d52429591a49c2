"""From facts to lines, without asking anybody."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exporter.config.model import Account
from exporter.config.secret import Secret
from exporter.config.shard import Shard
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.errors import ApiError, RateLimited, Refused, Unauthorized
from exporter.probe.diagnosis import NOTABLE_SKEW
from exporter.probe.facts import AccountFacts, Findings, FoundProject, Interval, Polled
from exporter.probe.report import MOST_NOTES, MOST_PROJECTS, account_lines, closing_line
from exporter.probe.screen import Style, drawn
from exporter.quantconnect.telemetry import Requests
from tests.support import START

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
ACCOUNT = Account("main", 123456, Secret("worthless"))
LAUNCHED = START - 50 * 86_400


DAILY = (
    Interval("status", 60, 60),
    Interval("portfolio", 60, 60),
    Interval("equity", 60, 60),
    Interval("statistics", 300, 300),
    Interval("charts", 60, 60),
    Interval("orders", 300, 300),
)
STRETCHED = (
    Interval("status", 60, 60),
    Interval("portfolio", 60, 246.8),
    Interval("equity", 60, 61.7),
    Interval("statistics", 300, 1234),
    Interval("orders", 300, 1234),
)


def project(
    number: int,
    name: str,
    status: AlgorithmStatus | None = AlgorithmStatus.RUNNING,
    polled: Polled = Polled.YES,
) -> FoundProject:
    deployment = Deployment(f"L-{number}", status, LAUNCHED + number * 3600) if status else None
    return FoundProject(23456780 + number, name, polled, deployment)


PROJECTS = (
    project(1, "momentum"),
    project(2, "Research/Mean Reversion", AlgorithmStatus.RUNTIME_ERROR, Polled.NOT_RUNNING),
    project(3, "FX Carry"),
    project(4, "next year's", None, Polled.STATUS_ONLY),
    project(5, "Coins"),
)


def facts_of(
    failure: ApiError | None = None, skew: float | None = 0.2, shard: Shard | None = None, **findings
) -> AccountFacts:
    found = Findings(**{"projects": PROJECTS, "wanted": 10.2, "intervals": DAILY, **findings})
    return AccountFacts(
        account=ACCOUNT,
        shard=shard or Shard(),
        requests=Requests(clock_skew_seconds=skew),
        timeout=30.0,
        asked_at=START,
        failure=failure,
        findings=None if failure else found,
    )


def failed(error: ApiError, endpoint: str = "authenticate") -> ApiError:
    error.endpoint = endpoint
    return error


def text_of(facts: AccountFacts) -> str:
    return "\n".join(drawn(line, colour=False) for line in account_lines(facts)).strip()


REFUSED = failed(Unauthorized("QuantConnect refused", Refused.HASH))
SAMPLES = {
    "signed in": facts_of(),
    "too much wanted": facts_of(wanted=50.0, intervals=STRETCHED),
    "refused": facts_of(REFUSED, skew=-10_920.0),
}


def test_guide_shows_what_is_printed():
    """The guide's samples are lines that such facts give: one account whole, the others' heads."""
    whole, stretched, refused = re.findall(r"^```text\n(.*?)\n```", GUIDE, re.DOTALL | re.MULTILINE)
    last = drawn(closing_line([SAMPLES["signed in"]]), colour=False)

    assert whole == f"{text_of(SAMPLES['signed in'])}\n\n{last}"
    assert text_of(SAMPLES["too much wanted"]).startswith(stretched)
    assert stretched.count("\n") == 6
    assert text_of(SAMPLES["refused"]) == refused


def test_a_usual_account_fits_on_a_screen():
    """Five projects take less than 25 lines, and no line is wider than a hundred columns."""
    for facts in SAMPLES.values():
        lines = text_of(facts).splitlines()

        assert len(lines) < 25
        assert max(map(len, lines)) <= 100


def test_columns_line_up():
    """Within a table every cell begins or ends where the heading's does."""
    lines = text_of(SAMPLES["signed in"]).splitlines()
    heading = next(line for line in lines if line.startswith("  project "))
    rows = lines[lines.index(heading) + 1 :]

    for column in ("status", "launched", "polled", "name"):
        start = heading.index(column)
        assert {row[start - 2 : start] for row in rows} == {"  "}
        assert not [row for row in rows if row[start] == " "]


def test_many_projects_are_counted():
    """Beyond twenty projects the rest is counted, by why it is not polled; what is polled comes first."""
    idle = [project(number, "old", AlgorithmStatus.STOPPED, Polled.NOT_RUNNING) for number in range(10, 50)]
    foreign = [project(number, "theirs", polled=Polled.OTHER_SHARD) for number in range(50, 53)]
    text = text_of(facts_of(projects=(*idle, *foreign, *PROJECTS)))
    rows = re.findall(r"^  234567\d\d .*$|^  234568\d\d .*$", text, re.MULTILINE)

    assert len(rows) == MOST_PROJECTS
    names = [row.split()[-1] for row in rows[:7]]
    assert names == ["momentum", "Carry", "Coins", "year's", "theirs", "theirs", "theirs"]
    assert text.endswith("  and 28 more; polled: 28 no, it does not run")


def test_nothing_to_poll_is_said():
    """An account without a running algorithm is signed in, and there would be no values: that is told."""
    text = text_of(facts_of(projects=PROJECTS[1:2]))
    none = text_of(facts_of(projects=()))

    assert "  projects  1 found, 0 running, 0 polled: there would be no values" in text
    assert "0 found" in none


def test_short_budget_says_what_to_set():
    """The budget that would do is the next whole number above what is wanted, for all shards together."""
    short = text_of(facts_of(wanted=46.6, intervals=STRETCHED))
    shared = " ".join(text_of(facts_of(wanted=46.6, intervals=STRETCHED, shard=Shard(1, 3))).split())

    assert "requests_per_minute to 47 if" in " ".join(short.split())
    assert "statistics every 20m34s (configured 5m)" in " ".join(short.split())
    assert "shard" not in short
    assert "46.6 wanted of 30 requests a minute (this shard's part, one of 3): some" in shared
    assert "requests_per_minute to 141 if" in shared


def test_notes_are_few():
    """Of many notes the first are shown and the rest is counted."""
    text = text_of(facts_of(notes=tuple(f"portfolio of project {number}" for number in range(9))))

    assert text.count("  note      portfolio of project") == MOST_NOTES
    assert "  note      and 4 more\n" in text


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (0.4, "agrees with QuantConnect's to the second"),
        (-0.9, "agrees with QuantConnect's to the second"),
        (3.2, "3s ahead of QuantConnect's\n"),
        (-19.4, "19s behind QuantConnect's\n"),
        (-20.4, "20s behind QuantConnect's: synchronise it"),
        (-5400.0, "refused from 2h behind on"),
        (95.0, "1m35s ahead of QuantConnect's: synchronise it"),
    ],
)
def test_clocks(skew, expected):
    """A difference is told with its sign, and with what it leads to long before it breaks signing in."""
    text = text_of(facts_of(skew=skew))

    assert expected in re.sub(r"\n {12}", " ", text)
    assert ("synchronise" in text) == (abs(skew) >= NOTABLE_SKEW)


def test_notable_skew_is_the_alerts():
    """The probe speaks up where QuantConnectClockSkew would fire."""
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "quantconnect.rules.yml").read_text("utf-8"))
    alerts = [
        rule for group in rules["groups"] for rule in group["rules"] if "ClockSkew" in rule.get("alert", "")
    ]

    assert [float(rule["expr"].split(">")[1]) for rule in alerts] == [NOTABLE_SKEW]


def test_heading_tells_sign_in_from_listing():
    """An account that is signed in but whose algorithms cannot be listed is not said to be refused."""
    refused = text_of(facts_of(failed(RateLimited("429", 5.0))))
    unlisted = text_of(facts_of(failed(RateLimited("429", 5.0), "live/list")))

    assert refused.startswith("account main: not signed in (rate_limited): too many requests")
    assert unlisted.startswith("account main: signed in as user 123456, but live algorithms cannot be listed")


def test_last_line_counts_accounts():
    """The last line is good only when every account could be signed in to and listed."""
    good, refused = facts_of(), facts_of(REFUSED)

    assert closing_line([good, refused]) == (("1 of 2 accounts signed in and listed", Style.BAD),)
    assert closing_line([good]) == (("1 of 1 account signed in and listed", Style.GOOD),)


def test_foreign_names_are_harmless():
    """Escape sequences, line breaks and marks of direction in a name are shown, not obeyed; long ones are cut."""
    hostile = "\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202eevil\u2028\ud800"
    facts = facts_of(projects=(project(1, hostile), project(2, "x" * 500)), notes=(f"project: {hostile}",))
    facts = replace(facts, account=replace(ACCOUNT, name=hostile))
    lines = [drawn(line, colour=False) for line in account_lines(facts)]

    assert all(line.isprintable() for line in lines)
    assert "\\u001b[2J\\u001b]0;owned\\u0007" in lines[1]
    assert lines[-1].endswith(f"  {'x' * 57}...")
    assert max(map(len, lines[2:])) < 250


def test_colours():
    """With colour, what is good is green, what is doubtful yellow and what failed red; the words stay the same."""
    stretched = SAMPLES["too much wanted"]
    coloured = "\n".join(drawn(line, colour=True) for line in account_lines(stretched)).strip()

    assert "\x1b[32msigned in as user 123456\x1b[0m" in coloured
    assert "\x1b[33m50.0 wanted" in coloured
    assert "\x1b[1;31mnot signed in" in "".join(
        drawn(line, colour=True) for line in account_lines(SAMPLES["refused"])
    )
    plain = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()]
    assert plain == text_of(stretched).splitlines()
