"""The judge by itself: pages of other orders and people, values that only begin alike, layers of lies, bombs."""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from koseki_site import CODE, DOMICILE, HEAD, Running, book, koseki_system, order, register_of, wanted

from issuance_api.koseki.breaker import FAILURES, Breaker
from issuance_api.koseki.inspection import fold, inspect
from issuance_api.koseki.order import KosekiHostile, KosekiMismatch, Order
from issuance_api.koseki.structure import MAX_STREAM, inflated_size
from issuance_api.pdfium_lock import PDFIUM
from municipalities.registry import get
from simulators.koseki import hostile
from simulators.koseki.drawing import ADDRESS, ALL, INDIVIDUAL, draw

pytestmark = pytest.mark.clause("3(1)⑤", "1(2)")


def drawn(one: Order) -> bytes:
    return draw(get(CODE), register_of(one), wanted(one))


def inspected(pdf: bytes, one: Order) -> tuple[bytes, int]:
    """As for an answer that says it is from the register as it is."""
    return inspect(pdf, one, book(CODE)[DOMICILE, HEAD].version())


def texts(pdf: bytes) -> list[str]:
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        return [page.get_textpage().get_text_range() for page in document]


@pytest.fixture(scope="module")
def good() -> tuple[Order, bytes, list[str]]:
    one = order(7, INDIVIDUAL)
    pdf = drawn(one)
    return one, pdf, texts(inspected(pdf, one)[0])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with koseki_system(tmp_path_factory.mktemp("koseki")) as one:
        yield one


def refused_or_same(pdf: bytes, one: Order, shown: list[str]) -> bool:
    try:
        clean, _ = inspected(pdf, one)
    except (KosekiHostile, KosekiMismatch):
        return True
    return texts(clean) == shown


@settings(max_examples=100)
@given(st.data())
def test_a_changed_byte_is_refused_or_changes_no_text(good: Any, data: st.DataObject) -> None:
    one, pdf, shown = good
    at = data.draw(st.integers(0, len(pdf) - 1))
    changed = pdf[:at] + bytes([data.draw(st.integers(0, 255))]) + pdf[at + 1 :]
    assert refused_or_same(changed, one, shown)


@settings(max_examples=60)
@given(st.data())
def test_changed_structure_is_refused_or_changes_no_text(good: Any, data: st.DataObject) -> None:
    """The part that is not packed: keys, numbers, references."""
    one, pdf, shown = good
    plain = [at for at in range(len(pdf)) if 0x20 < pdf[at] < 0x7F and b"obj" in pdf[max(0, at - 60) : at]]
    at = data.draw(st.sampled_from(plain))
    changed = pdf[:at] + data.draw(st.sampled_from([b"0", b"9", b"/", b"R", b"<", b"["])) + pdf[at + 1 :]
    assert refused_or_same(changed, one, shown)


@settings(max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(KosekiHostile):
        inspected(b"%PDF-1.7\n" + content, order())


@pytest.mark.parametrize("kind", [ALL, INDIVIDUAL, ADDRESS])
def test_each_page_of_the_clean_file_names_issue_and_subject_and_nothing_else_is_left(kind: str) -> None:
    one = order(8, kind)
    clean, pages = inspected(drawn(one), one)
    with pikepdf.open(io.BytesIO(clean)) as document:
        assert set(document.Root.keys()) == {"/Type", "/Pages", "/Metadata"}
        assert "/Info" not in document.trailer
        for number, page in enumerate(document.pages, 1):
            said = page.obj.Metadata.read_bytes().decode()
            assert f"serial={one.serial}, utsushi:subject={one.subject.digest()}, utsushi:page={number}/{pages}" in said


@pytest.mark.fault(61)
@pytest.mark.parametrize("field", ["name", "birth_text", "registered_domicile", "family_register_head"])
@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "二", lambda text: "他人　花子"])
def test_a_page_of_anybody_else_is_refused(good: Any, field: str, change: Any) -> None:
    """番地1 is not 番地12: a value that only begins alike is another."""
    one, pdf, _ = good
    other = replace(one, subject=replace(one.subject, **{field: change(getattr(one.subject, field))}))
    with pytest.raises(KosekiMismatch):
        inspected(pdf, other)


@pytest.mark.fault(61)
@pytest.mark.parametrize("other", [{"correlation_id": "ab" * 16}, {"kind": ALL}, {"kind": ADDRESS}, {"serial": "2"}])
def test_a_page_of_another_order_is_refused(good: Any, other: dict[str, Any]) -> None:
    one, pdf, _ = good
    with pytest.raises(KosekiMismatch):
        inspected(pdf, replace(one, **other))


def test_a_domicile_that_was_not_asked_for_is_refused_and_left_out_when_right() -> None:
    asked = order(9, ADDRESS)
    plain = replace(asked, include_domicile=False)
    assert fold(asked.subject.registered_domicile) not in fold("".join(texts(inspected(drawn(plain), plain)[0])))
    for pdf, one in ((drawn(asked), plain), (drawn(plain), asked)):
        with pytest.raises(KosekiMismatch):
            inspected(pdf, one)


def test_text_that_only_readers_are_told_is_taken_out() -> None:
    one = order(10)
    clean, _ = inspected(hostile.replacement_text(drawn(one)), one)
    with pikepdf.open(io.BytesIO(clean)) as document:
        assert all(b"ActualText" not in page.Contents.read_bytes() for page in document.pages)


@pytest.mark.fault(120)
def test_a_stream_is_unpacked_to_its_limit_only() -> None:
    assert inflated_size(zlib.compress(b"a" * 1000)) == 1000
    cut, more = zlib.compress(b"a" * 99)[:-3], zlib.compress(b"a") + b"x"
    for bad in (zlib.compress(b"\0" * (MAX_STREAM + 1)), cut, b"no", more):
        with pytest.raises(KosekiHostile):
            inflated_size(bad)


def test_a_refusal_that_is_meant_for_another_is_no_refusal(running: Running) -> None:
    running.system.trouble = "stranger_refused"
    with pytest.raises(KosekiMismatch):
        asyncio.run(running.client().fetch(order(11, name="居ない　人"), 20))
    running.system.trouble = "none"


@pytest.mark.fault(121)
def test_a_system_that_answers_wrongly_is_left_alone_too(running: Running) -> None:
    breaker = Breaker(lambda: 0.0)
    client = running.client(breaker)
    running.system.trouble = "html"
    for _ in range(FAILURES):
        with pytest.raises(KosekiHostile):
            asyncio.run(client.fetch(order(12), 20))
    running.system.trouble = "none"
    assert breaker.admit() is None
    assert asyncio.run(client.status()) == "ready"


@pytest.mark.fault(61)
def test_a_system_that_is_not_there_is_down(running: Running, tmp_path: Path) -> None:
    nowhere = replace(running.address, url="https://127.0.0.1:1")
    assert asyncio.run(replace(running, address=nowhere).client().status()) == "down"


def test_a_caller_that_goes_away_says_nothing_about_the_system(running: Running) -> None:
    breaker = Breaker(lambda: 0.0)

    async def leave() -> None:
        client = running.client(breaker)
        for _ in range(FAILURES + 1):
            task = asyncio.create_task(client.fetch(order(13), 20))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(leave())
    assert breaker.admit() is not None
