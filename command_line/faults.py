"""``./utsushi faults``: each fault that the system is tried with, the tests that inject it, and the faults without."""

from __future__ import annotations

import argparse

from command_line.fault_table import faults, shown_by_fault
from command_line.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``faults``."""
    parser.add_argument("--missing", action="store_true", help="only the faults that no test injects")


def run(options: argparse.Namespace, output: Output) -> int:
    """Print the table; exit 1 when a test names a fault that is not in the list."""
    shown, known = shown_by_fault(), faults()
    rows = [
        {
            "fault": one.number,
            "group": one.group,
            "text": one.text,
            "tests": len(shown.get(one.number, ())),
            "shown_by": shown.get(one.number, []),
        }
        for one in known.values()
        if not (options.missing and one.number in shown)
    ]
    output.rows("Faults and the tests that inject them", rows)
    unknown = sorted(map(str, set(shown) - set(known)))
    for number in unknown:
        output.say(f"a test names fault {number}, which is not in the list")
    return 1 if unknown else 0
