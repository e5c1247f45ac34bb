"""What SQLAlchemy has no words for: the household view, the request's state machine, storage of images.

The statements are attached to the metadata, so that ``create_all`` makes the same database as the migrations do.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from replica.issuance_tables import issue_log, request
from replica.tables import REGISTERS, metadata

SCHEMAS = ("replica", "issuance", "staff")

HOUSEHOLD_COLUMNS = {
    "household_number": "世帯番号",
    "householder_addressee_number": "世帯主の宛名番号",
    "householder_name": "世帯主の氏名",
    "address_prefecture": "住所都道府県",
    "address_municipality": "住所市区郡町村",
    "address_town": "住所町字",
    "address_lot_number": "住所番地号表記",
    "katagaki": "方書",
    "member_count": "世帯員数（消除者を除く）",
}

# Two active householders give two rows: whoever reads must refuse then, not choose.
HOUSEHOLD = """
create view replica.household as
select h.household_number,
    h.addressee_number as householder_addressee_number,
    h.name as householder_name,
    h.address_prefecture,
    h.address_municipality,
    h.address_town,
    h.address_lot_number,
    h.katagaki,
    (select count(*) from replica.resident m
      where m.household_number = h.household_number and m.resident_status = '1') as member_count
from replica.resident h
where h.relationship_codes = '02' and h.resident_status = '1'
"""

MOVES = {
    "accepted": ("refused", "eligible", "failed"),
    "eligible": ("rendered", "failed"),
    "rendered": ("checked", "failed"),
    "checked": ("sent", "failed"),
    "sent": ("printed", "aborted", "failed"),
}

CHECK_TRANSITION = """
create function issuance.check_transition() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'accepted' then
            raise exception 'a request starts as accepted' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.request_id, new.content_sha256, new.kind, new.options, new.accepted_at)
        is distinct from (old.request_id, old.content_sha256, old.kind, old.options, old.accepted_at) then
        raise exception 'what was asked for does not change' using errcode = 'check_violation';
    end if;
    if old.addressee_number is not null and new.addressee_number is distinct from old.addressee_number then
        raise exception 'the person of a request does not change' using errcode = 'check_violation';
    end if;
    if old.pdf_sha256 is not null and new.pdf_sha256 is distinct from old.pdf_sha256 then
        raise exception 'the certificate of a request does not change' using errcode = 'check_violation';
    end if;
    if new.state <> old.state and (old.state, new.state) not in ({moves}) then
        raise exception 'no such move between states' using errcode = 'check_violation';
    end if;
    return new;
end
$$
""".format(moves=", ".join(f"('{old}', '{new}')" for old, news in MOVES.items() for new in news))

LOG_TRANSITION = """
create function issuance.log_transition() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.state <> old.state then
        insert into issuance.issue_log (request_id, state, result_code)
        values (new.request_id, new.state, new.result_code);
    end if;
    return null;
end
$$
"""

CHECK_TRIGGER = (
    "create trigger request_check_transition before insert or update on issuance.request"
    " for each row execute function issuance.check_transition()"
)
LOG_TRIGGER = (
    "create trigger request_log_transition after insert or update on issuance.request"
    " for each row execute function issuance.log_transition()"
)
# A PNG is compressed already: trying again costs time at every write and read.
IMAGE_STORAGE = "alter table replica.seal alter column impression set storage external"


def attach(table: Table, *statements: str) -> None:
    """Run ``statements`` after the table is made."""
    for statement in statements:
        event.listen(table, "after_create", _ddl(statement))


def _listen() -> None:
    for schema in SCHEMAS:
        event.listen(metadata, "before_create", _ddl(f"create schema if not exists {schema}"))
    comments = [f"comment on column replica.household.{name} is '{text}'" for name, text in HOUSEHOLD_COLUMNS.items()]
    attach(REGISTERS["resident"], HOUSEHOLD, "comment on view replica.household is '世帯'", *comments)
    attach(REGISTERS["seal"], IMAGE_STORAGE)
    attach(request, CHECK_TRANSITION, CHECK_TRIGGER)
    attach(issue_log, LOG_TRANSITION, LOG_TRIGGER)


def _ddl(statement: str) -> DDL:
    return DDL(statement.strip().replace("%", "%%"))  # type: ignore[no-untyped-call]


_listen()
