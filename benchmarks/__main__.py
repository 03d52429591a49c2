"""The command: run the benchmarks and print their table."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import crowd, footprint, polling, scrape
from benchmarks.measure import Figure, machine

BENCHMARKS: dict[str, Callable[..., list[Figure]]] = {
    "scrape": scrape.measure,
    "poll": polling.measure,
    "footprint": footprint.measure,
    "crowd": crowd.measure,
    "growth": footprint.measure_growth,
    "thousand": polling.measure_thousand,
}

_VERDICTS = {True: "met", False: "MISSED", None: ""}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a Markdown table of the chosen benchmarks; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; default all"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - BENCHMARKS.keys():
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}")
    _print(f"{machine()}\n")
    _print("| figure | measured: median (quartiles) | beside it | ratio | target | |")
    _print("|---|---|---|---|---|---|")
    missed = False
    for name in chosen.names or BENCHMARKS:
        for figure in BENCHMARKS[name](quick=chosen.quick):
            missed = missed or figure.met is False
            cells = (figure.name, figure.measured, figure.peer, figure.ratio, figure.target)
            _print(f"| {' | '.join(cells)} | {_VERDICTS[figure.met]} |")
    return int(missed)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
