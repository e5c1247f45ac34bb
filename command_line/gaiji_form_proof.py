"""``gaiji form-proof``: an affected person's certificate with the character framed, and the character enlarged, old and new.

Drawn and checked by the very code that issues; then marked on every page as no certificate. The system chooses the
person. The file holds a person's record: it is written for its owner alone, and its name is the caller's.
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2 as pdfium
import typst

from command_line.gaiji import key_of
from command_line.gaiji_sheets import text_of
from command_line.output import Output
from gaiji_maps import correspondence, glyph_shapes, proof_sheet, review
from gaiji_maps.correspondence import Correspondence
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.making.outline import EM
from issuance_api.checking import check
from issuance_api.forms import Issue, Subject, page_data
from issuance_api.model import Application, Kind, OptionalItem
from issuance_api.rendering import Renderer
from issuance_api.service_hours import JST
from loaders.affected import bearer
from municipalities.registry import Municipality, get
from records.errors import CheckFailed, ConfigurationError, Place
from records.records import Resident
from services.database import database_ready

TEMPLATE = proof_sheet.TEMPLATE.with_name("form_proof.typ")
KIND = Kind.RESIDENT_RECORD
ITEMS = frozenset({OptionalItem.RELATIONSHIP, OptionalItem.REGISTERED_DOMICILE})
MARGIN = 2.0
SELECTOR_UNITS = frozenset((*range(0xFE00, 0xFE10), 0xDB40))  # U+E0100 … begin with DB40 in UTF-16
Boxes = list[list[float]]


def run(options: argparse.Namespace, output: Output) -> int:
    """Write the proof; ``ConfigurationError`` when the code is not confirmed or nobody bears the character."""
    municipality = get(options.municipality)
    code = key_of(municipality, options.code)
    row = review.current(correspondence.load(municipality.folder), code)
    if row is None or row.state != "confirmed":
        raise ConfigurationError("only a confirmed code has a form to prove", Place(field=code.code))
    text = text_of(municipality, row.target)
    with database_ready(municipality.code):
        person = bearer(municipality.code, text, code.code)
    if person is None:
        raise ConfigurationError("nobody who may have a certificate bears this character", Place(field=code.code))
    certificate = _certificate(municipality, person)
    boxes = list(_boxes(certificate, text))
    if not any(boxes):
        raise CheckFailed("the character is not found on the page", Place(field=code.code))
    sheet = _sheet(municipality, row, options.font, boxes)
    pages = _write(options.out, certificate, sheet)
    made = {"municipality": municipality.code, "code": code.code, "target": row.target, "pages": pages}
    output.rows("form-level proof", [{**made, "file": str(options.out)}])
    return 0


def _certificate(municipality: Municipality, person: Resident) -> bytes:
    """The person's 住民票の写し, drawn and checked as any that is issued."""
    asked = Application(
        request_id="form-proof", kind=KIND, card_serial="proof", members=(person.addressee_number,), items=ITEMS
    )
    issue = Issue(asked.request_id, "字形確認用", datetime.now(JST))
    page = page_data(municipality, asked, Subject(person, (person,), whole_household=False), issue)
    pdf = Renderer().render(municipality, page)
    check(municipality, page, pdf)
    return pdf


def _boxes(pdf: bytes, text: str) -> Iterator[Boxes]:
    """Where the character stands on each page: left, top, width, height in points from the upper left corner."""
    document = pdfium.PdfDocument(pdf)
    try:
        for page in document:
            yield list(_on_page(page, text))
    finally:
        document.close()


def _on_page(page: Any, text: str) -> Iterator[list[float]]:
    """PDFium counts UTF-16 units; a base that a selector follows is another character."""
    words, height, wanted = page.get_textpage(), page.get_height(), _units(text)
    units = [pdfium.raw.FPDFText_GetUnicode(words, number) for number in range(words.count_chars())]
    for at in range(len(units) - len(wanted) + 1):
        following = units[at + len(wanted) : at + len(wanted) + 1]
        if units[at : at + len(wanted)] == wanted and not SELECTOR_UNITS.intersection(following):
            left, bottom, right, top = words.get_charbox(at)
            yield [left - MARGIN, height - top - MARGIN, right - left + 2 * MARGIN, top - bottom + 2 * MARGIN]


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _sheet(municipality: Municipality, row: Correspondence, font: Path | None, boxes: list[Boxes]) -> bytes:
    vendor = glyph_shapes.of_vendor(font, row.charset).get(row.code) if font else None
    line = proof_sheet.line(municipality.folder, row.code, row, 0, vendor, ())
    assert line.shown is not None  # a confirmed target is drawn by a font, or the table is refused
    data = {
        "boxes": boxes,
        "em": EM,
        "form": KIND.japanese_name,
        "municipality": municipality.name,
        "vendor_system": row.vendor_system,
        "on": datetime.now(JST).date().isoformat(),
        "vendor": line.vendor.path if line.vendor else "",
        "shown": line.shown.path,
        "overlay": line.overlay,
        "facts": [("外字コード", row.code), ("対応先", row.target), *line.facts, ("経過", "　".join(line.history))],
    }
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(standard_font_path().parent)]
    )
    compiler = typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=fonts)
    made = compiler.compile(format="pdf", sys_inputs={"data": json.dumps(data, ensure_ascii=False)})
    assert isinstance(made, bytes)
    return made


def _write(path: Path, certificate: bytes, sheet: bytes) -> int:
    """The enlarged sheet first, then the certificate's pages under their marks; returns the number of pages."""
    with pikepdf.open(io.BytesIO(certificate)) as made, pikepdf.open(io.BytesIO(sheet)) as extra:
        for number, page in enumerate(made.pages):
            page.add_overlay(extra.pages[number], pikepdf.Rectangle(*map(float, page.mediabox)))
        made.pages.insert(0, extra.pages[-1])
        del made.Root.Metadata  # it says that this is a certificate
        made.docinfo["/Title"] = "字形確認票"
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            made.save(file)
        return len(made.pages)
