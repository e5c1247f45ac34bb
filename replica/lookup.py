"""Looking people up (住民の検索) by patterns over the stored text, as the console; who looked at whom is noted first.

A pattern comes from ``gaiji_maps.folding``: the register's text is compared as it stands and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from replica.connections import connect
from replica.driver_errors import reduced

MOST = 100
ACTION = "lookup"
FIND = """
select addressee_number, name, name_kana, birth_text, resident_status,
    concat(address_prefecture, address_municipality, address_town, address_lot_number)
from replica.resident
where (%(name)s::text is null or name ~* %(name)s or former_surname ~* %(name)s or common_name ~* %(name)s
        or name_roman ~* %(name)s)
  and (%(kana)s::text is null or name_kana ~* %(kana)s or former_surname_kana ~* %(kana)s
        or common_name_kana ~* %(kana)s)
order by name_kana, addressee_number
limit %(most)s
"""
NOTE = "insert into staff.access_log (actor, action, addressee_numbers) values (%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Found:
    """A person who was found, as the staff's screen shows them."""

    addressee_number: str
    name: str
    name_kana: str | None
    birth: str
    resident_status: str
    address: str


def find(code: str, *, name: str | None, kana: str | None, actor: str, most: int = MOST) -> list[Found]:
    """People whose names match the patterns, at most ``most``; the look is in the access log before anything is told."""
    values = {"name": name, "kana": kana, "most": most}
    with reduced("replica.resident"), connect(code, "console") as connection:
        found = [Found(*row) for row in connection.execute(FIND, values)]
        connection.execute(NOTE, (actor, ACTION, [one.addressee_number for one in found]))
    return found
