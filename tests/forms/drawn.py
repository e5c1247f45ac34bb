"""What stands on a page, read back with PDFium: the drawn list (text, place, size) and a picture in grey."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from PIL import Image

RAW = pdfium.raw
MM = 25.4 / 72
PICTURE_DPI = 50
GOLDEN = Path(__file__).resolve().parent / "golden"


def drawn_list(pdf: bytes) -> list[list[Any]]:
    """One entry per drawn object: page, what, left, bottom, width, height in mm (tenths)."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [entry for number, page in enumerate(document, 1) for entry in _page(number, page)]
    finally:
        document.close()


def pictures(pdf: bytes) -> list[Image.Image]:
    """Each page in grey at 50 dpi."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [page.render(scale=PICTURE_DPI / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()


def _page(number: int, page: pdfium.PdfPage) -> list[list[Any]]:
    text_page = page.get_textpage()
    return [[number, _what(one, text_page), *_box(one)] for one in page.get_objects()]


def _what(one: pdfium.PdfObject, text_page: pdfium.PdfTextPage) -> str:
    if one.type == RAW.FPDF_PAGEOBJ_TEXT:
        return "text " + text_of_object(one, text_page)
    return {RAW.FPDF_PAGEOBJ_IMAGE: "image", RAW.FPDF_PAGEOBJ_PATH: "path"}.get(one.type, "other")


def text_of_object(one: pdfium.PdfObject, text_page: pdfium.PdfTextPage) -> str:
    """The text of one drawn object."""
    length = RAW.FPDFTextObj_GetText(one.raw, text_page.raw, None, 0)
    buffer = ctypes.create_string_buffer(length)
    RAW.FPDFTextObj_GetText(one.raw, text_page.raw, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def _box(one: pdfium.PdfObject) -> list[float]:
    left, bottom, right, top = one.get_bounds()
    return [round(value * MM, 1) for value in (left, bottom, right - left, top - bottom)]
