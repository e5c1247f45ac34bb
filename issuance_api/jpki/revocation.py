"""Revocation by CRL (失効リスト), from configured addresses and files only; never from an address in a certificate.

Several parts of several authorities' lists are kept side by side. What makes a list count is in ``lists``, OCSP in
``responders``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from issuance_api.jpki.fetching import Question, fetch
from issuance_api.jpki.lists import Point, check_current, check_listed, parse_list, part_of
from issuance_api.jpki.results import no

MAXIMUM_BYTES = 64 << 20
Source = str | Path  # an address, or a file that the site puts there
Key = tuple[str, Point | None]


class Revocation(Protocol):
    """Says no if the certificate is revoked or nobody can tell."""

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if the certificate is known to be good."""
        ...


@dataclass(slots=True)
class RevocationLists:
    """失効リストの確認. ``addresses``: SHA-256 fingerprint (hex) of the CA certificate to the URL of its list; ``parts``: to the
    source of each part, by distribution point, for a CA that splits its list.

    ``accept_cached_for_minutes``: how long after its fetch a still current list serves while the source is down (0:
    refuse).
    """

    addresses: dict[str, str]
    client: httpx.AsyncClient
    keep: timedelta = timedelta(minutes=10)
    accept_cached_for_minutes: int = 0
    maximum_bytes: int = MAXIMUM_BYTES
    seconds: float = 5.0
    parts: dict[str, dict[Point, Source]] = field(default_factory=dict)
    _kept: dict[Key, tuple[datetime, x509.CertificateRevocationList]] = field(default_factory=dict)

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if a current list that covers the certificate does not name it."""
        point, source = self._source(certificate, fingerprint(issuer))
        check_listed(await self._current(issuer, point, source, now), certificate)

    def _source(self, certificate: x509.Certificate, issuer: str) -> tuple[Point | None, Source]:
        if parts := self.parts.get(issuer):
            return part_of(certificate, parts)
        if issuer not in self.addresses:
            raise no("jpki_revocation_unavailable")
        return None, self.addresses[issuer]

    async def _current(
        self, issuer: x509.Certificate, point: Point | None, source: Source, now: datetime
    ) -> x509.CertificateRevocationList:
        key = fingerprint(issuer), point
        kept = self._kept.get(key)
        if kept and timedelta(0) <= now - kept[0] < self.keep:
            check_current(kept[1], now)
            return kept[1]
        der = await self._fetch(source)
        if der is None:
            return self._while_down(key, now)
        found = await asyncio.to_thread(parse_list, der, issuer, now, point)  # it may be megabytes
        if kept and found.last_update_utc < kept[1].last_update_utc:
            raise no("jpki_revocation_stale")  # an older list than one seen before is a replay
        self._kept[key] = (now, found)
        return found

    def _while_down(self, key: Key, now: datetime) -> x509.CertificateRevocationList:
        kept = self._kept.get(key)
        if kept is None or not timedelta(0) <= now - kept[0] < timedelta(minutes=self.accept_cached_for_minutes):
            raise no("jpki_revocation_unavailable")
        check_current(kept[1], now)
        return kept[1]

    async def _fetch(self, source: Source) -> bytes | None:
        if isinstance(source, Path):
            return await asyncio.to_thread(self._read, source)
        return await fetch(self.client, Question(source, self.maximum_bytes, seconds=self.seconds))

    def _read(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                found = file.read(self.maximum_bytes + 1)
        except OSError:
            return None
        if len(found) > self.maximum_bytes:
            raise no("jpki_revocation_invalid")
        return found


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hex."""
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
