"""A test CA and virtual cards (模擬認証局): good certificates and each bad kind. It verifies nothing.

Keys are made once and kept in a folder, so that a world keeps its CA across restarts. The policy OIDs lie below the
documentation arc 2.999 and are nobody's; the real ones are configuration of a site.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CARD_POLICY, PHONE_POLICY, SIGNING_POLICY, OTHER_POLICY = "2.999.1.1", "2.999.1.2", "2.999.1.3", "2.999.1.9"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
YEAR = timedelta(days=365)


def new_key(kind: str) -> PrivateKey:
    """``rsa2048``, ``rsa1024``, ``p256`` or ``p384``."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def kept_key(folder: Path, name: str, kind: str) -> PrivateKey:
    """The key ``name`` of the folder, made where there is none yet; readable by the owner only."""
    path = folder / f"{name}.pem"
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise TypeError("not a key of ours")
        return key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = new_key(kind)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says; the defaults are a good card."""

    key: str = "p256"
    policy: str = CARD_POLICY
    not_before: timedelta = -timedelta(days=30)
    not_after: timedelta = YEAR
    digital_signature: bool = True
    content_commitment: bool = False
    extended_use: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH
    unknown_critical: bool = False
    points: tuple[x509.GeneralName, ...] = ()  # where the certificate says that its part of the list is


GOOD = Profile()
PROFILES = {
    "good": GOOD,
    "phone": Profile(policy=PHONE_POLICY),
    "rsa": Profile(key="rsa2048"),
    "p384": Profile(key="p384"),
    "expired": Profile(not_before=-2 * YEAR, not_after=-timedelta(days=1)),
    "not_yet_valid": Profile(not_before=timedelta(days=1)),
    "wrong_policy": Profile(policy=OTHER_POLICY),
    "signing_policy": Profile(policy=SIGNING_POLICY),
    "signing_use": Profile(content_commitment=True),
    "no_use": Profile(digital_signature=False),
    "server_use": Profile(extended_use=ExtendedKeyUsageOID.SERVER_AUTH),
    "short_key": Profile(key="rsa1024"),
    "unknown_critical": Profile(unknown_critical=True),
}


@dataclass(frozen=True, slots=True)
class VirtualCard:
    """A card or phone (仮想カード): certificate and key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate as the card gives it."""
        return self.certificate.public_bytes(Encoding.DER)

    def sign(self, challenge: bytes, *, pss: bool = False) -> tuple[str, bytes]:
        """Name of the algorithm and signature."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            chosen = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
            return f"rsa-{'pss' if pss else 'pkcs1v15'}-sha256", self.key.sign(challenge, chosen, hashes.SHA256())
        if self.key.curve.name == "secp384r1":
            return "ecdsa-p384-sha384", self.key.sign(challenge, ec.ECDSA(hashes.SHA384()))
        return "ecdsa-p256-sha256", self.key.sign(challenge, ec.ECDSA(hashes.SHA256()))


@dataclass(frozen=True, slots=True)
class Part:
    """A list that says what it is of (失効リストの区分); the defaults are a good part of a split list."""

    points: tuple[x509.GeneralName, ...]
    user_only: bool = False
    ca_only: bool = False
    attribute_only: bool = False
    indirect: bool = False
    reasons: frozenset[x509.ReasonFlags] | None = None
    critical: bool = True
    delta: bool = False


@dataclass(frozen=True, slots=True)
class Rank:
    """What the certificate of an authority says; the defaults are a good one directly above cards."""

    path_length: int | None = 0
    is_ca: bool = True
    signs: bool = True
    policies: tuple[str, ...] = ()
    not_after: timedelta = 5 * YEAR
    wrong_key_identifier: bool = False
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    points: tuple[x509.GeneralName, ...] = ()


