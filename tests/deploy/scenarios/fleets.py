"""Every scenario. Those of one fleet run side by side, so each also proves that it disturbs no other."""

from typing import Final

from tests.deploy.scenarios import accounts, algorithms, exporters, limits, memory, sources
from tests.deploy.scenarios.model import Fleet

FLEETS: Final = (
    Fleet("forty minutes", 42, (
        *limits.soon(), *limits.orders(), *algorithms.soon(), *sources.soon(), *accounts.soon(), *exporters.soon(), *memory.soon(),
    )),
    Fleet("two hours", 116, (
        *limits.later(), *limits.later_orders(), *algorithms.later(), *sources.later(), *accounts.later(), *memory.later(),
    ), evaluation=180),
)  # fmt: skip
