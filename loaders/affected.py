"""One person who bears a character (影響を受ける人), chosen by the system, for the certificate that the town confirms.

The only place where the gaiji commands read a person's record; everything else of them is counts (``waiting``).
"""

from __future__ import annotations

from psycopg.rows import dict_row

from loaders.waiting import SELECTOR_FOLLOWS
from records.dictionary import items
from records.records import Resident
from replica.connections import connect
from replica.driver_errors import reduced

_VALUE = f"concat_ws(chr(10), {', '.join(one.key for one in items('resident') if one.type == 'text')})"
# Who waited for the character comes first; then the lowest number, so that the same command shows the same person.
BEARER = f"""
select r.* from replica.resident r
where r.resident_status = '1' and strpos({_VALUE}, %(text)s) > 0
    and (length(%(text)s) > 1 or {_VALUE} ~ (%(text)s || %(alone)s))
    and not exists (select 1 from replica.withheld w where w.addressee_number = r.addressee_number)
order by exists (select 1 from replica.quarantine q where q.feed = 'resident'
    and q.addressee_number = r.addressee_number and q.reasons like '%%:' || %(code)s || '%%') desc, r.addressee_number
limit 1
"""


def bearer(municipality: str, text: str, code: str) -> Resident | None:
    """An active resident with ``text`` (one character, or base and selector) in the record, nobody who is withheld.

    ``code`` is the vendor's: whoever waited for it is taken before others. ``None`` when there is no such person.
    """
    values = {"text": text, "alone": SELECTOR_FOLLOWS, "code": code}
    with reduced("resident"), connect(municipality, "console") as connection:
        row = connection.cursor(row_factory=dict_row).execute(BEARER.encode(), values).fetchone()
    return Resident.from_row(row) if row else None
