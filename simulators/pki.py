"""Certificates for the simulated world outside (模擬の認証局): a CA, a server and a client for loopback connections.

Everything is an ECDSA P-256 key in PEM files below a folder; made once, valid for ten years. Never for a real site.
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

YEARS = 10
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of the PEM files: ``ca.pem``, ``server.pem``, ``client.pem`` (certificate and key in one file)."""

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
        _write(pki.ca, _pem(ca))
    return pki


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _leaf(issuer: x509.Name, name: str, key: ec.EllipticCurvePrivateKey, *, server: bool) -> x509.CertificateBuilder:
    use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
    builder = _builder(_name(name), issuer, key.public_key(), authority=False)
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
