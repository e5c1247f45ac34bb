create or replace function issuance.keep_incident() returns trigger language plpgsql as $$
begin
    if old.closed_at is not null then
        raise exception 'a closed incident does not change' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
drop table issuance.incident_note;
alter table staff.issuance_hold drop column lift_reason;
