"""A text that never prints itself."""


class Secret:
    """A credential; ``str``, ``repr`` and formatting show a mask, :meth:`reveal` the text.

    Not a dataclass: ``dataclasses.asdict`` would reveal the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the credential itself, for signing only."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
