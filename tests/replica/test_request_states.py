"""The states of a request, enforced by the database whatever the program does."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replica.connections import connect
from replica.issuance_tables import ENDS, STATES
from replica.routines import MOVES
from services.postgres import PostgresServer


@pytest.fixture(scope="module")
def issuer(replicas: PostgresServer):
    """A connection as the issuer."""
    with connect("364894", "issuer") as connection:
        yield connection
        connection.rollback()


def _accept(issuer: psycopg.Connection) -> None:
    issuer.execute(
        "insert into issuance.request (request_id, content_sha256, kind, options, state, subjects)"
        " values ('r', 'h', 'resident_record_certificate', '{}', 'accepted', array['1'])"
    )


def _move(issuer: psycopg.Connection, state: str) -> bool:
    finished = "now()" if state in ENDS else "null"
    try:
        with issuer.transaction():
            issuer.execute(
                f"update issuance.request set state = %s, finished_at = {finished}, pdf_sha256 = 'p'", [state]
            )
    except psycopg.errors.CheckViolation:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(walk=st.lists(st.sampled_from(STATES), max_size=8))
def test_only_the_listed_moves_are_possible_and_each_is_logged(issuer: psycopg.Connection, walk: list[str]) -> None:
    issuer.rollback()
    _accept(issuer)
    now, log = "accepted", ["accepted"]
    for state in walk:
        moved = _move(issuer, state)
        assert moved == (state == now or state in MOVES.get(now, ()))
        if moved and state != now:
            now = state
            log.append(state)
    assert [one for (one,) in issuer.execute("select state from issuance.issue_log order by id").fetchall()] == log


@pytest.mark.parametrize(
    "change",
    [
        "request_id = 'other'",
        "content_sha256 = 'x'",
        "kind = 'x'",
        "addressee_number = '2'",
        "pdf_sha256 = 'q'",
        "subjects = null",
        "registers = array['x']",
    ],
)
def test_what_was_asked_and_what_was_made_never_change(issuer: psycopg.Connection, change: str) -> None:
    issuer.rollback()
    _accept(issuer)
    issuer.execute("update issuance.request set addressee_number = '1', pdf_sha256 = 'p'")
    with pytest.raises(psycopg.Error), issuer.transaction():
        issuer.execute(f"update issuance.request set {change}".encode())


@pytest.mark.parametrize("state", ["sent", "printed", "eligible"])
def test_a_request_starts_as_accepted(issuer: psycopg.Connection, state: str) -> None:
    issuer.rollback()
    with pytest.raises(psycopg.errors.CheckViolation), issuer.transaction():
        issuer.execute(
            "insert into issuance.request (request_id, content_sha256, kind, options, state)"
            " values ('r', 'h', 'k', '{}', %s)",
            [state],
        )
