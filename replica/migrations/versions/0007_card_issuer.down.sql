-- Fails where two authorities gave one serial: rather no way back than a link too few.
create or replace function staff.check_card() returns trigger language plpgsql as $$
begin
    perform issuance.lock_keys(array['person:' || new.addressee_number]);
    if tg_op = 'UPDATE' and (new.serial, new.addressee_number) is distinct from (old.serial, old.addressee_number) then
        raise exception 'a card stays with its person' using errcode = 'check_violation';
    end if;
    if tg_op = 'UPDATE' and old.status = 'unlinked' and new.status <> 'unlinked' then
        raise exception 'an unlinked card is never used again' using errcode = 'check_violation';
    end if;
    return new;
end
$$;

create or replace function staff.note_card() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if tg_op = 'INSERT' or new.status <> old.status then
        insert into staff.card_history (serial, addressee_number, status, changed_by, change_reason)
        values (new.serial, new.addressee_number, new.status, new.changed_by, new.change_reason);
    end if;
    return null;
end
$$;

create or replace function staff.check_registration() returns trigger language plpgsql as $$
begin
    perform issuance.lock_keys(array['register:' || new.registered_domicile]);
    if tg_op = 'INSERT' then
        if new.state <> 'applied' then
            raise exception 'a registration starts as applied' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.request_id, new.content_sha256, new.card_serial, new.name, new.birth_on, new.address,
        new.registered_domicile, new.family_register_head, new.applied_at)
        is distinct from (old.request_id, old.content_sha256, old.card_serial, old.name, old.birth_on, old.address,
            old.registered_domicile, old.family_register_head, old.applied_at) then
        raise exception 'what was applied for does not change' using errcode = 'check_violation';
    end if;
    if (old.state, new.state) not in (('applied', 'approved'), ('applied', 'rejected'), ('approved', 'stopped')) then
        raise exception 'no such move between states' using errcode = 'check_violation';
    end if;
    return new;
end
$$;

alter table issuance.request drop column card_issuer_sha256;
drop index staff.registration_in_force_idx;
create unique index registration_in_force_idx on staff.registration (card_serial) where state in ('applied', 'approved');
alter table staff.registration drop constraint registration_issuer_check;
alter table staff.card_history drop column issuer_sha256;
drop index staff.card_identity_idx;
alter table staff.card drop constraint card_issuer_check, drop constraint card_pkey, drop column id;
alter table staff.card add constraint card_pkey primary key (serial);
