"""Guards of the database (データベースの番人): issuing, holding and importing never cross, and what staff enter moves one way.

A hold, a change of a card or registration, and the marking of a certificate as sent take the same advisory locks, one
for each person and each 本籍, in the transaction that commits them: whoever comes second sees the first. A load takes
the import lock just before it commits. Plain SQL that is attached to the metadata, as in ``routines``.
"""

from __future__ import annotations

from replica.issuance_tables import incident, request
from replica.routines import attach
from replica.staff_tables import card, issuance_hold, registration
from replica.tables import feed_state

HELD = "UT001"  # SQLSTATE: a hold is in force

# Shared with each other, not with a load that is about to commit. Sorted, so that two can't wait for each other.
LOCK_KEYS = """
create function issuance.lock_keys(keys text[]) returns void language plpgsql as $$
declare
    key text;
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('import', 0));
    for key in select distinct k from unnest(keys) k where k is not null order by 1 loop
        perform pg_advisory_xact_lock(hashtextextended('issue:' || key, 0));
    end loop;
end
$$
"""

KEYS_OF = r"""
create function issuance.keys_of(subjects text[], registers text[]) returns text[] language sql immutable as $$
    select array(select 'person:' || s from unnest(subjects) s)
        || array(select 'register:' || split_part(r, E'\x1f', 1) from unnest(registers) r)
$$
"""

# A hold on a 戸籍 with no 筆頭者 stops all of that 本籍: rather one too many than one too few.
GUARD_SENT = rf"""
create function issuance.guard_sent() returns trigger language plpgsql as $$
begin
    if old.subjects is not null and (new.subjects, new.registers, new.registration_id)
        is distinct from (old.subjects, old.registers, old.registration_id) then
        raise exception 'whom a request concerns does not change' using errcode = 'check_violation';
    end if;
    if new.state <> 'sent' or (old.state = 'sent' and new.sent_at is not distinct from old.sent_at) then
        return new;
    end if;
    perform issuance.lock_keys(issuance.keys_of(new.subjects, new.registers));
    if exists (
        select from staff.issuance_hold h
        where h.lifted_at is null and (
            h.addressee_number = any (new.subjects)
            or exists (
                select from unnest(new.registers) r
                where split_part(r, E'\x1f', 1) = h.registered_domicile
                  and (h.family_register_head is null or split_part(r, E'\x1f', 2) = h.family_register_head)))
    ) then
        raise exception 'a hold is in force' using errcode = '{HELD}';
    end if;
    return new;
end
$$
"""
GUARD_SENT_TRIGGER = (
    "create trigger request_guard_sent before update on issuance.request"
    " for each row execute function issuance.guard_sent()"
)

LOCK_HOLD = """
create function staff.lock_hold() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (
        old.lifted_at is not null
        or (new.target_kind, new.addressee_number, new.registered_domicile, new.family_register_head, new.reason,
            new.placed_by, new.placed_at)
            is distinct from (old.target_kind, old.addressee_number, old.registered_domicile,
                old.family_register_head, old.reason, old.placed_by, old.placed_at)) then
        raise exception 'a hold can only be lifted, once' using errcode = 'check_violation';
    end if;
    perform issuance.lock_keys(array['person:' || new.addressee_number, 'register:' || new.registered_domicile]);
    return new;
end
$$
"""
LOCK_HOLD_TRIGGER = (
    "create trigger issuance_hold_lock before insert or update on staff.issuance_hold"
    " for each row execute function staff.lock_hold()"
)

