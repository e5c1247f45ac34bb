"""``./utsushi issue``: plays the kiosk against the running issuance API; ``issue reproduce`` makes an issue again."""

from __future__ import annotations

import argparse
from pathlib import Path

from command_line.output import Output
from municipalities.registry import all_codes
from municipalities.site import CHECKOUT
from records.errors import UtsushiError

REPRODUCE = "reproduce"
KINDS = (
    "resident_record_certificate",
    "record_item_certificate",
    "seal_registration_certificate",
    "income_taxation_certificate",
    "family_register_all_certificate",
    "family_register_individual_certificate",
    "family_register_address_certificate",
)
OPTIONS = ("relationship", "registered_domicile", "individual_number", "overseas_voting")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``issue``."""
    parser.add_argument("municipality", help=f"six-digit code, such as 364894; or the word {REPRODUCE}")
    parser.add_argument("kind", help=f"{', '.join(KINDS)}; after {REPRODUCE} the 発行番号 or 申請番号")
    parser.add_argument("--card", metavar="SERIAL", help="serial of the user authentication certificate")
    parser.add_argument(
        "--of", metavar="MUNICIPALITY", help=f"with {REPRODUCE}: the municipality (default: the one that knows it)"
    )
    parser.add_argument("--members", default="all", help="all, or the 宛名番号 of the chosen members, comma separated")
    parser.add_argument(
        "--with", dest="items", default="", metavar="ITEMS", help=f"optional items: {', '.join(OPTIONS)}"
    )
    parser.add_argument("--fiscal-year", type=int, help="western fiscal year of the tax certificate")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "out", help="folder for the PDF (default: out/)")
    parser.add_argument("--outcome", choices=("printed", "aborted"), default="printed", help="what the kiosk reports")


def run(options: argparse.Namespace, output: Output) -> int:
    """Apply, fetch the PDF, report the outcome; a refusal exits 1 with its code and text."""
    if options.municipality == REPRODUCE:
        return _reproduce(options, output)
    if options.kind not in KINDS or not options.card:
        raise UtsushiError(f"give --card, and one of these kinds: {', '.join(KINDS)}")
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


def _reproduce(options: argparse.Namespace, output: Output) -> int:
    """Make an issue again from the log, and prove that the bytes are those that were sent."""
    from issuance_api.reproducing import reproduce
    from replica.issued import of_whom

    number = options.kind
    code = options.of or of_whom(number, all_codes())
    issue, pdf = reproduce(code, number)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{code}_reproduced_{issue.serial}.pdf"
    path.write_bytes(pdf)
    row = {"municipality": code, "serial": issue.serial, "state": issue.state, "sha256": issue.pdf_sha256}
    output.rows("reproduced, byte for byte", [row | {"file": str(path)}])
    return 0
