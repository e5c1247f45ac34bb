"""The check before sending catches a page that is not exactly what was demanded."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pikepdf
import pytest
from fictional_people import CODE, FAMILY, FATHER, ISSUE, LARGE_FAMILY, MOTHER, SEAL, application, imprint

from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, household_order, page_data
from issuance_api.impression import Impression
from issuance_api.model import HOUSEHOLD_ITEMS, Kind
from issuance_api.rendering import Renderer
from municipalities.registry import get
from records.errors import CheckFailed
from records.records import Resident

TOWN = get(CODE)
RENDERER = Renderer()
ITEMS = HOUSEHOLD_ITEMS


def household_page(members: tuple[Resident, ...] = FAMILY, person: Resident = FATHER, **changes: Any) -> PageData:
    """住民票 of a household, drawn for ``person``."""
    asked = application(Kind.RESIDENT_RECORD, items=ITEMS)
    return page_data(TOWN, asked, Subject(person, household_order(members)), replace(ISSUE, **changes))


@cache
def seal_page() -> PageData:
    asked = application(Kind.SEAL_REGISTRATION)
    return page_data(TOWN, asked, Subject(FATHER, (FATHER,), seal=SEAL), ISSUE)


def with_digest_of(page: PageData, demanded: PageData) -> PageData:
    """``page`` with the digest that is asked for, so that only the texts can give it away."""
    return replace(page, values=page.values | {"digest": demanded.digest})


def rewritten(pdf: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """``pdf`` after ``change``."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(out)
    return out.getvalue()


OTHER = replace(FATHER, name="別人　一郎", name_kana="ベツジン　イチロウ")
WRONG: dict[str, PageData] = {
    "another person's page": household_page((replace(OTHER, householder_name=OTHER.name),), OTHER),
    "a member is missing": household_page(FAMILY[:-1]),
    "a member too many": household_page(LARGE_FAMILY),
    "a name is another's": household_page((FATHER, replace(MOTHER, name="渡辺　吉乃"), FAMILY[2])),
    "the selector is dropped": household_page((replace(FATHER, name="渡邉　辰之助"), *FAMILY[1:])),
    "another variant": household_page((replace(FATHER, name="渡邉\U000e0111　辰之助"), *FAMILY[1:])),
    "the date of birth": household_page((replace(FATHER, birth_on=MOTHER.birth_on), *FAMILY[1:])),
    "the serial": household_page(serial="2026112400000018"),
    "another issue of the same under the same serial": household_page(request_id="golden-request-0002"),
}


@pytest.mark.parametrize("what", WRONG)
def test_another_page_is_caught_by_its_digest_and_by_its_texts(what: str) -> None:
    demanded, wrong = household_page(), WRONG[what]
    with pytest.raises(CheckFailed):
        check(TOWN, demanded, RENDERER.render(TOWN, wrong))
    with pytest.raises(CheckFailed):
        check(TOWN, demanded, RENDERER.render(TOWN, with_digest_of(wrong, demanded)))


def _drop_page(document: pikepdf.Pdf) -> None:
    del document.pages[-1]


def _swap_pages(document: pikepdf.Pdf) -> None:
    document.pages.reverse()


def _double_page(document: pikepdf.Pdf) -> None:
    document.pages.append(document.pages[0])


def _script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="1")


def _other_size(document: pikepdf.Pdf) -> None:
    document.pages[0].mediabox = [0, 0, 595, 800]


def _wipe(document: pikepdf.Pdf) -> None:
    document.pages[0].Contents = document.make_stream(b"")


def _other_text(document: pikepdf.Pdf) -> None:
    """The characters say one thing, the glyphs draw another."""
    font = next(iter(document.pages[0].Resources.Font.values()))
    cmap = font.ToUnicode.read_bytes().replace(b"<7537>", b"<5973>")
    font.ToUnicode.write(cmap)


def _characterless(document: pikepdf.Pdf) -> None:
    """A font that does not say which characters it draws."""
    del next(iter(document.pages[0].Resources.Font.values())).ToUnicode


