"""Incidents (事故の記録) as the issuing notes them: every error report of the centre, every page that failed a check.

They stay open until staff close them with a finding, which is done elsewhere (``replica.incidents``).
"""

from __future__ import annotations

from datetime import datetime

from issuance_api.repository import Repository

# A report that comes again (its answer was lost) is the same incident.
OPEN = """
insert into issuance.incident (request_id, kind, code, reported_at)
select %(request_id)s, %(kind)s, %(code)s, %(at)s
where not exists (
    select from issuance.incident
    where request_id = %(request_id)s and kind = %(kind)s and code is not distinct from %(code)s and closed_at is null)
"""
# One at a time: while it is open, more of the same is no news.
VOLUME = """
insert into issuance.incident (kind, reported_at)
select 'volume', %(at)s
where not exists (select from issuance.incident where kind = 'volume' and closed_at is null)
"""
REPRINTED = """
update issuance.incident set reprinted_at = %(at)s
where request_id = %(request_id)s and closed_at is null and reprinted_at is null
"""


class Incidents:
    """Incidents of one municipality."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def open(self, request_id: str, kind: str, code: str | None, at: datetime) -> None:
        """Note an incident; ``kind`` is one of the table's, ``code`` the centre's error number."""
        values = {"request_id": request_id, "kind": kind, "code": code, "at": at}
        async with self._repository.connection("issuance.incident") as connection:
            await connection.execute(OPEN, values)

    async def open_volume(self, at: datetime) -> None:
        """More was asked in an hour than the town's kiosks ever do."""
        async with self._repository.connection("issuance.incident") as connection:
            await connection.execute(VOLUME, {"at": at})

    async def note_reprinted(self, request_id: str, at: datetime) -> None:
        """The centre says that it was printed after all; the incidents stay open."""
        async with self._repository.connection("issuance.incident") as connection:
            await connection.execute(REPRINTED, {"request_id": request_id, "at": at})
