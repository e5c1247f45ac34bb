"""The whole verification (本人の確認) in its order: challenge, certificate, signature, revocation. No storage here."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from issuance_api.jpki.certificates import Medium, Policy, allowed_key, parse
from issuance_api.jpki.evidence import Evidence
from issuance_api.jpki.paths import Path, judge
from issuance_api.jpki.possession import ChallengeStore, check_signature, take
from issuance_api.jpki.results import no
from issuance_api.jpki.revocation import Revocation

__all__ = ["Evidence", "Identity", "Verifier"]


@dataclass(frozen=True, slots=True)
class Identity:
    """確認した電子証明書. ``serial`` is decimal without leading zeros (発行番号); linking it is the service's matter."""

    serial: str
    issuer_key_sha256: str
    medium: Medium
    not_before: datetime
    not_after: datetime
    certificate_sha256: str


@dataclass(frozen=True, slots=True)
class Verifier:
    """Denies by default; each refusal has a code of ``results``."""

    policy: Policy
    revocation: Revocation
    challenges: ChallengeStore

    async def verify(self, evidence: Evidence, *, municipality: str, purpose: str, now: datetime) -> Identity:
        """The identity, or ``Refused``. The challenge is used up first, so a failed try cannot be repeated."""
        challenge = await take(self.challenges, evidence.challenge_id, municipality, purpose, now)
        der = _bytes(evidence.certificate, "jpki_malformed")
        certificate = parse(der)
        path, medium = judge(certificate, self.policy, now)
        signature = _bytes(evidence.signature, "jpki_signature")
        check_signature(allowed_key(certificate.public_key()), evidence.algorithm, signature, challenge.value)
        await self._check_revocation(certificate, path, now)
        key = path[0].certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Identity(
            str(certificate.serial_number), sha256(key).hexdigest(), medium,
            certificate.not_valid_before_utc, certificate.not_valid_after_utc, sha256(der).hexdigest(),
        )  # fmt: skip

    async def _check_revocation(self, certificate: x509.Certificate, path: Path, now: datetime) -> None:
        """失効確認 of the certificate, and of each intermediate whose issuer has a source of its own."""
        await self.revocation.check(certificate, path[0].certificate, now)
        for between, issuer in pairwise(path):
            if issuer.asked:
                await self.revocation.check(between.certificate, issuer.certificate, now)


def _bytes(text: str, code: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise no(code) from None
