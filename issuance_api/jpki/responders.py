"""Revocation by OCSP (失効の問合せ): each question has a nonce, each answer is judged as if an enemy had sent it.

An answer counts if the CA's own key signed it, or a responder to which this CA gave a certificate for answering; if it is
to this very question; and if it is of now. Lists are in ``revocation``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from issuance_api.jpki.certificates import HASHES, KNOWN_CRITICAL, PARSER_ERRORS, PublicKey, allowed_key
from issuance_api.jpki.fetching import Question, fetch
from issuance_api.jpki.lists import SKEW
from issuance_api.jpki.results import no
from issuance_api.jpki.revocation import fingerprint
from records.errors import IssueRefused

OLDEST = timedelta(hours=1)  # of an answer that names no nextUpdate; the nonce shows that it was made just now
MAXIMUM_BYTES = 64 << 10
MOST_RESPONDERS = 4
NONCE_BYTES = 32
KIND = "application/ocsp-request"


@dataclass(slots=True)
class Responders:
    """``addresses``: SHA-256 fingerprint (hex) of the CA certificate to the URL of its responder."""

    addresses: dict[str, str]
    client: httpx.AsyncClient
    seconds: float = 5.0

    async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Return if the responder says now that the certificate is good."""
        address = self.addresses.get(fingerprint(issuer))
        if address is None:
            raise no("jpki_revocation_unavailable")
        request = question(certificate, issuer)
        body = request.public_bytes(Encoding.DER)
        raw = await fetch(self.client, Question(address, MAXIMUM_BYTES, body, KIND, self.seconds))
        if raw is None:
            raise no("jpki_revocation_unavailable")
        check_answer(raw, request, issuer, now)


def question(certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.OCSPRequest:
    """A question that nobody has asked before."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    return builder.add_extension(x509.OCSPNonce(secrets.token_bytes(NONCE_BYTES)), critical=False).build()


def check_answer(raw: bytes, request: ocsp.OCSPRequest, issuer: x509.Certificate, now: datetime) -> None:
    """Return if ``raw`` answers ``request`` with "good"; a refusal of ``results`` otherwise."""
    try:
        status = _status(raw, request, issuer, now)
    except PARSER_ERRORS:
        raise no("jpki_revocation_invalid") from None
    if status is ocsp.OCSPCertStatus.UNKNOWN:
        raise no("jpki_unknown")
    if status is not ocsp.OCSPCertStatus.GOOD:
        raise no("jpki_revoked")


def _status(raw: bytes, request: ocsp.OCSPRequest, issuer: x509.Certificate, now: datetime) -> ocsp.OCSPCertStatus:
    answer = ocsp.load_der_ocsp_response(raw)
    if answer.response_status is ocsp.OCSPResponseStatus.TRY_LATER:
        raise no("jpki_revocation_unavailable")
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise no("jpki_revocation_invalid")
    _check_signer(answer, issuer, now)
    _check_nonce(answer, request)
    single = _about(answer, request)
    _check_age(single.this_update_utc, single.next_update_utc, now)
    return single.certificate_status


def _check_signer(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    chosen = answer.signature_hash_algorithm
    keys = [allowed_key(issuer.public_key()), *_delegated(answer.certificates[:MOST_RESPONDERS], issuer, now)]
    if not isinstance(chosen, HASHES) or not any(_signed(key, answer, chosen) for key in keys):
        raise no("jpki_revocation_invalid")


def _delegated(certificates: Iterable[x509.Certificate], issuer: x509.Certificate, now: datetime) -> list[PublicKey]:
    """Keys of responders that this CA itself certified for answering, and that are in their period."""
    keys = []
    for each in certificates:
        try:
            each.verify_directly_issued_by(issuer)
            key = allowed_key(each.public_key())
        except (*PARSER_ERRORS, IssueRefused):
            continue
        in_period = each.not_valid_before_utc <= now <= each.not_valid_after_utc
        if in_period and isinstance(each.signature_hash_algorithm, HASHES) and _may_answer(each):
            keys.append(key)
    return keys


def _may_answer(certificate: x509.Certificate) -> bool:
    values = {each.oid: each.value for each in certificate.extensions}
    purposes, use = values.get(ExtensionOID.EXTENDED_KEY_USAGE), values.get(ExtensionOID.KEY_USAGE)
    known = all(each.oid in KNOWN_CRITICAL for each in certificate.extensions if each.critical)
    signs = not isinstance(use, x509.KeyUsage) or use.digital_signature
    named = isinstance(purposes, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
    return known and signs and named


def _signed(key: PublicKey, answer: ocsp.OCSPResponse, chosen: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), chosen)
        else:
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(chosen))
    except InvalidSignature:
        return False
    return True


def _check_nonce(answer: ocsp.OCSPResponse, request: ocsp.OCSPRequest) -> None:
    """Without our nonce it may be a recording of an older answer."""
    ours = request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    theirs = [each.value.nonce for each in answer.extensions if isinstance(each.value, x509.OCSPNonce)]
    strange = any(each.critical and not isinstance(each.value, x509.OCSPNonce) for each in answer.extensions)
    if theirs != [ours] or strange:
        raise no("jpki_revocation_invalid")


def _about(answer: ocsp.OCSPResponse, request: ocsp.OCSPRequest) -> ocsp.OCSPSingleResponse:
    found = list(answer.responses)
    if len(found) != 1 or _certificate_id(found[0]) != _certificate_id(request):
        raise no("jpki_revocation_invalid")
    if any(each.critical for each in answer.single_extensions):
        raise no("jpki_revocation_invalid")
    return found[0]


def _certificate_id(one: ocsp.OCSPSingleResponse | ocsp.OCSPRequest) -> tuple[str, bytes, bytes, int]:
    return one.hash_algorithm.name, one.issuer_name_hash, one.issuer_key_hash, one.serial_number


def _check_age(begin: datetime, end: datetime | None, now: datetime) -> None:
    if not begin - SKEW <= now < (end or begin + OLDEST):
        raise no("jpki_revocation_stale")
