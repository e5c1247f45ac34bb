"""A broken renderer (壊れた作成機能), in many ways: whatever it gives, nothing wrong is ever sent.

Published incidents are among them: the previous person's page, another's page in the middle, a certificate without seal.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pikepdf
import pytest
from fictional_people import CHILD, CODE, FATHER, MOTHER
from issuing_town import CARD, MOTHERS_CARD, owner, put, states, text_of
from pikepdf import Array, Dictionary, Name, String
from starlette.testclient import TestClient

from issuance_api.forms import PageData, sheet_numbers
from issuance_api.model import Kind
from issuance_api.renderer.pool import RendererPool
from issuance_api.rendering import Renderer
from municipalities.registry import get

REAL = Renderer()
Render = Callable[[PageData], bytes]
Mutation = Callable[[PageData, Render], bytes]


def values(change: Callable[[dict[str, Any]], None]) -> Mutation:
    """The renderer draws other values than it was given, under the digest that it was given."""

    def run(page: PageData, render: Render) -> bytes:
        other = deepcopy(page.values)
        change(other)
        return render(replace(page, values=other))

    return run


def document(change: Callable[[pikepdf.Pdf], object], **saving: Any) -> Mutation:
    """The finished file is changed."""

    def run(page: PageData, render: Render) -> bytes:
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(render(page))) as pdf:
            change(pdf)
            pdf.save(out, **saving)
        return out.getvalue()

    return run


def content(old: bytes, new: bytes) -> Mutation:
    """The first place of ``old`` in what the page draws is ``new``; a pattern, so that it surely is there."""

    def change(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        drawn, count = re.subn(old, new, page.Contents.read_bytes(), count=1, flags=re.DOTALL)
        assert count == 1
        page.Contents = pdf.make_stream(drawn)

    return document(change)


def person(key: str, value: str, number: int = 0) -> Mutation:
    return values(lambda page: page["people"][number].update({key: value}))


def _exchange(page: dict[str, Any]) -> None:
    one, other = page["people"][:2]
    one["birth"], other["birth"] = other["birth"], one["birth"]


def _within(page: dict[str, Any]) -> None:
    one = page["people"][0]
    one["name"], one["name_kana"] = one["name_kana"], one["name"]


def _seal_of_another_town(pdf: pikepdf.Pdf) -> None:
    from test_checking import seal_page

    with pikepdf.open(io.BytesIO(REAL.render(get("362999"), seal_page()))) as donor:
        largest = max(donor.pages[0].Resources.XObject.values(), key=lambda one: int(one.Width))
        for name in list(pdf.pages[0].Resources.XObject.keys()):
            pdf.pages[0].Resources.XObject[name] = pdf.copy_foreign(largest)


def _incremental(page: PageData, render: Render) -> bytes:
    pdf = render(page)
    return pdf + b"\n1 0 obj\n<<>>\nendobj\nxref\n0 0\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"


def _layer(pdf: pikepdf.Pdf) -> None:
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("x")))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(OFF=Array([group])))


def _attach(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["x"] = pikepdf.AttachedFileSpec(pdf, b"x", filename="x")


def _link(pdf: pikepdf.Pdf) -> None:
    note = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]))
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(note)])


def _script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("1"))


def _fallback(page: PageData, render: Render) -> bytes:
    """Another glyph is drawn, and the file says of it that it is the right character: 辰 is drawn as 乙."""
    other = deepcopy(page.values)
    other["people"][0]["name"] = other["people"][0]["name"].replace("辰", "乙")

    def rename(pdf: pikepdf.Pdf) -> None:
        maps = [font.ToUnicode for font in pdf.pages[0].Resources.Font.values()]
        assert any(b"<4E59>" in one.read_bytes() for one in maps)
        for one in maps:
            one.write(one.read_bytes().replace(b"<4E59>", b"<8FB0>"))

    return document(rename)(replace(page, values=other), render)


def _swap_fonts(pdf: pikepdf.Pdf) -> None:
    """The program of each font is that of another document's: the same numbers are other glyphs."""
    from test_checking import seal_page

    with pikepdf.open(io.BytesIO(REAL.render(get(CODE), seal_page()))) as donor:
        (file, *_) = _font_files(donor)
        for font in _font_files(pdf):
            font.write(file.read_bytes())


def _font_files(pdf: pikepdf.Pdf) -> list[Any]:
    fonts = [font.DescendantFonts[0].FontDescriptor for font in pdf.pages[0].Resources.Font.values()]
    return [one.FontFile2 if "/FontFile2" in one else one.FontFile3 for one in fonts]


def _bomb(pdf: pikepdf.Pdf) -> None:
    page = pdf.pages[0]
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + b" " * (96 << 20))


