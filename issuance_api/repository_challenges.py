"""Challenges (本人確認の乱数) in the database: issued once, used once, whichever node is asked. They judge nothing."""

from __future__ import annotations

import secrets
from datetime import datetime

from issuance_api.jpki.possession import LIFETIME, Challenge
from issuance_api.repository import Repository

CHALLENGE_BYTES = 32
ISSUE = """
insert into issuance.challenge (id, challenge, purpose, issued_at, expires_at)
values (%(id)s, %(challenge)s, %(purpose)s, %(at)s, %(expires_at)s)
"""
FORGET = "delete from issuance.challenge where expires_at < %(at)s - interval '1 day'"
CONSUME = """
update issuance.challenge set consumed_at = %(at)s
where id = %(id)s and consumed_at is null and expires_at > %(at)s
returning challenge, purpose, expires_at
"""


class Challenges:
    """A ``ChallengeStore`` for the municipality whose database this is."""

    def __init__(self, repository: Repository, municipality: str) -> None:
        self._repository = repository
        self._municipality = municipality

    async def issue(self, *, municipality: str, purpose: str, now: datetime) -> Challenge:
        """A new challenge that expires after ``LIFETIME``; those of yesterday are forgotten, and so refused as unknown."""
        if municipality != self._municipality:
            raise AssertionError("this is another municipality's database")
        value, until = secrets.token_bytes(CHALLENGE_BYTES), now + LIFETIME
        made = Challenge(secrets.token_urlsafe(24), value, purpose, municipality, until)
        values = {"id": made.id, "challenge": value, "purpose": purpose, "at": now, "expires_at": until}
        async with self._repository.connection("issuance.challenge") as connection:
            await connection.execute(FORGET, values)
            await connection.execute(ISSUE, values)
        return made

    async def consume(self, challenge_id: str, now: datetime) -> Challenge | None:
        """The challenge, if it is unused and not expired; nobody can use it afterwards."""
        async with self._repository.connection("issuance.challenge") as connection:
            row = await (await connection.execute(CONSUME, {"id": challenge_id, "at": now})).fetchone()
        if row is None:
            return None
        return Challenge(challenge_id, bytes(row["challenge"]), row["purpose"], self._municipality, row["expires_at"])
