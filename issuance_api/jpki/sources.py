"""OCSP, then the list, then memory if the site allows it (失効確認の順序). Fetches and judges nothing itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from issuance_api.jpki.results import no
from issuance_api.jpki.revocation import Revocation, fingerprint
from records.errors import IssueRefused

MOST_REMEMBERED = 10_000
UNAVAILABLE = "jpki_revocation_unavailable"
FINAL = frozenset({"jpki_revoked", "jpki_unknown"})


@dataclass(slots=True)
class Sources:
    """Asks one source after the other; the first that can tell decides.

    ``accept_cached_minutes``: how long a "good" serves while every source is down (0: refuse). An answer that was
    tampered with is no silence: it is reported, and memory does not stand in for it.
    """

    sources: Sequence[Revocation]
    accept_cached_minutes: int = 0
    _remembered: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if the certificate is known to be good."""
        key = fingerprint(certificate)
        try:
            await self._ask(certificate, issuer, now)
        except IssueRefused as refusal:
            if refusal.code in FINAL:
                self._remembered.pop(key, None)
            if refusal.code != UNAVAILABLE or not self._may_stand_in(key, now):
                raise
        else:
            self._remember(key, now)

    async def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        worst: IssueRefused = no(UNAVAILABLE)
        for source in self.sources:
            try:
                return await source.check(certificate, issuer, now)
            except IssueRefused as refusal:
                if refusal.code in FINAL:
                    raise
                worst = worst if refusal.code == UNAVAILABLE else refusal
        raise worst

    def _remember(self, key: str, now: datetime) -> None:
        self._remembered[key] = now
        self._remembered.move_to_end(key)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    def _may_stand_in(self, key: str, now: datetime) -> bool:
        at = self._remembered.get(key)
        return at is not None and timedelta(0) <= now - at < timedelta(minutes=self.accept_cached_minutes)
