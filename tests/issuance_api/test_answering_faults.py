"""What goes wrong around an answer: the client is gone, its pages do not print, it may not ask, or writes odd things."""

from __future__ import annotations

import json
import logging
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from fictional_people import CODE, FATHER, SEAL, known
from issuing_town import CARD, MOTHERS_CARD, NOW, change, fill, owner, put, states
from one_node import Hour, apply, code_of, node, wait_for
from served import served
from starlette.testclient import TestClient

from issuance_api.app import Settings, create_app
from issuance_api.model import Kind
from municipalities.registry import get
from records.errors import EntryRefused
from records.records import Resident
from replica.incidents import CAUSES, close, incidents

SEAL_KIND = Kind.SEAL_REGISTRATION
BODY = {"request_id": "request-0001", "kind": Kind.RESIDENT_RECORD.value, "card_serial": CARD}


@pytest.fixture
def town(issuing_site: str) -> str:
    """A freshly filled town; gives the centre's token."""
    fill(NOW)
    change("truncate staff.registration cascade")
    return issuing_site


@pytest.fixture
def address(town: str) -> Iterator[str]:
    """A node on a real socket."""
    with served(create_app(Settings((get(CODE),), clock=Hour()))) as url:
        yield url


def begin(address: str, token: str, sent: int | None = None) -> socket.socket:
    """An application of which so many bytes of the body have left, over a connection of its own."""
    body = json.dumps(BODY).encode()
    head = (
        f"POST /v1/{CODE}/applications HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    where = urlsplit(address)
    connection = socket.create_connection((where.hostname, where.port), 20)
    connection.sendall(head.encode() + body[:sent])
    return connection


def tear(connection: socket.socket) -> None:
    """Gone at once, as when the power fails: a reset, and nothing more is read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.fault(54)
@pytest.mark.parametrize("read", [0, 1, 300])
def test_a_client_that_is_gone_before_or_in_the_answer_gets_the_same_bytes_later(
    address: str, town: str, read: int
) -> None:
    connection = begin(address, town)
    if read:
        assert len(connection.recv(read)) <= read
    tear(connection)
    wait_for("request-0001", "sent")  # what was accepted is finished
    with node(town) as other:
        first, second = apply(other), apply(other)
    assert code_of(first) == (200, "ok")
    assert first.content == second.content
    assert states("request-0001") == ["accepted", "eligible", "rendered", "checked", "sent"]


@pytest.mark.fault(54)
def test_a_client_that_is_gone_before_its_request_is_whole_has_asked_nothing(
    address: str, town: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for sent in (0, 10, 60):
        tear(begin(address, town, sent))
    answer = httpx.post(
        f"{address}/v1/{CODE}/results", json={"request_id": "request-0001"}, headers={"Authorization": f"Bearer {town}"}
    )
    assert answer.status_code == 404
    assert CARD not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_wrong_tokens_are_refused_and_counted(centre: TestClient) -> None:
    """A client that tries them one after the other is seen in the figures; there is nothing that it could lock."""

    def counted() -> float:
        found = re.search(r'outcome="unauthorised"} ([0-9.]+)', centre.get("/metrics").text)
        return float(found[1]) if found else 0.0

    before = counted()
    for number in range(20):
        response = centre.post(
            f"/v1/{CODE}/applications", json=BODY, headers={"Authorization": f"Bearer {number:032x}"}
        )
        assert code_of(response) == (401, "unauthorised")
    assert counted() == before + 20
    assert code_of(apply(centre)) == (200, "ok")


@pytest.mark.fault(63)
@pytest.mark.clause("4")
def test_a_print_failure_is_an_incident_until_somebody_finds_out_why(centre: TestClient) -> None:
    """Towns closed such reports as "printed again" and missed that pages were mixed up."""
    assert apply(centre).status_code == 200
    reports = [("print_error", "E-07"), ("print_error", "E-07"), ("printed", None)]
    for outcome, code in reports:
        body = {"request_id": "request-0001", "outcome": outcome, "error_code": code}
        assert centre.post(f"/v1/{CODE}/reports", json=body).status_code == 200
    (found,) = [one for one in incidents(CODE) if one.request_id == "request-0001"]
    assert (found.kind, found.code, found.closed_at) == ("print_error", "E-07", None)
    assert found.reprinted_at == NOW
    with pytest.raises(EntryRefused, match="finding"):
        close(CODE, found.id, cause=CAUSES[0], finding="再印刷OK。再印刷にて交付済み。", by="職員")
    assert [one.id for one in incidents(CODE)] == [found.id]
    assert states("request-0001")[-1] == "printed"


def test_printed_with_an_error_is_no_report(centre: TestClient) -> None:
    """It was an internal error, after the request had been noted as printed."""
    assert apply(centre).status_code == 200
    body = {"request_id": "request-0001", "outcome": "printed", "error_code": "E-07"}
    assert code_of(centre.post(f"/v1/{CODE}/reports", json=body)) == (400, "bad_request")
    assert states("request-0001")[-1] == "sent"


@pytest.mark.fault(63)
def test_a_failure_to_print_what_was_never_sent_is_refused(centre: TestClient) -> None:
    change("update staff.card set status = 'suspended'")
    assert code_of(apply(centre)) == (422, "card_not_active")
    body = {"request_id": "request-0001", "outcome": "print_error", "error_code": "E-07"}
    assert code_of(centre.post(f"/v1/{CODE}/reports", json=body)) == (409, "request_conflict")


NO_RIGHT = {
    "card_not_linked": "delete from staff.card where addressee_number = %s",
    "card_not_active": "update staff.card set status = 'suspended' where addressee_number = %s",
    "not_a_resident": "delete from replica.resident where addressee_number = %s",
    "withheld": "insert into replica.withheld (feed, addressee_number, sequence, reason)"
    " values ('resident', %s, 2, 'x')",
    "held": "insert into staff.issuance_hold (target_kind, addressee_number, reason, placed_by)"
    " values ('person', %s, 'x', 'x')",
    "issuance_stopped": "update replica.resident set issuance_stop = '1' where addressee_number = %s",
    "support_measure": "update replica.resident set support_measure = '1' where addressee_number = %s",
}
SEALS = {"registered": SEAL, "suspended": replace(SEAL, seal_status="2"), "none": None}


@pytest.mark.fault(155)
@pytest.mark.parametrize("code", NO_RIGHT)
def test_who_has_no_right_does_not_learn_whether_there_is_a_seal(centre: TestClient, code: str) -> None:
    answers, offers = set(), set()
    for number, seal in enumerate(SEALS.values()):
        fill(NOW)
        change("delete from replica.seal")
        if seal is not None:
            with owner() as connection:
                put(connection, "seal", seal)
        change(NO_RIGHT[code], FATHER.addressee_number)
        response = apply(centre, f"request-{number:04d}", SEAL_KIND)
        assert code_of(response) == (422, code)
        answers.add((response.content, tuple(sorted(response.headers.items()))))
        offers.add(centre.post(f"/v1/{CODE}/capabilities", json={"card_serial": CARD}).content)
    assert len(answers) == 1
    assert len(offers) == 1


@pytest.mark.fault(155)
def test_the_same_questions_are_put_to_the_database_with_and_without_a_seal(
    centre: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No time is measured: there is the same work to do."""
    from psycopg import AsyncConnection

    asked: list[str] = []
    real = AsyncConnection.execute

    async def execute(self: AsyncConnection, query: object, *given: object, **more: object) -> object:
        asked.append(str(query))
        return await real(self, query, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(AsyncConnection, "execute", execute)
    work = []
    for number, statement in enumerate((None, "delete from replica.seal")):
        fill(NOW)
        if statement:
            change(statement)
        change(NO_RIGHT["held"], FATHER.addressee_number)
        asked.clear()
        assert code_of(apply(centre, f"request-{number:04d}", SEAL_KIND)) == (422, "held")
        work.append([one for one in asked if "issuance.node" not in one and "release" not in one])
    assert work[0] == work[1]


ODD = [
    "渡邉\n太郎",
    "渡邉\x1b[31m太郎",
    "渡邉\u202e太郎",
    "渡邉\u200b太郎",
    "渡邉\x00太郎",
    "渡邉\u2028太郎",
    "渡邉\x85太郎",
]


@pytest.mark.fault(152)
@pytest.mark.parametrize("name", [one for one in ODD if "\x00" not in one])  # PostgreSQL has no NUL in text
def test_an_odd_name_in_the_register_is_neither_printed_nor_logged(
    centre: TestClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    odd: Resident = replace(FATHER, name=name, family_register_head=name)
    with owner() as connection:
        put(connection, "resident", odd)
    response = apply(centre, members=[FATHER.addressee_number])
    assert response.status_code == 422
    assert "sent" not in states("request-0001")
    logged = [line for record in caplog.records if record.name == "issuance_api" for line in [record.getMessage()]]
    assert logged
    assert not any(re.search(r"[\x00-\x1f\u2028\u202e]|渡邉", line) for line in logged)


@pytest.mark.fault(152)
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("field", ["name", "name_kana", "address", "registered_domicile", "family_register_head"])
def test_an_odd_name_in_an_application_for_registration_is_refused(centre: TestClient, field: str, name: str) -> None:
    """A NUL was an internal error; a direction mark reached the list that staff decide from."""
    body = {
        "request_id": "registration-0001",
        "card_serial": MOTHERS_CARD,
        "name": "渡邉\U000e0110　花子",
        "name_kana": "ワタナベ　ハナコ",
        "birth_on": known(1980, 1, 2).on.isoformat(),  # type: ignore[union-attr]
        "address": "香川県高松市番町一丁目8番15号",
        "registered_domicile": f"{get(CODE).prefecture}{get(CODE).name}昼間1番地",
        "family_register_head": "渡邉\U000e0110　辰之助",
        "channel": "web",
    }
    response = centre.post(f"/v1/{CODE}/registrations", json=body | {field: body[field] + name})
    assert code_of(response) == (400, "bad_request")
    with owner() as connection:
        assert (
            connection.execute("select from staff.registration where request_id = 'registration-0001'").fetchall() == []
        )
