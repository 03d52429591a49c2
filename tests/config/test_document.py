"""Sections of a document, read by type."""

from time import process_time

import yaml

from exporter.config.document import Section, _Value
from exporter.config.report import Place, Report


def _seconds_for(size: int) -> float:
    names = [yaml.ScalarNode("tag:yaml.org,2002:str", f"chart {number}") for number in range(size)]
    for name in names:
        name.start_mark = yaml.Mark("config.yml", 0, 0, 0, None, None)
    place = Place("config.yml", 1, "charts")
    section = Section(
        place, {"charts": _Value(place, yaml.SequenceNode("tag:yaml.org,2002:seq", names))}, Report()
    )
    started = process_time()
    assert len(section.texts("charts")) == size
    return process_time() - started


def test_a_long_list_takes_time_in_proportion_to_its_length():
    """Four times as many texts take four times as long, not sixteen times."""
    assert min(_seconds_for(32_000) for _ in range(3)) < 10 * max(_seconds_for(8_000) for _ in range(3))
