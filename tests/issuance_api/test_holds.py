"""Holds and requests at two nodes: whom a hold stops and whom not, two requests at once, retries, another person's id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import httpx
import psycopg
import pytest
from fictional_people import CHILD, CODE, FATHER, MOTHER
from issuing_town import CARD, MOTHERS_CARD, NOW, change, fill, owner, states, text_of
from starlette.testclient import TestClient

from issuance_api.app import Settings, create_app
from issuance_api.model import Kind
from issuance_api.repository import SESSION
from municipalities.registry import get
from replica import holds
from replica.connections import connect
from replica.desk import PATIENCE, Act

HOLD = """
insert into staff.issuance_hold (target_kind, addressee_number, registered_domicile, family_register_head, reason,
    placed_by)
values (%s, %s, %s, %s, 'x', 'x')
"""


@pytest.fixture(scope="module")
def open_nodes(issuing_site: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Two nodes on one database."""
    with ExitStack() as stack:
        header = {"Authorization": f"Bearer {issuing_site}"}
        apps = [create_app(Settings((get(CODE),), clock=lambda: NOW)) for _ in range(2)]
        clients = [TestClient(app, headers=header, raise_server_exceptions=False) for app in apps]
        first, second = (stack.enter_context(one) for one in clients)
        yield first, second


@pytest.fixture
def nodes(open_nodes: tuple[TestClient, TestClient]) -> tuple[TestClient, TestClient]:
    """Two nodes on a freshly filled town."""
    fill(NOW)
    return open_nodes


def apply(node: TestClient, request_id: str, card: str = CARD, **more: object) -> httpx.Response:
    body = {"request_id": request_id, "kind": Kind.RESIDENT_RECORD.value, "card_serial": card, **more}
    return node.post(f"/v1/{CODE}/applications", json=body)


ALONE = {"members": [FATHER.addressee_number]}
SEAL = {"kind": Kind.SEAL_REGISTRATION.value}


@pytest.mark.parametrize(
    ("held", "more", "stops"),
    [
        (CHILD, {}, True),
        (CHILD, ALONE, False),
        (CHILD, SEAL, False),
        (CHILD, {"members": [CHILD.addressee_number]}, True),
        (FATHER, {"members": [CHILD.addressee_number]}, True),  # the applicant
        (FATHER, SEAL, True),
    ],
)
def test_a_hold_stops_certificates_of_the_applicant_and_of_those_printed_and_no_others(
    nodes: tuple[TestClient, TestClient], held: object, more: dict[str, object], stops: bool
) -> None:
    """The father's own certificate was an internal error while his child was held."""
    change(HOLD, "person", held.addressee_number, None, None)  # type: ignore[attr-defined]
    response = apply(nodes[0], "request-0001", **more)
    assert (response.status_code, states("request-0001")[-1]) == ((422, "refused") if stops else (200, "sent"))
    if stops:
        assert response.json()["code"] == "held"


@pytest.mark.parametrize(
    ("head", "more", "stops"),
    [
        (FATHER.family_register_head, SEAL, True),
        (None, SEAL, True),
        ("別人　太郎", {}, False),
    ],
)
def test_a_hold_on_a_register_stops_all_who_stand_in_it(
    nodes: tuple[TestClient, TestClient], head: str | None, more: dict[str, object], stops: bool
) -> None:
    change(HOLD, "family_register", None, FATHER.registered_domicile, head)
    assert apply(nodes[1], "request-0001", **more).status_code == (422 if stops else 200)


def test_a_hold_stops_a_retry_of_what_was_sent(nodes: tuple[TestClient, TestClient]) -> None:
    assert apply(nodes[0], "request-0001").status_code == 200
    change(HOLD, "person", FATHER.addressee_number, None, None)
    assert apply(nodes[1], "request-0001").json()["code"] == "held"
    assert states("request-0001")[-1] == "sent"  # what was sent was sent
    change("update staff.issuance_hold set lifted_at = now(), lifted_by = 'x'")
    assert apply(nodes[1], "request-0001").status_code == 200


def seconds(name: str, options: str) -> int:
    """A time-out of a session, as its options have it."""
    found = re.search(rf"{name}\s*=\s*'?(\d+)s", options)
    assert found is not None
    return int(found[1])


