"""The tables of ``docs/dashboards.md``: what each panel shows, and what to do when it is red."""

import re
from pathlib import Path

from grafana.generate.frame import Page

FILE = Path(__file__).resolve().parents[2] / "docs" / "dashboards.md"

_HEADING = "| panel | what it shows | when it is coloured |\n| --- | --- | --- |\n"
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")
_ADVICE = re.compile(r"\b(Red|Orange)\b")


def with_tables(text: str, pages: list[Page]) -> str:
    """Return the text with the table of each dashboard between its marks."""
    for page in pages:
        name = page.title.rpartition(" ")[2]
        begin, end = f"<!-- panels: {name} -->\n", "<!-- end -->\n"
        before, mark, rest = text.partition(begin)
        if not mark:
            raise ValueError(f"{FILE.name} has no place for the panels of {name}")
        text = before + mark + "\n" + _table(page) + "\n" + end + rest.partition(end)[2]
    return text


def _table(page: Page) -> str:
    rows = (
        f"| {panel.title} | {' '.join(_said(panel.description, advice=False))} "
        f"| {' '.join(_said(panel.description, advice=True))} |\n"
        for section in page.sections
        for line in section.lines
        for _, panel in line.panels
        if panel.title
    )
    return _HEADING + "".join(rows)


def _said(description: str | None, *, advice: bool) -> list[str]:
    """Return the sentences about what a panel shows, or those about its colours."""
    sentences = _SENTENCE.split((description or "").replace("|", "\\|"))
    return [one for one in sentences if bool(_ADVICE.search(one)) == advice]
