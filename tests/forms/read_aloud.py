"""A certificate as it is read aloud: the structure tree (pikepdf) with the text that PDFium finds under each mark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import pypdfium2 as pdfium
from drawn import RAW, text_of_object

Marks = dict[tuple[int, int], str]  # by page and mark


@dataclass(slots=True)
class Element:
    """One element of the tree: its kind (``H1``, ``TH``), attributes, what is read and what it holds."""

    kind: str
    attributes: dict[str, Any]
    alternative: str | None
    text: str
    inner: list[Element] = field(default_factory=list)

    def all(self, kind: str) -> list[Element]:
        """All elements of a kind within, in the order of reading."""
        return [one for one in self.walk() if one.kind == kind]

    def walk(self) -> Iterator[Element]:
        """This element and all within, in the order of reading."""
        yield self
        for one in self.inner:
            yield from one.walk()

    @property
    def whole(self) -> str:
        """What is read for it and all within."""
        return "".join(one.text for one in self.walk())


def document_of(pdf: bytes) -> Element:
    """The root of the tree; a mark that the tree does not name, or names twice, stops the test."""
    marks = _marks(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        pages = {page.obj.objgen: number for number, page in enumerate(opened.pages)}
        (root,) = opened.Root.StructTreeRoot.K
        element = _element(root, pages, marks)
    assert not marks, "a text is in no element"
    return element


def _element(one: Any, pages: dict[Any, int], marks: Marks) -> Element:
    attributes = {str(key): value for each in one.get("/A", []) if each.O == "/Table" for key, value in each.items()}
    alternative = str(one.Alt) if "/Alt" in one else None
    element = Element(str(one.S)[1:], attributes, alternative, "")
    for kid in one.get("/K", []):
        if isinstance(kid, int):
            element.text += marks.pop((pages[one.Pg.objgen], kid))
        else:
            element.inner.append(_element(kid, pages, marks))
    return element


def _marks(pdf: bytes) -> Marks:
    """The text under each mark without blanks; rules and what repeats have none."""
    document = pdfium.PdfDocument(pdf)
    found: Marks = {}
    try:
        for number, page in enumerate(document):
            text_page = page.get_textpage()
            for one in page.get_objects():
                mark = RAW.FPDFPageObj_GetMarkedContentID(one.raw)
                text = text_of_object(one, text_page) if one.type == RAW.FPDF_PAGEOBJ_TEXT else ""
                if mark >= 0:
                    found[number, mark] = found.get((number, mark), "") + "".join(text.split())
    finally:
        document.close()
    return found
