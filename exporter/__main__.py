"""Runs the command, as ``quantconnect-exporter`` and as ``python -m exporter``."""

import sys

from exporter.signals import Signals

_NEEDS_AN_END = {"--config.check", "--config.probe"}
"""Flags of commands that have not succeeded when they are stopped."""


def main() -> int:
    """Take signals before anything else, then run the command and return its exit code."""
    signals = Signals(exit_code=int(not _NEEDS_AN_END.isdisjoint(sys.argv)))
    from exporter.cli import main as run  # noqa: PLC0415 - signals first

    return run(signals=signals)


if __name__ == "__main__":
    sys.exit(main())
