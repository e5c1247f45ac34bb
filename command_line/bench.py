"""``./utsushi bench load|diff|issue|identify|soak``: figures against peers and limits, measured in one run."""

from __future__ import annotations

import argparse
import importlib

from command_line.output import Output
from records.errors import EntryRefused

BENCHMARKS = ("load", "diff", "issue", "identify", "soak")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``bench``."""
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    parser.add_argument("--minutes", type=positive, help="soak only: how long (default 10)")
    parser.add_argument("--rate", type=positive, help="soak only: requests a second (default 20)")


def positive(text: str) -> float:
    """A number above zero."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("a number above zero")
    return value


def run(options: argparse.Namespace, output: Output) -> int:
    """Exit 1 when a figure misses its bar."""
    from benchmarks.figures import all_hold

    chosen = {key: value for key in ("minutes", "rate") if (value := getattr(options, key)) is not None}
    if chosen and options.benchmark != "soak":
        raise EntryRefused("--minutes and --rate are for the soak")
    module = importlib.import_module(f"benchmarks.{options.benchmark}")
    figures = module.run(output.say, quick=options.quick, **chosen)
    output.rows(f"bench {options.benchmark}", [figure.row() for figure in figures])
    return 0 if all_hold(figures) else 1
