"""Names a reader recognises a security by."""

from datetime import date

import pytest

from exporter.domain.security import OptionRight, Security, SecurityType

EXPIRY = date(2021, 1, 15)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"ticker": "SPY", "type": SecurityType.EQUITY}, "SPY"),
        ({"ticker": "GOOCV", "type": SecurityType.EQUITY, "current_ticker": "GOOGL"}, "GOOGL"),
        ({"ticker": "ES", "type": SecurityType.FUTURE, "expiry": EXPIRY}, "ES 2021-01-15"),
        ({"ticker": "ES", "type": SecurityType.FUTURE}, "ES"),
        (
            {"ticker": "SPX", "type": SecurityType.INDEX_OPTION, "expiry": EXPIRY, "right": OptionRight.CALL},
            "SPX 2021-01-15 C",
        ),
        (
            {"ticker": "AAPL", "type": SecurityType.OPTION, "expiry": EXPIRY, "right": OptionRight.PUT},
            "AAPL 2021-01-15 P",
        ),
        ({"ticker": "AAPL", "type": SecurityType.OPTION, "right": OptionRight.PUT}, "AAPL P"),
        (
            {
                "ticker": "SPX",
                "type": SecurityType.INDEX_OPTION,
                "expiry": EXPIRY,
                "right": OptionRight.CALL,
                "current_ticker": "SPX 210115C03200000",
            },
            "SPX 210115C03200000",
        ),
        ({"ticker": "SPY", "type": SecurityType.EQUITY, "current_ticker": ""}, "SPY"),
        ({"ticker": "what is this", "type": SecurityType.UNKNOWN}, "what is this"),
    ],
)
def test_symbol_is_readable(details, expected):
    """The symbol is today's ticker where it is known, else the ticker with what the identifier tells."""
    assert expected == Security(symbol_id="ID", **details).symbol


def test_security_types_are_spelled_as_labels():
    """Security types are LEAN's names in lower snake case, and unknown."""
    expected = [
        "base",
        "equity",
        "option",
        "commodity",
        "forex",
        "future",
        "cfd",
        "crypto",
        "future_option",
        "index",
        "index_option",
        "crypto_future",
        "unknown",
    ]
    assert expected == [str(each) for each in SecurityType]
