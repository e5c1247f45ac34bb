"""Taking a character back (対応の撤回): whoever bears it waits again, until their stored row has been mapped anew.

Their rows go into quarantine as if the code had never been mapped; ``sync.remap`` decodes them again. Who decided it is
in the correspondence table.
"""

from __future__ import annotations

import psycopg

from loaders import ledger
from loaders.remap import RENEW
from loaders.staging import sql_record_key
from loaders.waiting import SELECTOR_FOLLOWS
from records.batch import FEEDS
from records.dictionary import items
from replica.connections import connect
from replica.driver_errors import reduced

MAPPED = ("text", "kana")
WITHHOLD = """
insert into replica.withheld (feed, addressee_number, sequence, reason)
select distinct on (addressee_number) feed, addressee_number, sequence, reasons from replica.quarantine
where feed = %(feed)s and resolved_at is null order by addressee_number, sequence desc, row_number desc
on conflict (feed, addressee_number) do nothing
"""
NOT_WRITTEN = """
update replica.batch b set rows_written = rows_written - n.count
from (select unnest(%(batches)s::bigint[]) as id, unnest(%(counts)s::bigint[]) as count) n where n.id = b.id
"""


def withdraw(code: str, text: str, vendor_code: str) -> int:
    """Withhold everybody in whose newest records ``text`` stands (one character, or base and selector); their number.

    ``vendor_code`` is the code that is no longer mapped, ``F9FA`` or ``U+8FBB U+E0100``. Raises ``LockBusy`` while a feed
    is being loaded, ``DatabaseError``; nothing has changed then.
    """
    reason = "missing_sequence" if " " in vendor_code else "unmapped_character"
    alone = "" if len(text) > 1 else SELECTOR_FOLLOWS
    facts = {"text": text, "alone": alone, "reason": reason, "code": vendor_code}
    people: set[str] = set()
    with reduced("registers"), connect(code, "loader") as connection, connection.transaction():
        for feed in FEEDS:
            if _fields(feed):
                people |= _withdraw(connection, feed, facts)
    return len(people)


def _withdraw(connection: psycopg.Connection, feed: str, facts: dict[str, str]) -> set[str]:
    ledger.lock(connection, feed)
    rows = connection.execute(_quarantine(feed).encode(), {**facts, "feed": feed}).fetchall()
    batches = sorted({batch for batch, _ in rows})
    counts = [sum(batch == one for batch, _ in rows) for one in batches]
    connection.execute(NOT_WRITTEN, {"batches": batches, "counts": counts})
    connection.execute(WITHHOLD, {"feed": feed})
    connection.execute(RENEW, {"feed": feed})
    return {person for _, person in rows}


def _fields(feed: str) -> list[str]:
    return [item.key for item in items(feed) if item.type.partition(":")[0] in MAPPED]


def _quarantine(feed: str) -> str:
    """The row that was applied last for each record with the text; one that waits already stays as it is."""
    found = [
        f"case when strpos(r.{name}, %(text)s) > 0 and r.{name} ~ (%(text)s || %(alone)s)"
        f" then %(reason)s || ':{name}:' || %(code)s end"
        for name in _fields(feed)
    ]
    key = sql_record_key(feed, "r")
    return (
        "insert into replica.quarantine (batch_id, feed, sequence, row_number, addressee_number, record_key, reasons)"
        f" select b.id, %(feed)s, r.applied_sequence, r.applied_row, r.addressee_number, {key}, f.reasons"
        f" from replica.{feed} r cross join lateral (select concat_ws(';', {', '.join(found)}) as reasons) f"
        " join lateral (select id from replica.batch where feed = %(feed)s and sequence = r.applied_sequence"
        " and state in ('loaded', 'verified') order by id desc limit 1) b on true"
        " where f.reasons <> '' and not exists (select 1 from replica.quarantine q where q.feed = %(feed)s"
        f" and q.resolved_at is null and q.addressee_number = r.addressee_number and q.record_key = {key})"
        " returning batch_id, addressee_number"
    )
