"""The exposition formats: how a family's header and a sample's line are written.

Text format 0.0.4 and OpenMetrics 1.0 differ in the header of counters and in the end of the page;
the lines of samples are the same, so they are rendered once for both.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, StrEnum
from itertools import compress

import msgspec

_encode = msgspec.json.Encoder().encode
_UNKNOWN = "null"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Kind(StrEnum):
    """What kind of metric a family is.

    The last two are more than OpenMetrics allows, which gets them without a type: a counter whose name
    without ``_total`` is a gauge's, and a histogram with bounds below 0, whose buckets, count and sum
    are then families of their own.
    """

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    COUNTER_BESIDE_GAUGE = "counter beside a gauge"
    SIGNED_HISTOGRAM = "signed histogram"

    @property
    def in_text(self) -> "Kind":
        """The kind in the text format."""
        return _IN_TEXT.get(self, self)


_IN_TEXT = {Kind.COUNTER_BESIDE_GAUGE: Kind.COUNTER, Kind.SIGNED_HISTOGRAM: Kind.HISTOGRAM}


class Format(Enum):
    """An exposition format by its content type, and how its page ends."""

    TEXT = ("text/plain; version=0.0.4; charset=utf-8", b"")
    OPENMETRICS = ("application/openmetrics-text; version=1.0.0; charset=utf-8", b"# EOF\n")

    @property
    def content_type(self) -> str:
        """The Content-Type of a page in this format."""
        return self.value[0]

    @property
    def end(self) -> bytes:
        """What the page ends with."""
        return self.value[1]


def header(page_format: Format, name: str, kind: Kind, documentation: str) -> bytes:
    """Return the HELP and TYPE lines of a family, whose documentation needs no escaping.

    Nothing for count and sum of a signed histogram, which its buckets announce in the text format.
    """
    shown: str = kind.in_text
    if page_format is Format.OPENMETRICS and kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    elif page_format is Format.OPENMETRICS and kind is not kind.in_text:
        shown = "unknown"
    elif kind is Kind.SIGNED_HISTOGRAM:
        name, is_first, _ = name.partition("_bucket")
        if not is_first:
            return b""
    return f"# HELP {name} {documentation}\n# TYPE {name} {shown}\n".encode()


def series(name: str, labels: Sequence[str], values: Iterable[str | None]) -> bytes:
    """Return the text of a series up to its value, ``name{label="value"} ``; a label of ``None`` is left out."""
    pairs = label_pairs(labels, values)
    return f"{name}{{{pairs}}} ".encode() if pairs else f"{name} ".encode()


def label_pairs(labels: Sequence[str], values: Iterable[str | None]) -> str:
    """Return ``label="value"`` for each label that is known, with commas between them."""
    return ",".join(
        [
            f'{label}="{value.translate(_ESCAPES)}"'
            for label, value in zip(labels, values, strict=True)
            if value is not None
        ]
    )


def number(value: float) -> bytes:
    """Return a value as both formats write it: the shortest text that reads back as the same number."""
    return b"%r\n" % value


def numbers(values: Sequence[float | None]) -> tuple[list[str], list[bool] | None]:
    """Return the shortest text of each number that is finite, and which of the values these are, ``None`` for all.

    JSON's ``null`` stands both for what is unknown and for what is not finite.
    """
    if not values:
        return [], None
    encoded = _encode(values)
    texts = encoded[1:-1].decode().split(",")
    if _UNKNOWN.encode() not in encoded:  # far faster than to look at each text
        return texts, None
    present = [text != _UNKNOWN for text in texts]
    return list(compress(texts, present)), present
