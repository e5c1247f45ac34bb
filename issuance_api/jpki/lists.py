"""One revocation list judged (失効リストの検証), whole or one part of several. Fetches and keeps nothing.

A list counts if the issuing CA's own key signed it, it is current, and it covers the certificate that is asked for: a
list without an IssuingDistributionPoint covers everything; one with it only what it names (RFC 5280, 6.3.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from issuance_api.jpki.certificates import HASHES, PARSER_ERRORS, allowed_key
from issuance_api.jpki.results import no

SKEW = timedelta(minutes=5)
KNOWN = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.ISSUING_DISTRIBUTION_POINT}
Point = x509.GeneralName
Where = TypeVar("Where")


def parse_list(
    der: bytes, issuer: x509.Certificate, now: datetime, point: Point | None = None
) -> x509.CertificateRevocationList:
    """A complete, current list signed by the issuer's key; ``point``: the part that it must be, None a whole list."""
    try:
        found = x509.load_der_x509_crl(der)
        exact = found.public_bytes(Encoding.DER) == der and found.issuer == issuer.subject
        strong = isinstance(found.signature_hash_algorithm, HASHES)
        signed = found.is_signature_valid(allowed_key(issuer.public_key()))
        plain = all(_understood(each) for each in found.extensions)
        right = _is_part(found, point)
    except PARSER_ERRORS:
        raise no("jpki_revocation_invalid") from None
    if not (exact and strong and signed and plain):
        raise no("jpki_revocation_invalid")
    if not right:
        raise no("jpki_revocation_part")
    check_current(found, now)
    return found


def _understood(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """A delta list names what has changed only: not finding somebody in it says nothing."""
    return extension.oid != ExtensionOID.DELTA_CRL_INDICATOR and (not extension.critical or extension.oid in KNOWN)


def _is_part(found: x509.CertificateRevocationList, point: Point | None) -> bool:
    """Whether the list is the part of ``point``: all reasons, of this authority only, by one of its full names."""
    said = [one for one in found.extensions if one.oid == ExtensionOID.ISSUING_DISTRIBUTION_POINT]
    if point is None or len(said) != 1:
        return point is None and not said
    value = said[0].value
    if not isinstance(value, x509.IssuingDistributionPoint) or not said[0].critical:
        return False
    partial = value.indirect_crl or value.only_some_reasons is not None or value.only_contains_attribute_certs
    return not partial and point in (value.full_name or ())


def check_current(found: x509.CertificateRevocationList, now: datetime) -> None:
    """A list without an end, of the future or past its end is stale."""
    end = found.next_update_utc
    if end is None or not found.last_update_utc - SKEW <= now < end:
        raise no("jpki_revocation_stale")


def check_listed(found: x509.CertificateRevocationList, certificate: x509.Certificate) -> None:
    """Listed is revoked, whatever the reason; an entry that we cannot read may be anybody's."""
    try:
        entry = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
        covered = _covers(found, certificate)
    except PARSER_ERRORS:
        raise no("jpki_revocation_invalid") from None
    if entry is not None:
        raise no("jpki_revoked")
    if not covered:
        raise no("jpki_revocation_part")


def _covers(found: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """A part may be for people only, or for authorities only."""
    said = [one.value for one in found.extensions if isinstance(one.value, x509.IssuingDistributionPoint)]
    basic = [one.value.ca for one in certificate.extensions if isinstance(one.value, x509.BasicConstraints)]
    is_ca = any(basic)
    return not any(one.only_contains_user_certs if is_ca else one.only_contains_ca_certs for one in said)


def part_of(certificate: x509.Certificate, parts: Mapping[Point, Where]) -> tuple[Point, Where]:
    """The distribution point of the certificate that configuration knows, and where its list is."""
    try:
        for point in _points(certificate):
            if point in parts:
                return point, parts[point]
    except PARSER_ERRORS:
        raise no("jpki_malformed") from None
    raise no("jpki_revocation_part")


def _points(certificate: x509.Certificate) -> Iterable[Point]:
    """Full names of the points that serve all reasons and whose lists are the issuer's own."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            for one in extension.value:
                if one.reasons is None and one.crl_issuer is None:
                    yield from one.full_name or ()
