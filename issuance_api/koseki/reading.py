"""Reading the pages of an extract back (頁の読み取り) with PDFium, which did not write them: text, and what is to be seen.

A character counts only if its own ink is there: a page is drawn three times, whole, without its text, and with nothing but
it. A name drawn in white, or under another page's picture, has no ink of its own, whatever else is dark in that place.
"""

from __future__ import annotations

import ctypes
import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pypdfium2 as pdfium

from issuance_api.koseki.order import KosekiHostile
from issuance_api.pdfium_lock import PDFIUM

DOTS_PER_POINT = 2.0
POINTS_PER_MM = 72 / 25.4
DARK = 150  # of 255: paler is no ink that a copy would keep
OWN_SHARE = 0.6  # of a character's dots that must be seen, and be gone without the text; table rules may cross it
MAX_CHARACTERS = 20_000
MAX_IMAGES = 4
MAX_SEGMENTS = 1_500  # of lines and boxes on a page: enough for tables, not for letters
SEAL_MM = (10.0, 50.0)
BLANKS = frozenset((0x20, 0xA0, 0x3000))


class Seen(NamedTuple):
    """What a page shows: folded text without blanks, line by line; characters without ink of their own; seals."""

    text: str
    inkless: int
    seals: int


class Drawn(NamedTuple):
    """The same page three times, as grey dots."""

    whole: Any
    without_text: Any
    only_text: Any


def fold(text: str) -> str:
    """For comparing only: no blanks, no variation selectors, compatibility forms as their plain ones.

    Which glyph of a name is right is the 戸籍 system's to say; here it is only told whose page it is. A private code
    (外字) stays what it is, and so never agrees with a standard character.
    """
    plain = unicodedata.normalize("NFKC", "".join(text.split()))
    return "".join(one for one in plain if not _selects(ord(one)))


def read(whole: bytes, without_text: bytes, only_text: bytes) -> list[Seen]:
    """Every page; ``KosekiHostile`` for one that holds what no extract does. PDFium is asked under its lock."""
    with PDFIUM:
        documents = []
        try:
            documents += [pdfium.PdfDocument(one) for one in (whole, without_text, only_text)]
            return [_see(*pages) for pages in zip(*documents, strict=True)]
        finally:
            for one in documents:
                one.close()


def _see(page: pdfium.PdfPage, without_text: pdfium.PdfPage, only_text: pdfium.PdfPage) -> Seen:
    seals = _seals(page)
    text = page.get_textpage()
    try:
        count = text.count_chars()
        if not 0 < count <= MAX_CHARACTERS:
            raise KosekiHostile("a page has no text, or too much")
        drawn = Drawn(*map(_dots_of, (page, without_text, only_text)))
        height = page.get_size()[1]
        shown = text.get_text_range()
        inkless = sum(not _has_ink(text, number, drawn, height) for number in range(count))
    finally:
        text.close()
    return Seen("\n".join(map(fold, shown.splitlines())), inkless, seals)


def _dots_of(page: pdfium.PdfPage) -> Any:
    return np.asarray(page.render(scale=DOTS_PER_POINT, grayscale=True).to_numpy()).squeeze().astype(np.int16)


def _seals(page: pdfium.PdfPage) -> int:
    """Images of a seal's size; a larger one could show a whole page, and much line work could show letters."""
    sizes, segments = [], 0
    for one in page.get_objects(max_depth=1):
        if one.type == pdfium.raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = one.get_bounds()
            sizes.append(((right - left) / POINTS_PER_MM, (top - bottom) / POINTS_PER_MM))
        elif one.type == pdfium.raw.FPDF_PAGEOBJ_PATH:
            segments += pdfium.raw.FPDFPath_CountSegments(one.raw)
    if len(sizes) > MAX_IMAGES or segments > MAX_SEGMENTS:
        raise KosekiHostile("a page has too many drawings")
    if any(max(size) > SEAL_MM[1] for size in sizes):
        raise KosekiHostile("a page has an image that is larger than a seal")
    return sum(min(size) >= SEAL_MM[0] for size in sizes)


def _has_ink(text: Any, number: int, drawn: Drawn, height: float) -> bool:
    """Whether most of a character's own dots are to be seen; blanks and line ends need none."""
    raw = pdfium.raw
    code = raw.FPDFText_GetUnicode(text, number)
    if raw.FPDFText_IsGenerated(text, number) or _blank(code):
        return True
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not raw.FPDFText_GetCharBox(text, number, left, right, bottom, top):
        return False
    columns = slice(_dots(left.value, -1), _dots(right.value, 1))
    rows = slice(_dots(height - top.value, -1), _dots(height - bottom.value, 1))
    if not (_inside(rows, drawn.whole.shape[0]) and _inside(columns, drawn.whole.shape[1])):
        return False
    whole, without, only = (one[rows, columns] for one in drawn)
    own = only < DARK
    return bool(own.any()) and float(((whole < DARK) & (without > whole))[own].mean()) >= OWN_SHARE


def _blank(code: int) -> bool:
    return code < min(BLANKS) or code in BLANKS or _selects(code)


def _selects(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _dots(points: float, more: int) -> int:
    return round(points * DOTS_PER_POINT) + more


def _inside(span: slice, size: int) -> bool:
    return bool(0 <= span.start < span.stop <= size)
