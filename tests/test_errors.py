"""The errors raised on purpose."""

import inspect
import re

from exporter import errors
from exporter.errors import ApiError, ConfigError, ExporterError, Reason


def _classes() -> dict[str, type[ExporterError]]:
    return {
        name: each
        for name, each in vars(errors).items()
        if inspect.isclass(each) and issubclass(each, ExporterError) and not name.startswith("_")
    }


def test_the_tree_in_the_docstring_has_every_error():
    """A reader of the module sees all of them at once."""
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)", errors.__doc__, re.MULTILINE)

    assert set(_classes()) <= set(drawn)


def test_every_failure_of_a_request_has_a_reason_that_is_counted():
    """A failed poll is counted under one of the reasons that are on the page from the start."""
    reasons = {
        each.reason for each in _classes().values() if issubclass(each, ApiError) and each is not ApiError
    }

    assert reasons <= set(Reason)
    assert set(Reason) - reasons == {Reason.INTERNAL}


def test_a_configuration_error_reads_as_its_problems():
    """One line for each problem, all of them."""
    error = ConfigError(("a:1: x", "a:2: y"))

    assert str(error) == "a:1: x\na:2: y"
    assert error.problems == ("a:1: x", "a:2: y")
