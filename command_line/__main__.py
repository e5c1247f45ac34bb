"""``./utsushi COMMAND …``: finds the command's module and runs it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from command_line.output import Output
from records.errors import UtsushiError

COMMANDS = {
    "demo": "set everything up from nothing, sync the fictional towns, issue certificates into out/",
    "up": "start the services (PostgreSQL, Airflow, issuance API, with --world the fictional vendors)",
    "down": "stop the services",
    "status": "what is well and what is not; exit code 1 when anything is wrong",
    "sync": "one sync of a feed without Airflow: the same steps",
    "issue": "play the kiosk: ask the running issuance API for a certificate",
    "resend": "ask the vendor to send files again, and apply them",
    "hold": "issuance holds (発行抑止) on a person or a whole 戸籍: place, list, lift",
    "card": "cards and phones linked to people: link, suspend, resume, unlink, issuer, list, history",
    "registration": "usage registrations (利用登録): list, show, approve, reject, stop",
    "incident": "incidents of issuing: list, show, note, close with cause and finding",
    "lookup": "find people by name, in any shape of its characters; every look is recorded",
    "forms": "preview a form with sample people, drawn again at every save",
    "gaiji": "characters: who waits, propose, confirm, Excel, proof sheets, identification, map again",
    "bench": "measure against peers: load, diff, issue, identify; soak: two nodes under everything that has gone wrong",
    "clauses": "each clause of the requirements with the tests that show it",
    "faults": "each fault that the system is tried with, and the tests that inject it",
    "test": "lint, types, import rules and every test",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse and run; errors of ours become one line on stderr and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="./utsushi", description="Utsushi (写し): certificates at the convenience store."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    given, json_lines = _without_json(list(sys.argv[1:] if arguments is None else arguments))
    for name, text in COMMANDS.items():
        # A module is imported only for its own command: ``status`` must not wait for pandas.
        child = commands.add_parser(name, help=text, description=text)
        if name == _wanted(given):
            importlib.import_module(f"command_line.{name}").configure(child)
            child.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args(given)
    output = Output(json_lines=json_lines)
    try:
        return int(importlib.import_module(f"command_line.{options.command}").run(options, output))
    except UtsushiError as error:
        output.error(error)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _without_json(arguments: list[str]) -> tuple[list[str], bool]:
    """``--json`` may stand anywhere before ``--``, also behind a command's own sub-command."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [one for one in arguments[:end] if one != "--json"]
    return kept + arguments[end:], len(kept) != end


def _wanted(arguments: Sequence[str]) -> str | None:
    return next((one for one in arguments if not one.startswith("-")), None)


if __name__ == "__main__":
    sys.exit(main())
