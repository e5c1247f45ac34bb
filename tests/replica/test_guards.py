"""Every guard of the database tried by the role that could break it: each forbidden move is refused, whatever runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, LockNotAvailable

from replica.connections import Role, connect
from replica.guards import HELD
from services.postgres import PostgresServer

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desk_town import CODE, DOMICILE, FIRST, HEAD, OTHER_DOMICILE, OTHER_HEAD, SECOND, THIRD, fill

REGISTER = f"{DOMICILE}\x1f{HEAD}"
REQUEST = """
insert into issuance.request (request_id, content_sha256, kind, options, state)
values ('request-0001', 'h', 'resident_record_certificate', '{}', 'accepted')
"""
STEPS = """
update issuance.request set state = 'eligible', subjects = %(subjects)s, registers = %(registers)s;
update issuance.request set state = 'rendered', pdf_sha256 = 'p';
update issuance.request set state = 'checked'
"""
SENT = "update issuance.request set state = 'sent', sent_at = clock_timestamp()"
HOLD = """
insert into staff.issuance_hold (target_kind, addressee_number, registered_domicile, family_register_head, reason,
    placed_by)
values (%s, %s, %s, %s, '理由', '職員') returning id
"""
CARD = "insert into staff.card (serial, addressee_number, status, valid_from) values ('A1', %s, 'active', now())"
REGISTRATION = f"""
insert into staff.registration (request_id, content_sha256, card_serial, medium, name, birth_on, address,
    registered_domicile, family_register_head, channel, state)