def sheet(number: int, change: Callable[[dict[str, Any]], None]) -> Mutation:
    """One sheet is that of another certificate, which differs from this one by ``change``."""

    def run(page: PageData, render: Render) -> bytes:
        other = deepcopy(page.values)
        change(other)
        out = io.BytesIO()
        with (
            pikepdf.open(io.BytesIO(render(page))) as pdf,
            pikepdf.open(io.BytesIO(render(replace(page, values=other)))) as donor,
        ):
            pdf.pages[number] = donor.pages[number]
            pdf.save(out)
        return out.getvalue()

    return run


def _other_people(page: dict[str, Any]) -> None:
    """Another household of the same size, under the serial and the numbers that this one should have."""
    for one in page["people"]:
        one["name"], one["name_kana"] = f"別人　{one['name'][-1]}", "ベツジン"


def _other_issue(page: dict[str, Any]) -> None:
    """Another issue of the same record: with the same serial, all that differs is the number of the sheet."""
    page["sheet_numbers"] = sheet_numbers("f" * 64, len(page["sheet_numbers"]))


def _exchanged(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1], pdf.pages[2] = pdf.pages[2], pdf.pages[1]


SHEETS: dict[str, Mutation] = {
    "another household's middle sheet, right serial": sheet(1, _other_people),
    "the middle sheet of another issue of the same record": sheet(1, _other_issue),
    "the first sheet of another issue of the same record": sheet(0, _other_issue),
    "the last sheet of another issue of the same record": sheet(2, _other_issue),
    "two sheets exchanged": document(_exchanged),
    "the first sheet in the place of the second": document(lambda pdf: pdf.pages.__setitem__(1, pdf.pages[0])),
    "no numbers of sheets": values(lambda page: page.update(sheet_numbers=[" "] * len(page["sheet_numbers"]))),
}

TEXT = rb"(q 1 0 0 -1 )([0-9.]+)( [0-9.]+ cm/c0 cs 0 scn\nBT 0 Tr.*?\nET\nQ)"
BLACK, PLAIN = rb"cs 0 scn\nBT 0 Tr", rb"BT 0 Tr"
IMAGE = rb"q [^\n]* cm/x[0-9]+ Do\nQ"

MUTATIONS: dict[str, Mutation] = {
    "another's name": person("name", MOTHER.name),
    "another spelling": person("name", FATHER.name.replace("\U000e0110", "")),
    "another variant": person("name", FATHER.name.replace("\U000e0110", "\U000e0111")),
    "another birthday": person("birth", "昭和50年2月2日"),
    "another kana": person("name_kana", "ベツジン"),
    "個人番号 though nobody asked": person("individual_number", "123456789018"),
    "another relationship": person("relationship", "妻"),
    "two birthdays exchanged": values(_exchange),
    "two cells exchanged": values(_within),
    "two members exchanged": values(lambda page: page["people"].reverse()),
    "a member missing": values(lambda page: page["people"].pop()),
    "a member twice": values(lambda page: page["people"].append(page["people"][0])),
    "another address": values(lambda page: page.update(address="徳島県三好郡東みよし町別の所1番地")),
    "another householder": values(lambda page: page.update(householder="別人　一郎")),
    "another date": values(lambda page: page.update(issued_on="令和8年11月25日")),
    "another serial": values(lambda page: page.update(serial="2026112400009999")),
    "another certification": values(lambda page: page.update(certification="世帯の一部を証明する。")),
    "another mayor": values(lambda page: page["authority"].update(name="別人　一郎")),
    "another town": values(lambda page: page.update(municipality_name="別の町")),
    "another digest": values(lambda page: page.update(digest="0" * 64)),
    "a page twice": document(lambda pdf: pdf.pages.append(pdf.pages[0])),
    "a page too few": document(lambda pdf: pdf.pages.__delitem__(0)),
    "a script": document(_script),
    "an attachment": document(_attach),
    "a link": document(_link),
    "a hidden layer": document(_layer),
    "encryption": document(lambda pdf: None, encryption=pikepdf.Encryption(owner="o", user="")),
    "an addition after the end": _incremental,
    "a decoder bomb": document(_bomb, compress_streams=True),
    "a page of a web server": lambda page, render: b"<!DOCTYPE html><title>200 OK</title>",
    "a fallback glyph under the right text": _fallback,
    "another font program": document(_swap_fonts),
    "half a file": lambda page, render: render(page)[:4000],
    "white text": content(BLACK, rb"cs 1 scn\nBT 0 Tr"),
    "invisible text": content(PLAIN, rb"BT 3 Tr"),
    "a text off the sheet": content(TEXT, rb"\g<1>900\3"),
    "a text in another row": content(rb"(q 1 0 0 -1 [0-9.]+ )6([0-9.]+ cm/c0 cs 0 scn\nBT)", rb"\g<1>5\2"),
    "a text twice": content(TEXT, rb"\g<0>\n\g<0>"),
    "a text missing": content(TEXT, rb""),
    "a clip": content(rb"\Aq|\A", rb"0 0 1 1 re W n\n\g<0>"),
    "something over it": content(rb"\Z", rb"\n1 1 1 rg 0 0 600 600 re f\n"),
    "no official seal": content(IMAGE, rb""),
    "a seal of half the size": content(rb"q ([0-9.]+) 0 0 ([0-9.-]+) ([^\n]* cm/x[0-9]+ Do)", rb"q 10 0 0 10 \3"),
    "another town's seal": document(_seal_of_another_town),
    "a turned page": document(lambda pdf: pdf.pages[0].obj.__setitem__("/Rotate", 90)),
}


