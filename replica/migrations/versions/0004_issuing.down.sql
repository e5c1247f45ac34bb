drop trigger feed_state_lock_import on replica.feed_state;
drop function replica.lock_import();
drop table staff.registration;
drop function staff.check_registration();
drop trigger card_note on staff.card;
drop trigger card_check on staff.card;
drop function staff.note_card();
drop function staff.check_card();
drop table staff.card_history;
drop trigger issuance_hold_lock on staff.issuance_hold;
drop function staff.lock_hold();
drop trigger request_guard_sent on issuance.request;
drop function issuance.guard_sent();
drop function issuance.keys_of(text[], text[]);
drop function issuance.lock_keys(text[]);
drop table issuance.release;
drop table issuance.node;
drop table issuance.challenge;
drop table issuance.incident;
drop function issuance.keep_incident();
drop table issuance.issue_record;
alter table staff.card
    drop column medium, drop column issuer_sha256, drop column changed_by, drop column change_reason;
drop index issuance.request_unfinished_idx;
alter table issuance.request
    drop column node, drop column correlation_id, drop column subjects, drop column registers,
    drop column registration_id, drop column configuration_version;
