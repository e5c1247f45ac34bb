"""What the file of an extract may consist of (構造の検査): everything else is ``KosekiHostile``, before any page is drawn.

A closed list of keys, filters, sizes and numbers; nothing is repaired, nothing is unpacked beyond its limit. What the pages
show is judged in ``inspection``.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pikepdf

from issuance_api.koseki.order import KosekiHostile
from records.errors import Place

MAX_PAGES = 40
MAX_OBJECTS = 20_000
MAX_DEPTH = 24
MAX_STREAM = 32 * 1024 * 1024
MAX_UNPACKED = 128 * 1024 * 1024
MAX_PIXELS = 16_000_000
A4_POINTS = (595.276, 841.89)
TOLERANCE_POINTS = 72 / 25.4  # 1 mm

TRAILER_KEYS = {"/Size", "/Root", "/Info", "/ID"}
ROOT_KEYS = {
    "/Type", "/Version", "/Pages", "/Metadata", "/Lang", "/MarkInfo", "/StructTreeRoot", "/OutputIntents",
    "/ViewerPreferences", "/PageLabels", "/PageMode", "/PageLayout",
}  # fmt: skip
PAGE_KEYS = {
    "/Type", "/Parent", "/MediaBox", "/CropBox", "/Resources", "/Contents", "/Rotate", "/Group", "/StructParents", "/Tabs",
}  # fmt: skip
RESOURCE_KEYS = {"/Font", "/XObject", "/ColorSpace", "/ExtGState", "/ProcSet"}
FORBIDDEN = {
    "/JS", "/JavaScript", "/OpenAction", "/AA", "/Launch", "/URI", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/AF",
    "/Filespec", "/RichMedia", "/XFA", "/AcroForm", "/Annots", "/Annot", "/OCProperties", "/OC", "/OCG", "/OCGs", "/OCMD",
    "/Encrypt", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/Movie", "/Sound", "/Rendition", "/Collection", "/Names",
    "/UserUnit", "/FFilter", "/Ref", "/OPI", "/Alternates", "/PS", "/Sig",
}  # fmt: skip
FILTERS = {"/FlateDecode", "/DCTDecode", "/CCITTFaxDecode"}
IMAGE_FILTERS = FILTERS - {"/FlateDecode"}
SECTION = re.compile(rb"startxref\s+([0-9]{1,10})\s+%%EOF\s*\Z")


def open_strictly(pdf: bytes) -> pikepdf.Pdf:
    """The document, if its structure is one that an extract may have; the caller closes it."""
    _one_section(pdf)
    try:
        document = pikepdf.open(
            io.BytesIO(pdf), attempt_recovery=False, ignore_xref_streams=True, inherit_page_attributes=True
        )
    except (pikepdf.PdfError, ValueError, RuntimeError):
        raise KosekiHostile("the file can't be read as a document") from None
    try:
        _check(document)
    except BaseException:
        document.close()
        raise
    return document


def _one_section(pdf: bytes) -> None:
    """One cross-reference table, named by the last line; no table in a stream, no update put behind (追記)."""
    found = SECTION.search(pdf, max(0, len(pdf) - 64))
    if not pdf.startswith(b"%PDF-1.") or found is None:
        raise KosekiHostile("the file does not begin or end as a document")
    if pdf.count(b"%%EOF") != 1 or pdf.count(b"startxref") != 1 or len(re.findall(rb"\btrailer\b", pdf)) != 1:
        raise KosekiHostile("the file has more than one section")
    if not pdf[int(found[1]) :].startswith(b"xref"):
        raise KosekiHostile("the cross-reference table is not where the file says")


def _check(document: pikepdf.Pdf) -> None:
    _only(document.trailer, TRAILER_KEYS, "trailer")
    if document.is_encrypted:
        raise KosekiHostile("the document is encrypted")
    _only(document.Root, ROOT_KEYS, "catalogue")
    if len(document.objects) > MAX_OBJECTS:
        raise KosekiHostile("the document has too many objects")
    unpacked = 0
    for one in document.objects:
        _scan(one, 0)
        if isinstance(one, pikepdf.Stream):
            unpacked += _check_stream(one)
        if unpacked > MAX_UNPACKED:
            raise KosekiHostile("the document unpacks to too much")
    _check_pages(document)
    if document.get_warnings():
        raise KosekiHostile("the document needs repair")


def _only(dictionary: Any, allowed: set[str], place: str) -> None:
    if unknown := set(dictionary.keys()) - allowed:
        raise KosekiHostile(
            "something stands here that an extract does not have", Place(field=f"{place} {min(unknown)[:40]}")
        )


def _scan(value: Any, depth: int) -> None:
    """No forbidden name as a key or a value, in this object; others that it refers to are scanned by themselves."""
    if depth > MAX_DEPTH:
        raise KosekiHostile("objects are nested too deeply")
    if isinstance(value, pikepdf.Name) and str(value) in FORBIDDEN:
        raise KosekiHostile("a forbidden name", Place(field=str(value)))
    for child in _children(value):
        if not getattr(child, "is_indirect", False):
            _scan(child, depth + 1)


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, pikepdf.Array):
        yield from value
    elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        for key in value.keys():  # noqa: SIM118
            if key in FORBIDDEN:
                raise KosekiHostile("a forbidden key", Place(field=key))
            yield value.get(key)


def _check_stream(stream: pikepdf.Stream) -> int:
    """Unpacked size. One filter at most, no file outside, nothing left over, checksum right."""
    filters = _filters(stream)
    if "/F" in stream or len(filters) > 1 or not set(filters) <= FILTERS:
        raise KosekiHostile("a stream is packed in a way that is not agreed")
    raw = stream.read_raw_bytes()
    if filters == ["/FlateDecode"]:
        if "/DecodeParms" in stream and stream.get("/Subtype") != "/Image":
            raise KosekiHostile("a stream is packed in a way that is not agreed")
        return inflated_size(raw)
    if filters and stream.get("/Subtype") != "/Image":
        raise KosekiHostile("only an image may be packed in this way")
    return len(raw)


def _filters(stream: pikepdf.Stream) -> list[str]:
    value = stream.get("/Filter")
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, pikepdf.Array) else [str(value)]


def inflated_size(raw: bytes) -> int:
    """Size of a deflated stream, at most ``MAX_STREAM``; its end and checksum must be right."""
    engine, size, rest = zlib.decompressobj(), 0, raw
    try:
        while not engine.eof:
            piece = engine.decompress(rest, 1 << 20)
            size, rest = size + len(piece), engine.unconsumed_tail
            if size > MAX_STREAM:
                raise KosekiHostile("a stream unpacks to too much")
            if not piece and not rest and not engine.eof:
                raise KosekiHostile("a stream is cut off")
    except zlib.error:
        raise KosekiHostile("a stream is damaged") from None
    if engine.unused_data.strip(b"\r\n"):
        raise KosekiHostile("something is hidden behind a stream")
    return size


def _check_pages(document: pikepdf.Pdf) -> None:
    if not 1 <= len(document.pages) <= MAX_PAGES:
        raise KosekiHostile("the number of pages is not possible")
    for page in document.pages:
        _only(page.obj, PAGE_KEYS, "page")
        _check_size(page.obj)
        resources = page.obj.get("/Resources")
        if not isinstance(resources, pikepdf.Dictionary) or not isinstance(page.obj.get("/Contents"), pikepdf.Object):
            raise KosekiHostile("a page has no content")
        _only(resources, RESOURCE_KEYS, "resources")
        _check_resources(resources)


def _check_size(page: Any) -> None:
    """A4縦 ± 1 mm at the origin, shown whole and upright."""
    media = [float(one) for one in page.MediaBox]
    crop = [float(one) for one in page.get("/CropBox", page.MediaBox)]
    off = [abs(found - wanted) for found, wanted in zip(media, (0.0, 0.0, *A4_POINTS), strict=True)]
    if max(off) > TOLERANCE_POINTS or crop != media or int(page.get("/Rotate", 0)) != 0:
        raise KosekiHostile("a page is not A4 portrait")


def _check_resources(resources: Any) -> None:
    for font in resources.get("/Font", {}).values():
        _check_font(font)
    for image in resources.get("/XObject", {}).values():
        _check_image(image)
    for state in resources.get("/ExtGState", {}).values():
        _only(state, {"/Type", "/CA", "/ca", "/LW", "/SA", "/SM"}, "graphics state")
        if float(state.get("/CA", 1)) != 1 or float(state.get("/ca", 1)) != 1:
            raise KosekiHostile("a page draws what shines through")


def _check_font(font: Any) -> None:
    """Embedded, with a text for its glyphs, and not drawn by programs of its own (Type 3)."""
    simple = font.get("/Subtype") in ("/TrueType", "/Type1")
    if not simple and font.get("/Subtype") != "/Type0":
        raise KosekiHostile("a font is of a kind that is not agreed")
    descriptor = (font if simple else font.DescendantFonts[0]).get("/FontDescriptor", {})
    if not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")) or "/ToUnicode" not in font:
        raise KosekiHostile("a font is not embedded whole")


def _check_image(image: Any) -> None:
    if image.get("/Subtype") != "/Image":
        raise KosekiHostile("a page has a form inside")  # nothing may hide from the list of operators
    for one in (image, image.get("/SMask"), image.get("/Mask")):
        if isinstance(one, pikepdf.Stream) and int(one.Width) * int(one.Height) > MAX_PIXELS:
            raise KosekiHostile("an image is too large")
