"""A YAML text as a plain tree of nodes, each with its line; other features of YAML are refused."""

import yaml

_MAX_DEPTH = 20
_NO_TAGS = "tags (!) are not used here"


class NotYamlError(Exception):
    """The text is no usable YAML document; ``line`` counts from 1. The message repeats no value."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Composes plain trees only: no aliases, no tags, no deep nesting."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise NotYamlError("anchors and aliases (& and *) are not used here", line)
        if getattr(event, "tag", None) is not None:
            raise NotYamlError(_NO_TAGS, line)
        if self._depth == _MAX_DEPTH:
            raise NotYamlError("nested too deeply: no key lies this deep", line)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def compose(text: str) -> yaml.Node | None:
    """Return the root node; every way in which PyYAML fails becomes a NotYamlError."""
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYamlError("not valid YAML: a control character", line) from None
    except yaml.composer.ComposerError as error:  # aliases are refused above: only this one is left
        raise NotYamlError("a second YAML document begins here; a file holds one", _line_of(error)) from None
    except yaml.MarkedYAMLError as error:
        problem = str(error.problem)
        # The library repeats an unknown tag handle, which may be a value with a stray "!".
        text = _NO_TAGS if "tag handle" in problem else f"not valid YAML: {problem}"
        raise NotYamlError(text, _line_of(error)) from None
    except (ValueError, OverflowError):  # "\UFFFFFFFF", %YAML with thousands of digits
        line = loader.line + 1 if loader else 1
        raise NotYamlError("not valid YAML: a number out of range", line) from None


def _line_of(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1
