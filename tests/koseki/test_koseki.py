"""The 戸籍 system: slow, down, crossed, hostile; only the extract of exactly this order ever comes through."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from koseki_site import CODE, Running, book, elsewhere, koseki_system, order

from issuance_api.koseki.breaker import FAILURES, PAUSE_SECONDS, Breaker
from issuance_api.koseki.inspection import inspect
from issuance_api.koseki.order import (
    Extract,
    KosekiHostile,
    KosekiMismatch,
    KosekiNotFound,
    KosekiPending,
    KosekiTimeout,
    KosekiUnavailable,
)
from issuance_api.model import KOSEKI_KINDS
from issuance_api.pdfium_lock import PDFIUM
from municipalities.registry import get
from records.errors import UtsushiError
from simulators import pki
from simulators.koseki.drawing import Wanted, draw
from simulators.koseki.hostile import KINDS
from simulators.koseki.server import SLOW_SECONDS

ERRORS: dict[str, type[UtsushiError]] = {
    "slow": KosekiTimeout,
    "drip": KosekiTimeout,
    "html": KosekiHostile,
    "redirect": KosekiHostile,
    "busy": KosekiUnavailable,
    "pending": KosekiPending,
    "old_settlement": KosekiMismatch,
    "packed": KosekiHostile,
    "other_person": KosekiMismatch,
    "foreign_page": KosekiMismatch,
    "reversed": KosekiMismatch,
    "page_missing": KosekiMismatch,
    **dict.fromkeys(set(KINDS) - {"reversed", "page_missing"}, KosekiHostile),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with koseki_system(tmp_path_factory.mktemp("koseki")) as one:
        yield one


@pytest.fixture
def koseki(running: Running) -> Iterator[Running]:
    running.system.trouble = "none"
    yield running
    running.system.trouble = "none"


def text_of(extract: Extract) -> str:
    with PDFIUM:
        document = pypdfium2.PdfDocument(extract.pdf)
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def fetch(running: Running, number: int = 1, seconds: float = 20, **changes: str) -> Extract:
    return asyncio.run(running.client().fetch(order(number, **changes), seconds))


@pytest.mark.clause("1(2)", "3(1)⑤")
@pytest.mark.parametrize("kind", sorted(KOSEKI_KINDS))
def test_each_kind_comes_with_all_its_pages(koseki: Running, kind: str) -> None:
    extract = fetch(koseki, kind=kind)
    text = text_of(extract)
    assert order().correlation_id in text
    assert "辰之助" in text
    assert ("子8" in text) == ("individual" not in kind)
    assert extract.pages == len(pypdfium2.PdfDocument(extract.pdf))


@pytest.mark.clause("1(2)", "2(1)②")
def test_somebody_who_lives_elsewhere_gets_theirs(koseki: Running) -> None:
    extract = asyncio.run(koseki.client().fetch(elsewhere(), 20))
    assert "【名】外子" in text_of(extract)


def test_the_same_order_again_gives_the_same_bytes(koseki: Running) -> None:
    first, second = fetch(koseki), fetch(koseki)
    assert first.pdf == second.pdf
    assert first.sha256 == second.sha256 != fetch(koseki, 2).sha256


@pytest.mark.fault(61, 120, 121, 122, 124, 157)
@pytest.mark.parametrize("trouble", sorted(ERRORS))
def test_nothing_of_a_bad_answer_comes_through(koseki: Running, trouble: str) -> None:
    koseki.system.trouble = trouble
    with pytest.raises(UtsushiError) as caught:
        fetch(koseki, seconds=2 if ERRORS[trouble] is KosekiTimeout else 20)
    assert type(caught.value) is ERRORS[trouble]
    assert "辰之助" not in str(caught.value)


@pytest.mark.fault(52, 61)
@pytest.mark.parametrize("trouble", ["crossed", "swapped_bodies"])
def test_two_answers_that_change_places_reach_nobody(koseki: Running, trouble: str) -> None:
    """川崎 2023-05-02: two requests within a second, the later overwrote the earlier."""
    koseki.system.trouble = trouble
    client = koseki.client()

    async def both() -> list[Extract | BaseException]:
        return list(
            await asyncio.gather(client.fetch(order(1), 20), client.fetch(elsewhere(2), 20), return_exceptions=True)
        )

    assert [type(one) for one in asyncio.run(both())] == [KosekiMismatch, KosekiMismatch]


@pytest.mark.fault(123)
def test_an_answer_that_comes_too_late_is_nobodys(koseki: Running) -> None:
    """横浜: what the request before had asked for came while the next one waited."""
    client = koseki.client()

    async def late_and_next() -> Extract:
        koseki.system.trouble = "slow"
        with pytest.raises(KosekiTimeout):
            await client.fetch(order(1), 0.5)
        koseki.system.trouble = "none"
        found = [await client.fetch(elsewhere(number), 20) for number in range(2, 8)]  # the late one arrives meanwhile
        await asyncio.sleep(SLOW_SECONDS)
        return (*found, await client.fetch(elsewhere(8), 20))[-1]

    text = text_of(asyncio.run(late_and_next()))
    assert "外子" in text
    assert "辰之助" not in text


@pytest.mark.fault(158)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_system_that_speaks_old_tls_only_is_not_asked(koseki: Running) -> None:
    """Its certificate is the right one; somebody in between has talked both down."""
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(koseki.address.client)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with suppress(ssl.SSLError, ConnectionError), context.wrap_socket(plain, server_side=True) as connection:
                heard.append(connection.recv(100))

        thread = threading.Thread(target=serve)
        thread.start()
        address = replace(koseki.address, url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(KosekiUnavailable):
            asyncio.run(replace(koseki, address=address).client().fetch(order(), 10))
        thread.join(10)
    assert heard == []


@pytest.mark.fault(52)
def test_many_in_one_moment_each_get_their_own(koseki: Running) -> None:
    client = koseki.client()

    async def many() -> list[Extract]:
        orders = [order(n) if n % 2 else elsewhere(n) for n in range(1, 13)]
        return list(await asyncio.gather(*(client.fetch(one, 30) for one in orders)))

    for number, extract in enumerate(asyncio.run(many()), 1):
        text = text_of(extract)
        assert f"{number:032x}" in text
        assert ("辰之助" in text) == bool(number % 2)


def test_an_unknown_register_and_an_unknown_person_are_not_found(koseki: Running) -> None:
    for changes in ({"registered_domicile": "徳島県三好郡東みよし町昼間1番地"}, {"name": "居ない　人"}):
        with pytest.raises(KosekiNotFound):
            fetch(koseki, **changes)


def test_a_server_of_another_ca_and_a_client_without_certificate_are_refused(koseki: Running, tmp_path: Path) -> None:
    other = pki.ensure(tmp_path / "other")
    client = Running(koseki.system, replace(koseki.address, ca=other.ca)).client()
    with pytest.raises(KosekiUnavailable):
        asyncio.run(client.fetch(order(), 10))
    context = ssl.create_default_context(cafile=koseki.address.ca)
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{koseki.address.url}/v1/{CODE}/extracts", json={}, verify=context, trust_env=False)


@pytest.mark.fault(61)
def test_a_system_that_is_down_is_left_alone_for_a_while_and_then_tried_once(koseki: Running) -> None:
    now = [0.0]
    client = koseki.client(Breaker(lambda: now[0]))
    koseki.system.trouble = "busy"
    for _ in range(FAILURES):
        with pytest.raises(KosekiUnavailable):
            asyncio.run(client.fetch(order(), 10))
    asked = koseki.system.asked
    with pytest.raises(KosekiUnavailable):
        asyncio.run(client.fetch(order(), 10))
    assert koseki.system.asked == asked
    koseki.system.trouble = "none"
    now[0] += PAUSE_SECONDS
    assert asyncio.run(client.fetch(order(), 10)).pages > 1
    assert asyncio.run(client.fetch(order(), 10)).pages > 1


def test_a_trial_that_fails_begins_another_pause() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.lets_through()
        breaker.failed()
    assert not breaker.lets_through()
    now[0] += PAUSE_SECONDS
    assert breaker.lets_through()
    assert not breaker.lets_through()  # one trial at a time
    breaker.failed()
    assert not breaker.lets_through()


@cache
def good() -> bytes:
    one = order()
    wanted = Wanted(one.kind, one.correlation_id, one.serial, one.issued_on, one.subject.name, True)
    register = book(CODE)[one.subject.registered_domicile, one.subject.family_register_head]
    return draw(get(CODE), register, wanted)


def test_the_good_extract_is_good() -> None:
    assert judged(good()) is not None


@settings(max_examples=80)
@given(st.integers(0, 2**31), st.integers(1, 255))
def test_a_changed_byte_never_changes_who_it_is_about(place: int, flipped: int) -> None:
    """The judge refuses with its own words, or the person is still there: no other error ever."""
    changed = bytearray(good())
    changed[place % len(changed)] ^= flipped
    outcome = judged(bytes(changed))
    assert outcome is None or "辰之助" in outcome


def judged(pdf: bytes) -> str | None:
    """The text of what comes through, or ``None`` when it was refused."""
    try:
        clean, pages = inspect(pdf, order())
    except (KosekiHostile, KosekiMismatch):
        return None
    with PDFIUM:
        document = pypdfium2.PdfDocument(clean)
        assert len(document) == pages
        return "".join(page.get_textpage().get_text_range() for page in document)
