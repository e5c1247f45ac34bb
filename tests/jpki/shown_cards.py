"""A card that shows itself to a verifier: challenges kept in memory, and evidence over one of them."""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from issuance_api.jpki.evidence import Evidence
from issuance_api.jpki.possession import LIFETIME, Challenge
from simulators.jpki.ca import VirtualCard

TOWN, PURPOSE = "999999", "certificate"


@dataclass
class Challenges:
    """As the database keeps them."""

    kept: dict[str, Challenge] = field(default_factory=dict)

    async def issue(self, *, municipality: str, purpose: str, now: datetime) -> Challenge:
        made = Challenge(secrets.token_hex(8), secrets.token_bytes(32), purpose, municipality, now + LIFETIME)
        self.kept[made.id] = made
        return made

    async def consume(self, challenge_id: str, now: datetime) -> Challenge | None:
        return self.kept.pop(challenge_id, None)


def evidence_of(challenges: Challenges, card: VirtualCard, now: datetime, *, pss: bool = False) -> Evidence:
    """What a card shows over a new challenge."""
    challenge = asyncio.run(challenges.issue(municipality=TOWN, purpose=PURPOSE, now=now))
    algorithm, signature = card.sign(challenge.value, pss=pss)
    values = {"certificate": encoded(card.der), "signature": encoded(signature), "algorithm": algorithm}
    return Evidence.model_validate({**values, "challenge_id": challenge.id})


def encoded(value: bytes) -> str:
    """Base64 as it travels."""
    return base64.b64encode(value).decode("ascii")
