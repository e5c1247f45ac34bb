"""Whose request it is (本人の特定): the serial that the centre verified, or issuer and serial of the evidence verified here.

Which of the two a site takes is its configuration, and the other is refused. No rule and no SQL here.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TypeVar

from issuance_api.jpki.certificates import Medium
from issuance_api.jpki.results import no
from issuance_api.jpki.settings import Mode, Settings
from issuance_api.jpki.sources import Sources
from issuance_api.jpki.verifier import Identity, Verifier
from issuance_api.model import (
    Application,
    CapabilityInquiry,
    ChallengeDemand,
    ChallengeResult,
    Purpose,
    RegistrationApplication,
)
from issuance_api.repository import Repository
from issuance_api.repository_challenges import Challenges
from issuance_api.service_hours import JST
from municipalities.registry import Municipality

Asking = TypeVar("Asking", Application, CapabilityInquiry, RegistrationApplication)


class Identification:
    """Identification for one municipality. Without ``sources`` nothing is verified here."""

    def __init__(
        self, municipality: Municipality, repository: Repository, settings: Settings, sources: Sources | None
    ) -> None:
        self._code = municipality.code
        self._next_day = municipality.issuing.card_usable_next_day
        self._challenges = Challenges(repository, municipality.code)
        self._here = settings.mode is Mode.VERIFY_HERE
        self._verifier = Verifier(settings.policy, sources, self._challenges) if self._here and sources else None

    async def challenge(self, demand: ChallengeDemand, now: datetime) -> ChallengeResult:
        """A challenge for one purpose; refused where the centre verifies."""
        if self._verifier is None:
            raise no("jpki_evidence_not_taken")
        made = await self._challenges.issue(municipality=self._code, purpose=demand.purpose.value, now=now)
        value = base64.b64encode(made.value).decode("ascii")
        return ChallengeResult(challenge_id=made.id, challenge=value, expires_at=made.expires_at)

    async def resolved(self, asked: Asking, purpose: Purpose, now: datetime) -> tuple[Asking, Medium | None]:
        """The same request with the certificate that is certain, and without evidence; ``Refused`` otherwise.

        With it, where we verified, whether a card or a phone showed it.
        """
        if asked.evidence is None:
            if self._here:
                raise no("jpki_evidence_demanded")
            return asked, None
        if self._verifier is None:
            raise no("jpki_evidence_not_taken")
        found = await self._verifier.verify(asked.evidence, municipality=self._code, purpose=purpose.value, now=now)
        if purpose is not Purpose.REGISTRATION:
            self._check_age(found, now)
        certain = {"card_serial": found.serial, "card_issuer_sha256": found.issuer_key_sha256, "evidence": None}
        return asked.model_copy(update=certain), found.medium

    def _check_age(self, found: Identity, now: datetime) -> None:
        """From the day (JST) after the issue on, where the town says so; also for cards that no desk has linked."""
        if self._next_day and now.astimezone(JST).date() <= found.not_before.astimezone(JST).date():
            raise no("jpki_issued_today")
