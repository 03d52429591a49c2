"""YAML as plain trees: what else it can say is refused, with its line."""

import pytest

from exporter.config.tree import NotYamlError, compose


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: &x 2", 2, "anchors and aliases"),
        ("a: *x", 1, "anchors and aliases"),
        ("a: 1\n\nb: !!str 2", 3, "tags"),
        ("a: !x!y 2", 1, "tags"),
        ("[" * 30, 1, "nested too deeply"),
        ("a: 1\n---\nb: 2", 2, "a second YAML document"),
        ("a: '", 1, "not valid YAML"),
        ("a: \x07", 1, "a control character"),
    ],
)
def test_what_is_refused(text, line, said):
    """Each refusal names the line, and none repeats a value."""
    with pytest.raises(NotYamlError, match=said) as caught:
        compose(text)

    assert caught.value.line == line


@pytest.mark.parametrize("text", ["", "# nothing", "a: [1, {b: c}]", '"text"'])
def test_what_is_taken(text):
    """Plain YAML of any shape is a tree, and nothing is none."""
    compose(text)
