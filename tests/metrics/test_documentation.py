"""The tables of ``docs/metrics.md``: a row for each metric of the table of families, and no other."""

import re
from collections.abc import Iterable
from pathlib import Path

from exporter.metrics.exposition import Kind
from exporter.metrics.families import FAMILIES
from exporter.metrics.table import Family

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "metrics.md"
METRIC = re.compile(r"\| `(quantconnect_\w+)` \|")


def row_of(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


def updated(text: str, families: Iterable[Family]) -> str:
    """Return the page with its rows as the families say, each where it is, and new ones after their predecessor."""
    rows = {family.name: row_of(family) for family in families}
    lines = []
    for line in text.splitlines():
        named = METRIC.match(line)
        if named is None:
            lines.append(line)
        elif named[1] in rows:
            lines.append(rows[named[1]])
    before = None
    for row in rows.values():
        if row not in lines:
            lines.insert(lines.index(before) + 1, row)
        before = row
    return "\n".join(lines) + "\n"


def test_tables_are_up_to_date(request):
    """Each metric has one row, with its kind, labels and help; ``pytest --update-golden`` writes them anew."""
    text = DOCUMENTATION.read_text("utf-8")
    if request.config.getoption("--update-golden"):
        text = updated(text, FAMILIES)
        DOCUMENTATION.write_text(text, "utf-8")
    rows = [line for line in text.splitlines() if METRIC.match(line)]

    assert sorted(rows) == sorted(map(row_of, FAMILIES))


def test_update_adds_changes_and_removes_rows():
    """A new metric comes after the one before it in the table of families, and other lines stay."""
    one, two, three = (Family(f"quantconnect_{name}", Kind.GAUGE, "H.", ("a",)) for name in "xyz")
    page = f"# Title\n\n{row_of(one)}\n\ntext\n\n{row_of(three)}\n"

    assert updated(page, [one, three]) == page
    assert updated(page, [one, two, three]) == page.replace(row_of(one), f"{row_of(one)}\n{row_of(two)}")
    assert updated(page, [one._replace(help="Other.")]) == (
        f"# Title\n\n{row_of(one._replace(help='Other.'))}\n\ntext\n\n"
    )
