"""Proof of possession (所持の証明): challenges and signatures over them. Where challenges are kept is not in here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from issuance_api.jpki.certificates import PublicKey
from issuance_api.jpki.results import no

LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Challenge:
    """チャレンジ: 32 random bytes for one purpose in one municipality, usable once until ``expires_at``."""

    id: str
    value: bytes
    purpose: str
    municipality: str
    expires_at: datetime


class ChallengeStore(Protocol):
    """Keeps challenges; ``consume`` removes atomically, so that two nodes cannot both use one."""

    async def issue(self, *, municipality: str, purpose: str, now: datetime) -> Challenge:
        """A new challenge that expires after ``LIFETIME``."""
        ...

    async def consume(self, challenge_id: str, now: datetime) -> Challenge | None:
        """The challenge, which is used up afterwards; ``None`` if there is none that could still be used."""
        ...


async def take(store: ChallengeStore, challenge_id: str, municipality: str, purpose: str, now: datetime) -> Challenge:
    """The challenge if it is this purpose's, this municipality's and fresh; used up in every case."""
    found = await store.consume(challenge_id, now)
    if found is None or (found.municipality, found.purpose) != (municipality, purpose):
        raise no("jpki_challenge")
    if not found.expires_at - LIFETIME <= now < found.expires_at:
        raise no("jpki_challenge")
    return found


def check_signature(key: PublicKey, algorithm: str, signature: bytes, message: bytes) -> None:
    """The signature of the card over ``message``; the algorithm must be of the certificate's own key type."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, _padding(algorithm), hashes.SHA256())
        else:
            key.verify(signature, message, ec.ECDSA(_hash(key, algorithm)))
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        raise no("jpki_signature") from None


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm == "rsa-pkcs1v15-sha256":
        return padding.PKCS1v15()
    if algorithm == "rsa-pss-sha256":
        return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    raise no("jpki_algorithm")


def _hash(key: ec.EllipticCurvePublicKey, algorithm: str) -> hashes.HashAlgorithm:
    if (key.curve.name, algorithm) == ("secp256r1", "ecdsa-p256-sha256"):
        return hashes.SHA256()
    if (key.curve.name, algorithm) == ("secp384r1", "ecdsa-p384-sha384"):
        return hashes.SHA384()
    raise no("jpki_algorithm")
