"""The judge of an extract (戸籍証明書PDFの検査): hostile until every page shows this order and nothing else.

Structure first (``structure``), then the pages are written anew (``rewriting``); the new file is read back with PDFium,
which made neither: text of each page against the order, and ink where every character is said to be.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pypdfium2 as pdfium

from issuance_api.koseki.order import KosekiHostile, KosekiMismatch, Order
from issuance_api.koseki.rewriting import rewrite
from issuance_api.koseki.structure import open_strictly
from issuance_api.pdfium_lock import PDFIUM
from records.errors import Place

ALL = "family_register_all_certificate"
INDIVIDUAL = "family_register_individual_certificate"
ADDRESS = "family_register_address_certificate"
TITLES = {ALL: "全部事項証明", INDIVIDUAL: "個人事項証明", ADDRESS: "戸籍の附票の写し"}
# Labels of the agreed layout (docs/koseki_interface.md), folded.
DOMICILE, TARGET, SERIAL, NAME, BIRTH = "本籍", "対象者", "発行番号", "【名】", "【生年月日】"
HEADS = {ALL: "氏名", INDIVIDUAL: "氏名", ADDRESS: "筆頭者"}
OMITTED = "【省略】"
OVERSEAS_VOTING = "在外選挙"
NUMBERING = re.compile(r"[（(]([0-9]{1,2})の([0-9]{1,2})[)）]")
BLANK = re.compile(r"[\s\u3000]+")
CORRELATION = re.compile(r"[0-9a-f]{32}\Z")
ANY_CORRELATION = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
DOTS_PER_POINT = 2.0
DARK = 150  # of 255: paler is no ink that a copy would keep
MOST_BYTES = 8 << 20
MAX_CHARACTERS = 20_000


class Seen(NamedTuple):
    """What a page shows: folded text without blanks, line by line, and how many of its characters have no ink."""

    text: str
    inkless: int


def inspect(pdf: bytes, order: Order) -> tuple[bytes, int]:
    """The clean file of the extract and its pages; ``KosekiHostile`` or ``KosekiMismatch`` when it is not exactly this order's.

    Errors of the libraries are not passed on: they may quote the page.
    """
    try:
        return _inspect(pdf, order)
    except (KosekiHostile, KosekiMismatch):
        raise
    except Exception as error:
        failure = KosekiHostile(f"the document can't be read ({type(error).__name__})")
    raise failure


def _inspect(pdf: bytes, order: Order) -> tuple[bytes, int]:
    if len(pdf) > MOST_BYTES:
        raise KosekiHostile("the file is too large")
    if order.kind not in TITLES or not CORRELATION.match(order.correlation_id):
        raise KosekiHostile("the order itself is not possible")
    with open_strictly(pdf) as document:
        clean = rewrite(document, order)
    with PDFIUM:
        seen = _read(clean)
    for number, page in enumerate(seen, 1):
        _check_page(page, order, number, len(seen))
    _check_subject("\n".join(page.text for page in seen), order)
    return clean, len(seen)


def _check_page(page: Seen, order: Order, number: int, pages: int) -> None:
    place = Place(field=f"page {number}")
    if page.inkless:
        raise KosekiHostile("a page has text that is not to be seen", place)
    if set(ANY_CORRELATION.findall(page.text)) != {order.correlation_id} or not _says(page, SERIAL, order.serial):
        raise KosekiMismatch("a page is not of this order", place)
    if TITLES[order.kind] not in page.text.splitlines()[0]:
        raise KosekiMismatch("a page is not of this kind", place)
    if NUMBERING.findall(page.text) != [(str(pages), str(number))]:
        raise KosekiMismatch("the numbers of the pages are not in order", place)
    if not all(_says(page, *one) for one in _identity(order)):
        raise KosekiMismatch("a page is of another register", place)
    if order.kind == INDIVIDUAL and not _says(page, TARGET, order.subject.name):
        raise KosekiMismatch("a page is of another person", place)


def _check_subject(text: str, order: Order) -> None:
    """Over all pages: the person is there, and nothing that was not asked for."""
    given = order.subject.name.split("\u3000")[-1]
    if not _line(f"{NAME}{given}{BIRTH}{order.subject.birth_text}", before="").search(text):
        raise KosekiMismatch("the person is not on the pages")
    if order.kind == ADDRESS and not order.include_overseas_voting and OVERSEAS_VOTING in text:
        raise KosekiMismatch("在外選挙 is shown though it was not asked for")


def _identity(order: Order) -> list[tuple[str, str]]:
    """本籍 and 筆頭者 as every page must show them; 戸籍の附票 leaves them out unless they are asked for."""
    shown = order.kind != ADDRESS or order.include_domicile
    values = (order.subject.registered_domicile, order.subject.family_register_head) if shown else (OMITTED, OMITTED)
    return list(zip((DOMICILE, HEADS[order.kind]), values, strict=True))


def _says(page: Seen, label: str, value: str) -> bool:
    """Whether a line begins with the label, and the whole value and nothing else stands after it."""
    before = "" if label == SERIAL else r"(?:^|\n)"
    return _line(f"{label}{value}", before).search(page.text) is not None


def _line(wanted: str, before: str) -> re.Pattern[str]:
    """The text up to the end of a line; a long value may go on in the next line."""
    return re.compile(before + r"\n?".join(map(re.escape, fold(wanted))) + r"(?:\n|$)")


def fold(text: str) -> str:
    """For comparing only: no blanks, no variation selectors, compatibility forms as their plain ones.

    Which glyph of a name is right is the 戸籍 system's to say; here it is only told whose page it is. A private code
    (外字) stays what it is, and so never agrees with a standard character.
    """
    plain = unicodedata.normalize("NFKC", BLANK.sub("", text))
    return "".join(one for one in plain if not _selects(ord(one)))


def _selects(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _read(pdf: bytes) -> list[Seen]:
    document = pdfium.PdfDocument(pdf)
    try:
        return [_see(page) for page in document]
    finally:
        document.close()


def _see(page: pdfium.PdfPage) -> Seen:
    text = page.get_textpage()
    try:
        count = text.count_chars()
        if not 0 < count <= MAX_CHARACTERS:
            raise KosekiHostile("a page has no text, or too much")
        ink = np.asarray(page.render(scale=DOTS_PER_POINT, grayscale=True).to_numpy())
        height = page.get_size()[1]
        shown = text.get_text_range()
        inkless = sum(not _has_ink(text, number, ink.squeeze(), height) for number in range(count))
    finally:
        text.close()
    return Seen("\n".join(map(fold, shown.splitlines())), inkless)


def _has_ink(text: Any, number: int, ink: Any, height: float) -> bool:
    """Whether something dark is drawn in the box of a character; blanks and line ends need none."""
    raw = pdfium.raw
    code = raw.FPDFText_GetUnicode(text, number)
    if raw.FPDFText_IsGenerated(text, number) or _blank(code):
        return True
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not raw.FPDFText_GetCharBox(text, number, left, right, bottom, top):
        return False
    columns = slice(_dots(left.value, -1), _dots(right.value, 1))
    rows = slice(_dots(height - top.value, -1), _dots(height - bottom.value, 1))
    return _inside(rows, ink.shape[0]) and _inside(columns, ink.shape[1]) and bool((ink[rows, columns] < DARK).any())


def _blank(code: int) -> bool:
    return code <= 0x20 or code in (0xA0, 0x3000) or _selects(code)


def _dots(points: float, more: int) -> int:
    return round(points * DOTS_PER_POINT) + more


def _inside(span: slice, size: int) -> bool:
    return bool(0 <= span.start < span.stop <= size)