def _other_order(document: pikepdf.Pdf) -> None:
    """The right glyphs, but in the longest text two change places."""
    page = document.pages[0]
    drawn = list(pikepdf.parse_content_stream(page))
    shown = [number for number, one in enumerate(drawn) if str(one.operator) == "TJ"]
    at = max(shown, key=lambda number: len(bytes(drawn[number].operands[0][0])))
    codes = bytes(drawn[at].operands[0][0])
    text = pikepdf.Array([pikepdf.String(codes[2:4] + codes[:2] + codes[4:])])
    drawn[at] = pikepdf.ContentStreamInstruction([text], pikepdf.Operator("TJ"))
    page.Contents = document.make_stream(pikepdf.unparse_content_stream(drawn))


def _unknown_operator(document: pikepdf.Pdf) -> None:
    """More text, shown by an operator that our renderer does not use."""
    page = document.pages[0]
    more = page.Contents.read_bytes() + b"\nBT /f0 10 Tf (\\000\\001) ' ET"
    page.Contents = document.make_stream(more)


def _no_font(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    page.Contents = document.make_stream(page.Contents.read_bytes() + b"\nBT (\\000\\001) Tj ET")


def _other_numbering(document: pikepdf.Pdf) -> None:
    """Glyph numbers that no longer mean what the font's characters say."""
    font = next(iter(document.pages[0].Resources.Font.values()))
    font.DescendantFonts[0].CIDToGIDMap = document.make_stream(bytes(2000))


DAMAGES = [
    _characterless,
    _other_order,
    _unknown_operator,
    _no_font,
    _other_numbering,
    _drop_page,
    _swap_pages,
    _double_page,
    _script,
    _other_size,
    _wipe,
    _other_text,
]


@pytest.mark.parametrize("change", DAMAGES)
def test_a_damaged_document_is_caught(change: Callable[[pikepdf.Pdf], None]) -> None:
    demanded = household_page(LARGE_FAMILY)
    pdf = RENDERER.render(TOWN, demanded)
    check(TOWN, demanded, pdf)
    with pytest.raises(CheckFailed):
        check(TOWN, demanded, rewritten(pdf, change))


@pytest.mark.fault(124)
def test_a_page_of_another_household_between_its_own_is_caught() -> None:
    """徳島: page 2 of 3 was somebody else's. Even when it says that it is of this issue and of this subject."""
    demanded = household_page(LARGE_FAMILY)
    assert demanded.pages > 1
    strangers = tuple(replace(one, name="別人　一郎", householder_name="別人　一郎") for one in LARGE_FAMILY)
    foreign = RENDERER.render(TOWN, with_digest_of(household_page(strangers, strangers[0]), demanded))
    for number in range(demanded.pages):

        def exchange(document: pikepdf.Pdf, number: int = number) -> None:
            with pikepdf.open(io.BytesIO(foreign)) as other:
                document.pages[number] = other.pages[number]
                document.save(io.BytesIO())  # copies, while the other is open

        with pytest.raises(CheckFailed):
            check(TOWN, demanded, rewritten(RENDERER.render(TOWN, demanded), exchange))


def _no_image(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    page.Contents = document.make_stream(re.sub(rb"q [^\n]* cm/x[0-9]+ Do\nQ", b"", page.Contents.read_bytes()))


def test_a_missing_official_seal_and_imprint_are_caught() -> None:
    pdf = RENDERER.render(TOWN, seal_page())
    check(TOWN, seal_page(), pdf)
    with pytest.raises(CheckFailed, match="seals"):
        check(TOWN, seal_page(), rewritten(pdf, _no_image))


def test_an_imprint_of_another_size_is_caught() -> None:
    smaller = seal_page().values["impression"] | {"width_mm": 10.0}
    wrong = replace(seal_page(), values=seal_page().values | {"impression": smaller})
    with pytest.raises(CheckFailed, match="seals"):
        check(TOWN, seal_page(), RENDERER.render(TOWN, wrong))


def test_the_imprint_is_in_true_size() -> None:
    read = Impression.read(imprint())
    assert read.values()["width_mm"] == pytest.approx(12.0, abs=0.05)


@pytest.mark.parametrize("png", [b"", b"GIF89a" + bytes(40), imprint()[:20], imprint()[:24] + b"\x08" + imprint()[25:]])
def test_a_broken_imprint_is_refused(png: bytes) -> None:
    with pytest.raises(CheckFailed):
        Impression.read(png)