def apply(centre: TestClient, request_id: str, card: str = CARD, kind: Kind = Kind.RESIDENT_RECORD) -> Any:
    body = {"request_id": request_id, "kind": kind.value, "card_serial": card}
    if kind is Kind.RESIDENT_RECORD:
        body["items"] = ["relationship"]  # type: ignore[assignment]
    return centre.post(f"/v1/{CODE}/applications", json=body)


def broken(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> None:
    async def draw(self: Any, municipality: Any, page: PageData) -> bytes:
        return mutation(page, lambda one: REAL.render(municipality, one))

    monkeypatch.setattr(RendererPool, "draw", draw)


def assert_nothing_sent(response: Any, request_id: str) -> None:
    assert (response.status_code, response.json()["code"]) == (500, "check_failed")
    assert states(request_id) == ["accepted", "eligible", "failed"]
    with owner() as connection:
        row = connection.execute("select kind from issuance.incident where request_id = %s", (request_id,)).fetchone()
    assert row == ("check_failed",)


@pytest.mark.fault(117, 118, 119, 120, 121)
@pytest.mark.clause("1(2)")
@pytest.mark.parametrize("what", MUTATIONS)
def test_nothing_that_is_wrong_is_sent(centre: TestClient, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    broken(monkeypatch, MUTATIONS[what])
    assert_nothing_sent(apply(centre, "request-0001"), "request-0001")


@pytest.fixture
def large_household(centre: TestClient) -> None:
    """Nine people, so that the certificate has three sheets."""
    with owner() as connection:
        for number in range(6):
            key = f"00000000000020{number}"
            put(connection, "resident", replace(CHILD, addressee_number=key, name=f"渡邉\U000e0110　{number}子"))


def test_three_sheets_of_one_certificate_are_sent(centre: TestClient, large_household: None) -> None:
    sent = apply(centre, "request-0001")
    assert sent.status_code == 200
    number = re.findall(r"照合番号((?:[0-9A-F]{4}-){4})([0-9])", text_of(sent.content))
    assert [one[1] for one in number] == ["1", "2", "3"]
    assert len({one[0] for one in number}) == 1


def test_a_sheet_put_in_again_is_sent(
    centre: TestClient, large_household: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what is caught below is what the sheet shows, not that it was put in."""
    broken(monkeypatch, sheet(1, lambda page: None))
    assert apply(centre, "request-0001").status_code == 200


@pytest.mark.clause("1(2)")
@pytest.mark.parametrize("what", SHEETS)
def test_no_sheet_of_another_certificate_is_sent(
    centre: TestClient, large_household: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """徳島: page 2 of 3 was another person's."""
    broken(monkeypatch, SHEETS[what])
    assert_nothing_sent(apply(centre, "request-0001"), "request-0001")


@pytest.mark.clause("1(2)")
def test_the_page_of_the_request_before_is_not_sent(centre: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """横浜 2023-03-27: the next request printed the previous one's file."""
    kept: list[bytes] = []

    def stale(page: PageData, render: Render) -> bytes:
        kept.append(render(page))
        return kept[0]

    broken(monkeypatch, stale)
    assert apply(centre, "request-0001").status_code == 200
    assert_nothing_sent(apply(centre, "request-0002", MOTHERS_CARD), "request-0002")


@pytest.mark.fault(89)
def test_another_persons_imprint_is_not_sent(centre: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def inverted(page: dict[str, Any]) -> None:
        from PIL import Image, ImageOps

        image = Image.open(io.BytesIO(bytes(page["impression"]["png"])))
        out = io.BytesIO()
        ImageOps.mirror(image).save(out, "PNG")
        page["impression"]["png"] = list(out.getvalue())

    broken(monkeypatch, values(inverted))
    assert_nothing_sent(apply(centre, "request-0001", kind=Kind.SEAL_REGISTRATION), "request-0001")
