"""Sections of a document, read by type."""

from time import process_time

import pytest
import yaml

from exporter.config.document import Section, _Value
from exporter.config.report import Place, Report
from tests.config.texts import ONE


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
    assert min(_seconds_for(16_000) for _ in range(3)) < 10 * max(_seconds_for(4_000) for _ in range(3))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02T14:30:00Z",
        "2026-11-02T14:30:00+00:00",
        "'2026-11-02T14:30:00Z'",
        "2026-11-02 15:30:00+01:00",
        "2026-11-02T09:30-05:00",
        "20261102T143000Z",
    ],
)
def test_a_time_in_any_zone_is_one_moment(load, text):
    """``peak_since`` is Unix seconds, whatever zone it was written in, with or without quotes."""
    config = load(f"{ONE}projects: [{{id: 1, peak_since: {text}}}]").config

    assert config.projects[0].settings.peak_since == 1793629800.0


def test_json_is_accepted(load):
    """YAML includes JSON, so a generated JSON file loads too."""
    assert load('{"accounts": [{"user_id": 1, "api_token": "worthless"}]}').config.accounts[0].user_id == 1


@pytest.mark.parametrize("name", ["'2024'", '"yes"', "'null'", "Börse 7", "a: b", "x,y"])
def test_text_in_quotes_stays_text(load, name):
    """What YAML would take for something else is plain text in quotes."""
    quoted = name if name[0] in "'\"" else f'"{name}"'
    config = load(f"{ONE}projects: [{{id: 1, name: {quoted}, charts: [{quoted}]}}]").config

    assert config.projects[0].settings.name == quoted[1:-1]
    assert config.projects[0].settings.charts == (quoted[1:-1],)
