"""Whose card a certificate is: by issuer and serial where both are known, and what holds where one side knows the serial only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fictional_people import CODE, FATHER, MOTHER
from hypothesis import given, settings
from hypothesis import strategies as st
from issuing_town import CARD, NOW, fill, owner
from jpki_site import RECORD, Authorities, Kiosk, kiosk_at, link
from psycopg.rows import dict_row
from starlette.testclient import TestClient

from issuance_api import statements as sql
from municipalities.registry import get
from replica import cards, registrations
from replica.connections import connect
from replica.desk import Act
from simulators.jpki.ca import GOOD, Profile

pytestmark = pytest.mark.clause("2(1)①")
ISSUERS = {"A": "a" * 64, "B": "b" * 64, None: None}
PEOPLE = {"A": FATHER.addressee_number, "B": MOTHER.addressee_number, None: FATHER.addressee_number}
ACT = Act("職員", "確認")
REGISTRATION = """
insert into staff.registration (request_id, content_sha256, card_serial, issuer_sha256, medium, name, birth_on, address,
    registered_domicile, family_register_head, channel, state)
values (%s, 'h', '1', %s, 'card', '見本　外美', '1980-01-02', '大阪府大阪市', %s, '見本　外男', 'web', 'applied')
"""


@pytest.fixture(autouse=True)
def no_registrations(issuing_site: str) -> Iterator[None]:
    """None before, none afterwards; and the town's own cards."""
    with owner() as connection:
        connection.execute("truncate staff.registration restart identity")
    yield
    with owner() as connection:
        connection.execute("truncate staff.registration restart identity")
    fill(NOW)


@pytest.fixture(scope="module")
def lenient(issuing_site: str, authorities: Authorities) -> Iterator[Kiosk]:
    """A site that lets links without an issuer serve."""
    with kiosk_at(issuing_site, authorities, links_without_issuer=True) as kiosk:
        yield kiosk


def test_a_link_without_an_issuer_serves_only_where_the_site_says_so(kiosk: Kiosk, lenient: Kiosk) -> None:
    card = kiosk.authorities["card"].issue(GOOD)
    link(card, None)
    assert kiosk.apply("request-0001", kiosk.evidence(card)) == (422, "card_not_linked")
    assert lenient.apply("request-0002", lenient.evidence(card))[0] == 200
    serial = str(card.certificate.serial_number)
    cards.name_issuer(CODE, serial, kiosk.authorities["card"].key_sha256, ACT)
    assert kiosk.apply("request-0003", kiosk.evidence(card))[0] == 200


def test_a_link_to_another_issuer_never_serves(kiosk: Kiosk, lenient: Kiosk) -> None:
    card = kiosk.authorities["card"].issue(GOOD)
    link(card, kiosk.authorities["phone"].key_sha256)
    for number, here in enumerate((kiosk, lenient)):
        assert here.apply(f"request-{number:04d}", here.evidence(card)) == (422, "card_not_linked")


def ask(centre: TestClient, request_id: str, serial: str, **more: str) -> str:
    body = {"request_id": request_id, "kind": RECORD, "card_serial": serial, **more}
    answer = centre.post(f"/v1/{CODE}/applications", json=body)
    return "ok" if answer.status_code == 200 else str(answer.json()["code"])


def test_where_the_centre_passes_the_serial_alone_two_of_one_serial_are_nobodys(centre: TestClient) -> None:
    for issuer, person in (("a" * 64, FATHER), ("b" * 64, MOTHER)):
        cards.link(CODE, cards.Link("1", person.addressee_number, NOW.replace(day=1), issuer_sha256=issuer), ACT)
        expected = "ok" if person is FATHER else "card_not_linked"
        assert ask(centre, f"request-000{issuer[0]}", "1") == expected
    assert ask(centre, "request-0003", "1", card_issuer_sha256="b" * 64) == "ok"
    assert ask(centre, "request-0004", "1", card_issuer_sha256="c" * 64) == "card_not_linked"
    assert ask(centre, "request-0005", CARD) == "ok"
    assert ask(centre, "request-0006", CARD, card_issuer_sha256="c" * 64) == "ok"  # linked without its issuer
    with owner() as connection:
        found = connection.execute(
            "select addressee_number from issuance.request where request_id = 'request-0003'"
        ).fetchone()
    assert found == (MOTHER.addressee_number,)


def test_the_same_id_with_another_issuer_is_another_request(centre: TestClient) -> None:
    assert ask(centre, "request-0001", CARD) == "ok"
    assert ask(centre, "request-0001", CARD, card_issuer_sha256="c" * 64) == "request_conflict"
    body = {"request_id": "request-0002", "kind": RECORD, "card_issuer_sha256": "c" * 64}
    assert centre.post(f"/v1/{CODE}/applications", json=body).json()["code"] == "bad_request"