values ('registration-1', 'h', 'N1', 'card', '見本　三郎', '1980-01-02', '大阪市', '{DOMICILE}', '{HEAD}', 'web', 'applied')
"""
DECIDED = "update staff.registration set decided_at = now(), decided_by = '職員', "
APPROVED = DECIDED + "state = 'approved', usable_from = now()"
STOPPED = "update staff.registration set state = 'stopped', stopped_at = now(), stopped_by = '職員'"
INCIDENT = "insert into issuance.incident (request_id, kind) values ('request-0001', 'print_error')"
CLOSED = """
update issuance.incident set cause = 'paper', finding = '用紙切れのため排出されず', closed_by = '職員', closed_at = now()
"""


@pytest.fixture
def town(replicas: PostgresServer) -> None:
    """Three residents."""
    fill()


@pytest.fixture
def checked(town: None) -> None:
    """A checked certificate of the first resident."""
    make_checked([FIRST], [REGISTER])


@pytest.fixture
def everything(checked: None) -> None:
    """A row in every table that somebody could want to change."""
    run("console", CARD.replace("%s", f"'{FIRST}'"))
    run("issuer", REGISTRATION)
    run("issuer", INCIDENT)
    with connect(CODE, "console") as console:
        console.execute(HOLD, ("family_register", None, DOMICILE, None))


def make_checked(subjects: list[str], registers: list[str]) -> None:
    """A request that only has to be marked as sent."""
    with connect(CODE, "issuer") as issuer:
        issuer.execute(REQUEST)
        for step in STEPS.split(";"):
            issuer.execute(step.encode(), {"subjects": subjects, "registers": registers} if "%" in step else None)


def run(role: Role, *statements: str) -> None:
    """Statements in one committed transaction."""
    with connect(CODE, role) as connection:
        for statement in statements:
            connection.execute(statement.encode())


HOLDS = {
    "the person": (("person", FIRST, None, None), True),
    "another person": (("person", SECOND, None, None), False),
    "the register": (("family_register", None, DOMICILE, HEAD), True),
    "all of the domicile": (("family_register", None, DOMICILE, None), True),
    "another head of this domicile": (("family_register", None, DOMICILE, OTHER_HEAD), False),
    "another domicile of this head": (("family_register", None, OTHER_DOMICILE, HEAD), False),
}


@pytest.mark.fault(56)
@pytest.mark.clause("2(5)①", "5(2)")
@pytest.mark.parametrize("which", HOLDS)
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_nothing_is_marked_as_sent_under_a_hold(checked: None, which: str, again: bool) -> None:
    hold, stops = HOLDS[which]
    if again:
        run("issuer", SENT)
    with connect(CODE, "console") as console:
        console.execute(HOLD, hold)
    with connect(CODE, "issuer") as issuer:
        if stops:
            with pytest.raises(psycopg.DatabaseError) as caught, issuer.transaction():
                issuer.execute(SENT)
            assert caught.value.sqlstate == HELD
            run("console", "update staff.issuance_hold set lifted_at = now(), lifted_by = '職員'")
        issuer.execute(SENT)


@pytest.mark.parametrize("which", HOLDS)
def test_a_hold_waits_for_a_certificate_that_is_being_sent_and_for_no_other(checked: None, which: str) -> None:
    hold, _ = HOLDS[which]
    same = hold[1] == FIRST or hold[2] == DOMICILE  # locks are by person and by 本籍, without 筆頭者
    with connect(CODE, "issuer") as issuer, connect(CODE, "console") as console:
        issuer.execute(SENT)
        console.execute("set lock_timeout = '100ms'")
        if not same:
            console.execute(HOLD, hold)
            return
        with pytest.raises(LockNotAvailable), console.transaction():
            console.execute(HOLD, hold)
        issuer.commit()
        console.execute(HOLD, hold)


@pytest.mark.fault(56)
@pytest.mark.clause("2(5)①", "5(2)")
def test_a_certificate_waits_for_a_hold_that_is_being_placed_and_then_sees_it(checked: None) -> None:
    with connect(CODE, "issuer") as issuer, connect(CODE, "console") as console:
        console.execute(HOLD, ("person", FIRST, None, None))
        issuer.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable), issuer.transaction():
            issuer.execute(SENT)
        console.commit()
        with pytest.raises(psycopg.DatabaseError) as caught, issuer.transaction():
            issuer.execute(SENT)
        assert caught.value.sqlstate == HELD


@pytest.mark.parametrize("entry", ["card", "registration", "lift"])
def test_a_card_a_registration_and_a_lift_wait_for_what_is_being_sent(everything: None, entry: str) -> None:
    statement = {
        "card": "update staff.card set status = 'suspended'",
        "registration": APPROVED,
        "lift": "update staff.issuance_hold set lifted_at = now(), lifted_by = '職員'",
    }[entry]
    run("console", "update staff.issuance_hold set lifted_at = now(), lifted_by = '職員' where %s" % (entry != "lift"))
    with connect(CODE, "issuer") as issuer, connect(CODE, "console") as console:
        issuer.execute("select issuance.lock_keys(issuance.keys_of(%s, %s))", ([FIRST], [REGISTER]))
        console.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable), console.transaction():
            console.execute(statement.encode())
        issuer.rollback()
        console.execute(statement.encode())


LOADED = "insert into replica.feed_state (feed, last_applied, last_sha256) values ('resident', 1, 'x')"


@pytest.mark.fault(57)
def test_a_load_waits_only_when_it_commits_and_certificates_only_for_that_instant(checked: None) -> None:
    """Fault 57, import while issuing."""
    with connect(CODE, "issuer") as issuer, connect(CODE, "loader") as loader:
        loader.execute(LOADED)  # a load under way stops nobody
        issuer.execute(SENT)
        loader.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable):
            loader.commit()
        issuer.commit()
        loader.execute(LOADED)
        loader.commit()
    with connect(CODE, "issuer") as issuer, connect(CODE, "loader") as loader:
        loader.execute("update replica.feed_state set last_applied = 2")
        loader.execute("set constraints all immediate")  # as at the commit
        issuer.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable), issuer.transaction():
            issuer.execute(SENT)
        loader.commit()
        issuer.execute(SENT)


def test_keys_in_any_order_are_locked_in_one_order(town: None) -> None:
    with connect(CODE, "issuer") as one, connect(CODE, "issuer") as other:
        for connection, keys in ((one, ["b", "a", "a", None]), (other, ["c"])):
            connection.execute("select issuance.lock_keys(%s::text[])", (keys,))
        held = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
        assert one.execute(held).fetchone() == (3,)  # a, b, and the import lock
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable):
            other.execute("select issuance.lock_keys(array['z', 'a'])")


FORBIDDEN_MOVES: list[tuple[Role, tuple[str, ...], str]] = [
    ("owner", (), "update staff.card set serial = 'A2'"),
    ("owner", (), f"update staff.card set addressee_number = '{SECOND}'"),
    ("console", ("update staff.card set status = 'unlinked'",), "update staff.card set status = 'active'"),
    ("console", ("update staff.card set status = 'unlinked'",), "update staff.card set status = 'suspended'"),
    ("console", (), "update staff.card set status = 'lost'"),
    ("owner", (), "update staff.card set medium = 'watch'"),
    *(
        ("owner", (), f"update staff.issuance_hold set {change}, lifted_at = now(), lifted_by = 'x'")
        for change in (
            "target_kind = 'person'", f"addressee_number = '{THIRD}'", "registered_domicile = 'x'",
            "family_register_head = 'x'", "reason = 'x'", "placed_by = 'x'", "placed_at = now() - interval '1 day'",
        )
    ),
    *(
        ("console", ("update staff.issuance_hold set lifted_at = now(), lifted_by = 'x'",), again)
        for again in (
            "update staff.issuance_hold set lifted_at = null, lifted_by = null",
            "update staff.issuance_hold set lifted_at = now(), lifted_by = 'y'",
            "update staff.issuance_hold set lift_reason = 'another'",
        )
    ),
    ("console", (), "insert into staff.issuance_hold (target_kind, reason, placed_by) values ('person', 'x', 'x')"),
    ("console", (), "insert into staff.issuance_hold (target_kind, reason, placed_by) values ('family_register', 'x', 'x')"),
    ("issuer", (), REGISTRATION.replace("'applied'", "'approved'").replace("registration-1", "registration-2")),
    ("console", (), STOPPED),
    ("console", (), DECIDED + "state = 'approved'"),
    ("console", (), DECIDED + "state = 'rejected'"),
    ("console", (), "update staff.registration set state = 'approved', usable_from = now()"),
    ("console", (), "update staff.registration set decided_by = 'x'"),
    ("console", (APPROVED,), DECIDED + "state = 'rejected', reason = 'x'"),
    ("console", (APPROVED,), "update staff.registration set usable_from = now() - interval '9 days'"),
    ("console", (APPROVED,), "update staff.registration set state = 'applied', decided_at = null, decided_by = null"),
    ("console", (APPROVED, STOPPED), APPROVED),
    ("console", (APPROVED, STOPPED), STOPPED),
    ("console", (DECIDED + "state = 'rejected', reason = 'x'",), APPROVED),
    *(
        ("owner", (), APPROVED + f", {change}")
        for change in (
            "request_id = 'x'", "content_sha256 = 'x'", "card_serial = 'x'", "name = 'x'", "birth_on = '1980-01-03'",
            "address = 'x'", "registered_domicile = 'x'", "family_register_head = 'x'", "applied_at = now() - interval '1 day'",
        )
    ),
    ("console", (), CLOSED.replace("cause = 'paper', ", "")),
    ("console", (), CLOSED.replace("cause = 'paper'", "cause = 'ghosts'")),
    ("console", (), CLOSED.replace("closed_by = '職員', ", "")),
    ("console", (), CLOSED.replace("用紙切れのため排出されず", "　再印刷OK 　")),
    ("console", (), CLOSED.replace("用紙切れのため排出されず", "再印刷OK            ")),
    ("console", (CLOSED,), "update issuance.incident set closed_at = null"),
    ("console", (CLOSED,), "update issuance.incident set finding = 'something else now'"),
    ("issuer", (CLOSED,), "update issuance.incident set reprinted_at = now()"),
    ("owner", (), "update issuance.incident set kind = 'timeout'"),
    ("owner", (), "update issuance.incident set request_id = null"),
    ("owner", (), "update issuance.incident set code = 'E-200'"),
    ("owner", (), "update issuance.incident set reported_at = now() - interval '1 day'"),
    ("issuer", (), "insert into issuance.incident (kind) values ('ghosts')"),
    ("issuer", (), f"update issuance.request set subjects = array['{SECOND}']"),
    ("issuer", (), "update issuance.request set subjects = null"),
    ("issuer", (), "update issuance.request set registers = null"),
    ("issuer", (), "update issuance.request set registration_id = 1"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FORBIDDEN_MOVES)))
def test_a_move_that_is_not_allowed_is_refused_by_the_database(everything: None, number: int) -> None:
    role, before, statement = FORBIDDEN_MOVES[number]
    for one in before:
        run("console", one)
    with connect(CODE, role) as connection, pytest.raises(CheckViolation):
        connection.execute(statement.encode())


FORBIDDEN_TO: list[tuple[Role, str]] = [
    ("issuer", CLOSED),
    ("issuer", "update issuance.incident set kind = 'timeout'"),
    ("issuer", "update issuance.incident set closed_by = 'x'"),
    ("issuer", "delete from issuance.incident"),
    ("issuer", "insert into issuance.incident_note (incident_id, noted_by, note) values (1, 'x', 'x')"),
    ("issuer", "insert into staff.issuance_hold (target_kind, reason, placed_by) values ('person', 'x', 'x')"),
    ("issuer", "update staff.issuance_hold set lifted_at = now(), lifted_by = 'x'"),
    ("issuer", "update staff.card set status = 'active'"),
    ("issuer", "delete from staff.card"),
    ("issuer", APPROVED),
    ("issuer", "update issuance.issue_log set state = 'refused'"),
    ("issuer", "delete from issuance.issue_log"),
    ("issuer", "delete from issuance.request"),
    ("issuer", "update issuance.issue_record set cipher = 'x'"),
    ("issuer", "select from staff.card_history"),
    ("console", "insert into staff.card_history (serial, addressee_number, status) values ('A1', '1', 'active')"),
    ("console", "update staff.card_history set changed_by = 'x'"),
    ("console", "delete from staff.card_history"),
    ("console", "truncate staff.card_history"),
    ("console", "delete from staff.card"),
    ("console", "update staff.card set serial = 'A2'"),
    ("console", f"update staff.card set addressee_number = '{SECOND}'"),
    ("console", "update staff.card set valid_from = now()"),
    ("console", "update staff.issuance_hold set reason = 'x'"),
    ("console", "update staff.issuance_hold set placed_by = 'x'"),
    ("console", "update staff.registration set name = 'x'"),
    ("console", "update staff.registration set card_serial = 'x'"),
    ("console", "delete from staff.issuance_hold"),
    ("console", "delete from staff.registration"),
    ("console", REGISTRATION.replace("registration-1", "registration-2")),
    ("console", INCIDENT),
    ("console", "update issuance.incident set kind = 'timeout'"),
    ("console", "update issuance.incident set reprinted_at = now()"),
    ("console", "delete from issuance.incident"),
    ("console", "update issuance.incident_note set note = 'x'"),
    ("console", "delete from issuance.incident_note"),
    ("console", "update issuance.request set state = 'failed'"),
    ("console", "insert into issuance.issue_log (request_id, state) values ('request-0001', 'sent')"),
    ("console", "select from issuance.challenge"),
    ("loader", "select from staff.card"),
    ("loader", "select from issuance.request"),
    ("loader", "select issuance.lock_keys(array['x'])"),
    *((role, statement) for role in ("issuer", "console", "loader") for statement in (
        "insert into issuance.release (component, version, set_by) values ('program', 'x', 'x')",
        "update issuance.release set version = 'x'",
        "delete from issuance.release",
        "alter table issuance.request disable trigger request_guard_sent",
        "alter table staff.issuance_hold disable trigger all",
        "drop trigger feed_state_lock_import on replica.feed_state",
        "set session_replication_role = replica",
        "create or replace function issuance.lock_keys(keys text[]) returns void language sql as ''",
    )),
]  # fmt: skip


@pytest.mark.fault(154)
@pytest.mark.clause("7(1)② logical split")
@pytest.mark.parametrize("number", range(len(FORBIDDEN_TO)))
def test_what_a_role_may_not_do_at_all(everything: None, number: int) -> None:
    role, statement = FORBIDDEN_TO[number]
    with connect(CODE, role) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())


def test_only_the_owner_publishes_releases(town: None) -> None:
    run("owner", "insert into issuance.release (component, version, set_by) values ('program', 'x', 'x')")
    run("owner", "delete from issuance.release")


def test_the_history_of_a_card_is_written_by_the_database_for_those_who_may_not(everything: None) -> None:
    run("console", "update staff.card set status = 'suspended', changed_by = '職員', change_reason = '紛失'")
    run("console", "update staff.card set change_reason = 'no other state'")
    with connect(CODE, "console") as console:
        rows = console.execute("select status, changed_by, change_reason from staff.card_history order by id")
        assert rows.fetchall() == [("active", None, None), ("suspended", "職員", "紛失")]


@pytest.fixture(autouse=True)
def _left_alone(replicas: PostgresServer) -> Iterator[None]:
    """No test leaves a session or a lock behind."""
    yield
    with connect(CODE, "owner") as owner:
        row = owner.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone()
    assert row == (0,)
