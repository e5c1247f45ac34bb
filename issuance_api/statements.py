"""The SQL of issuing (発行のSQL), as text only: ``repository`` runs it, as the role ``issuer_<code>``.

The database enforces the moves between states; here they are made. ``node`` names the process that works on a request.
"""

from __future__ import annotations

SNAPSHOT = "set transaction isolation level repeatable read, read only"
UNHURRIED = "set local synchronous_commit = off"  # a step on the way: if it is lost, so is the request's progress

ACCEPT = """
insert into issuance.request
    (request_id, content_sha256, kind, options, copies, card_serial, card_issuer_sha256, store_code, prefecture_code, node,
     correlation_id, state, accepted_at, issued_on, serial_number)
values (%(request_id)s, %(content_sha256)s, %(kind)s, %(options)s, %(copies)s, %(card_serial)s, %(card_issuer)s, %(store_code)s,
    %(prefecture_code)s, %(node)s, %(correlation_id)s, 'accepted', %(at)s, %(on)s, nextval('issuance.issue_serial'))
on conflict (request_id) do nothing
returning *
"""
REQUEST = "select * from issuance.request where request_id = %(request_id)s"
# A node keeps a session lock for as long as it lives: what a killed one left unfinished is anybody's. What is ours and
# nobody here works on is ours to finish: its end could not be written when it came.
TAKE_OVER = """
update issuance.request set node = %(node)s
where request_id = %(request_id)s and state in ('accepted', 'eligible', 'rendered', 'checked')
  and (node is null or (node = %(node)s and %(idle)s) or pg_try_advisory_xact_lock(hashtextextended('node:' || node, 0)))
returning request_id
"""
ELIGIBLE = """
update issuance.request
set state = 'eligible', eligible_at = %(at)s, addressee_number = %(addressee_number)s, household_number = %(household)s,
    subjects = %(subjects)s, registers = %(registers)s, registration_id = %(registration)s, applicant_age = %(age)s
where request_id = %(request_id)s and state = 'accepted' and node = %(node)s
"""
LOCK_KEYS = "select issuance.lock_keys(issuance.keys_of(%(subjects)s, %(registers)s))"
RENDERED = """
update issuance.request
set state = 'rendered', rendered_at = %(rendered_at)s, pdf_sha256 = %(sha256)s, page_count = %(pages)s,
    record_sha256 = %(digest)s, form_version = %(form)s, font_version = %(font)s
where request_id = %(request_id)s and state = 'eligible' and node = %(node)s
  and subjects = %(subjects)s and registers = %(registers)s
"""
CHECKED = """
update issuance.request set state = 'checked', checked_at = %(at)s
where request_id = %(request_id)s and state = 'rendered'
"""
SENT = """
update issuance.request set state = 'sent', sent_at = %(at)s
where request_id = %(request_id)s and (state = 'checked' and node = %(node)s or state = 'sent')
returning state
"""
KEEP_RECORD = """
insert into issuance.issue_record (request_id, cipher) values (%(request_id)s, %(cipher)s) on conflict do nothing
"""
CANCEL = """
update issuance.request
set state = case state when 'sent' then 'aborted' else 'failed' end, result_code = 'cancelled', finished_at = %(at)s
where request_id = %(request_id)s and state in ('accepted', 'eligible', 'rendered', 'checked', 'sent')
"""
REFUSE = """
update issuance.request
set state = case state when 'accepted' then 'refused' else 'failed' end, result_code = %(code)s, finished_at = %(at)s
where request_id = %(request_id)s and node = %(node)s and state in ('accepted', 'eligible', 'rendered', 'checked')
"""
FAIL = """
update issuance.request set state = 'failed', result_code = %(code)s, finished_at = %(at)s
where request_id = %(request_id)s and node = %(node)s and state in ('accepted', 'eligible', 'rendered', 'checked')
"""
FINISH = """
update issuance.request set state = %(state)s, result_code = %(code)s, finished_at = %(at)s
where request_id = %(request_id)s and state = 'sent'
"""

