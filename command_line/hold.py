"""``./utsushi hold MUNICIPALITY person|register|lift|list``: issuance holds (発行抑止) on a person or a whole 戸籍."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from command_line.output import Output
from records.errors import EntryRefused


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``hold``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    actions = parser.add_subparsers(dest="action", required=True)
    person = actions.add_parser("person", aliases=["place"], help="stop all certificates of a person")
    person.add_argument("addressee_number", help="宛名番号, 15 digits")
    register = actions.add_parser("register", help="stop all certificates from a 戸籍, or from all of one 本籍")
    register.add_argument("registered_domicile", nargs="?", help="本籍 as the register writes it")
    register.add_argument("--head", help="筆頭者 as the register writes it; without it all 戸籍 of the 本籍")
    register.add_argument("--of", metavar="ADDRESSEE_NUMBER", help="take 本籍 and 筆頭者 from this resident's record")
    register.add_argument("--unknown", action="store_true", help="nobody of this 戸籍 lives here or is registered")
    lift = actions.add_parser("lift", help="end a hold; also one that was placed by mistake")
    lift.add_argument("number", type=int, help="number of the hold")
    for one in (person, register, lift):
        one.add_argument("--reason", required=True, help="why; it is kept")
        one.add_argument("--by", required=True, help="who acts")
    actions.add_parser("list", help="holds in force, with whom they concern").add_argument(
        "--lifted", action="store_true", help="also those that ended"
    )


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import holds
    from replica.desk import Act

    code, action = options.municipality, options.action
    if action == "list":
        output.rows("holds", [asdict(one) for one in holds.holds(code, lifted=options.lifted)])
        return 0
    act = Act(options.by, options.reason)
    if action == "lift":
        holds.lift(code, options.number, act)
        number = options.number
    elif action == "register":
        domicile, head = _register(options)
        number = holds.hold_register(code, domicile, head, act, unknown=options.unknown)
    else:
        number = holds.hold_person(code, options.addressee_number, act)
    output.rows("hold", [{"municipality": code, "hold": number, "in_force": action != "lift"}])
    return 0


def _register(options: argparse.Namespace) -> tuple[str, str | None]:
    """本籍 and 筆頭者: typed, or as they stand in somebody's record."""
    from replica.holds import register_of

    if (options.of is None) == (options.registered_domicile is None):
        raise EntryRefused("give either the 本籍 or --of a resident")
    if options.of:
        return register_of(options.municipality, options.of)
    return options.registered_domicile, options.head
