"""Nodes: versions against the database's, take-over from a node that died, and what is left is explained."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fictional_people import CODE, FATHER
from issuing_town import CARD, NOW, change, fill, owner, states
from starlette.testclient import TestClient

from issuance_api import release
from issuance_api.app import Settings, create_app
from issuance_api.logs import JsonFormatter
from issuance_api.model import Kind
from issuance_api.reproducing import reproduce
from municipalities.registry import get
from records.errors import CheckFailed, ConfigurationError, DatabaseUnavailable
from replica.connections import connect

OUTDATE = "update issuance.release set version = 'newer' where component = %s"


@contextmanager
def node(token: str, **settings: Any) -> Iterator[TestClient]:
    """One more node on the town's database."""
    app = create_app(Settings((get(CODE),), clock=lambda: NOW, **settings))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def town(issuing_site: str) -> Iterator[str]:
    """A freshly filled town with the current versions; gives the centre's token."""
    fill(NOW)
    yield issuing_site
    release.publish(CODE)


def apply(client: TestClient, request_id: str = "request-0001") -> httpx.Response:
    body = {"request_id": request_id, "kind": Kind.RESIDENT_RECORD.value, "card_serial": CARD}
    return client.post(f"/v1/{CODE}/applications", json=body)


@contextmanager
def living(name: str) -> Iterator[psycopg.Connection]:
    """A session lock as a living node holds it; it goes when the connection does, as with a killed node."""
    connection = connect(CODE, "issuer")
    connection.autocommit = True
    connection.execute("select pg_advisory_lock(hashtextextended('node:' || %s, 0))", (name,))
    try:
        yield connection
    finally:
        connection.close()


def leave_unfinished(request_id: str, name: str, age: timedelta = timedelta(0)) -> None:
    """A request that ``name`` accepted and did not finish, as an application of ``apply`` is."""
    from issuance_api.model import Application

    application = Application(request_id=request_id, kind=Kind.RESIDENT_RECORD, card_serial=CARD)
    change(
        "insert into issuance.request (request_id, content_sha256, kind, options, card_serial, state, node,"
        " accepted_at, issued_on, serial_number, correlation_id)"
        " values (%s, %s, %s, '{}', %s, 'accepted', %s, %s, '2026-11-24', nextval('issuance.issue_serial'), 'c')",
        request_id,
        application.content_sha256(),
        Kind.RESIDENT_RECORD.value,
        CARD,
        name,
        NOW - age,
    )


@pytest.mark.fault(64, 151)
@pytest.mark.parametrize("component", ["program", "form", "font", "map", "schema", "configuration"])
def test_a_node_with_another_version_refuses_to_start(town: str, component: str) -> None:
    """Published incidents: a fix that missed one server, a single-server program on several servers."""
    change(OUTDATE, component)
    with pytest.raises(ConfigurationError, match=component), node(town):
        pass


def test_a_node_does_not_start_where_nothing_was_published(town: str) -> None:
    change("delete from issuance.release")
    with pytest.raises(ConfigurationError, match="current version"), node(town):
        pass


@pytest.mark.fault(64, 151)
def test_a_version_published_while_a_node_runs_stops_it_at_once(town: str) -> None:
    retired = []
    with node(town, retire=lambda: retired.append(True)) as client:
        assert apply(client).status_code == 200
        change(OUTDATE, "form")
        response = apply(client, "request-0002")  # before the next beat: the sending itself looks
        assert (response.status_code, response.json()["code"]) == (503, "node_outdated")
        assert "sent" not in states("request-0002")
        presence = client.app.state.node.presences[CODE]  # type: ignore[attr-defined]
        deadline = time.monotonic() + 20
        while not retired and time.monotonic() < deadline:
            client.get("/livez")
        assert retired
        assert presence.outdated == ["form"]
        assert client.get("/readyz").json() == {"ready": False, "unavailable": [CODE], "always_open": False}


@pytest.mark.clause("6(4)①")
def test_what_a_killed_node_left_is_taken_over_and_what_a_living_one_does_is_not(town: str) -> None:
    with node(town) as client:
        leave_unfinished("request-0001", "other-node")
        with living("other-node"):
            response = apply(client)
            assert (response.status_code, response.json()["code"]) == (409, "request_in_progress")
        assert apply(client).status_code == 200
    assert states("request-0001")[-1] == "sent"


@pytest.mark.fault(53)
@pytest.mark.clause("6(4)①")
def test_a_retry_at_another_node_gives_the_same_bytes_and_counts_once(town: str) -> None:
    with node(town) as one, node(town) as other:
        first, second = apply(one), apply(other)
    assert first.content == second.content
    assert first.headers["Utsushi-Serial"] == second.headers["Utsushi-Serial"]
    assert states("request-0001").count("sent") == 1


