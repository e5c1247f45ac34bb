"""Judging an extract (受信PDFの検査): it comes from outside and is not trusted.

The structure may hold pages and nothing that acts, hides or refers elsewhere; every page must say, visibly, which order
and which 戸籍 it belongs to. What passes is written anew, deterministically, so that nothing that was not looked at leaves.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zlib
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdfium2 as pdfium

from issuance_api.koseki.order import KosekiHostile, KosekiMismatch, Order
from issuance_api.pdfium_lock import PDFIUM

MOST_BYTES = 8 << 20
MOST_PAGES = 40
MOST_OBJECTS = 20_000
MOST_DECODED = 64 << 20
A4_MM = (210.0, 297.0)
TOLERANCE_MM = 1.0
POINTS_PER_MM = 72 / 25.4
LEAST_INK = 0.02  # share of dark pixels in the box of a printed number
RENDER_SCALE = 2.0
TITLES = {
    "family_register_all_certificate": "戸籍全部事項証明書",
    "family_register_individual_certificate": "戸籍個人事項証明書",
    "family_register_address_certificate": "戸籍の附票の写し",
}
FORBIDDEN_IN_ROOT = (
    "/OpenAction", "/AA", "/AcroForm", "/Names", "/OCProperties", "/Collection", "/Perms", "/Extensions", "/URI",
)  # fmt: skip
FORBIDDEN_IN_PAGE = ("/AA", "/Annots", "/UserUnit", "/B", "/PresSteps")
FORBIDDEN_ANYWHERE = ("/JS", "/JavaScript", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/RichMedia", "/XFA", "/F")
PAGE_OF = re.compile(r"(?<!\S)([0-9]{1,2})/([0-9]{1,2})(?!\S)")
BLANK = re.compile(r"\s+")
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def inspect(pdf: bytes, order: Order) -> tuple[bytes, int]:
    """The extract written anew, and its pages. ``KosekiHostile`` for the structure, ``KosekiMismatch`` for the content."""
    if len(pdf) > MOST_BYTES:
        raise KosekiHostile("the file is too large")
    if not pdf.startswith(b"%PDF-") or pdf.count(b"%%EOF") != 1 or pdf.count(b"startxref") != 1:
        raise KosekiHostile("the file is not one whole PDF without additions")
    try:
        clean, pages = _structure(pdf)
        texts = _texts(clean)
    except KosekiHostile:
        raise
    except Exception as error:  # whatever a reader stumbles over, the file is not one to pass on
        failure = KosekiHostile(f"the file can't be read ({type(error).__name__})")
    else:
        _match(texts, order)
        return clean, pages
    raise failure  # outside the handler: a reader's own error may quote the page


def _structure(pdf: bytes) -> tuple[bytes, int]:
    with pikepdf.open(io.BytesIO(pdf), attempt_recovery=False, suppress_warnings=False) as document:
        if document.is_encrypted or "/Encrypt" in document.trailer or "/Prev" in document.trailer:
            raise KosekiHostile("the file is encrypted or was added to")
        if any(key in document.Root for key in FORBIDDEN_IN_ROOT):
            raise KosekiHostile("the file holds more than pages")
        if len(document.objects) > MOST_OBJECTS or not 1 <= len(document.pages) <= MOST_PAGES:
            raise KosekiHostile("the file has too many objects or pages")
        _check_objects(document)
        for page in document.pages:
            _check_page(page)
        return _anew(document), len(document.pages)


def _check_objects(document: pikepdf.Pdf) -> None:
    """No object acts, embeds or refers to a file; all streams together stay within the limit when decoded."""
    decoded = 0
    for one in document.objects:
        for entry in _dictionaries(one):
            if any(key in entry for key in FORBIDDEN_ANYWHERE):
                raise KosekiHostile("an object acts, embeds or refers to a file")
        if isinstance(one, pikepdf.Stream):
            decoded += _decoded_size(one, MOST_DECODED - decoded)
            if decoded > MOST_DECODED:
                raise KosekiHostile("the streams are too large")


def _decoded_size(stream: pikepdf.Stream, left: int) -> int:
    """Size after decoding. A deflated stream grows at most a thousandfold, so small ones need no trial."""
    raw = stream.read_raw_bytes()
    if stream.get("/Filter") != pikepdf.Name.FlateDecode:
        return len(raw)
    return len(zlib.decompressobj().decompress(raw, left + 1))


def _dictionaries(one: Any) -> Iterator[Any]:
    if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
        yield one


def _check_page(page: pikepdf.Page) -> None:
    if any(key in page.obj for key in FORBIDDEN_IN_PAGE) or int(page.obj.get("/Rotate", 0)) != 0:
        raise KosekiHostile("a page acts, is turned or is scaled")
    box = [float(one) for one in page.mediabox]
    size = ((box[2] - box[0]) / POINTS_PER_MM, (box[3] - box[1]) / POINTS_PER_MM)
    if any(abs(have - want) > TOLERANCE_MM for have, want in zip(size, A4_MM, strict=True)) or box[:2] != [0.0, 0.0]:
        raise KosekiHostile("a page is not A4")
    if [float(one) for one in page.cropbox] != box:
        raise KosekiHostile("a page is cropped")
    for font in page.resources.get("/Font", {}).values():
        _check_font(font)


def _check_font(font: Any) -> None:
    inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
    descriptor = inner.get("/FontDescriptor")
    if descriptor is None or not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
        raise KosekiHostile("a font is not embedded")


def _anew(document: pikepdf.Pdf) -> bytes:
    """Only the pages, without metadata, under a name that depends on nothing but them."""
    with pikepdf.new() as clean:
        clean.pages.extend(document.pages)
        for page in clean.pages:
            for key in ("/StructParents", "/Metadata", "/PieceInfo", "/LastModified"):
                if key in page.obj:
                    del page.obj[key]
        out = io.BytesIO()
        clean.save(out, deterministic_id=True, linearize=False)
        return out.getvalue()


def _texts(pdf: bytes) -> list[tuple[str, bool]]:
    """Text of each page without blanks, and whether the number at its top is really printed."""
    with PDFIUM:
        document = pdfium.PdfDocument(pdf)
        try:
            return [_page_text(page) for page in document]
        finally:
            document.close()


def _page_text(page: Any) -> tuple[str, bool]:
    raw = pdfium.raw
    for number in range(raw.FPDFPage_CountObjects(page)):
        one = raw.FPDFPage_GetObject(page, number)
        hidden = raw.FPDFTextObj_GetTextRenderMode(one) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
        if raw.FPDFPageObj_GetType(one) == raw.FPDF_PAGEOBJ_TEXT and hidden:
            raise KosekiHostile("a text is invisible")
    text = page.get_textpage().get_text_range()
    return text, _has_ink(page)


def _has_ink(page: Any) -> bool:
    """The uppermost fifth of the page, where title and numbers stand, is not blank when drawn."""
    bitmap = page.render(scale=RENDER_SCALE / 4, crop=(0, page.get_height() * 0.8, 0, 0), grayscale=True)
    data = bytes(bitmap.buffer)
    return sum(one < 128 for one in data) > LEAST_INK / 10 * len(data)


def _match(texts: list[tuple[str, bool]], order: Order) -> None:
    """Every page, visibly: this order's number, the title, 本籍 and 筆頭者, and n of N in order."""
    wanted = [order.correlation_id, TITLES[order.kind], order.subject.registered_domicile]
    wanted.append(order.subject.family_register_head)
    for number, (text, inked) in enumerate(texts, 1):
        plain = _plain(text)
        if not inked:
            raise KosekiHostile("a page shows nothing")
        if any(_plain(one) not in plain for one in wanted):
            raise KosekiMismatch("a page belongs to another order, or to another 戸籍")
        if (str(number), str(len(texts))) not in PAGE_OF.findall(unicodedata.normalize("NFKC", BLANK.sub(" ", text))):
            raise KosekiMismatch("the pages are not complete and in order")
    whole = "".join(_plain(text) for text, _ in texts)
    if _plain(order.subject.name) not in whole or _plain(order.serial) not in whole:
        raise KosekiMismatch("the extract does not name the person, or not this issue")


def _plain(text: str) -> str:
    """For comparing only: without blanks and selectors, which readers of PDF lose or double."""
    return SELECTORS.sub("", BLANK.sub("", text))
