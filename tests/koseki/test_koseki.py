"""The 戸籍 system: slow, down, crossed, hostile; only the extract of exactly this order ever comes through."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import httpx
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from koseki_site import CODE, Running, elsewhere, koseki_system, order, register_of, wanted

from issuance_api.koseki import client as client_module
from issuance_api.koseki.breaker import FAILURES, PAUSE_SECONDS, Admission, Breaker
from issuance_api.koseki.client import AT_ONCE, CLOCKS_DIFFER
from issuance_api.koseki.configured import ConfiguredKoseki
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
from issuance_api.service_hours import JST
from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, write_site
from records.errors import UtsushiError
from simulators import pki
from simulators.koseki.drawing import ADDRESS, ALL, INDIVIDUAL, draw
from simulators.koseki.hostile import KINDS
from simulators.koseki.server import SLOW_SECONDS, TROUBLES
from simulators.koseki.troubles import MIXED_UP

REFUSED: dict[str, type[UtsushiError]] = {
    "slow": KosekiTimeout,
    "drip": KosekiTimeout,
    "busy": KosekiUnavailable,
    "half": KosekiUnavailable,
    "pending": KosekiPending,
    "html": KosekiHostile,
    "redirect": KosekiHostile,
    "packed": KosekiHostile,
    "old_settlement": KosekiMismatch,
    "future_settlement": KosekiMismatch,
    "no_settlement": KosekiMismatch,
    "no_version": KosekiMismatch,
    "no_correlation": KosekiMismatch,
    "doubled_header": KosekiMismatch,
    **dict.fromkeys(MIXED_UP, KosekiMismatch),
    **dict.fromkeys(KINDS, KosekiHostile),
    # Well made, but of another page, person or day.
    "reversed": KosekiMismatch,
    "page_missing": KosekiMismatch,
    # Nothing of it can be read, so nobody can say whose it is.
    "picture": KosekiHostile,
    "picture_over_text": KosekiHostile,
    "yesterday": KosekiHostile,
}
TOGETHER = {"crossed", "swapped_bodies", "late", "stranger_refused"}  # take more than one order: tests of their own
OF_ONE_PERSON = {"relative", "relative_under_the_name", "two_subjects"}


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
@pytest.mark.parametrize("trouble", sorted(REFUSED))
def test_nothing_of_a_bad_answer_comes_through_and_the_next_one_is_right(koseki: Running, trouble: str) -> None:
    kind = INDIVIDUAL if trouble in OF_ONE_PERSON else ALL
    koseki.system.trouble = trouble
    with pytest.raises(UtsushiError) as caught:
        fetch(koseki, seconds=2 if REFUSED[trouble] is KosekiTimeout else 20, kind=kind)
    assert type(caught.value) is REFUSED[trouble]
    assert "辰之助" not in str(caught.value)
    koseki.system.trouble = "none"
    assert fetch(koseki, 2, kind=kind).pages >= 1


def test_every_trouble_that_the_system_knows_has_its_refusal() -> None:
    assert set(TROUBLES) == {"none", *REFUSED, *TOGETHER}


@pytest.mark.parametrize("trouble", sorted(set(MIXED_UP) - {"foreign_middle", "other_kind"}))
@pytest.mark.parametrize("kind", [INDIVIDUAL, ADDRESS])
def test_a_mix_up_is_found_on_pages_of_each_kind(koseki: Running, trouble: str, kind: str) -> None:
    koseki.system.trouble = trouble
    with pytest.raises((KosekiMismatch, KosekiHostile)):
        fetch(koseki, kind=kind)


@pytest.mark.fault(123)
def test_the_answer_to_the_order_before_reaches_nobody_and_no_connection_is_used_twice(koseki: Running) -> None:
    """123: a late reply on a reused connection. Ours are not reused; a gateway's may be."""
    koseki.system.connections.clear()
    koseki.system.trouble, koseki.system.before = "late", None
    client = koseki.client()
    assert asyncio.run(client.fetch(order(1), 20)).pages > 1
    for number, late in enumerate((elsewhere(2), order(3), order(4)), 2):
        with pytest.raises(KosekiMismatch):
            asyncio.run(client.fetch(late, 20))
        assert len(koseki.system.connections) == number


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
        breaker.failed(admitted(breaker))
    assert breaker.admit() is None
    now[0] += PAUSE_SECONDS
    trial = admitted(breaker)
    assert breaker.admit() is None  # one trial at a time
    breaker.failed(trial)
    assert breaker.admit() is None
    now[0] += PAUSE_SECONDS
    breaker.gave_up(admitted(breaker))
    breaker.succeeded(admitted(breaker))
    assert breaker.admit() is not None
    assert breaker.admit() is not None


