"""What the probe found out, as lines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import ceil
from textwrap import wrap

from exporter.probe.diagnosis import NOTABLE_SKEW, diagnose, duration, utc
from exporter.probe.facts import FAILED, AccountFacts, Findings, FoundProject, Polled
from exporter.probe.screen import Line, Span, Style
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


def closing_line(accounts: Sequence[AccountFacts]) -> Line:
    """Return the last line: how many accounts could be signed in to and listed."""
    succeeded = sum(facts.findings is not None for facts in accounts)
    text = f"{succeeded} of {len(accounts)} account{'s'[: len(accounts) != 1]} signed in and listed"
    return (Span(text, Style.GOOD if succeeded == len(accounts) else Style.BAD),)


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
    yield from _labelled("budget", *_budget(findings, facts))
    yield from _labelled("polls", _intervals(findings))
    for note in findings.notes[:MOST_NOTES]:
        yield from _labelled("note", note, Style.DOUBTFUL)
    if len(findings.notes) > MOST_NOTES:
        yield from _labelled("note", f"and {len(findings.notes) - MOST_NOTES} more", Style.DOUBTFUL)
    yield from _labelled("projects", *_count(findings.projects))
    if findings.projects:
        yield ()
        yield from _projects(findings.projects)


def _budget(findings: Findings, facts: AccountFacts) -> tuple[str, Style]:
    shards = facts.shard.total
    allowed = f"{facts.account.requests_per_minute} requests a minute"
    if shards > 1:
        allowed += f" (this shard's part, one of {shards})"
    if not findings.stretched:
        return f"{findings.wanted:.1f} of {allowed}", Style.GOOD
    needed = ceil(findings.wanted - _ROUNDING) * shards
    advice = (
        f"set requests_per_minute to {needed} if the user's limit allows, make intervals under polling "
        "longer, or poll fewer projects"
    )
    text = (
        f"{findings.wanted:.1f} wanted of {allowed}: some intervals are longer than configured. To avoid it, "
    )
    return f"{text}{advice}.", Style.DOUBTFUL


def _intervals(findings: Findings) -> str:
    return ", ".join(
        f"{each.source} every {duration(each.in_force)}"
        + (f" (configured {duration(each.configured)})" if each.in_force > each.configured else "")
        for each in findings.intervals
    )


def _count(projects: Sequence[FoundProject]) -> tuple[str, Style]:
    running = sum(project.runs for project in projects)
    polled = sum(project.polled is Polled.YES for project in projects)
    count = f"{len(projects)} found, {running} running, {polled} polled"
    return (count, Style.PLAIN) if polled else (f"{count}: there would be no values", Style.DOUBTFUL)


def _projects(projects: Sequence[FoundProject]) -> Iterator[Line]:
    """Yield a table of the projects that matter most; the others are counted."""
    order = list(Polled)
    ordered = sorted(projects, key=lambda each: (order.index(each.polled), not each.runs, each.project_id))
    shown, rest = ordered[:MOST_PROJECTS], ordered[MOST_PROJECTS:]
    rows = [("project", "status", "launched (UTC)", "polled", "name")]
    for each in shown:
        launched = each.deployment.launched if each.deployment else None
        moment = "-" if launched is None else utc(launched)
        rows.append((str(each.project_id), each.status, moment, each.polled, _shortened(each.name)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row, style in zip(rows, [Style.FAINT, *map(_style, shown)], strict=True):
        padded = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        yield (Span(f"  {padded}  {row[-1]}", style),)
    if rest:
        counted = Counter(each.polled for each in rest).most_common()
        listed = "; ".join(f"{count} {polled}" for polled, count in counted)
        yield (Span(f"  and {len(rest)} more; polled: {listed}", Style.FAINT),)


def _style(project: FoundProject) -> Style:
    if project.polled is Polled.YES:
        return Style.PLAIN
    return Style.DOUBTFUL if project.polled in FAILED else Style.FAINT


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _labelled(label: str, text: str, style: Style = Style.PLAIN) -> Iterator[Line]:
    first, *more = wrap(text, _WIDTH - _LABEL, break_on_hyphens=False)
    yield Span(f"  {label:<{_LABEL - 2}}", Style.FAINT), Span(first, style)
    for each in more:
        yield Span(" " * _LABEL), Span(each, style)
