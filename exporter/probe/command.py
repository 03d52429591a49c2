"""The command behind ``--config.probe``."""

from collections.abc import Callable

from exporter.clock import Clock
from exporter.config.model import Config
from exporter.probe.facts import AccountFacts, Polled
from exporter.probe.inquiry import ask_account
from exporter.probe.report import account_lines, closing_line
from exporter.probe.screen import Line, Span, Style


def probe(config: Config, clock: Clock, show: Callable[[Line], None], wait: Callable[[float], None]) -> bool:
    """Report on every account, one after another, and tell whether all were signed in to and listed.

    ``wait`` lets seconds pass, when a budget is used up.
    """

    def announced_wait(seconds: float) -> None:
        show((Span(f"waiting {seconds:.0f} s, to keep requests_per_minute", Style.FAINT),))
        wait(seconds)

    accounts: list[AccountFacts] = []
    taken: set[int] = set()
    for account in config.accounts:
        facts = ask_account(config, account, taken, clock, announced_wait)
        accounts.append(facts)
        for line in account_lines(facts):
            show(line)
        found = facts.findings.projects if facts.findings else ()
        taken |= {project.project_id for project in found if project.polled is Polled.YES}
    show(())
    show(closing_line(accounts))
    return all(facts.findings for facts in accounts)
