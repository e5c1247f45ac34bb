"""Who waits for a character (外字待ち), as counts: unmapped codes with persons withheld, and persons who bear a glyph.

Only counts and codes leave the database here, so that alarms, proof sheets and logs can show them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from records.batch import FEEDS
from records.dictionary import items
from replica.connections import connect
from replica.driver_errors import reduced

JST = timezone(timedelta(hours=9), "JST")
# Reasons that the correspondence table or the municipality's font can settle; any other needs the vendor.
CHARACTER_REASONS = ("unmapped_character", "missing_sequence")
SELECTOR_FOLLOWS = "(?![\ufe00-\ufe0f\U000e0100-\U000e01ef])"

WAITING = """
select split_part(reason, ':', 3) as code, array_agg(distinct feed order by feed), count(distinct addressee_number),
    count(*), min(quarantined_at)
from replica.quarantine, regexp_split_to_table(reasons, ';') as reason
where resolved_at is null and split_part(reason, ':', 1) = any(%s)
group by 1 order by 3 desc, 1
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One code that no confirmed row maps: ``persons`` who get no certificate for it, ``rows`` in quarantine, since when.

    ``code`` is the vendor's (``F9FC``), or ``U+5C71 U+E01EF`` for a sequence that no font draws.
    """

    code: str
    feeds: tuple[str, ...]
    persons: int
    rows: int
    since: datetime

    @property
    def alarm_text(self) -> str:
        """警報文: the code and how many people wait."""
        day = self.since.astimezone(JST).date().isoformat()
        return f"外字 {self.code} が未同定のため、{self.persons} 人の証明書を交付できません（{day} から）"


def waiting(code: str) -> list[Waiting]:
    """Codes of a municipality that wait, those with most persons first."""
    with reduced("quarantine"), connect(code, "console") as connection:
        rows = connection.execute(WAITING, [list(CHARACTER_REASONS)]).fetchall()
    return [Waiting(name, tuple(feeds), persons, number, since) for name, feeds, persons, number, since in rows]


def bearers(code: str, texts: Sequence[str]) -> Mapping[str, int]:
    """Each text (one character, or base and selector) → how many persons have it anywhere in their newest records."""
    found = dict.fromkeys(texts, 0)
    patterns = [re.escape(text) + ("" if len(text) > 1 else SELECTOR_FOLLOWS) for text in found]
    with reduced("registers"), connect(code, "console") as connection:
        rows = connection.execute(_BEARERS.encode(), {"texts": list(found), "patterns": patterns}).fetchall()
    return found | dict(rows)


def _texts_of(record: str) -> str:
    names = ", ".join(item.key for item in items(record) if item.type == "text")
    return f"select addressee_number, concat_ws(chr(10), {names}) as value from replica.{record}"


_TEXTS = " union all ".join(_texts_of(record) for record in FEEDS if any(one.type == "text" for one in items(record)))
# The plain search first: most texts stand in few records, and a regular expression costs ten times as much.
_BEARERS = f"""
select wanted.text, count(distinct addressee_number)
from unnest(%(texts)s::text[], %(patterns)s::text[]) as wanted (text, pattern), ({_TEXTS}) as records
where strpos(value, wanted.text) > 0 and value ~ wanted.pattern
group by 1
"""
