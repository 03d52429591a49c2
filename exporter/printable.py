"""Showing foreign text where it could act: on a terminal, in a log that is read on one."""

import json


def printable(foreign: str) -> str:
    r"""Return the text with each character that cannot be printed as its JSON escape, such as ``\u001b``.

    Escape sequences and control characters would move a terminal's cursor or recolour it, line breaks
    forge a line, and marks of writing direction turn a number around.
    """
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in foreign
    )