# A certificate is its issuer's key and its serial. A serial that is linked without its issuer may be any authority's: it
# stays the only one until somebody has named the issuer.
CHECK_CARD = """
create function staff.check_card() returns trigger language plpgsql as $$
begin
    perform issuance.lock_keys(array['person:' || new.addressee_number]);
    if tg_op = 'INSERT' then
        perform issuance.lock_keys(array['card:' || new.serial]);
        if exists (
            select from staff.card other
            where other.serial = new.serial and (other.issuer_sha256 is null) <> (new.issuer_sha256 is null)
        ) then
            raise exception 'a serial is linked with issuers or without' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.id, new.serial, new.addressee_number) is distinct from (old.id, old.serial, old.addressee_number) then
        raise exception 'a card stays with its person' using errcode = 'check_violation';
    end if;
    if old.issuer_sha256 is not null and new.issuer_sha256 is distinct from old.issuer_sha256 then
        raise exception 'an issuer is named once' using errcode = 'check_violation';
    end if;
    if old.status = 'unlinked' and new.status <> 'unlinked' then
        raise exception 'an unlinked card is never used again' using errcode = 'check_violation';
    end if;
    return new;
end
$$
"""
CHECK_CARD_TRIGGER = (
    "create trigger card_check before insert or update on staff.card for each row execute function staff.check_card()"
)
# Written as the owner: nobody else may write the history.
NOTE_CARD = """
create function staff.note_card() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if tg_op = 'INSERT' or (new.status, new.issuer_sha256) is distinct from (old.status, old.issuer_sha256) then
        insert into staff.card_history (serial, issuer_sha256, addressee_number, status, changed_by, change_reason)
        values (new.serial, new.issuer_sha256, new.addressee_number, new.status, new.changed_by, new.change_reason);
    end if;
    return null;
end
$$
"""
NOTE_CARD_TRIGGER = (
    "create trigger card_note after insert or update on staff.card for each row execute function staff.note_card()"
)

CHECK_REGISTRATION = """
create function staff.check_registration() returns trigger language plpgsql as $$
begin
    perform issuance.lock_keys(array['register:' || new.registered_domicile]);
    if tg_op = 'INSERT' then
        if new.state <> 'applied' then
            raise exception 'a registration starts as applied' using errcode = 'check_violation';
        end if;
        perform issuance.lock_keys(array['card:' || new.card_serial]);
        if exists (
            select from staff.registration other
            where other.card_serial = new.card_serial and other.state in ('applied', 'approved')
              and (other.issuer_sha256 is null) <> (new.issuer_sha256 is null)
        ) then
            raise exception 'a serial is registered with issuers or without' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.request_id, new.content_sha256, new.card_serial, new.issuer_sha256, new.medium, new.name, new.birth_on,
        new.address, new.registered_domicile, new.family_register_head, new.applied_at)
        is distinct from (old.request_id, old.content_sha256, old.card_serial, old.issuer_sha256, old.medium, old.name,
            old.birth_on, old.address, old.registered_domicile, old.family_register_head, old.applied_at) then
        raise exception 'what was applied for does not change' using errcode = 'check_violation';
    end if;
    if (old.state, new.state) not in (('applied', 'approved'), ('applied', 'rejected'), ('approved', 'stopped')) then
        raise exception 'no such move between states' using errcode = 'check_violation';
    end if;
    return new;
end
$$
"""
CHECK_REGISTRATION_TRIGGER = (
    "create trigger registration_check before insert or update on staff.registration"
    " for each row execute function staff.check_registration()"
)

KEEP_INCIDENT = """
create function issuance.keep_incident() returns trigger language plpgsql as $$
begin
    if old.closed_at is not null then
        raise exception 'a closed incident does not change' using errcode = 'check_violation';
    end if;
    if (new.id, new.request_id, new.kind, new.code, new.reported_at)
        is distinct from (old.id, old.request_id, old.kind, old.code, old.reported_at) then
        raise exception 'what was reported does not change' using errcode = 'check_violation';
    end if;
    return new;
end
$$
"""
KEEP_INCIDENT_TRIGGER = (
    "create trigger incident_keep before update on issuance.incident"
    " for each row execute function issuance.keep_incident()"
)

# Deferred to the commit: certificates wait for the instant of the commit only, not for the load.
LOCK_IMPORT = """
create function replica.lock_import() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('import', 0));
    return null;
end
$$
"""
LOCK_IMPORT_TRIGGER = (
    "create constraint trigger feed_state_lock_import after insert or update on replica.feed_state"
    " deferrable initially deferred for each row execute function replica.lock_import()"
)

attach(request, LOCK_KEYS, KEYS_OF, GUARD_SENT, GUARD_SENT_TRIGGER)
attach(incident, KEEP_INCIDENT, KEEP_INCIDENT_TRIGGER)
attach(issuance_hold, LOCK_HOLD, LOCK_HOLD_TRIGGER)
attach(card, CHECK_CARD, CHECK_CARD_TRIGGER, NOTE_CARD, NOTE_CARD_TRIGGER)
attach(registration, CHECK_REGISTRATION, CHECK_REGISTRATION_TRIGGER)
attach(feed_state, LOCK_IMPORT, LOCK_IMPORT_TRIGGER)
