"""From a certificate up to a trusted authority (認証パス), and the whole judgement of a certificate.

One level is the rule: the authority that issued the card is trusted itself. Where the site configures intermediates, a
card may come from one of those; nothing that a card brings along is ever part of a path. Revocation is elsewhere.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from issuance_api.jpki.certificates import (
    CHECKS,
    KNOWN_CRITICAL,
    PARSER_ERRORS,
    Anchor,
    Medium,
    Policy,
    check_algorithms,
    check_ca,
    medium_of,
    policies_of,
)
from issuance_api.jpki.results import no
from records.errors import IssueRefused

DEEPEST = 4  # authorities in one path
TEST_ORGANISATION = "JPKI-TEST"  # of the cards that the operator lends for trials
ANY_POLICY = "2.5.29.32.0"
CONSTRAINTS = {
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.POLICY_CONSTRAINTS,
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.INHIBIT_ANY_POLICY,
}
Path = tuple[Anchor, ...]


def judge(certificate: x509.Certificate, policy: Policy, now: datetime) -> tuple[Path, Medium]:
    """The authorities from the issuing one up to a trusted one, and the medium; or the refusal of the first check."""
    try:
        check_algorithms(certificate)
        found = path_of(certificate, policy, now)
        for check in CHECKS:
            check(certificate, policy, now)
        return found, medium_of(certificate, policy)
    except PARSER_ERRORS:
        raise no("jpki_malformed") from None


def path_of(certificate: x509.Certificate, policy: Policy, now: datetime) -> Path:
    """The first path whose every authority may stand where it stands; a trusted issuer comes before an intermediate."""
    worst = no("jpki_chain")
    for path in _paths(certificate, policy, ()):
        try:
            _check_path(certificate, path, policy, now)
        except IssueRefused as refusal:
            worst = worst if worst.code != "jpki_chain" else no(refusal.code)
        else:
            return path
    raise worst


def _paths(certificate: x509.Certificate, policy: Policy, below: Path) -> list[Path]:
    """Paths by key, not by name: an old CA of the same name is another CA."""
    found = [(*below, each) for each in policy.anchors if _issued(certificate, each)]
    if len(below) + 1 < DEEPEST:
        for each in policy.intermediates:
            if each not in below and _issued(certificate, each):
                found += _paths(each.certificate, policy, (*below, each))
    return found


def _issued(certificate: x509.Certificate, by: Anchor) -> bool:
    try:
        certificate.verify_directly_issued_by(by.certificate)
    except PARSER_ERRORS:
        return False
    return True


def _check_path(certificate: x509.Certificate, path: Path, policy: Policy, now: datetime) -> None:
    if policy.production and any(each.fictional or _is_test(each.certificate) for each in path):
        raise no("jpki_test_card")
    for each in path:
        check_ca(each.certificate, now)
    below = certificate
    for number, each in enumerate(path):
        if len(path) > 1:
            _check_key_identifier(below, each.certificate)
            _check_length(each.certificate, path[:number])
        below = each.certificate
    for each in path[:-1]:
        _check_between(each.certificate, policies_of(certificate) & policy.policies.keys())


def _is_test(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(one.value == TEST_ORGANISATION for one in names)


def _check_key_identifier(below: x509.Certificate, above: x509.Certificate) -> None:
    """認証局鍵識別子: where both say which key it is, they say the same."""
    own = [one.value.digest for one in above.extensions if isinstance(one.value, x509.SubjectKeyIdentifier)]
    said = [one.value.key_identifier for one in below.extensions if isinstance(one.value, x509.AuthorityKeyIdentifier)]
    if own and said and said[0] is not None and said != own:
        raise no("jpki_chain")


def _check_length(certificate: x509.Certificate, below: Path) -> None:
    """経路長: how many authorities may stand below; one that renewed its own key does not count."""
    allowed = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    standing = [each for each in below if each.certificate.subject != each.certificate.issuer]
    if allowed is not None and len(standing) > allowed:
        raise no("jpki_ca")


def _check_between(certificate: x509.Certificate, policies: frozenset[str]) -> None:
    """An intermediate: algorithms, no limits that we would have to work out, and the accepted policies of the card."""
    check_algorithms(certificate)
    extensions = list(certificate.extensions)
    unknown = any(each.critical and each.oid not in KNOWN_CRITICAL for each in extensions)
    if unknown or any(each.oid in CONSTRAINTS for each in extensions):
        raise no("jpki_ca")
    allowed = policies_of(certificate)
    if ANY_POLICY not in allowed and not policies <= allowed:
        raise no("jpki_policy")
