"""The check before sending (送信前検査): the finished PDF is read back, by libraries that did not make it.

Compared with the page data: number and size of pages, every text as often as demanded, glyph by glyph by outline, the
subject digest, the official seal and the imprint in true size. Any difference is ``CheckFailed`` and nothing leaves.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pikepdf
import pypdfium2 as pdfium

from issuance_api import pictures
from issuance_api.composition import expected
from issuance_api.drawn import embedded_fonts, page_outlines
from issuance_api.forms import PageData
from issuance_api.model import Kind
from issuance_api.outlines import EmbeddedFont, Outlines, outlines_of
from issuance_api.pdfium_lock import PDFIUM
from municipalities.registry import Municipality
from records.errors import CheckFailed, Place

A4_POINTS = (595.28, 841.89)
TOLERANCE_POINTS = 0.05
POINTS_PER_MM = 72 / 25.4
OFFICIAL_SEAL_MM = (24.0, 24.0)
FORBIDDEN = ("/OpenAction", "/AA", "/AcroForm", "/Names", "/Encrypt", "/OCProperties", "/Collection", "/AF", "/Prev")
FORBIDDEN_IN_PAGE = ("/AA", "/Annots", "/UserUnit", "/Rotate")
ENDS = (b"%%EOF", b"startxref")  # once each: nothing was added after the end

Size = tuple[float, float]


def check(municipality: Municipality, page: PageData, pdf: bytes) -> None:
    """Raise ``CheckFailed`` unless ``pdf`` is exactly the certificate that ``page`` demands."""
    demanded = outlines_of(municipality.folder)
    drawn = _check_document(municipality, demanded, page, pdf)
    with PDFIUM:
        images = _read_pages(pdf)
    if not len(drawn) == len(images) == page.pages:
        raise CheckFailed("the number of pages is wrong")
    for number, (shown, wanted) in enumerate(zip(drawn, expected(municipality, page), strict=True), 1):
        if list(filter(None, shown)) != wanted:
            raise CheckFailed("the page does not show what was demanded", Place(field=f"page {number}"))
    _check_images(images, page)


def _check_document(municipality: Municipality, demanded: Outlines, page: PageData, pdf: bytes) -> list[list[bytes]]:
    """The outlines drawn on each page, after what concerns the whole document."""
    if any(pdf.count(end) != 1 for end in ENDS):
        raise CheckFailed("the document is cut, or was added to")
    with pikepdf.open(io.BytesIO(pdf)) as document:
        if any(key in document.Root or key in document.trailer for key in FORBIDDEN):
            raise CheckFailed("the document holds more than pages")
        if any(key in page_.obj for page_ in document.pages for key in FORBIDDEN_IN_PAGE):
            raise CheckFailed("a page acts, is turned or is scaled")
        metadata = document.Root.Metadata.read_bytes().decode()
        if f"utsushi:subject={page.digest}" not in metadata or metadata.count("utsushi:subject=") != 1:
            raise CheckFailed("the subject digest is not this certificate's")
        _check_pictures(municipality, page, document)
        fonts = embedded_fonts(document)
        _check_outlines(demanded, fonts.values())
        return page_outlines(document, fonts)


def _check_pictures(municipality: Municipality, page: PageData, document: pikepdf.Pdf) -> None:
    """This municipality's official seal and this person's imprint, to the pixel, and no other picture."""
    seal = pictures.official_seal(municipality.folder)
    wanted = [seal]
    if page.kind is Kind.SEAL_REGISTRATION:
        wanted.append(pictures.imprint(bytes(page.values["impression"]["png"])))
    if pictures.shown(document, seal) != sorted(wanted):
        raise CheckFailed("a seal is missing, or is another's")


def _check_outlines(demanded: Outlines, fonts: Collection[EmbeddedFont]) -> None:
    """Every glyph in the PDF has the outline that its text demands: no fallback, no other font."""
    if not fonts:
        raise CheckFailed("the document has no text")
    for font in fonts:
        for text, outline in font.named():
            if outline != demanded.demanded(text):
                raise CheckFailed("an embedded glyph is not the one that the register demands")


def _read_pages(pdf: bytes) -> list[list[Size]]:
    """Sizes of images in mm on each page, all of which are A4."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [_read_page(one) for one in document]
    finally:
        document.close()


def _read_page(page: pdfium.PdfPage) -> list[Size]:
    if any(abs(found - asked) > TOLERANCE_POINTS for found, asked in zip(page.get_size(), A4_POINTS, strict=True)):
        raise CheckFailed("a page is not A4 portrait")
    return [_size(one) for one in _images(page)]


def _images(page: pdfium.PdfPage) -> Iterator[Any]:
    """Raw image objects; the library's own objects for every rule of a table would take longer than the drawing."""
    raw = pdfium.raw
    objects = (raw.FPDFPage_GetObject(page, number) for number in range(raw.FPDFPage_CountObjects(page)))
    for one in objects:
        kind = raw.FPDFPageObj_GetType(one)
        if kind == raw.FPDF_PAGEOBJ_FORM:
            raise CheckFailed("a page has a form inside")  # nothing may hide from this list
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            yield one


def _size(image: Any) -> Size:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.raw.FPDFPageObj_GetBounds(image, left, bottom, right, top):
        raise CheckFailed("an image has no place")
    return (right.value - left.value) / POINTS_PER_MM, (top.value - bottom.value) / POINTS_PER_MM


def _check_images(images: Sequence[Sequence[Size]], page: PageData) -> None:
    """The official seal on the last page and, where there is one, the imprint: all in true size, nothing else."""
    demanded = [OFFICIAL_SEAL_MM]
    if page.kind is Kind.SEAL_REGISTRATION:
        demanded.append((page.values["impression"]["width_mm"], page.values["impression"]["height_mm"]))
    if any(images[:-1]) or sorted(map(_tenths, images[-1])) != sorted(map(_tenths, demanded)):
        raise CheckFailed("the seals are not there in true size")


def _tenths(size: Size) -> tuple[int, int]:
    return round(size[0] * 20), round(size[1] * 20)