class TestAuthority:
    """模擬認証局. Two with the same ``name`` and other key names have one DN and two keys.

    With ``above`` it is an intermediate that this one certified; ``organisation`` is O of its name.
    """

    __test__ = False

    def __init__(
        self,
        folder: Path,
        now: datetime,
        *,
        name: str = "Test CA",
        key_name: str = "ca",
        above: TestAuthority | None = None,
        rank: Rank = Rank(),
        organisation: str | None = None,
    ) -> None:
        self.now, self.rank = now, rank
        said = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
        self.name = x509.Name([*said, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = kept_key(folder, key_name, "p384")
        self.certificate = (above or self).certify(self)

    def issue(self, profile: Profile = GOOD, *, serial: int | None = None) -> VirtualCard:
        """A new card; a renewed one is simply another, with a serial of its own. ``serial``: one that another CA gave."""
        key = new_key(profile.key)
        builder = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fictional")]), key, serial)
            .not_valid_before(self.now + profile.not_before)
            .not_valid_after(self.now + profile.not_after)
            .add_extension(_usage(profile.digital_signature, profile.content_commitment), critical=True)
            .add_extension(x509.ExtendedKeyUsage([profile.extended_use]), critical=False)
            .add_extension(_policies(profile.policy), critical=True)
            .add_extension(self._key_identifier(), critical=False)
        )
        if profile.points:
            builder = builder.add_extension(_points(profile.points), critical=False)
        if profile.unknown_critical:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.7"), b"\x05\x00"), critical=True
            )
        return VirtualCard(builder.sign(self.key, hashes.SHA384()), key)

    def revocation_list(
        self,
        revoked: tuple[int, ...] = (),
        *,
        issued: datetime | None = None,
        signer: PrivateKey | None = None,
        part: Part | None = None,
    ) -> bytes:
        """失効リスト in DER, current for a day from ``issued``; another ``signer`` makes a forged one."""
        at = issued or self.now
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(at)
            .next_update(at + timedelta(days=1))
        )
        for extension, critical in _list_extensions(part):
            builder = builder.add_extension(extension, critical)
        for serial in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(signer or self.key, hashes.SHA384()).public_bytes(Encoding.DER)

    @property
    def key_sha256(self) -> str:
        """SHA-256 (hex) of the public key, by which a card is linked to this authority."""
        return sha256(self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def certify(self, other: TestAuthority) -> x509.Certificate:
        """The certificate of another authority, or our own."""
        rank = other.rank
        builder = self._builder(other.name, other.key).not_valid_before(self.now - 5 * YEAR)
        builder = builder.not_valid_after(self.now + rank.not_after)
        length = rank.path_length if rank.is_ca else None
        builder = builder.add_extension(x509.BasicConstraints(ca=rank.is_ca, path_length=length), critical=True)
        builder = builder.add_extension(_usage(not rank.signs, False, ca=rank.signs), critical=True)
        key = x509.SubjectKeyIdentifier.from_public_key(other.key.public_key())
        builder = builder.add_extension(key, critical=False)
        builder = builder.add_extension(self._key_identifier(wrong=rank.wrong_key_identifier), critical=False)
        if rank.policies:
            builder = builder.add_extension(_policies(*rank.policies), critical=False)
        if rank.points:
            builder = builder.add_extension(_points(rank.points), critical=False)
        for extension, critical in rank.more:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA384())

    def _key_identifier(self, *, wrong: bool = False) -> x509.AuthorityKeyIdentifier:
        key = new_key("p256") if wrong else self.key
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())

    def _builder(self, subject: x509.Name, key: PrivateKey, serial: int | None = None) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(self.name)
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
        )


def _usage(digital_signature: bool, content_commitment: bool, *, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=content_commitment, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=ca, crl_sign=ca,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _policies(*oids: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids])


def _points(names: tuple[x509.GeneralName, ...]) -> x509.CRLDistributionPoints:
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])


def _list_extensions(part: Part | None) -> list[tuple[x509.ExtensionType, bool]]:
    if part is None:
        return []
    own = x509.IssuingDistributionPoint(
        full_name=part.points, relative_name=None, only_contains_user_certs=part.user_only,
        only_contains_ca_certs=part.ca_only, only_some_reasons=part.reasons, indirect_crl=part.indirect,
        only_contains_attribute_certs=part.attribute_only,
    )  # fmt: skip
    delta: list[tuple[x509.ExtensionType, bool]] = [(x509.DeltaCRLIndicator(1), True)] if part.delta else []
    return [(own, part.critical), *delta]
