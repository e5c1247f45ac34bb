"""``./utsushi incident MUNICIPALITY list|show|note|close``: incidents of issuing (事故), closed with cause and finding."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from command_line.output import Output
from replica.issuance_tables import CAUSES


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``incident``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="open incidents")
    listing.add_argument("--closed", action="store_true", help="also closed ones")
    show = actions.add_parser("show", help="one incident with its notes")
    note = actions.add_parser("note", help="write down what was found or done so far")
    close = actions.add_parser("close", help="end it with what was wrong; that it was printed again is not enough")
    for one in (show, note, close):
        one.add_argument("number", type=int, help="number of the incident")
    note.add_argument("text")
    close.add_argument("--cause", required=True, choices=CAUSES)
    close.add_argument("--finding", required=True, help="what was wrong, 10 characters or more")
    for one in (note, close):
        one.add_argument("--by", required=True, help="who found it")


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import incidents

    code = options.municipality
    if options.action == "list":
        output.rows("incidents", [asdict(one) for one in incidents.incidents(code, closed=options.closed)])
        return 0
    if options.action == "note":
        incidents.note(code, options.number, options.text, options.by)
    elif options.action == "close":
        incidents.close(code, options.number, cause=options.cause, finding=options.finding, by=options.by)
    one = asdict(incidents.incident(code, options.number))
    notes = [asdict(one) for one in incidents.notes(code, options.number)]
    if output.json_lines:
        output.rows("incident", [one | {"notes": notes}])
        return 0
    output.rows("incident", [{"item": key, "content": value} for key, value in one.items()])
    output.rows("notes", notes)
    return 0
