"""The tables of the status page. On a narrow screen each row is a card, and each cell says what it is."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Column(NamedTuple, Generic[T]):
    """A column: ``html`` shows it of a row's subject, ``sort`` is the order that its title first leads to."""

    title: str
    html: Callable[[T], str]
    look: str = "number"
    sort: str = ""


def table(
    table_id: str,
    columns: Sequence[Column[T]],
    subjects: Sequence[T],
    sort: str = "",
    attributes: Callable[[T], str] = lambda _: "",
) -> str:
    """Return a table with a row for each subject, nothing without any; ``sort`` is the order in force."""
    if not subjects:
        return ""
    heads = "".join(_head(column, sort) for column in columns)
    rows = "\n".join(
        f"<tr{attributes(subject)}>{''.join(_cell(column, subject) for column in columns)}</tr>"
        for subject in subjects
    )
    return f'<table id="{table_id}"><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _head(column: Column[T], sort: str) -> str:
    if not column.sort:
        return f'<th scope="col" class="{column.look}">{column.title}</th>'
    name = column.sort.removeprefix("-")
    turned = name if column.sort.startswith("-") else f"-{name}"
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
    link = f'<a href="?sort={turned if sort == column.sort else column.sort}">{column.title}</a>'
    return f'<th scope="col" class="{column.look}" aria-sort="{order}">{link}</th>'


def _cell(column: Column[T], subject: T) -> str:
    tag, scope = ("th", ' scope="row"') if column.look == "name" else ("td", "")
    return f'<{tag}{scope} class="{column.look}" data-label="{column.title}">{column.html(subject)}</{tag}>'
