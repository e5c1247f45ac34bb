"""``./utsushi bench load|diff|issue``: figures against peers and limits, measured in one run."""

from __future__ import annotations

import argparse
import importlib

from command_line.output import Output

BENCHMARKS = ("load", "diff", "issue", "identify")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``bench``."""
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")


def run(options: argparse.Namespace, output: Output) -> int:
    """Exit 1 when a figure misses its bar."""
    from benchmarks.figures import all_hold

    module = importlib.import_module(f"benchmarks.{options.benchmark}")
    figures = module.run(output.say, quick=options.quick)
    output.rows(f"bench {options.benchmark}", [figure.row() for figure in figures])
    return 0 if all_hold(figures) else 1
