"""One certificate judged (電子証明書の検証): strict DER, period, use, policy. Who issued it is in ``paths``.

Everything that is not named as allowed is refused; the parser's own exceptions never leave this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from issuance_api.jpki.results import no

Medium = Literal["card", "phone"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
MAXIMUM_BYTES = 8192
HASHES = (hashes.SHA256, hashes.SHA384)
KNOWN_CRITICAL = {
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.BASIC_CONSTRAINTS,
}
PARSER_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension,
                 x509.InvalidVersion, x509.UnsupportedGeneralNameType, InvalidSignature)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anchor:
    """認証局の証明書 whose file configuration names; ``fictional``: a test CA; ``asked``: it has a source of revocation."""

    certificate: x509.Certificate
    fictional: bool = False
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """What is accepted (検証の設定). ``policies`` maps a required policy OID to its medium; production OIDs are
    configuration. ``anchors`` are trusted; ``intermediates`` are only known, and count if a path leads to an anchor."""

    anchors: tuple[Anchor, ...]
    policies: dict[str, Medium]
    signing_policies: frozenset[str] = field(default_factory=frozenset)
    production: bool = True
    intermediates: tuple[Anchor, ...] = ()

    @property
    def all(self) -> tuple[Anchor, ...]:
        """Trusted and intermediate ones."""
        return (*self.anchors, *self.intermediates)


def parse(der: bytes) -> x509.Certificate:
    """Exactly one certificate, in the very bytes that its contents encode to."""
    if not 0 < len(der) <= MAXIMUM_BYTES:
        raise no("jpki_malformed")
    try:
        certificate = x509.load_der_x509_certificate(der)
        canonical = certificate.public_bytes(Encoding.DER)
        _ = certificate.extensions, certificate.subject, certificate.issuer
    except PARSER_ERRORS:
        raise no("jpki_malformed") from None
    if canonical != der or certificate.version is not x509.Version.v3:
        raise no("jpki_malformed")
    return certificate


def allowed_key(key: object) -> PublicKey:
    """RSA of 2048 bits or more, P-256 or P-384."""
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    raise no("jpki_algorithm")


def check_algorithms(certificate: x509.Certificate) -> None:
    """Signed with SHA-256 or SHA-384, and a key that we allow."""
    try:
        chosen, key = certificate.signature_hash_algorithm, certificate.public_key()
    except PARSER_ERRORS:
        raise no("jpki_algorithm") from None
    if not isinstance(chosen, HASHES):
        raise no("jpki_algorithm")
    allowed_key(key)


def check_ca(certificate: x509.Certificate, now: datetime) -> None:
    """基本制約, key usage, key and period of a CA."""
    try:
        allowed_key(certificate.public_key())
        extensions = certificate.extensions
        is_ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        use = extensions.get_extension_for_class(x509.KeyUsage).value
    except PARSER_ERRORS:
        raise no("jpki_ca") from None
    if not (is_ca and use.key_cert_sign and use.crl_sign):
        raise no("jpki_ca")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise no("jpki_ca")


def _period(certificate: x509.Certificate, _policy: Policy, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise no("jpki_not_yet_valid")
    if now > certificate.not_valid_after_utc:
        raise no("jpki_expired")


def _critical(certificate: x509.Certificate, _policy: Policy, _now: datetime) -> None:
    if any(each.critical and each.oid not in KNOWN_CRITICAL for each in certificate.extensions):
        raise no("jpki_extension")


def _not_for_signing(certificate: x509.Certificate, policy: Policy, _now: datetime) -> None:
    if policies_of(certificate) & policy.signing_policies:
        raise no("jpki_signing_certificate")


def _use(certificate: x509.Certificate, _policy: Policy, _now: datetime) -> None:
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise no("jpki_key_usage")
        if isinstance(value, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in value:
            raise no("jpki_key_usage")
    _digital_signature_only(certificate)


def _digital_signature_only(certificate: x509.Certificate) -> None:
    try:
        use = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise no("jpki_key_usage") from None
    if use.content_commitment:
        raise no("jpki_signing_certificate")
    if not use.digital_signature or use.key_cert_sign or use.crl_sign:
        raise no("jpki_key_usage")


def policies_of(certificate: x509.Certificate) -> frozenset[str]:
    """The OIDs of the certificate policies."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(each.policy_identifier.dotted_string for each in found)


def medium_of(certificate: x509.Certificate, policy: Policy) -> Medium:
    """Card or phone, by exactly one of the policies."""
    media = {policy.policies[oid] for oid in policies_of(certificate) if oid in policy.policies}
    if len(media) != 1:
        raise no("jpki_policy")
    return media.pop()


CHECKS: tuple[Callable[[x509.Certificate, Policy, datetime], None], ...] = (
    _period, _critical, _not_for_signing, _use,
)  # fmt: skip
