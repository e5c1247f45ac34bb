"""Extracts that no issuing server may pass on (悪意のあるPDF), made from a good one."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

MANY_PAGES = 500


def _changed(change: Callable[[pikepdf.Pdf], object], **saving: object) -> Callable[[bytes], bytes]:
    def run(pdf: bytes) -> bytes:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            change(document)
            out = io.BytesIO()
            document.save(out, **saving)  # type: ignore[arg-type]
            return out.getvalue()

    return run


def with_foreign_page(pdf: bytes, other: bytes, number: int) -> bytes:
    """One page is somebody else's (徳島: page 2 of 3); it is that of the same number in theirs."""
    with pikepdf.open(io.BytesIO(pdf)) as document, pikepdf.open(io.BytesIO(other)) as foreign:
        document.pages[number] = foreign.pages[number]
        out = io.BytesIO()
        document.save(out)
        return out.getvalue()


def _script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def _attachment(document: pikepdf.Pdf) -> None:
    document.attachments["a.txt"] = pikepdf.AttachedFileSpec(document, b"x", filename="a.txt")


def _many(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    for _ in range(MANY_PAGES):
        document.pages.append(page)


def _sized(*box: float) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        for page in document.pages:
            page.mediabox = Array(list(box))

    return change


def _user_unit(document: pikepdf.Pdf) -> None:
    document.pages[0].obj.UserUnit = 2


def _rotated(document: pikepdf.Pdf) -> None:
    document.pages[0].obj.Rotate = 90


def _hidden_layer(document: pikepdf.Pdf) -> None:
    group = document.make_indirect(Dictionary(Type=Name.OCG, Name=String("layer")))
    document.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(OFF=Array([group])))


def _link(document: pikepdf.Pdf) -> None:
    action = Dictionary(S=Name.URI, URI=String("http://127.0.0.1/"))
    note = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 100, 100]), A=action)
    document.pages[0].obj.Annots = Array([document.make_indirect(note)])


