"""``./utsushi issue``: plays the kiosk against the running issuance API."""

from __future__ import annotations

import argparse
from pathlib import Path

from command_line.output import Output
from municipalities.site import CHECKOUT

KINDS = (
    "resident_record_certificate",
    "record_item_certificate",
    "seal_registration_certificate",
    "income_taxation_certificate",
)
OPTIONS = ("relationship", "registered_domicile", "individual_number")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``issue``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--card", required=True, metavar="SERIAL", help="serial of the user authentication certificate")
    parser.add_argument("--members", default="all", help="all, or the 宛名番号 of the chosen members, comma separated")
    parser.add_argument(
        "--with", dest="items", default="", metavar="ITEMS", help=f"optional items: {', '.join(OPTIONS)}"
    )
    parser.add_argument("--fiscal-year", type=int, help="western fiscal year of the tax certificate")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "out", help="folder for the PDF (default: out/)")
    parser.add_argument("--outcome", choices=("printed", "aborted"), default="printed", help="what the kiosk reports")


def run(options: argparse.Namespace, output: Output) -> int:
    """Apply, fetch the PDF, report the outcome; a refusal exits 1 with its code and text."""
    from issuance_api.kiosk import issue

    issued = issue(
        options.municipality,
        options.kind,
        card=options.card,
        members=None if options.members == "all" else tuple(options.members.split(",")),
        items=tuple(one for one in options.items.split(",") if one),
        fiscal_year=options.fiscal_year,
        out=options.out,
        outcome=options.outcome,
    )
    output.rows("issued", [issued])
    return 0
