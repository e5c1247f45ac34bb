"""``./utsushi clauses``: each clause of the requirements with the tests that show it, and those without."""

from __future__ import annotations

import argparse

from command_line.clause_table import clauses, shown_by_clause
from command_line.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``clauses``."""
    parser.add_argument("--missing", action="store_true", help="only the clauses that no test shows")


def run(options: argparse.Namespace, output: Output) -> int:
    """Print the table; exit 1 when a test names a clause that does not exist."""
    shown, known = shown_by_clause(), clauses()
    rows = [
        {
            "clause": clause,
            "requirement": text,
            "tests": len(shown.get(clause, ())),
            "shown_by": shown.get(clause, []),
        }
        for clause, text in known.items()
        if not (options.missing and clause in shown)
    ]
    output.rows("Clauses and the tests that show them", rows)
    unknown = sorted(set(shown) - set(known))
    for clause in unknown:
        output.say(f"a test names {clause!r}, which is no clause")
    return 1 if unknown else 0