@settings(max_examples=60, deadline=None)
@given(
    linked=st.sets(st.sampled_from(["A", "B"])).flatmap(lambda named: st.sampled_from([named, {None}])),
    registered=st.lists(st.sampled_from(["A", "B", None]), max_size=3),
    shown=st.sampled_from(["A", "B", None]),
    unnamed=st.booleans(),
)
def test_the_rule_in_sql_is_the_rule_in_words(
    issuing_site: str, linked: set[str | None], registered: list[str | None], shown: str | None, unnamed: bool
) -> None:
    """Registrations of the past may be any mixture; links are with issuers, or one without."""
    with owner() as connection:
        connection.execute("truncate staff.card, staff.registration restart identity")
        for issuer in sorted(linked, key=str):
            connection.execute(
                "insert into staff.card (serial, issuer_sha256, addressee_number, status, valid_from)"
                " values ('1', %s, %s, 'active', '2020-01-01')",
                (ISSUERS[issuer], PEOPLE[issuer]),
            )
        for number, issuer in enumerate(registered):
            connection.execute(REGISTRATION, (f"registration-{number}", ISSUERS[issuer], "本籍"))
            connection.execute(
                "update staff.registration set state = 'rejected', decided_at = now(), decided_by = 'x', reason = 'x'"
                " where state = 'applied'"
            )
    values = {"card": "1", "issuer": ISSUERS[shown], "unnamed": unnamed}
    with connect(CODE, "issuer") as issuing:
        cursor = issuing.cursor(row_factory=dict_row)
        card = cursor.execute(sql.CARD.encode(), values).fetchall()
        registration = cursor.execute(sql.REGISTRATION.encode(), values).fetchall()
    wanted_card, wanted_registration = oracle(linked, registered, shown, unnamed)
    assert [one["addressee_number"] for one in card] == [PEOPLE[one] for one in wanted_card]
    assert [one["id"] for one in registration] == wanted_registration


def oracle(
    linked: set[str | None], registered: list[str | None], shown: str | None, unnamed: bool
) -> tuple[list[str | None], list[int]]:
    """In words: a known issuer matches itself; the unknown one only if nothing says that it is another's."""
    known = {one for one in (*linked, *registered) if one is not None}

    def fits(issuer: str | None) -> bool:
        if shown is None:
            return len(known) < 2
        return issuer == shown or (issuer is None and unnamed and known <= {shown})

    numbers = [number for number, issuer in enumerate(registered, 1) if fits(issuer)]
    return [one for one in linked if fits(one)], numbers[-1:]


def register(kiosk: Kiosk, request_id: str, card: Any) -> tuple[int, str]:
    domicile = f"{get(CODE).prefecture}{get(CODE).name}大字中央1番地"
    entered = {"name": "見本　外美", "birth_on": "1980-04-02", "address": "香川県高松市番町一丁目8番15号"}
    entered |= {"registered_domicile": domicile, "family_register_head": "見本　外男", "channel": "kiosk"}
    body = {"request_id": request_id, "evidence": kiosk.evidence(card, "registration"), **entered}
    answer = kiosk.client.post(f"/v1/{CODE}/registrations", json=body).json()
    return 0, answer.get("state") or answer["code"]


@pytest.mark.clause("2(1)②")
def test_registrations_of_one_serial_and_two_authorities_are_two(kiosk: Kiosk) -> None:
    first = kiosk.authorities["card"].issue(GOOD, serial=99)
    second = kiosk.authorities["below"].issue(Profile(key="p384"), serial=99)
    assert register(kiosk, "registration-1", first) == (0, "applied")
    assert register(kiosk, "registration-2", first) == (0, "already_registered")
    assert register(kiosk, "registration-3", second) == (0, "applied")
    registrations.approve(CODE, 1, "職員")
    kinds = {"kind": "family_register_all_certificate"}
    with owner() as connection:
        connection.execute("alter table staff.registration disable trigger all")
        connection.execute("update staff.registration set usable_from = '2020-01-01' where id = 1")
        connection.execute("alter table staff.registration enable trigger all")
    assert kiosk.apply("request-0001", kiosk.evidence(first), **kinds)[1] == "koseki_unavailable"  # all rules allow it
    assert kiosk.apply("request-0002", kiosk.evidence(second), **kinds)[1] == "registration_not_usable"


@pytest.mark.clause("2(1)②")
def test_a_serial_registered_without_its_issuer_is_registered_already(kiosk: Kiosk, centre: TestClient) -> None:
    card = kiosk.authorities["card"].issue(GOOD, serial=1)
    with owner() as connection:
        connection.execute(REGISTRATION, ("registration-0", None, "本籍"))
    assert register(kiosk, "registration-1", card) == (0, "already_registered")
    registrations.reject(CODE, 1, ACT)
    assert register(kiosk, "registration-1", card) == (0, "applied")
