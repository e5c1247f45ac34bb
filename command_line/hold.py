"""``./utsushi hold place|lift|list``: issuance holds (発行抑止) on a person."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from command_line.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``hold``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    actions = parser.add_subparsers(dest="action", required=True)
    place = actions.add_parser("place", help="stop all certificates of a person")
    place.add_argument("addressee_number", help="宛名番号, 15 digits")
    place.add_argument("--reason", required=True)
    lift = actions.add_parser("lift", help="end a hold")
    lift.add_argument("number", type=int, help="number of the hold")
    actions.add_parser("list", help="holds in force")
    parser.add_argument("--by", default="command line", help="who acts")


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import staff

    code = options.municipality
    if options.action == "place":
        number = staff.place_hold(code, options.addressee_number, options.reason, options.by)
        output.rows("hold", [{"municipality": code, "hold": number, "in_force": True}])
    elif options.action == "lift":
        staff.lift_hold(code, options.number, options.by)
        output.rows("hold", [{"municipality": code, "hold": options.number, "in_force": False}])
    else:
        output.rows("holds in force", [asdict(hold) for hold in staff.open_holds(code)])
    return 0