# A certificate is its issuer's key and its serial: two authorities may give one serial. ``issuer`` None: the centre has
# verified and passed the serial alone, which must not stand for certificates of two authorities. ``unnamed``: whether a
# link without an issuer serves a certificate whose issuer is known; never if another authority gave the same serial.
NAMED = """
    select issuer_sha256 from staff.card where serial = %(card)s
    union select issuer_sha256 from staff.registration where card_serial = %(card)s
"""
THIS = f"""
    case when %(issuer)s::text is null then (select count(issuer_sha256) from ({NAMED}) named) <= 1
    else issuer_sha256 = %(issuer)s or (issuer_sha256 is null and %(unnamed)s
        and not exists (select from ({NAMED}) named where issuer_sha256 <> %(issuer)s)) end
"""  # noqa: S608 - constants
THE_CARD = f"select * from staff.card where serial = %(card)s and {THIS}"  # noqa: S608 - constants
THE_REGISTRATIONS = f"select * from staff.registration where card_serial = %(card)s and {THIS}"  # noqa: S608 - constants

CARD = f"select addressee_number, status, valid_from, valid_until from ({THE_CARD}) c"  # noqa: S608 - constants
# The applicant, in whatever state, and the active members of the household.
PEOPLE = f"""
with applicant as (
    select r.addressee_number, r.household_number from replica.resident r
    join ({THE_CARD}) c using (addressee_number)
)
select r.* from replica.resident r, applicant a
where r.addressee_number = a.addressee_number
   or (r.household_number = a.household_number and r.resident_status = '1')
order by r.addressee_number
"""  # noqa: S608 - constants
WITHHELD = f"""
with people as ({PEOPLE})
select w.feed, w.addressee_number from replica.withheld w
where w.addressee_number in (select addressee_number from people)
   or w.addressee_number = (select addressee_number from ({THE_CARD}) c)
order by 1, 2
"""  # noqa: S608 - constants
# A hold on a 戸籍 stops everybody whose 本籍・筆頭者 it names: rather one too many than one too few.
HELD = f"""
with people as ({PEOPLE})
select p.addressee_number from people p
where exists (
    select from staff.issuance_hold h
    where h.lifted_at is null and (
        h.addressee_number = p.addressee_number
        or (h.registered_domicile = p.registered_domicile
            and (h.family_register_head is null or h.family_register_head = p.family_register_head)))
)
order by 1
"""  # noqa: S608 - constants
SEAL = f"select s.* from replica.seal s join ({THE_CARD}) c using (addressee_number)"  # noqa: S608 - constants
TAX = f"""
select t.* from replica.tax t join ({THE_CARD}) c using (addressee_number) where t.fiscal_year = %(fiscal_year)s
"""  # noqa: S608 - constants
# Of several registrations with one card the newest counts: one that was stopped is not replaced by an older one.
REGISTRATION = f"""
select id, state, name, birth_on, registered_domicile, family_register_head, usable_from
from ({THE_REGISTRATIONS}) r order by id desc limit 1
"""  # noqa: S608 - constants
HELD_REGISTER = f"""
select h.id from staff.issuance_hold h, ({THE_REGISTRATIONS}) r
where h.lifted_at is null and h.registered_domicile = r.registered_domicile
  and (h.family_register_head is null or h.family_register_head = r.family_register_head)
order by 1
"""  # noqa: S608 - constants
FEEDS = "select feed, last_verified_at from replica.feed_state"
READ = (CARD, PEOPLE, WITHHELD, HELD, SEAL, TAX, REGISTRATION, HELD_REGISTER)

NODE_LOCK = "select pg_advisory_lock(hashtextextended('node:' || %(node)s, 0))"
RELEASE = "select component, version from issuance.release"
CLOCK = "select clock_timestamp()"
BEAT = """
insert into issuance.node (node_id, started_at, seen_at, state, versions)
values (%(node)s, clock_timestamp(), clock_timestamp(), %(state)s, %(versions)s)
on conflict (node_id) do update set seen_at = clock_timestamp(), state = excluded.state
"""
# A minute leaves a retry at another node the time to take it over.
SWEEP = """
update issuance.request set state = 'failed', result_code = 'abandoned', finished_at = clock_timestamp()
where state in ('accepted', 'eligible') and accepted_at < clock_timestamp() - interval '1 minute'
  and case node when %(node)s then request_id <> all (%(working)s)
      else pg_try_advisory_xact_lock(hashtextextended('node:' || node, 0)) end
"""