@pytest.mark.fault(103)
def test_a_hold_outlasts_a_node_that_froze_while_sending(nodes: tuple[TestClient, TestClient]) -> None:
    """A stopped process keeps its session and the person's lock; the server ends the session, and the hold goes on."""
    assert seconds("lock_timeout", PATIENCE) > seconds("idle_in_transaction_session_timeout", SESSION)
    with connect(CODE, "issuer") as frozen:
        frozen.execute("set idle_in_transaction_session_timeout = '300ms'")
        frozen.execute("select issuance.lock_keys(array['person:' || %s])", (FATHER.addressee_number,))
        number = holds.hold_person(CODE, FATHER.addressee_number, Act("職員", "本人の届出"))
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            frozen.execute("select 1")
    assert apply(nodes[0], "request-0001").json()["code"] == "held"
    holds.lift(CODE, number, Act("職員", "本人の申出"))
    assert apply(nodes[0], "request-0002").status_code == 200


def at_once(*calls: tuple[TestClient, str, str]) -> list[httpx.Response]:
    """Applications (node, request id, card) that leave in the same instant."""
    start = Barrier(len(calls))

    def one(call: tuple[TestClient, str, str]) -> httpx.Response:
        start.wait()
        return apply(*call, **{"members": None})

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@pytest.mark.fault(52)
@pytest.mark.clause("4")
def test_two_people_in_one_instant_get_each_their_own(nodes: tuple[TestClient, TestClient]) -> None:
    """Fault 52: files named by the second were mixed up."""
    change("update replica.resident set relationship_codes = '02', relationship_text = '世帯主', household_number = '9',"
           " householder_name = name where addressee_number = %s", MOTHER.addressee_number)  # fmt: skip
    one, other = nodes
    for turn in range(4):
        calls = [(one, f"request-{turn}a", CARD), (other, f"request-{turn}b", MOTHERS_CARD)]
        calls += [(one, f"request-{turn}c", MOTHERS_CARD), (one, f"request-{turn}d", CARD)]
        answers = at_once(*calls)
        assert [answer.status_code for answer in answers] == [200] * 4
        assert len({answer.headers["Utsushi-Serial"] for answer in answers}) == 4
        for (_, _, card), answer in zip(calls, answers, strict=True):
            text = text_of(answer.content)
            assert ("昭和50年2月1日" in text) == (card == CARD)
            assert ("昭和52年8月日不詳" in text) == (card == MOTHERS_CARD)


@pytest.mark.fault(52, 53)
@pytest.mark.clause("4")
def test_one_request_twice_in_one_instant_is_one_certificate(nodes: tuple[TestClient, TestClient]) -> None:
    """Faults 52 and 53: at the same node and at the other; the loser is told to ask again, and then gets the same."""
    for turn in range(4):
        name = f"request-{turn}x"
        answers = at_once(*[(node, name, CARD) for node in (*nodes, *nodes)])
        codes = sorted(answer.status_code for answer in answers)
        assert 200 in codes
        assert set(codes) <= {200, 409}
        refused = {answer.json()["code"] for answer in answers if answer.status_code == 409}
        assert refused <= {"request_in_progress"}
        again = [apply(node, name, members=None) for node in nodes]
        bytes_ = {answer.content for answer in (*answers, *again) if answer.status_code == 200}
        assert len(bytes_) == 1
        assert [answer.status_code for answer in again] == [200, 200]
        assert states(name).count("sent") == 1


@pytest.mark.fault(126)
def test_an_id_that_was_used_for_somebody_else_is_refused_at_either_node(nodes: tuple[TestClient, TestClient]) -> None:
    """Fault 126."""
    assert apply(nodes[0], "request-0001").status_code == 200
    for node in nodes:
        for more in ({"card": MOTHERS_CARD}, {"members": [FATHER.addressee_number]}, SEAL):
            answer = apply(node, "request-0001", **more)  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["code"]) == (409, "request_conflict")
    with owner() as connection:
        rows = connection.execute("select addressee_number, state from issuance.request").fetchall()
    assert rows == [(FATHER.addressee_number, "sent")]
