"""Certificates for the simulated world outside (模擬の認証局): a CA, a server and clients for loopback connections.

Everything is an ECDSA P-256 key in PEM files below a folder; made once, valid for ten years unless a test wants another
time. The CA can revoke. Never for a real site.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TEN_YEARS = timedelta(days=3650)
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of the PEM files: ``ca.pem``, ``server.pem``, ``client.pem`` (certificate and key in one file).

    ``ca_key.pem`` is the CA's key, for further clients and for lists of revoked ones (``crl.pem``).
    """

    folder: Path

    @property
    def ca(self) -> Path:
        """The CA's certificate."""
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        """Certificate and key of the server on the loopback address."""
        return self.folder / "server.pem"

    @property
    def client(self) -> Path:
        """Certificate and key of the client that may connect."""
        return self.folder / "client.pem"

    def named(self, name: str) -> Path:
        """Certificate and key of the client ``name``."""
        return self.folder / f"{name}.pem"

    def fingerprint(self, name: str = "client") -> str:
        """SHA-256 of a client's certificate (DER), as a site pins it."""
        return _load(self.named(name)).fingerprint(hashes.SHA256()).hex()

    def issue(self, name: str, valid: timedelta = TEN_YEARS) -> Path:
        """One more client; with a negative ``valid`` one whose time is over."""
        own = ec.generate_private_key(ec.SECP256R1())
        builder = _leaf(_load(self.ca).subject, name, own, server=False, valid=valid)
        _write(self.named(name), _pem(builder.sign(self._key(), hashes.SHA256())) + _private(own))
        return self.named(name)

    def revoke(self, *names: str, valid: timedelta = TEN_YEARS) -> Path:
        """The CA's list with these clients and no other, in ``crl.pem``."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(_load(self.ca).subject)
        builder = builder.last_update(now - 2 * abs(valid)).next_update(now + valid)
        for name in names:
            entry = x509.RevokedCertificateBuilder().serial_number(_load(self.named(name)).serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
        crl = builder.sign(self._key(), hashes.SHA256())
        part = self.folder / "crl.part"
        _write(part, crl.public_bytes(serialization.Encoding.PEM))
        return part.replace(self.folder / "crl.pem")

    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key((self.folder / "ca_key.pem").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the CA's key is one on a curve")
        return key

    def server_context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer; a client without a certificate of this CA is refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server)
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def ensure(folder: Path, name: str = "utsushi-simulated", clients: Sequence[str] = ("client",)) -> Pki:
    """The certificates in ``folder``, made where they are missing."""
    pki = Pki(folder)
    if not pki.ca.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _name(f"{name} CA")
        ca = _builder(issuer, issuer, key.public_key(), authority=True).sign(key, hashes.SHA256())
        for one in (*clients, "server"):
            own = ec.generate_private_key(ec.SECP256R1())
            made = _leaf(issuer, one, own, server=one == "server").sign(key, hashes.SHA256())
            _write(folder / f"{one}.pem", _pem(made) + _private(own))
        _write(folder / "ca_key.pem", _private(key))
        _write(pki.ca, _pem(ca))
    return pki


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    authority: bool,
    valid: timedelta = TEN_YEARS,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1) - 2 * abs(min(valid, timedelta())))
        .not_valid_after(now + valid)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _leaf(
    issuer: x509.Name, name: str, key: ec.EllipticCurvePrivateKey, *, server: bool, valid: timedelta = TEN_YEARS
) -> x509.CertificateBuilder:
    use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
    builder = _builder(_name(name), issuer, key.public_key(), authority=False, valid=valid)
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False) if server else builder


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
