"""Revocation by CRL (失効リスト), fetched from configured addresses only; never from an address in a certificate.

A list counts if the issuing CA's own key signed it and it is current. OCSP is in ``responders``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from issuance_api.jpki.certificates import HASHES, PARSER_ERRORS, allowed_key
from issuance_api.jpki.fetching import Question, fetch
from issuance_api.jpki.results import no

SKEW = timedelta(minutes=5)
KNOWN = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER}
MAXIMUM_BYTES = 64 << 20


class Revocation(Protocol):
    """Says no if the certificate is revoked or nobody can tell."""

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if the certificate is known to be good."""
        ...


def parse_list(der: bytes, issuer: x509.Certificate, now: datetime) -> x509.CertificateRevocationList:
    """A complete, current list signed by the issuer's key."""
    try:
        found = x509.load_der_x509_crl(der)
        exact = found.public_bytes(Encoding.DER) == der and found.issuer == issuer.subject
        strong = isinstance(found.signature_hash_algorithm, HASHES)
        signed = found.is_signature_valid(allowed_key(issuer.public_key()))
        plain = all(not each.critical or each.oid in KNOWN for each in found.extensions)
    except PARSER_ERRORS:
        raise no("jpki_revocation_invalid") from None
    if not (exact and strong and signed and plain):
        raise no("jpki_revocation_invalid")
    check_current(found, now)
    return found


def check_current(found: x509.CertificateRevocationList, now: datetime) -> None:
    """A list without an end, of the future or past its end is stale."""
    end = found.next_update_utc
    if end is None or not found.last_update_utc - SKEW <= now < end:
        raise no("jpki_revocation_stale")


def check_listed(found: x509.CertificateRevocationList, serial: int) -> None:
    """Listed is revoked, whatever the reason; an entry that we cannot read may be anybody's."""
    try:
        entry = found.get_revoked_certificate_by_serial_number(serial)
    except PARSER_ERRORS:
        raise no("jpki_revocation_invalid") from None
    if entry is not None:
        raise no("jpki_revoked")


@dataclass(slots=True)
class RevocationLists:
    """失効リストの確認. ``addresses``: SHA-256 fingerprint (hex) of the CA certificate to the URL of its list.

    ``accept_cached_for_minutes``: how long after its fetch a still current list serves while the source is down (0:
    refuse).
    """

    addresses: dict[str, str]
    client: httpx.AsyncClient
    keep: timedelta = timedelta(minutes=10)
    accept_cached_for_minutes: int = 0
    maximum_bytes: int = MAXIMUM_BYTES
    seconds: float = 5.0
    _kept: dict[str, tuple[datetime, x509.CertificateRevocationList]] = field(default_factory=dict)

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if a current list does not name the certificate."""
        check_listed(await self._current(issuer, now), certificate.serial_number)

    async def _current(self, issuer: x509.Certificate, now: datetime) -> x509.CertificateRevocationList:
        key = fingerprint(issuer)
        kept = self._kept.get(key)
        if kept and timedelta(0) <= now - kept[0] < self.keep:
            check_current(kept[1], now)
            return kept[1]
        der = await self._fetch(self.addresses.get(key))
        if der is None:
            return self._while_down(key, now)
        found = await asyncio.to_thread(parse_list, der, issuer, now)  # it may be megabytes
        if kept and found.last_update_utc < kept[1].last_update_utc:
            raise no("jpki_revocation_stale")  # an older list than one seen before is a replay
        self._kept[key] = (now, found)
        return found

    def _while_down(self, key: str, now: datetime) -> x509.CertificateRevocationList:
        kept = self._kept.get(key)
        if kept is None or not timedelta(0) <= now - kept[0] < timedelta(minutes=self.accept_cached_for_minutes):
            raise no("jpki_revocation_unavailable")
        check_current(kept[1], now)
        return kept[1]

    async def _fetch(self, address: str | None) -> bytes | None:
        if address is None:
            raise no("jpki_revocation_unavailable")
        return await fetch(self.client, Question(address, self.maximum_bytes, seconds=self.seconds))


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hex."""
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
