"""The check before sending (送信前検査): the finished PDF is read back, by a library that did not make it.

Compared with the page data: number and size of pages, every glyph of each page in the order in which the form draws these
values and its own words, each in its row, and nothing besides, the subject digest, the official seal and the imprint to
the pixel and in true size. Any difference is ``CheckFailed`` and nothing leaves.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from operator import sub

import pikepdf

from issuance_api import pictures
from issuance_api.composition import expected
from issuance_api.drawn import Drawn, embedded_fonts, pages_drawn
from issuance_api.forms import PageData, page_of_values
from issuance_api.model import Kind
from issuance_api.outlines import EmbeddedFont, Outlines, outlines_of
from municipalities.registry import Municipality
from records.errors import CheckFailed, Place

A4_POINTS = (595.28, 841.89)
TOLERANCE_POINTS = 0.05
POINTS_PER_MM = 72 / 25.4
OFFICIAL_SEAL_MM = (24.0, 24.0)
FORBIDDEN = ("/OpenAction", "/AA", "/AcroForm", "/Names", "/Encrypt", "/OCProperties", "/Collection", "/AF", "/Prev")
FORBIDDEN_IN_PAGE = ("/AA", "/Annots", "/UserUnit", "/Rotate")
# A text set in two lines, or smaller, stands a little above or below the middle of its cell; the next row is farther.
ROW_POINTS = 9.0
ENDS = (b"%%EOF", b"startxref")  # once each: nothing was added after the end

Size = tuple[float, float]


def check(municipality: Municipality, page: PageData, pdf: bytes) -> None:
    """Raise ``CheckFailed`` unless ``pdf`` is exactly the certificate that ``page`` demands."""
    if page_of_values(page.kind, page.values).texts != page.texts:
        raise CheckFailed("the page's data was changed after it was made")  # by whoever drew it
    demanded = outlines_of(municipality.folder)
    drawn = _check_document(municipality, demanded, page, pdf)
    if len(drawn) != page.pages:
        raise CheckFailed("the number of pages is wrong")
    for number, (shown, wanted) in enumerate(zip(drawn, expected(municipality, page, demanded), strict=True), 1):
        if shown.outlines != wanted.outlines:
            raise CheckFailed("the page does not show what was demanded", Place(field=f"page {number}"))
        if max(map(abs, map(sub, shown.heights, wanted.heights)), default=0.0) > ROW_POINTS:
            raise CheckFailed("a text does not stand in its cell", Place(field=f"page {number}"))
    _check_images([_sizes(one) for one in drawn], page)


def _check_document(municipality: Municipality, demanded: Outlines, page: PageData, pdf: bytes) -> list[Drawn]:
    """What each page draws, after what concerns the whole document."""
    if any(pdf.count(end) != 1 for end in ENDS):
        raise CheckFailed("the document is cut, or was added to")
    with pikepdf.open(io.BytesIO(pdf)) as document:
        if any(key in document.Root or key in document.trailer for key in FORBIDDEN):
            raise CheckFailed("the document holds more than pages")
        for one in document.pages:
            _check_sheet(one)
        metadata = document.Root.Metadata.read_bytes().decode()
        if f"utsushi:subject={page.digest}" not in metadata or metadata.count("utsushi:subject=") != 1:
            raise CheckFailed("the subject digest is not this certificate's")
        _check_pictures(municipality, page, document)
        fonts = embedded_fonts(document)
        _check_outlines(demanded, fonts.values())
        return pages_drawn(document, fonts)


def _check_sheet(page: pikepdf.Page) -> None:
    if any(key in page.obj for key in FORBIDDEN_IN_PAGE) or page.cropbox != page.mediabox:
        raise CheckFailed("a page acts, is turned, scaled or cropped")
    asked = (0.0, 0.0, *A4_POINTS)
    if any(abs(float(found) - one) > TOLERANCE_POINTS for found, one in zip(list(page.mediabox), asked, strict=True)):
        raise CheckFailed("a page is not A4 portrait")


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


def _sizes(drawn: Drawn) -> list[Size]:
    return [(width / POINTS_PER_MM, height / POINTS_PER_MM) for width, height in drawn.pictures]


def _check_images(images: Sequence[Sequence[Size]], page: PageData) -> None:
    """The official seal on the last page and, where there is one, the imprint: all in true size, nothing else."""
    demanded = [OFFICIAL_SEAL_MM]
    if page.kind is Kind.SEAL_REGISTRATION:
        demanded.append((page.values["impression"]["width_mm"], page.values["impression"]["height_mm"]))
    if any(images[:-1]) or sorted(map(_tenths, images[-1])) != sorted(map(_tenths, demanded)):
        raise CheckFailed("the seals are not there in true size")


def _tenths(size: Size) -> tuple[int, int]:
    return round(size[0] * 20), round(size[1] * 20)
