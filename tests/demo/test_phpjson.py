import json

import pytest

from exporter.demo.phpjson import LongFloat, PlainObject, encode


def test_php_json():
    """Empty maps are lists, slashes and non-ASCII escaped, floats whole or with all their digits."""
    assert (
        encode({"a": {}, "b": PlainObject(), "c": 2.0, "d": LongFloat(183.29), "e": 183.29, "f": "€/"})
        == r'{"a":[],"b":{},"c":2,"d":183.28999999999999,"e":183.29,"f":"\u20ac\/"}'
    )
    assert json.loads(encode([None, True, -0.5, 1e-7, 1e16])) == [None, True, -0.5, 1e-7, 1e16]


def test_keys_are_escaped_texts():
    """A key is a text, escaped like any other, even when it was a number; a tuple is a list."""
    assert encode({1: ("x", 2), "a/b": []}) == r'{"1":["x",2],"a\/b":[]}'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), LongFloat("-inf")])
def test_numbers_that_json_lacks_are_refused(number):
    """No body can have NaN or an infinity by mistake: a fault that wants one sends its own bytes."""
    with pytest.raises(ValueError, match="no such number"):
        encode({"value": [number]})
