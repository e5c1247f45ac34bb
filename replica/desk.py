"""What all entries of staff (職員の入力) share: a connection as ``console_<code>``, and who acts and why.

No entry without a name; no change of somebody's card, hold, registration or incident without a reason. What may follow
what is the database's matter (``guards``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection

from records.errors import EntryRefused
from replica.connections import connect
from replica.driver_errors import reduced

# An entry waits for certificates of the same person and for a load that commits: milliseconds. A node that froze in
# between loses its session after 15 s (``issuance_api.repository``); a hold must outlast that.
PATIENCE = "set local lock_timeout = '20s'"
LONGEST_NAME, LONGEST_REASON = 100, 1000


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it (職員), and why (理由); both are kept with what was entered. ``EntryRefused`` when one is blank."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        required(self.by, "by", LONGEST_NAME)
        required(self.reason, "reason", LONGEST_REASON)


def required(text: str, field: str, longest: int = LONGEST_REASON) -> str:
    """``text`` without blanks around it; ``EntryRefused`` when nothing is left or it is too long."""
    stripped = text.strip()
    if not stripped or len(stripped) > longest:
        raise EntryRefused(f"{field} must have 1 to {longest} characters")
    return stripped


@contextmanager
def desk(code: str, what: str) -> Iterator[Connection]:
    """One transaction as the console; ``what`` names the table for errors."""
    with reduced(what), connect(code, "console") as connection:
        connection.execute(PATIENCE)
        yield connection