@pytest.mark.parametrize("said", [Breaker.succeeded, Breaker.failed, Breaker.gave_up])
def test_who_was_let_through_before_the_pause_neither_ends_nor_lengthens_it(
    said: Callable[[Breaker, Admission], None],
) -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    straggler = admitted(breaker)
    for _ in range(FAILURES):
        breaker.failed(admitted(breaker))
    now[0] += PAUSE_SECONDS / 2
    said(breaker, straggler)
    assert breaker.admit() is None
    now[0] += PAUSE_SECONDS / 2
    trial = admitted(breaker)
    said(breaker, straggler)
    assert breaker.admit() is None
    breaker.succeeded(trial)
    assert breaker.admit() is not None


def admitted(breaker: Breaker) -> Admission:
    found = breaker.admit()
    assert found is not None
    return found


@cache
def good() -> bytes:
    return draw(get(CODE), register_of(order()), wanted(order()))


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
        clean, pages = inspect(pdf, order(), register_of(order()).version())
    except (KosekiHostile, KosekiMismatch):
        return None
    with PDFIUM:
        document = pypdfium2.PdfDocument(clean)
        assert len(document) == pages
        return "".join(page.get_textpage().get_text_range() for page in document)


def test_a_status_of_any_length_is_read_only_as_far_as_it_may_go(
    koseki: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asyncio.run(koseki.client().status()) == "ready"
    monkeypatch.setattr(client_module, "MOST_STATUS_BYTES", 3)
    assert asyncio.run(koseki.client().status()) == "down"
    koseki.system.trouble = "busy"
    assert asyncio.run(koseki.client().status()) == "down"


def test_an_answer_counts_from_the_moment_of_asking_not_before_a_hold_was_lifted(koseki: Running) -> None:
    """122: between two orders a 届 may be settled, so the state of the first is too old for the second."""
    first = fetch(koseki)
    asked = datetime.now(JST)
    second = fetch(koseki, 2)
    assert first.settled_at < asked + CLOCKS_DIFFER
    assert asked - CLOCKS_DIFFER <= second.settled_at
    early = Running(koseki.system, koseki.address).client()
    early._clock = lambda: datetime.now(JST) + 2 * CLOCKS_DIFFER  # what was read now is from before this clock's asking
    with pytest.raises(KosekiMismatch):
        asyncio.run(early.fetch(order(3), 20))


def test_a_renewed_certificate_takes_effect_and_a_missing_one_is_no_answer(koseki: Running, utsushi_home: Path) -> None:
    keys = utsushi_home / "secrets"
    keys.mkdir(parents=True)
    system = {"url": koseki.address.url, "ca": "secrets/ca.pem", "client": "secrets/client.pem"}
    write_site(Site(PostgresAddress("127.0.0.1", 1), koseki={CODE: system}))
    configured = ConfiguredKoseki(CODE)
    with pytest.raises(KosekiUnavailable):
        asyncio.run(configured.fetch(order(), 20))
    (keys / "ca.pem").write_bytes(koseki.address.ca.read_bytes())
    (keys / "client.pem").write_bytes(pki.ensure(utsushi_home / "other").client.read_bytes())
    with pytest.raises(KosekiUnavailable):
        asyncio.run(configured.fetch(order(), 20))
    (keys / "client.pem").write_bytes(koseki.address.client.read_bytes())
    assert asyncio.run(configured.fetch(order(), 20)).pages > 1
    (keys / "client.pem").write_text("no certificate")
    with pytest.raises(KosekiUnavailable):
        asyncio.run(configured.fetch(order(), 20))


def test_a_wait_for_a_place_counts_for_the_deadline(koseki: Running) -> None:
    client = koseki.client(Breaker(lambda: 0.0))
    koseki.system.trouble = "drip"

    async def crowd() -> list[Extract | BaseException]:
        asking = (client.fetch(order(number), 1.5) for number in range(1, AT_ONCE + 4))
        return list(await asyncio.gather(*asking, return_exceptions=True))

    before = koseki.system.asked
    assert {type(one) for one in asyncio.run(crowd())} <= {KosekiTimeout, KosekiUnavailable}
    assert koseki.system.asked - before <= AT_ONCE