def _form(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = Dictionary(Fields=Array([]))


def _reversed(document: pikepdf.Pdf) -> None:
    document.pages.reverse()
    if len(document.pages) == 1:
        document.pages.append(document.pages[0])


def _missing(document: pikepdf.Pdf) -> None:
    if len(document.pages) > 1:
        del document.pages[-1]
    else:
        document.pages.append(document.pages[0])


def _invisible(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    page.Contents = document.make_stream(page.Contents.read_bytes().replace(b"0 Tr", b"3 Tr"))


def _bomb(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    content = page.Contents.read_bytes()
    page.Contents = document.make_stream(content + b" " * (96 << 20))


def _cropped(document: pikepdf.Pdf) -> None:
    document.pages[0].obj.CropBox = Array([0, 0, 595, 400])


def _white_sheet(document: pikepdf.Pdf) -> None:
    """A white sheet lies over the page: what is printed is empty."""
    document.pages[0].contents_add(b"\nq 1 1 1 rg 0 0 600 850 re f Q")


def _blacked(document: pikepdf.Pdf) -> None:
    """The name stands on black: its text is there, and there is ink in its place, but nobody can read it."""
    document.pages[0].contents_add(b"q 0 0 0 rg 0 700 600 142 re f Q\n", prepend=True)


def _pale(document: pikepdf.Pdf) -> None:
    """All ink is nearly white."""
    page = document.pages[0]
    page.Contents = document.make_stream(page.Contents.read_bytes().replace(b"0 scn", b"0.98 scn"))


def _put_picture(document: pikepdf.Pdf, image: Any, page: pikepdf.Page) -> None:
    stream = document.make_stream(zlib.compress(image.tobytes()), Type=Name.XObject, Subtype=Name.Image)
    stream.Width, stream.Height, stream.BitsPerComponent = image.width, image.height, 8
    stream.ColorSpace, stream.Filter = Name.DeviceRGB, Name.FlateDecode
    page.resources["/XObject"] = Dictionary(Picture=stream)


def with_picture(pdf: bytes, picture: bytes, *, text: str) -> bytes:
    """The first page shows another one as a picture (PNG); its own text is ``gone``, or lies ``under`` it and is still read."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    show = b"q 595.28 0 0 841.89 0 0 cm /Picture Do Q"

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        _put_picture(document, image, page)
        drawn = b"" if text == "gone" else page.Contents.read_bytes().replace(b"/x0 Do", b"")
        page.Contents = document.make_stream(drawn + b"\n" + show)

    return _changed(change)(pdf)


def _scattered(document: pikepdf.Pdf) -> None:
    """A page of another picture in small tiles, none of them larger than a seal."""
    page = document.pages[0]
    dot = document.make_stream(b"\x00", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, BitsPerComponent=8)
    dot.ColorSpace = Name.DeviceGray
    page.resources["/XObject"] = Dictionary(Dot=dot)
    page.contents_add(b"\n".join(b"q 20 0 0 20 %d 300 cm /Dot Do Q" % at for at in range(100, 500, 40)))


def _painted(document: pikepdf.Pdf) -> None:
    """Letters painted as lines: a name that no reader of text finds."""
    strokes = b" ".join(b"%d 300 m %d 310 l S" % (at % 500, at % 500 + 3) for at in range(2000))
    document.pages[0].contents_add(b"\nq " + strokes + b" Q")


def _curved(document: pikepdf.Pdf) -> None:
    document.pages[0].contents_add(b"\nq 100 100 m 110 120 130 120 140 100 c f Q")


def _image_bomb(document: pikepdf.Pdf) -> None:
    """An image that says it has ten thousand million dots."""
    page = document.pages[0]
    image = document.make_stream(b"\x00\x10", Type=Name.XObject, Subtype=Name.Image, Width=100_000, Height=100_000)
    image.BitsPerComponent, image.ColorSpace, image.Filter = 1, Name.DeviceGray, Name.CCITTFaxDecode
    page.resources["/XObject"] = Dictionary(Bomb=image)
    page.contents_add(b"\nq 30 0 0 30 0 0 cm /Bomb Do Q")


def _double_packed(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    packed = zlib.compress(zlib.compress(page.Contents.read_bytes()))
    stream = document.make_stream(b"")
    stream.write(packed, filter=Array([Name.FlateDecode, Name.FlateDecode]))
    page.Contents = stream


def _deep(document: pikepdf.Pdf) -> None:
    nested = Array([])
    for _ in range(60):
        nested = Array([nested])
    document.Root.PageLabels = Dictionary(Nums=nested)


def _many_objects(document: pikepdf.Pdf) -> None:
    document.Root.PageLabels = Dictionary(Nums=Array([document.make_indirect(Array([n])) for n in range(25_000)]))


def _no_seal(document: pikepdf.Pdf) -> None:
    page = document.pages[-1]
    page.Contents = document.make_stream(re.sub(rb"/\w+ Do", b"", page.Contents.read_bytes()))


def _external(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"q Q")
    stream.F = String("http://127.0.0.1/other")
    document.pages[0].Contents = Array([document.pages[0].Contents, stream])


def _form_inside(document: pikepdf.Pdf) -> None:
    """A drawing inside a drawing, which may hide in a layer."""
    form = document.make_stream(b"q Q", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    document.pages[0].resources["/XObject"] = Dictionary(F0=form)


def replacement_text(pdf: bytes) -> bytes:
    """Marked content that tells readers another text than the one that is drawn."""

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        page.Contents = document.make_stream(
            b"/Span <</ActualText (hidden)>> BDC " + page.Contents.read_bytes() + b" EMC"
        )

    return _changed(change)(pdf)


def _incremental(pdf: bytes) -> bytes:
    start = pdf.rindex(b"startxref")
    number = pdf[start:].split()[1]
    return pdf + b"\n1 0 obj\n<<>>\nendobj\nxref\n0 0\ntrailer\n<< /Prev " + number + b" >>\nstartxref\n0\n%%EOF\n"


def _encrypted(pdf: bytes) -> bytes:
    return _changed(lambda document: None, encryption=pikepdf.Encryption(owner="o", user=""))(pdf)


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "script": _changed(_script),
    "attachment": _changed(_attachment),
    "many_pages": _changed(_many),
    "letter": _changed(_sized(0, 0, 612, 792)),
    "a3": _changed(_sized(0, 0, 841.89, 1190.55)),
    "landscape": _changed(_sized(0, 0, 841.89, 595.28)),
    "shifted": _changed(_sized(-100, -100, 495.28, 741.89)),
    "user_unit": _changed(_user_unit),
    "rotated": _changed(_rotated),
    "hidden_layer": _changed(_hidden_layer),
    "link": _changed(_link),
    "form": _changed(_form),
    "reversed": _changed(_reversed),
    "page_missing": _changed(_missing),
    "invisible": _changed(_invisible),
    "bomb": _changed(_bomb, compress_streams=True),
    "incremental": _incremental,
    "encrypted": _encrypted,
    "cropped": _changed(_cropped),
    "white_sheet": _changed(_white_sheet),
    "blacked": _changed(_blacked),
    "pale": _changed(_pale),
    "no_seal": _changed(_no_seal),
    "scattered": _changed(_scattered),
    "painted": _changed(_painted),
    "curved": _changed(_curved),
    "image_bomb": _changed(_image_bomb),
    "double_packed": _changed(
        _double_packed, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False
    ),
    "deep": _changed(_deep),
    "many_objects": _changed(_many_objects),
    "external_stream": _changed(_external),
    "form_inside": _changed(_form_inside),
    "table_in_stream": _changed(lambda document: None, object_stream_mode=pikepdf.ObjectStreamMode.generate),
    "html_as_pdf": lambda pdf: b"<!DOCTYPE html><title>maintenance</title>",
    "truncated": lambda pdf: pdf[: len(pdf) // 2],
    "not_pdf": lambda pdf: b"MZ" + pdf[2:],
    "huge": lambda pdf: pdf + b"%" * (20 << 20),
    "prefixed": lambda pdf: b"\n" * 2000 + pdf,
}
