"""Writing an extract anew (書き直し): only pages, and on them only the ways of drawing that were looked at.

Marked content goes too, because a reader may take its replacement text for what is drawn. The same input gives the same
bytes. Whether the pages are this order's is judged in ``inspection``, on the file that is made here.
"""

from __future__ import annotations

import io
from typing import Any

import pikepdf

from issuance_api.koseki.order import KosekiHostile, Order
from issuance_api.koseki.structure import MAX_STREAM
from records.errors import Place

STATE = "q Q cm w J j M d i gs CS cs SC SCN sc scn G g RG rg K k"
PATHS = "m l h re S s f F f* B B* b b* n W W*"  # lines and boxes: no curves, with which letters could be painted
TEXTS = "BT ET Tc Tw Tz TL Tf Ts Td TD Tm T* Tj TJ ' \" Tr"
DRAWING = frozenset(f"{STATE} {PATHS} {TEXTS} Do".split())
MARKS = frozenset(("BMC", "BDC", "EMC", "MP", "DP"))
SHOWING = frozenset(("Tj", "TJ", "'", '"'))
PAINTING = frozenset(["S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "Do"])
MAX_OPERATORS = 200_000

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Keywords>utsushi:serial={serial}, utsushi:subject={subject}, utsushi:page={page}</pdf:Keywords>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def rewrite(document: pikepdf.Pdf, order: Order, leave_out: frozenset[str] = frozenset()) -> bytes:
    """The clean file: its pages, and the serial and subject digest as XMP of the document and of every page.

    ``leave_out`` are operators that are not copied: ``SHOWING`` gives the pages without their text, ``PAINTING`` gives
    them with nothing but it, for the judge to compare.
    """
    with pikepdf.new() as clean:
        for number, page in enumerate(document.pages, 1):
            xmp = _xmp(clean, order, f"{number}/{len(document.pages)}")
            drawn = _drawing(page, leave_out)
            clean.pages.append(pikepdf.Page(_page(clean, document, page, xmp, drawn)))
        clean.Root.Metadata = _xmp(clean, order, f"1-{len(document.pages)}")
        made = io.BytesIO()
        clean.save(
            made,
            fix_metadata_version=False,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=True,
            recompress_flate=True,
        )
    return made.getvalue()


def _page(clean: pikepdf.Pdf, document: pikepdf.Pdf, page: pikepdf.Page, xmp: Any, drawn: bytes) -> Any:
    """A page with nothing but its size, its resources and its drawing."""
    resources = page.obj.Resources
    whole = resources if resources.is_indirect else document.make_indirect(resources)
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=pikepdf.Array(list(page.obj.MediaBox)),
        Resources=clean.copy_foreign(whole),
        Contents=clean.make_stream(drawn),
        Metadata=xmp,
    )


def _drawing(page: pikepdf.Page, leave_out: frozenset[str]) -> bytes:
    """The operators that draw, without marks; ``KosekiHostile`` for any that is not on the list."""
    try:
        operations = pikepdf.parse_content_stream(page)
    except (pikepdf.PdfError, RuntimeError, TypeError):
        raise KosekiHostile("a page's content can't be read") from None
    if len(operations) > MAX_OPERATORS:
        raise KosekiHostile("a page draws too much")
    kept = [one for one in operations if _draws(str(one.operator), one)]
    # A path that is not painted must still end: in its place stands the operator that ends it without ink.
    end = pikepdf.ContentStreamInstruction([], pikepdf.Operator("n"))
    drawn: bytes = pikepdf.unparse_content_stream([one for each in kept if (one := _without(each, leave_out, end))])
    if len(drawn) > MAX_STREAM:
        raise KosekiHostile("a page draws too much")
    return drawn


def _without(operation: Any, leave_out: frozenset[str], end: Any) -> Any:
    operator = str(operation.operator)
    if operator not in leave_out:
        return operation
    return end if operator in PAINTING - {"Do"} else None


def _draws(operator: str, operation: Any) -> bool:
    if operator in MARKS:
        return False
    if operator not in DRAWING:
        raise KosekiHostile("a way of drawing that is not agreed", Place(field=operator[:20]))
    if operator == "Tr" and [int(one) for one in operation.operands] != [0]:
        raise KosekiHostile("text is drawn without ink", Place(field="Tr"))
    return True


def _xmp(clean: pikepdf.Pdf, order: Order, page: str) -> Any:
    text = XMP.format(serial=order.serial, subject=order.subject.digest(), page=page)
    return clean.make_stream(text.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
