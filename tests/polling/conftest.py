"""A QuantConnect whose answers a test writes."""

from collections.abc import Iterator

import pytest

from tests.polling.cloud import Cloud, serving
from tests.support import FakeClock


@pytest.fixture
def cloud(clock: FakeClock) -> Iterator[Cloud]:
    with serving(Cloud(clock)) as made:
        yield made