def test_what_a_dead_node_left_and_nobody_asks_for_is_ended(town: str) -> None:
    leave_unfinished("request-0001", "dead-node", timedelta(days=1))
    leave_unfinished("request-0002", "living-node", timedelta(days=1))
    with living("living-node"), node(town):  # its first beat sweeps
        assert states("request-0001") == ["accepted", "failed"]
        assert states("request-0002") == ["accepted"]
    with owner() as connection:
        found = connection.execute("select result_code from issuance.request where request_id = 'request-0001'")
        assert found.fetchone() == ("abandoned",)


def refusals_that_can_not_be_written(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is too busy just when the end of a request is to be written."""

    async def too_busy(*_: object) -> None:
        raise DatabaseUnavailable("too busy")

    for name in ("refuse", "fail"):
        monkeypatch.setattr(client.app.state.node.services[CODE].repository, name, too_busy)  # type: ignore[attr-defined]


def test_a_request_whose_end_could_not_be_written_is_finished_by_a_retry(
    town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be in progress for as long as its node lived."""
    with node(town) as client:
        change("update staff.card set status = 'suspended' where serial = %s", CARD)
        with monkeypatch.context() as patch:
            refusals_that_can_not_be_written(client, patch)
            assert apply(client).json()["code"] == "database_unavailable"
        assert states("request-0001") == ["accepted"]
        assert apply(client).json()["code"] == "card_not_active"
    assert states("request-0001") == ["accepted", "refused"]


def test_a_request_whose_end_could_not_be_written_and_nobody_asks_for_is_ended(town: str) -> None:
    leave_unfinished("request-0001", "node-7", timedelta(days=1))
    leave_unfinished("request-0002", "node-7", timedelta(days=1))
    with node(town, node="node-7") as client:
        assert states("request-0001") == ["accepted", "failed"]  # by the first beat
        services = client.app.state.node.services  # type: ignore[attr-defined]
        services[CODE].working["request-0003"] += 1
        leave_unfinished("request-0003", "node-7", timedelta(days=1))
        leave_unfinished("request-0004", "node-7", timedelta(days=1))
        deadline = time.monotonic() + 20
        while states("request-0004") == ["accepted"] and time.monotonic() < deadline:
            client.get("/livez")
        assert states("request-0004") == ["accepted", "failed"]
        assert states("request-0003") == ["accepted"]  # it is being worked on


def test_a_node_signs_in_and_out(town: str) -> None:
    with node(town, node="node-7"):
        assert _node_state("node-7") == "ready"
    assert _node_state("node-7") == "stopped"


def _node_state(name: str) -> str:
    with owner() as connection:
        row = connection.execute("select state from issuance.node where node_id = %s", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_figures_name_codes_and_nothing_personal(town: str) -> None:
    with node(town) as client:
        apply(client)
        text = client.get("/metrics").text
    assert f'municipality="{CODE}",operation="apply",outcome="ok"' in text.replace("_total", "")
    assert text.endswith("# EOF\n")
    for secret in (CARD, FATHER.addressee_number, FATHER.name, "request-0001"):
        assert secret not in text


def test_a_log_line_is_json_and_quotes_no_exception() -> None:
    record = logging.LogRecord("issuance_api", logging.ERROR, "x", 1, "apply %s", ("ok",), None)
    record.outcome = "ok"
    try:
        raise ValueError("別人　一郎")
    except ValueError as error:
        record.exc_info = (ValueError, error, None)
    line = json.loads(JsonFormatter("node-1").format(record))
    assert (line["message"], line["node"], line["outcome"], line["exception"]) == (
        "apply ok",
        "node-1",
        "ok",
        "ValueError",
    )
    assert "別人" not in json.dumps(line, ensure_ascii=False)


@pytest.mark.clause("7(2)②")
def test_an_issue_is_reproduced_from_the_log_byte_for_byte(town: str) -> None:
    with node(town) as client:
        sent = apply(client)
    change("update replica.resident set name = '変更　後' where addressee_number = %s", FATHER.addressee_number)
    for number in ("request-0001", sent.headers["Utsushi-Serial"]):
        issue, pdf = reproduce(CODE, number)
        assert pdf == sent.content
        assert issue.serial == sent.headers["Utsushi-Serial"]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("update issuance.request set form_version = 'older'", "another version of: form"),
        ("update issuance.issue_record set cipher = substr(cipher, 1, 20) || '\\x00' || substr(cipher, 22)", "damaged"),
        ("delete from issuance.issue_record", "no longer kept"),
    ],
)
def test_what_can_not_be_reproduced_says_why(town: str, statement: str, why: str) -> None:
    with node(town) as client:
        apply(client)
    change(statement)
    with pytest.raises(CheckFailed, match=why):
        reproduce(CODE, "request-0001")
