"""The tables of the status page."""

from exporter.web.status.table import Column, table

COLUMNS = (Column("Name", str, "name", sort="name"), Column("Square", lambda number: str(number**2)))


def test_a_table_has_a_row_for_each_subject():
    """Each cell says which column it is of, for a narrow screen has no heads; a row has attributes of its own."""
    shown = table("numbers", COLUMNS, [2, 3], attributes=lambda number: f' id="n{number}"')
    assert shown.startswith('<table id="numbers"><thead><tr><th scope="col" class="name"')
    assert (
        '<tr id="n3"><th scope="row" class="name" data-label="Name">3</th><td class="number" data-label="Square">9</td></tr>'
        in shown
    )
    assert '<th scope="col" class="number">Square</th>' in shown


def test_nothing_to_show():
    """Without subjects there is no table."""
    assert table("numbers", COLUMNS, []) == ""
