"""What the probe found out, as lines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from math import ceil
from textwrap import wrap

from exporter.polling.job_specs import LISTING
from exporter.polling.state import Source
from exporter.probe.diagnosis import NOTABLE_SKEW, diagnose, duration, utc
from exporter.probe.facts import AccountFacts, Findings, FoundProject, Polled
from exporter.probe.plan import Plan, Row
from exporter.probe.screen import Line, Span, Style
from exporter.probe.series import SeriesEstimate
from exporter.quantconnect.auth import SIGNATURE_LIFETIME
from exporter.quantconnect.client import AUTHENTICATE

MOST_PROJECTS = 20
MOST_NOTES = 5

_WIDTH = 100
_LABEL = 12
_LONGEST_NAME = 60
_ROUNDING = 1e-6


def account_lines(facts: AccountFacts) -> Iterator[Line]:
    """Yield the lines about one account."""
    yield ()
    yield _heading(facts)
    if facts.requests.clock_skew_seconds is not None:
        yield from _labelled("clock", *_clock(facts.requests.clock_skew_seconds))
    if facts.failure is not None:
        for label, advice in zip_longest(("advice",), diagnose(facts.failure, facts).advice, fillvalue=""):
            yield from _labelled(label, advice)
    if facts.findings is not None:
        yield from _findings(facts.findings, facts)


def closing_line(accounts: Sequence[AccountFacts], own_series: int) -> Line:
    """Return the last line: how many accounts are well, and how large the page will be."""
    findings = [facts.findings for facts in accounts if facts.findings]
    well = f"{len(findings)} of {len(accounts)} account{'s'[: len(accounts) != 1]} signed in and listed"
    if len(findings) < len(accounts):
        return (Span(well, Style.BAD),)
    series = [each.series for each in findings]
    total = sum(each.total for each in series) + own_series
    unmeasured = ", not counting what could not be measured" if any(each.uncounted for each in series) else ""
    return (
        Span(well, Style.GOOD),
        Span(f"; about {total:,} series expected, the exporter's own included{unmeasured}"),
    )


def _heading(facts: AccountFacts) -> Line:
    account = facts.account
    about = Span(f"account {account.name}: ", Style.STRONG)
    signed_in = Span(f"signed in as user {account.user_id}", Style.GOOD)
    if facts.failure is None:
        return about, signed_in
    what = diagnose(facts.failure, facts).what
    if facts.failure.endpoint == AUTHENTICATE:
        return about, Span(f"not signed in ({facts.failure.reason}): {what}", Style.BAD)
    unlisted = f", but live algorithms cannot be listed ({facts.failure.reason}): {what}"
    return about, signed_in, Span(unlisted, Style.BAD)


def _clock(skew: float) -> tuple[str, Style]:
    if abs(skew) < 1:
        return "agrees with QuantConnect's to the second", Style.PLAIN
    how_far = f"{duration(round(abs(skew)))} {'ahead of' if skew > 0 else 'behind'} QuantConnect's"
    if abs(skew) < NOTABLE_SKEW:
        return how_far, Style.PLAIN
    limit = f"signing in is refused from {duration(SIGNATURE_LIFETIME)} behind on"
    if skew > 0:
        limit = "from when on signing in is refused is not known"
    return f"{how_far}: synchronise it (chrony, systemd-timesyncd); {limit}", Style.DOUBTFUL


def _findings(findings: Findings, facts: AccountFacts) -> Iterator[Line]:
    yield from _budget(findings.plan, facts.configured_budget)
    yield from _labelled("series", *_series(findings.series))
    for note in findings.notes[:MOST_NOTES]:
        yield from _labelled("note", note, Style.DOUBTFUL)
    if len(findings.notes) > MOST_NOTES:
        yield from _labelled("note", f"and {len(findings.notes) - MOST_NOTES} more", Style.DOUBTFUL)
    yield from _labelled("projects", *_count(findings.projects))
    yield ()
    yield from _polls(findings.plan)
    if findings.projects:
        yield ()
        yield from _projects(findings.projects)


def _budget(plan: Plan, configured: int) -> Iterator[Line]:
    allowed = f"{plan.allowed} requests a minute"
    if plan.allowed != configured:
        allowed += f", this shard's part of {configured}"
    if plan.stretch <= 1:
        yield from _labelled("budget", f"{plan.wanted:.1f} of {allowed}", Style.GOOD)
        return
    yield from _labelled(
        "budget",
        f"{plan.wanted:.1f} wanted of {allowed}: every interval is {plan.stretch:.2f} times as long. "
        f"To shorten them, {_remedy(plan, configured)}.",
        Style.DOUBTFUL,
    )
    stale = sorted({_kind(row) for row in plan.rows if row.grows_stale})
    if stale:
        yield from _labelled(
            "",
            f"Values of {', '.join(stale)} would leave the page between two polls: "
            "they are asked for no more often than stale_after.",
            Style.BAD,
        )


def _remedy(plan: Plan, configured: int) -> str:
    needed = ceil(plan.wanted * configured / plan.allowed - _ROUNDING)
    return (
        f"set requests_per_minute to {needed} if the user's limit allows, "
        "make intervals under polling longer, or poll fewer projects"
    )


def _series(series: SeriesEstimate) -> tuple[str, Style]:
    if series.uncounted:
        missing = " and ".join(series.uncounted)
        return f"about {series.total:,} without {missing}, which could not be measured", Style.DOUBTFUL
    if series.is_exact:
        return f"{series.total:,}", Style.PLAIN
    return (
        f"about {series.total:,}, measured on {series.measured} of {series.running} running projects",
        Style.PLAIN,
    )


def _count(projects: Sequence[FoundProject]) -> tuple[str, Style]:
    running = sum(project.runs for project in projects)
    polled = sum(project.polled is Polled.YES for project in projects)
    count = f"{len(projects)} found, {running} running, {polled} polled"
    return (count, Style.PLAIN) if polled else (f"{count}: there would be no values", Style.DOUBTFUL)


def _polls(plan: Plan) -> Iterator[Line]:
    yield _table_line(("asks for", "configured", "in force", "projects", "requests a minute"), Style.FAINT)
    order = [LISTING.kind, *Source]
    for row in sorted(plan.rows, key=lambda row: (order.index(row.kind), row.configured)):
        style = Style.DOUBTFUL if row.in_force > row.configured else Style.PLAIN
        yield _table_line(
            (
                _kind(row),
                duration(row.configured),
                duration(row.in_force),
                "all listed" if row.kind == LISTING.kind else str(row.jobs),
                f"{row.requests:.1f}",
            ),
            style,
        )


def _kind(row: Row) -> str:
    return Source.STATUS if row.kind == LISTING.kind else row.kind


def _table_line(cells: tuple[str, ...], style: Style) -> Line:
    kind, *numbers = cells
    widths = (12, 12, 12, 19)
    texts = (f"{cell:>{width}}" for cell, width in zip(numbers, widths, strict=True))
    return (Span(f"  {kind:<12}{''.join(texts)}", style),)


def _projects(projects: Sequence[FoundProject]) -> Iterator[Line]:
    ordered = sorted(projects, key=lambda project: (_rank(project), project.project_id))
    shown, rest = ordered[:MOST_PROJECTS], ordered[MOST_PROJECTS:]
    rows = [("project", "status", "launched (UTC)", "polled", "name")]
    rows += [
        (
            str(each.project_id),
            each.status,
            _moment(each.launched),
            each.polled,
            _shortened(each.name),
        )
        for each in shown
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row, style in zip(rows, [Style.FAINT, *map(_style, shown)], strict=True):
        *cells, name = row
        padded = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        yield (Span(f"  {padded}  {name}", style),)
    if rest:
        counted = Counter(each.polled for each in rest).most_common()
        yield (Span(f"  and {len(rest)} more; polled: {_listed(counted)}", Style.FAINT),)


def _rank(project: FoundProject) -> int:
    """Return 0 for what is polled whole, then what runs, then what is asked for its status, then the rest."""
    if project.polled is Polled.YES:
        return 0
    if project.runs:
        return 1
    return 3 if project.polled in {Polled.NOT_RUNNING, Polled.NOT_NAMED, Polled.OTHER_SHARD} else 2


def _style(project: FoundProject) -> Style:
    if project.polled is Polled.YES:
        return Style.PLAIN
    if project.polled in {Polled.REFUSED, Polled.UNREADABLE, Polled.UNANSWERED}:
        return Style.DOUBTFUL
    return Style.FAINT


def _listed(counted: Iterable[tuple[str, int]]) -> str:
    return "; ".join(f"{count} {polled}" for polled, count in counted)


def _moment(unix_seconds: float | None) -> str:
    if unix_seconds is None:
        return "-"
    return utc(unix_seconds)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _labelled(label: str, text: str, style: Style = Style.PLAIN) -> Iterator[Line]:
    first, *more = wrap(text, _WIDTH - _LABEL, break_on_hyphens=False)
    yield Span(f"  {label:<{_LABEL - 2}}", Style.FAINT), Span(first, style)
    for each in more:
        yield Span(" " * _LABEL), Span(each, style)
