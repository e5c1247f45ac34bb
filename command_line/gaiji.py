"""``./utsushi gaiji …``: a vendor's character (外字) from unmapped to printed, decided by two persons.

Here are the arguments and the acts of the review; files for people are made in ``gaiji_sheets``, the certificate that a
town confirms in ``gaiji_form_proof``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from command_line.output import Output
from gaiji_maps.correspondence import Correspondence
from gaiji_maps.review import Act, Code
from loaders.waiting import JST
from municipalities.registry import Municipality, get
from records.batch import FEEDS

MAKE, ALL = "make", "all"
Sub = Any


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``gaiji`` and its actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _configure_review(actions)
    _configure_sheets(actions)
    remap = _action(actions, "remap", "apply stored rows that waited for a character which is confirmed now")
    remap.add_argument("feed", choices=FEEDS)
    proof = _action(
        actions, "form-proof", "an affected person's certificate and the character enlarged, to be confirmed"
    )
    proof.add_argument("--code", required=True, metavar="CODE", help="a confirmed code")
    proof.add_argument("--font", type=Path, help="the vendor's font or bitmap set: the old glyph is shown from it")
    proof.add_argument("--out", type=Path, required=True, metavar="FILE.pdf")


def _configure_review(actions: Sub) -> None:
    _action(actions, "waiting", "codes that no confirmed row maps, and how many persons wait; exit code 1 if any")
    listing = _action(actions, "list", "the correspondence tables, or one of them", all_towns=True)
    listing.add_argument("--state", help="only rows in this state")
    propose = _act(actions, "propose", "say what a code means; another person confirms")
    propose.add_argument(
        "target", help=f"MJ文字図形名 (MJ022335), own glyph (U+F0000), or '{MAKE}': a glyph is to be made"
    )
    propose.add_argument("--how", default="compared by eye", help="how it was identified")
    _act(actions, "confirm", "confirm a proposal of somebody else")
    _act(
        actions,
        "reject",
        "reject an open proposal, with --reason; or take back a confirmed row: one person asks, another agrees",
    )
    make = _act(
        actions, "make", f"make the glyph that was asked for (CODE '{ALL}': every one) and propose it (municipal font)"
    )
    make.add_argument("--font", type=Path, help="the vendor's outline font: the glyph is taken from it")
    make.add_argument("--svg", type=Path, help="or a drawing: SVG with a square viewBox")
    make.add_argument("--font-version", required=True, help="version of the municipal font, such as 1.001")


def _configure_sheets(actions: Sub) -> None:
    export = _action(actions, "export", "the table as an Excel workbook")
    export.add_argument("--xlsx", type=Path, required=True, metavar="FILE")
    taken = _action(actions, "import", "take over what was changed in the workbook, all or nothing")
    taken.add_argument("--xlsx", type=Path, required=True, metavar="FILE")
    taken.add_argument("--by", required=True, metavar="NAME", help="who made the changes")
    proof = _action(actions, "proof", "the proof sheet (外字対照表) as HTML and PDF, to be signed")
    proof.add_argument("--out", type=Path, required=True, metavar="DIR")
    proof.add_argument("--open", dest="open_only", action="store_true", help="only what is not confirmed yet")
    identify = _action(
        actions, "identify", "rank the standard glyphs most like each vendor character; never a decision"
    )
    identify.add_argument("--code", metavar="CODE", help="one character alone")
    identify.add_argument("--strokes", metavar="N[-M]", help="only standard characters with so many strokes")
    identify.add_argument("--radical", type=int, help="only those of this radical (康熙 1-214)")
    identify.add_argument("--reading", help="only those with this reading (kana)")
    drawn = "EUDC.TTE, a BDF font, or a folder of images by code"
    for one, needed in ((proof, False), (identify, True), (export, False), (taken, False)):
        one.add_argument("--font", type=Path, required=needed, help=drawn)
    for one, count in ((proof, 10), (identify, 10), (export, 3)):
        one.add_argument("--top", type=int, default=count, help="candidates per character")


def run(options: argparse.Namespace, output: Output) -> int:
    """Do one action; refusals of the review are errors with code ``review_refused``."""
    return RUNS[options.action](options, output)


def key_of(municipality: Municipality, code: str) -> Code:
    """A vendor's code in this municipality's vendor system and charset."""
    from vendor_layouts.layout import load

    return Code(municipality.layout_system, load(municipality.layout).charset, code.upper())


def act_of(options: argparse.Namespace) -> Act:
    """Who acts, today in Japan."""
    return Act(options.by.strip(), datetime.now(JST).date(), getattr(options, "reason", ""))


def _action(actions: Sub, name: str, text: str, *, all_towns: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.add_argument("municipality", nargs="?" if all_towns else None, help="six-digit code, such as 364894")
    # Before or after the action's name: one that is not given here must not undo one given there.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object a line")
    return parser


def _act(actions: Sub, name: str, text: str) -> argparse.ArgumentParser:
    parser = _action(actions, name, text)
    parser.add_argument("code", help="the vendor's code: F040 (CP932), 81A1 (KEIS), U+E000 (Unicode)")
    parser.add_argument("--by", required=True, metavar="NAME", help="who acts; who proposed can't confirm")
    parser.add_argument("--reason", default="", help="why")
    return parser


def _waiting(options: argparse.Namespace, output: Output) -> int:
    from loaders.waiting import waiting
    from services.database import database_ready

    with database_ready(get(options.municipality).code):
        found = waiting(options.municipality)
    if found or output.json_lines:
        rows = [
            {**asdict(one), "feeds": ",".join(one.feeds), "since": _minute(one.since), "hint": _hint(one.code)}
            for one in found
        ]
        output.rows(f"{options.municipality}: characters that people wait for", rows)
    else:
        output.say(f"{options.municipality}: nobody waits for a character")
    for one in found:
        output.say(one.alarm_text)
    return 1 if found else 0


def _hint(code: str) -> str:
    """For a sequence of 汎用電子, the MJ name that the number in its identifier points to; to be compared by people."""
    from gaiji_maps.standard.table import foreign_sequences
    from gaiji_maps.vendor_codes import decoded

    name = foreign_sequences().get(decoded("utf-8", code)) if " U+" in code else None
    return f"{name}?" if name else ""


def _minute(at: datetime) -> str:
    return at.astimezone(JST).isoformat(timespec="minutes")


def _list(options: argparse.Namespace, output: Output) -> int:
    from gaiji_maps import correspondence
    from municipalities.registry import all_codes

    for code in [options.municipality] if options.municipality else all_codes():
        found = [row for row in correspondence.load(get(code).folder) if options.state in (None, row.state)]
        shown = ("code", "target", "state", "identified_by", "proposed_by", "confirmed_by", "reason")
        rows = [{"municipality": code, **{name: getattr(row, name) for name in shown}} for row in found]
        output.rows(f"{code}: {len(rows)} rows", rows)
    return 0


def _propose(options: argparse.Namespace, output: Output) -> int:
    from gaiji_maps import review

    def act(rows: review.Rows, code: Code) -> None:
        if options.target == MAKE:
            review.have_made(rows, code, options.how, act_of(options))
        else:
            review.propose(rows, code, options.target.upper(), options.how, act_of(options))

    return _review(options, output, act)


def _confirm(options: argparse.Namespace, output: Output) -> int:
    from gaiji_maps import review

    result = _review(options, output, lambda rows, code: review.confirm(rows, code, act_of(options)))
    output.say(f"next: ./utsushi gaiji remap {options.municipality} FEED applies the rows that waited for it")
    return result


def _reject(options: argparse.Namespace, output: Output) -> int:
    """When a confirmed row is taken back, its bearers are withheld before the table changes: nobody slips through."""
    from gaiji_maps import review

    municipality = get(options.municipality)
    code = key_of(municipality, options.code)
    with review.editing(municipality.folder) as rows:
        taken_back = review.reject(rows, code, act_of(options))
        people = _withhold(municipality, taken_back) if taken_back else None
        row = review.current(rows, code)
    output.rows(f"{municipality.name} {code.code}", [asdict(row)] if row else [])
    if people is not None:
        output.say(f"{people} persons bear the character and wait now (取置)")
        output.say(f"next: ./utsushi gaiji remap {municipality.code} FEED releases whom the code does not concern")
    elif row and row.state == "confirmed":
        output.say("the row stays in use until another person agrees with the same command")
    return 0


def _withhold(municipality: Municipality, row: Correspondence) -> int:
    """Everybody in whose records the taken back character stands; their number."""
    from gaiji_maps.correspondence import text_of_target
    from gaiji_maps.font_coverage import coverage
    from loaders.withdraw import withdraw
    from services.database import database_ready

    text = text_of_target(row.target, coverage(municipality.folder))
    with database_ready(municipality.code):
        return withdraw(municipality.code, text, row.code) if text else 0


def _make(options: argparse.Namespace, output: Output) -> int:
    """Glyphs, font and rows together, or nothing of it."""
    from command_line.gaiji_sheets import make_glyphs
    from gaiji_maps import review

    municipality = get(options.municipality)
    with review.editing(municipality.folder) as rows:
        wanted = [key_of(municipality, options.code)] if options.code != ALL else review.asked_for(rows)
        for code in wanted:
            review.require_asked_for(rows, code)
        made = make_glyphs(municipality, wanted, options)
        for code, target in made.items():
            review.made(rows, code, target, act_of(options))
    output.rows(f"{municipality.name}: made", [{"code": code.code, "target": target} for code, target in made.items()])
    return 0


def _review(options: argparse.Namespace, output: Output, act: Callable[[Any, Code], None]) -> int:
    from gaiji_maps import review

    municipality = get(options.municipality)
    code = key_of(municipality, options.code)
    with review.editing(municipality.folder) as rows:
        act(rows, code)
        row = review.current(rows, code)
    output.rows(f"{municipality.name} {code.code}", [asdict(row)] if row else [])
    return 0


def _remap(options: argparse.Namespace, output: Output) -> int:
    from loaders.waiting import waiting
    from services.database import database_ready
    from sync.remap import remap

    municipality = get(options.municipality)
    with database_ready(municipality.code):
        counts = remap(municipality.code, options.feed)
        left = waiting(municipality.code)
    output.rows(
        f"{municipality.name} {options.feed}", [{"municipality": municipality.code, "feed": options.feed, **counts}]
    )
    for one in left:
        output.say(one.alarm_text)
    return 0


def _sheets(name: str) -> Callable[[argparse.Namespace, Output], int]:
    def run_it(options: argparse.Namespace, output: Output) -> int:
        from command_line import gaiji_sheets

        return int(getattr(gaiji_sheets, name)(options, output))

    return run_it


def _form_proof(options: argparse.Namespace, output: Output) -> int:
    from command_line.gaiji_form_proof import run as form_proof

    return form_proof(options, output)


RUNS: dict[str, Callable[[argparse.Namespace, Output], int]] = {
    "waiting": _waiting,
    "list": _list,
    "propose": _propose,
    "confirm": _confirm,
    "reject": _reject,
    "make": _make,
    "remap": _remap,
    "export": _sheets("export"),
    "import": _sheets("take_over"),
    "proof": _sheets("proof"),
    "identify": _sheets("identify"),
    "form-proof": _form_proof,
}
