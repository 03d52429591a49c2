"""From facts to lines, without asking anybody."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exporter.config.model import Account, Polling, ProjectSettings
from exporter.config.secret import Secret
from exporter.errors import (
    ApiError,
    Malformed,
    NotReady,
    RateLimited,
    Refused,
    Rejected,
    TimedOut,
    TransportFailure,
    Unauthorized,
    Unavailable,
)
from exporter.polling.job_specs import listing_job, status_job, value_jobs
from exporter.polling.state import Source
from exporter.probe.diagnosis import NOTABLE_SKEW, diagnose
from exporter.probe.facts import NEVER_DEPLOYED, AccountFacts, Findings, FoundProject, Polled
from exporter.probe.plan import Plan, plan_of
from exporter.probe.report import MOST_NOTES, MOST_PROJECTS, account_lines, closing_line
from exporter.probe.screen import Style, drawn
from exporter.probe.series import SeriesEstimate
from exporter.quantconnect.telemetry import Requests
from tests.support import START

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
ACCOUNT = Account("main", 123456, Secret("worthless"))
CHARTED = ProjectSettings(charts=("Custom Signal",), polling=Polling(charts=60))
LAUNCHED = START - 50 * 86_400


def plan(projects: int, requests_per_minute: int = 30) -> Plan:
    """Return the plan of projects of which the first has a chart, and of one that was never deployed."""
    defaults = ProjectSettings()
    settings = [CHARTED, *[defaults] * (projects - 1)]
    jobs = [job for number, each in enumerate(settings) for job in value_jobs(number, each)]
    jobs.append(status_job(projects, defaults))
    stale_after = defaults.polling.stale_after
    return plan_of(
        requests_per_minute, [(job, stale_after) for job in (listing_job(defaults, settings), *jobs)]
    )


def project(number: int, name: str, status: str = "running", polled: Polled = Polled.YES) -> FoundProject:
    launched = None if status == NEVER_DEPLOYED else LAUNCHED + number * 3600
    return FoundProject(23456780 + number, name, status, polled, launched, status == "running")


PROJECTS = (
    project(1, "momentum"),
    project(2, "Research/Mean Reversion", "runtime_error", Polled.NOT_RUNNING),
    project(3, "FX Carry"),
    project(4, "next year's", NEVER_DEPLOYED, Polled.STATUS_ONLY),
    project(5, "Coins"),
)


def facts_of(failure: ApiError | None = None, skew: float | None = 0.2, **findings) -> AccountFacts:
    found = Findings(
        **{"projects": PROJECTS, "plan": plan(3), "series": SeriesEstimate(314, 3, 3), **findings}
    )
    return AccountFacts(
        account=ACCOUNT,
        configured_budget=30,
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


def diagnosis_of(error: ApiError, skew: float | None = 0.2) -> tuple[str, str]:
    found = diagnose(error, facts_of(error, skew))
    return found.what, " ".join(found.advice)


REFUSED = failed(Unauthorized("QuantConnect refused", Refused.HASH))
SAMPLES = {
    "signed in": facts_of(),
    "too much wanted": facts_of(plan=plan(20), series=SeriesEstimate(1920, 5, 20)),
    "refused": facts_of(REFUSED, skew=-10_920.0),
}


def test_guide_shows_what_is_printed():
    """The guide's samples are lines that such facts give: one account whole, the others' heads."""
    whole, stretched, refused = re.findall(r"^```text\n(.*?)\n```", GUIDE, re.DOTALL | re.MULTILINE)
    last = drawn(closing_line([SAMPLES["signed in"]], 130), colour=False)

    assert whole == f"{text_of(SAMPLES['signed in'])}\n\n{last}"
    assert text_of(SAMPLES["too much wanted"]).startswith(stretched)
    assert stretched.count("\n") == 4
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
    polls = lines[lines.index("") + 1 : lines.index(heading) - 1]
    assert len({len(line) for line in polls}) == 1


def test_many_projects_are_counted():
    """Beyond twenty projects the rest is counted, by why it is not polled, and what is polled stands first."""
    idle = [project(number, "old", "stopped", Polled.NOT_RUNNING) for number in range(10, 50)]
    foreign = [project(number, "theirs", polled=Polled.OTHER_SHARD) for number in range(50, 53)]
    text = text_of(facts_of(projects=(*idle, *foreign, *PROJECTS)))
    rows = re.findall(r"^  234567\d\d .*$|^  234568\d\d .*$", text, re.MULTILINE)

    assert len(rows) == MOST_PROJECTS
    assert [row.split()[-1] for row in rows[:6]] == [
        "momentum",
        "Carry",
        "Coins",
        "theirs",
        "theirs",
        "theirs",
    ]
    assert text.endswith("  and 28 more; polled: 28 no, it does not run")


def test_nothing_to_poll_is_said():
    """An account without a running algorithm is signed in, and there would be no values: that is told."""
    text = text_of(facts_of(projects=PROJECTS[1:2], series=SeriesEstimate(20, 0, 0)))
    none = text_of(facts_of(projects=(), series=SeriesEstimate(0, 0, 0)))

    assert "  projects  1 found, 0 running, 0 polled: there would be no values" in text
    assert none.endswith("1.0")
    assert "0 found" in none


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (SeriesEstimate(314, 3, 3), "series    314\n"),
        (SeriesEstimate(1920, 5, 20), "series    about 1,920, measured on 5 of 20 running projects\n"),
        (
            SeriesEstimate(200, 0, 3, (Source.PORTFOLIO, Source.STATISTICS)),
            "series    about 200 without portfolio and statistics, which could not be measured\n",
        ),
    ],
)
def test_series_say_how_they_were_counted(series, expected):
    """A number that was counted is plain; one that is estimated says from how much; a gap is named."""
    assert expected in text_of(facts_of(series=series))


def test_short_budget_says_what_to_set():
    """The budget that would do is the smallest whole number that the schedule does not stretch any more."""
    short = plan(20)
    (needed,) = re.findall(r"requests_per_minute to (\d+)", text_of(facts_of(plan=short)))

    assert plan(20, int(needed)).stretch == 1
    assert plan(20, int(needed) - 1).stretch > 1
    assert "this shard" not in text_of(facts_of(plan=short))


def test_short_budget_of_a_shard():
    """A shard is told its part of the budget, and what to set for all shards together."""
    text = text_of(facts_of(plan=plan(20, 10)))

    assert "47.0 wanted of 10 requests a minute, this shard's part of 30: every" in text
    assert "requests_per_minute to 141 if" in " ".join(text.split())


def test_intervals_longer_than_values_may_live():
    """When the stretch is so long that values leave the page between two polls, that is said of which."""
    text = " ".join(text_of(facts_of(plan=plan(100))).split())

    assert "Values of statistics would leave the page between two polls" in text
    assert "would leave" not in text_of(facts_of(plan=plan(20)))


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


def test_refusals_are_told_apart():
    """A hash that does not match, an unknown user, and a refusal that says neither are three diagnoses."""
    hashed, known = diagnosis_of(REFUSED)
    unknown_user, user = diagnosis_of(Unauthorized("refused", Refused.USER_ID))
    unstated, _ = diagnosis_of(Unauthorized("refused"))

    assert hashed == "the hash of token and time does not match"
    assert "not that of user 123456" in known
    assert unknown_user == "QuantConnect does not know user 123456"
    assert "user_id" in user
    assert "does not say which" in unstated
    assert "clock" not in known.lower()


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        (-7300.0, "The clock is the likely cause: it is 2h1m40s behind"),
        (300.0, "The clock may be the cause: it is 5m ahead"),
        (None, "no date to compare clocks with"),
    ],
)
def test_refusal_with_a_clock_that_is_off(skew, expected):
    """A clock too far behind is the likely cause, one ahead may be, and one that nobody compared is suspected."""
    assert diagnosis_of(REFUSED, skew)[1].startswith((expected, f"The answer carried {expected}"))


def test_clock_that_signs_well_enough_is_no_suspect():
    """An hour behind is within what QuantConnect accepts: the token is to blame."""
    assert "clock" not in diagnosis_of(REFUSED, -3600.0)[1]


@pytest.mark.parametrize("transport_failure", TransportFailure)
def test_every_obstacle_has_words(transport_failure):
    """Whatever kept an answer from coming is said, with something to try, and all blanks filled."""
    error = Unavailable("no usable connection")
    error.transport_failure = transport_failure
    what, advice = diagnosis_of(error)

    assert len(what) > 20
    assert advice.endswith((".", "www.quantconnect.com"))
    assert "{" not in what + advice


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (RateLimited("429", 90.0), "QuantConnect asks to stay away for 1m30s", "requests_per_minute"),
        (RateLimited("429"), "does not say for how long", "requests_per_minute"),
        (TimedOut("late"), "no complete answer from www.quantconnect.com within 30s", "timeout"),
        (
            Unavailable("HTTP 503 with a body that is not JSON", 600.0),
            "HTTP 503",
            "(it asks to stay away for 10m)",
        ),
        (Malformed("live: missing"), "live: missing", "base_url"),
        (NotReady("loading"), "still loading", "in a minute"),
        (Rejected("Internal Error 7"), "Internal Error 7", "report"),
    ],
)
def test_other_failures(error, what, advice):
    """Each other kind of failure is named, with what to do about it."""
    found = diagnosis_of(failed(error))

    assert what in found[0]
    assert "authenticate" not in found[0]
    assert advice in found[1]


def test_heading_tells_sign_in_from_listing():
    """An account that is signed in but whose algorithms cannot be listed is not said to be refused."""
    refused = text_of(facts_of(failed(RateLimited("429", 5.0))))
    unlisted = text_of(facts_of(failed(RateLimited("429", 5.0), "live/list")))

    assert refused.startswith("account main: not signed in (rate_limited): too many requests")
    assert unlisted.startswith("account main: signed in as user 123456, but live algorithms cannot be listed")


def test_last_line_counts_accounts():
    """The last line is good only when every account is well, and then adds up their series."""
    well, ill = facts_of(), facts_of(REFUSED)
    gap = facts_of(series=SeriesEstimate(100, 0, 3, (Source.PORTFOLIO,)))

    assert closing_line([well, ill], 10)[0] == ("1 of 2 accounts signed in and listed", Style.BAD)
    assert drawn(closing_line([well, well], 1000), colour=False) == (
        "2 of 2 accounts signed in and listed; about 1,628 series expected, the exporter's own included"
    )
    assert drawn(closing_line([gap], 10), colour=False).endswith(
        "; about 110 series expected, the exporter's own included, not counting what could not be measured"
    )


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
    assert "\x1b[33m47.0 wanted" in coloured
    assert "\x1b[1;31mnot signed in" in "".join(
        drawn(line, colour=True) for line in account_lines(SAMPLES["refused"])
    )
    plain = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()]
    assert plain == text_of(stretched).splitlines()
