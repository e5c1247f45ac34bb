"""``./utsushi issue``: plays the kiosk through the simulated certificate centre; ``issue reproduce`` makes an issue again."""

from __future__ import annotations

import argparse
from pathlib import Path

from command_line.output import Output
from municipalities.registry import all_codes
from municipalities.site import CHECKOUT
from records.errors import UtsushiError

REPRODUCE, CANCEL, REPORT = "reproduce", "cancel", "report"
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
OUTCOMES = ("printed", "aborted", "print_error")
NO_REPORT = "none"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``issue``."""
    words = f"{REPRODUCE}, {CANCEL}, {REPORT}"
    parser.add_argument("municipality", help=f"six-digit code, such as 364894; or one of the words {words}")
    parser.add_argument("kind", help=f"{', '.join(KINDS)}; after a word the 申請番号 ({REPRODUCE}: or the 発行番号)")
    parser.add_argument("--card", metavar="SERIAL", help="serial of the user authentication certificate")
    parser.add_argument(
        "--of", metavar="MUNICIPALITY", help="after a word: the municipality (default: the one that knows the number)"
    )
    parser.add_argument("--members", default="all", help="all, or the 宛名番号 of the chosen members, comma separated")
    parser.add_argument(
        "--with", dest="items", default="", metavar="ITEMS", help=f"optional items: {', '.join(OPTIONS)}"
    )
    parser.add_argument("--fiscal-year", type=int, help="western fiscal year of the tax certificate")
    parser.add_argument("--copies", type=int, default=1, help="how often the kiosk prints it")
    parser.add_argument("--request", metavar="ID", help="a 申請番号 that was used already: ask again (retry)")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "out", help="folder for the PDF (default: out/)")
    parser.add_argument(
        "--outcome",
        choices=(*OUTCOMES, NO_REPORT),
        default="printed",
        help=f"what the kiosk reports; {NO_REPORT}: nothing yet, so that it can be asked again",
    )


def run(options: argparse.Namespace, output: Output) -> int:
    """Apply, fetch the PDF, report the outcome; a refusal exits 1 with its code and text."""
    words = {REPRODUCE: _reproduce, CANCEL: _cancel, REPORT: _report}
    if options.municipality in words:
        return words[options.municipality](options, output)
    if options.kind not in KINDS or not options.card:
        raise UtsushiError(f"give --card, and one of these kinds: {', '.join(KINDS)}")
    from simulators.centre.kiosk import issue, offered_year
    from simulators.centre.orders import Application, new_request

    year = options.fiscal_year
    if options.kind == "income_taxation_certificate" and year is None:
        year = offered_year(options.municipality, options.card)
    application = Application(
        options.request or new_request(),
        options.kind,
        card=options.card,
        members=None if options.members == "all" else tuple(options.members.split(",")),
        items=tuple(one for one in options.items.split(",") if one),
        fiscal_year=year,
        copies=options.copies,
    )
    output.rows("issued", [issue(options.municipality, application, options.out, options.outcome)])
    return 0


def _cancel(options: argparse.Namespace, output: Output) -> int:
    """Give a request up, whatever it has come to."""
    from simulators.centre.kiosk import cancel

    return _progress(cancel(_of(options), options.kind), output)


def _report(options: argparse.Namespace, output: Output) -> int:
    """Report the outcome of a request that was sent; also after a print error."""
    from simulators.centre.kiosk import report

    if options.outcome == NO_REPORT:
        raise UtsushiError(f"report one of: {', '.join(OUTCOMES)}")
    return _progress(report(_of(options), options.kind, options.outcome), output)


def _progress(answer: dict[str, str], output: Output) -> int:
    row = {"municipality": answer["Municipality"], "request": answer["RequestId"], "state": answer["State"]}
    output.rows("request", [row | {"end": answer.get("EndCode"), "serial": answer.get("Serial")}])
    return 0


def _of(options: argparse.Namespace) -> str:
    """The municipality that is meant."""
    from replica.issued import of_whom

    return str(options.of or of_whom(options.kind, all_codes()))


def _reproduce(options: argparse.Namespace, output: Output) -> int:
    """Make an issue again from the log, and prove that the bytes are those that were sent."""
    from issuance_api.reproducing import reproduce

    code = _of(options)
    issue, pdf = reproduce(code, options.kind)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{code}_reproduced_{issue.serial}.pdf"
    path.write_bytes(pdf)
    row = {"municipality": code, "serial": issue.serial, "state": issue.state, "sha256": issue.pdf_sha256}
    output.rows("reproduced, byte for byte", [row | {"file": str(path)}])
    return 0
