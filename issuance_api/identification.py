"""Whose request it is (本人の特定): the serial that the centre verified, or the one of the evidence that we verify here.

Which of the two a site takes is its configuration, and the other is refused. No rule and no SQL here.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TypeVar

from issuance_api.jpki.results import no
from issuance_api.jpki.settings import Mode, Settings
from issuance_api.jpki.sources import Sources
from issuance_api.jpki.verifier import Verifier
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

Asking = TypeVar("Asking", Application, CapabilityInquiry, RegistrationApplication)


class Identification:
    """Identification for one municipality. Without ``sources`` nothing is verified here."""

    def __init__(self, code: str, repository: Repository, settings: Settings, sources: Sources | None) -> None:
        self._code = code
        self._challenges = Challenges(repository, code)
        self._here = settings.mode is Mode.VERIFY_HERE
        self._verifier = Verifier(settings.policy, sources, self._challenges) if self._here and sources else None

    async def challenge(self, demand: ChallengeDemand, now: datetime) -> ChallengeResult:
        """A challenge for one purpose; refused where the centre verifies."""
        if self._verifier is None:
            raise no("jpki_evidence_not_taken")
        made = await self._challenges.issue(municipality=self._code, purpose=demand.purpose.value, now=now)
        value = base64.b64encode(made.value).decode("ascii")
        return ChallengeResult(challenge_id=made.id, challenge=value, expires_at=made.expires_at)

    async def resolved(self, asked: Asking, purpose: Purpose, now: datetime) -> Asking:
        """The same request with the serial that is certain, and without evidence; ``Refused`` otherwise."""
        if asked.evidence is None:
            if self._here:
                raise no("jpki_evidence_demanded")
            return asked
        if self._verifier is None:
            raise no("jpki_evidence_not_taken")
        found = await self._verifier.verify(asked.evidence, municipality=self._code, purpose=purpose.value, now=now)
        return asked.model_copy(update={"card_serial": found.serial, "evidence": None})
