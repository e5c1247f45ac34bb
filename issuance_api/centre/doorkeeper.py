"""Who may ask for which town (接続元の認可): the pinned certificates of the centre, valid and not revoked at each request.

TLS has checked the chain when the connection began. A certificate that expires or is revoked on a connection that stays
open is refused with its next request. Whoever is refused learns that, and not why.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from issuance_api.centre.settings import CentreSettings
from issuance_api.jpki.certificates import PARSER_ERRORS
from issuance_api.service_hours import Clock
from records.errors import ConfigurationError, Place, UtsushiError

log = logging.getLogger("issuance_api")


class Unwelcome(UtsushiError):
    """接続元不可: ``reason`` is for our log."""

    code = "not_authorised"

    def __init__(self, reason: str) -> None:
        super().__init__(f"a client was refused: {reason}")
        self.reason = reason


def utc_clock() -> datetime:
    """Now; certificates are judged by the real time, whatever hour a demonstration has."""
    return datetime.now(UTC)


class Doorkeeper:
    """Judges the certificate of each request."""

    def __init__(self, settings: CentreSettings, clock: Clock = utc_clock) -> None:
        self._clients = settings.clients
        self._clock = clock
        self._list = RevocationFile(settings.revoked, settings.authority) if settings.revoked else None

    def admit(self, der: bytes | None, municipality: str | None) -> None:
        """Nothing, or ``Unwelcome``; ``municipality`` None is a path that names none."""
        reason = self._objection(der, municipality)
        if reason:
            fingerprint = hashlib.sha256(der or b"").hexdigest()
            log.warning("centre: refused a client: %s (certificate %s)", reason, fingerprint)
            raise Unwelcome(reason)

    def _objection(self, der: bytes | None, municipality: str | None) -> str | None:
        towns = self._clients.get(hashlib.sha256(der).hexdigest()) if der else None
        if der is None or towns is None:
            return "not_pinned"
        certificate = x509.load_der_x509_certificate(der)
        now = self._clock()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return "not_valid_now"
        if municipality is not None and municipality not in towns:
            return "other_municipality"
        return self._list.objection(certificate, now) if self._list else None


@dataclass(frozen=True, slots=True)
class _Read:
    """The list as it was when the file had this stamp."""

    stamp: tuple[int, int]
    crl: x509.CertificateRevocationList | None
    authority: x509.Certificate | None


class RevocationFile:
    """The list of revoked client certificates (PEM or DER), read anew when the file changes.

    A list that can't be used (unreadable, not signed by the CA, too old) refuses everybody: unknown is not good.
    """

    def __init__(self, path: Path, authority: Path) -> None:
        self._path = path
        self._authorities = x509.load_pem_x509_certificates(authority.read_bytes())
        self._read = self._load()
        if self._read.crl is None:
            raise ConfigurationError("the list of revoked certificates is not one of this CA", Place(path.name))

    def objection(self, certificate: x509.Certificate, now: datetime) -> str | None:
        """Why the certificate can't be used by this list; None when it can."""
        if self._read.stamp != self._stamp():
            self._read = self._load()
        crl, authority = self._read.crl, self._read.authority
        if crl is None or authority is None:
            return "list_unusable"
        if crl.next_update_utc is None or not crl.last_update_utc <= now <= crl.next_update_utc:
            return "list_outdated"
        try:
            certificate.verify_directly_issued_by(authority)
        except PARSER_ERRORS:
            return "list_of_another_authority"
        revoked = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        return "revoked" if revoked is not None else None

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _load(self) -> _Read:
        stamp = self._stamp()
        try:
            raw = self._path.read_bytes()
            pem = raw.lstrip().startswith(b"-----BEGIN")
            crl = x509.load_pem_x509_crl(raw) if pem else x509.load_der_x509_crl(raw)
            signers = [one for one in self._authorities if _signed(crl, one)]
        except (OSError, *PARSER_ERRORS):
            return _Read(stamp, None, None)
        return _Read(stamp, crl, signers[0]) if signers else _Read(stamp, None, None)


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    return crl.issuer == authority.subject and crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
